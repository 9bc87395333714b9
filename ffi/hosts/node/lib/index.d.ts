/**
 * Promises and async iterators from libraries built on wharf.
 *
 * A library runs its tasks on threads of its own; each accepted task is answered once, by a message that arrives in
 * the loop of the thread that opened the port. No JavaScript is ever called from another thread.
 */

/** The type of a parameter of a library's function, by the C type in its header: `string` is `const char *`, `bytes`
 * is `const uint8_t *` with its length, `int32[]` and the like are slices of other elements, `value` is
 * `const wharf_value_t *`, `port` is `wharf_port_t`, and `uint64` is also `size_t`. */
export type WharfType =
  | 'bool'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float'
  | 'double'
  | 'string'
  | 'value'
  | 'port'
  | 'bytes'
  | `${'int8' | 'uint8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'uint64' | 'float' | 'double'}[]`;

/** The type of the result of a function that submits nothing. */
export type WharfResult = 'void' | 'bool' | 'int32' | 'uint32' | 'int64' | 'uint64' | 'double' | 'string';

/**
 * Bytes, all 0, that can be given to a library without a copy. Once a call or a post that was given them, as a value, has
 * been accepted they are the library's: the buffer is detached, as one that was transferred, and so are all arrays on it.
 * A refused call leaves them as they were. Where the program's buffers all have to lie in one place, as in Electron, they
 * are copied as any other.
 */
export declare function allocate(length: number): Uint8Array<ArrayBuffer>;

/** What can be sent to a library. All of it is copied but for what {@link allocate} has made. A whole number within 2^53 arrives as an integer, and so does
 * a bigint within 64 bits; any other number as a double. `undefined` arrives as null. */
export type WharfValue =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | ArrayBuffer
  | ArrayBufferView
  | WharfSendPort
  | readonly WharfValue[];

/**
 * What arrives from a library. An integer beyond 2^53 is a bigint. Bytes that the library lends are used where they
 * are, and given back when the array that arrives has been collected; for reading only or not, nothing keeps a
 * program from writing to them. Data without an element type is a DataView. Vectors of numbers are arrays of their
 * lanes. A native pointer is an opaque object, whose finalizer runs when it has been collected.
 */
export type WharfAnswer =
  | null
  | boolean
  | number
  | bigint
  | string
  | ArrayBufferView
  | WharfSendPort
  | object
  | WharfAnswer[];

/** The statuses of calls, by the names that wharf.h has for them. */
export declare const STATUS: Readonly<Record<string, number>>;

/** A call was refused: it has done nothing, and nothing will arrive. */
export declare class WharfError extends Error {
  /** @param status One of {@link STATUS}. */
  constructor(status: number, text: string);
  /** The status by name, as `WHARF_NO_PORT`. */
  readonly code: string;
  /** The status as a number. */
  readonly status: number;
}

/** A task has not ended well. */
export declare class WharfTaskError extends Error {
  constructor(kind: WharfTaskError['kind'], code: number, text: string, cause?: Error);
  /** How it ended: by an error of the library's, a panic, a cancel, or with its runtime. */
  readonly kind: 'error' | 'panic' | 'cancelled' | 'shutdown';
  /** An error's code: above 0 the library's own, below 0 a status of wharf's with the sign turned. 0 with all else. */
  readonly code: number;
}

/** A function of a library's that submits a task; `Args` is what it takes. */
export declare class WharfFunction<Args extends unknown[] = unknown[]> {
  private constructor();
  readonly library: WharfLibrary;
  readonly name: string;
  readonly types: readonly WharfType[];
  /** How many arguments it takes. */
  readonly arity: number;
  /** Only for the compiler: what the function takes. */
  protected readonly takes: (...args: Args) => void;
}

/** A library built on wharf. Loading it starts no thread, and it stays loaded. Each worker makes an object of its own
 * for it; behind them is one library. */
export declare class WharfLibrary {
  /**
   * Loads the library at `path`, as `dlopen` does.
   *
   * Throws where there is none (`ERR_DLOPEN_FAILED`), and where it is not built on a version of wharf that this
   * package knows.
   */
  constructor(path: string);
  readonly path: string;
  /** The version of wharf that it is built on. */
  readonly version: string;
  /**
   * One of its functions, by its name and the types of its parameters: those between the tag and the task's place.
   * The types have to be those of the function: C has no way to ask. `cargo xtask header` in wharf's repository
   * makes a module of them from what the library says of itself.
   *
   * Throws where there is no such function, or where it takes more than can be passed (11 words, 8 floating-point
   * numbers).
   */
  function<Args extends unknown[]>(name: string, types?: readonly WharfType[]): WharfFunction<Args>;
  /**
   * One of its functions that submits nothing: it runs on this thread, and what it returns is returned. What it returns
   * as a string stays the library's and is copied.
   */
  direct(name: string, types?: readonly WharfType[], result?: WharfResult): (...args: WharfValue[]) => WharfAnswer | undefined;
  /** A port of this library's by its number, which may come from another worker. */
  sendPort(id: bigint | number): WharfSendPort;
}

/** A port that can be posted to: of this thread's, another's, or served by the library. It can be sent as a value. */
export declare class WharfSendPort {
  private constructor();
  /** Its number, which can be given to another worker. */
  readonly id: bigint;
  /** Posts a value with a tag. Throws a {@link WharfError}: `WHARF_FULL`, `WHARF_NO_PORT` ... */
  post(value: WharfValue, tag?: number | bigint): void;
  /** The same, overtaking what waits. */
  postControl(value: WharfValue, tag?: number | bigint): void;
}

/** How threads are had. All numbers may be left out, or 0 for the library's choice. */
export interface WharfRuntimeOptions {
  /** Threads that run tasks. */
  workerThreads?: number;
  /** Threads that run functions which block, at most. */
  maxBlockingThreads?: number;
  threadStackBytes?: number;
  threadName?: string;
  /** For how long a worker without work looks out for more before it sleeps. */
  spinBeforeParkMs?: number;
  /** After how long without work a thread that runs functions which block ends. */
  threadKeepAliveMs?: number;
}

/** The threads that tasks run on. Most programs need none of these: without one, a port uses the library's default
 * runtime. One that is forgotten, or whose worker ends, is shut down. */
export declare class WharfRuntime {
  constructor(library: WharfLibrary, options?: WharfRuntimeOptions);
  readonly library: WharfLibrary;
  /**
   * Cancels all tasks and waits until they and the threads are gone; then closes the runtime's ports. Each task that
   * had not ended ends with a {@link WharfTaskError} of kind `shutdown` before the promise is fulfilled.
   *
   * Rejects with `WHARF_TIMEOUT` where something has not returned within `timeoutMs`; the runtime goes on shutting
   * down, and the call can be repeated.
   */
  shutdown(options?: { timeoutMs?: number }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface WharfPortOptions {
  /** The threads that the port's tasks run on; the library's default ones without it. */
  runtime?: WharfRuntime;
  /** How many data messages may wait in the port. 0, or left out: as many as there is memory for. */
  capacity?: number;
  /** What becomes of a data message when the port is full: refused (a task that streams waits), or put in place of the
   * oldest one, or of those with its tag. */
  whenFull?: 'refuse' | 'drop-oldest' | 'keep-latest';
  /** Data messages need credit, and so much is there at first; {@link WharfPort.grant} gives more. */
  credit?: number;
  /** How many tasks may be under way at once. */
  maxTasks?: number;
  /** Is given what is posted to the port by others than its tasks. A port with one is not collected before it is
   * closed. */
  onMessage?: (value: WharfAnswer, about: { tag: number; control: boolean }) => void;
}

export interface WharfCallOptions {
  /** Cancels the task when it is aborted. The promise is then rejected with the signal's reason, but not before what
   * the task held is free; or settles otherwise, if the task was quicker. */
  signal?: AbortSignal | null;
  /** Is told of what the task posts before it ends. */
  onProgress?: (value: WharfAnswer) => void;
}

export interface WharfStreamOptions {
  signal?: AbortSignal | null;
  /** How many values may be on their way before the task has to wait for the reader. */
  highWaterMark?: number;
}

/** A task that was submitted. */
export declare class WharfTask<Result = WharfAnswer> {
  private constructor();
  /** What the task gives, or a {@link WharfTaskError}; a {@link WharfError} where it was refused. */
  readonly value: Promise<Result>;
  readonly isDone: boolean;
  /** Asks the task to end early, and waits until what it held is free. Asking again, or too late, does no harm. */
  cancel(): Promise<void>;
  /** Makes the task wait; what it waits for may happen meanwhile. */
  pause(): void;
  resume(): void;
}

/**
 * What a task gives one by one. The task is submitted with the first `next`. It waits when as many values as the high
 * water mark have not been read, and the program does not stay alive for a stream that nobody reads.
 *
 * `return`, which leaving a `for await` calls, cancels the task, and is done when what the task held is free. An error
 * of the task's comes after all values before it. A stream that is forgotten is cancelled.
 */
export declare class WharfStream<Value = WharfAnswer> implements AsyncIterableIterator<Value> {
  private constructor();
  next(): Promise<IteratorResult<Value, undefined>>;
  return(value?: unknown): Promise<IteratorResult<Value, undefined>>;
  throw(error?: unknown): Promise<IteratorResult<Value, undefined>>;
  [Symbol.asyncIterator](): this;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Where the answers of a thread's tasks arrive. One port serves any number of tasks, and is cheaper than one for each.
 *
 * It keeps the program alive while an answer is due. One that is forgotten and has no task under way is closed; one
 * whose worker ends, however it ends, is closed and its tasks are cancelled.
 */
export declare class WharfPort {
  constructor(library: WharfLibrary, options?: WharfPortOptions);
  readonly library: WharfLibrary;
  /** The number that the library knows it by. */
  readonly id: bigint;
  /** What others post to it by. */
  readonly sendPort: WharfSendPort;
  readonly isClosed: boolean;
  /** How many tasks have not ended; those of streams are not counted. */
  readonly pending: number;
  /** What has gone through it. */
  readonly stats: { waiting: number; tasks: number; posted: number; dropped: number; refused: number };

  /** Runs a task that gives one value. */
  call<Args extends unknown[], Result = WharfAnswer>(
    func: WharfFunction<Args>,
    args?: [...Args],
    options?: WharfCallOptions,
  ): Promise<Result>;
  /** The same, for a task that is to be paused, or cancelled without a signal. */
  submit<Args extends unknown[], Result = WharfAnswer>(
    func: WharfFunction<Args>,
    args?: [...Args],
    options?: WharfCallOptions,
  ): WharfTask<Result>;
  /** Runs a task that gives many values. Its own last value is dropped. */
  stream<Args extends unknown[], Value = WharfAnswer>(
    func: WharfFunction<Args>,
    args?: [...Args],
    options?: WharfStreamOptions,
  ): WharfStream<Value>;

  /** Is fulfilled after so many milliseconds, by the library's clock; never early. */
  after(ms: number, options?: { signal?: AbortSignal | null }): Promise<void>;
  /** Counts beats, one every so many milliseconds. A slow reader misses some, and sees it by the numbers. */
  every(ms: number, options?: WharfStreamOptions): WharfStream<number>;

  /** Posts a value to the port itself. */
  post(value: WharfValue, tag?: number | bigint): void;
  postControl(value: WharfValue, tag?: number | bigint): void;
  /** Lets so many more data messages be posted to it. */
  grant(messages: number): void;

  /** Keeps the program alive until the port is closed. */
  ref(): this;
  /** Lets the program end even where answers are due. */
  unref(): this;

  /**
   * Cancels all tasks, waits until each has ended and what it held is free, and closes the port.
   *
   * Rejects with `WHARF_TIMEOUT` where a task has not ended within `timeoutMs`: one that blocks its thread is not to be
   * stopped. The call can be repeated.
   */
  close(options?: { timeoutMs?: number }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
