// Loads web pages with the library `pages` from Node: each page is a promise.
//
//     cargo build --release --package pages
//     npm ci --ignore-scripts --prefix examples/node
//     node examples/node/pages.mjs target/release/libpages.so https://example.org/ ...
//
// The descriptor of a port is one of those that Node's own loop waits for, beside its sockets (koffi's `node.poll`
// is libuv's `uv_poll`). So everything of JavaScript's happens in that loop, and no thread of the library's ever
// waits for it. One port serves all tasks: each has a tag, and each tag a promise.
//
// A JavaScript function for `wharf_port_notify` was tried and left: koffi has the thread that calls it wait until the
// loop has run it. So a busy loop holds a worker up, and `wharf_port_close` in the loop waits for a call that waits
// for the loop (given a second it answered WHARF_TIMEOUT, and the function was called after that). Receiving on
// a thread of Node's, in an asynchronous call, is one more thread and one more hand-over for each batch.
//
// It belongs on Node's main thread: who terminates a worker (`worker_threads`) while answers come has koffi call into a
// loop that is gone, which ends the process.

import koffi from 'koffi';
import { setMaxListeners } from 'node:events';
import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

/** The answers of calls, by the names that wharf.h has for them. */
export const STATUS = {
  WHARF_OK: 0,
  WHARF_TIMEOUT: 1,
  WHARF_EMPTY: 2,
  WHARF_FULL: 3,
  WHARF_DEFERRED: 4,
  WHARF_NULL: 10,
  WHARF_OUT_OF_RANGE: 11,
  WHARF_NOT_UTF8: 12,
  WHARF_BAD_VALUE: 13,
  WHARF_BAD_OPTION: 14,
  WHARF_NO_RUNTIME: 20,
  WHARF_NO_PORT: 21,
  WHARF_NO_TASK: 22,
  WHARF_SHUT_DOWN: 30,
  WHARF_WRONG_STATE: 31,
  WHARF_WOULD_BLOCK: 32,
  WHARF_FORKED: 33,
  WHARF_LIMIT: 40,
  WHARF_NO_MEMORY: 41,
  WHARF_SYSTEM: 42,
  WHARF_PANICKED: 50,
};
const NAME_OF_STATUS = new Map(Object.entries(STATUS).map(([name, status]) => [status, name]));
/** A message's `kind` is a place in this list. */
const KINDS = ['data', 'ok', 'error', 'panic', 'cancelled', 'shut down', 'control'];
const FOREVER = -1;

const Value = koffi.struct('wharf_value_t', {
  type: 'int32_t',
  payload: koffi.union({
    as_bool: 'bool',
    as_int32: 'int32_t',
    as_int64: 'int64_t',
    as_double: 'double',
    as_string: 'const char *',
    as_array: koffi.struct({ length: 'intptr_t', values: 'void *' }),
    // The largest member, external data, has five words.
    words: koffi.array('intptr_t', 5),
  }),
});
const Message = koffi.struct('wharf_message_t', {
  tag: 'uint64_t',
  task: 'uint64_t',
  kind: 'int32_t',
  code: 'int32_t',
  value: Value,
});

/** A call was refused; it has done nothing. `code` is its status by name, as `WHARF_NO_PORT`. */
export class Refused extends Error {
  name = 'Refused';
  constructor(status, text) {
    super(text);
    this.code = NAME_OF_STATUS.get(status) ?? `status ${status}`;
  }
}

/** A task has not ended well: by `kind` 'error', 'panic', 'cancelled' or 'shut down'. An error's `code` is the
 * library's own, or that of wharf, below 0. */
export class Failed extends Error {
  name = 'Failed';
  constructor(kind, code, text) {
    super(text);
    this.kind = kind;
    this.code = code;
  }
}

/** A value as JavaScript has it, copied. An integer beyond 2^53 is a BigInt. */
function javascriptOf({ type, payload }) {
  switch (type) {
    case 0: return null;
    case 1: return payload.as_bool;
    case 2: return payload.as_int32;
    case 3: return payload.as_int64;
    case 4: return payload.as_double;
    case 5: return payload.as_string;
    case 6: {
      const { length, values } = payload.as_array;
      const pointers = length > 0 ? koffi.decode(values, 'void *', length) : [];
      return pointers.map((pointer) => javascriptOf(koffi.decode(pointer, Value)));
    }
    default: throw new TypeError(`a value of type ${type} has no counterpart here`);
  }
}

/** A library built on wharf, a runtime of its own and a port. */
export class Port {
  static BATCH = 64;
  #library;
  #wharf;
  #runtime;
  #port;
  #poll;
  #stopped;
  #messages = koffi.alloc(Message, Port.BATCH);
  #tasks = new Map();
  #tag = 0;

  constructor(path) {
    this.#library = koffi.load(path);
    const func = (declaration) => this.#library.func(declaration);
    this.#wharf = {
      start: func('int32_t wharf_runtime_new(void *options, _Out_ uint64_t *runtime)'),
      shutDown: func('int32_t wharf_runtime_shutdown(uint64_t runtime, int64_t timeout_ns)'),
      free: func('int32_t wharf_runtime_free(uint64_t runtime)'),
      open: func('int32_t wharf_port_open(uint64_t runtime, void *options, _Out_ uint64_t *port)'),
      descriptor: func('int32_t wharf_port_descriptor(uint64_t port, _Out_ int *descriptor)'),
      receive: func(`int32_t wharf_port_recv_batch(uint64_t port, wharf_message_t *messages, size_t capacity,
        _Out_ size_t *count, int64_t timeout_ns)`),
      release: func('int32_t wharf_messages_free(wharf_message_t *messages, size_t count)'),
      text: func('const char *wharf_message_text(wharf_message_t *message)'),
      cancel: func('int32_t wharf_task_cancel(uint64_t task)'),
      lastError: func('size_t wharf_last_error_message(_Out_ uint8_t *text, size_t capacity)'),
    };
    const runtime = [0];
    const port = [0];
    const descriptor = [0];
    this.#call(this.#wharf.start, null, runtime);
    this.#runtime = runtime[0];
    this.#call(this.#wharf.open, this.#runtime, null, port);
    this.#port = port[0];
    this.#call(this.#wharf.descriptor, this.#port, descriptor);
    // koffi calls outside of Node's frames, where nobody hears an exception; an immediate has one around it. If a batch
    // was not all, the descriptor stays readable, and the loop comes back after the others that wait for it.
    this.#poll = koffi.node.poll(descriptor[0], () => setImmediate(() => this.#drain()));
    this.#poll.unref();
  }

  /** A function of the library's that takes a port, a tag, arguments of these types and a place for the task's id, as
   * one that takes the arguments in an array, and perhaps an AbortSignal, and returns a promise. Who aborts cancels
   * the task; the promise settles when the task has ended, with the signal's reason if it was cancelled.
   * While a promise is under way, it keeps the program alive. */
  task(name, ...types) {
    const place = koffi.out(koffi.pointer('uint64_t'));
    const native = this.#library.func(name, 'int32_t', ['uint64_t', 'uint64_t', ...types, place]);
    return async (values, { signal } = {}) => this.#submit(native, values, signal);
  }

  /** Ends all tasks, then the runtime's threads, and closes the port. Each promise that was under way has settled, by
   * the last word of its task. */
  stop() {
    return (this.#stopped ??= this.#stop());
  }

  async #stop() {
    const status = await promisify(this.#wharf.shutDown.async)(this.#runtime, FOREVER);
    if (status !== STATUS.WHARF_OK) throw new Refused(status, 'the runtime could not be shut down');
    while (this.#drain() > 0);
    // Before its descriptor is closed, whose number may be another's after that.
    this.#poll.close();
    this.#call(this.#wharf.free, this.#runtime);
    koffi.free(this.#messages);
  }

  #submit(native, values, signal) {
    signal?.throwIfAborted();
    const tag = ++this.#tag;
    const id = [0];
    this.#call(native, this.#port, tag, ...values, id);
    // The answer may be there already; it is taken out by the loop, which is not at it just now.
    if (this.#tasks.size === 0) this.#poll.ref();
    // A status where the task has ended meanwhile.
    const abort = () => this.#wharf.cancel(id[0]);
    signal?.addEventListener('abort', abort, { once: true });
    return new Promise((resolve, reject) => this.#tasks.set(tag, { resolve, reject, signal, abort }));
  }

  /** Forgets a task. */
  #end(tag) {
    const task = this.#tasks.get(tag);
    if (!task) throw new Error(`a message for task ${tag}, which is over`);
    this.#tasks.delete(tag);
    task.signal?.removeEventListener('abort', task.abort);
    if (this.#tasks.size === 0) this.#poll.unref();
    return task;
  }

  #call(native, ...values) {
    const status = native(...values);
    if (status === STATUS.WHARF_OK) return;
    const text = Buffer.alloc(512);
    const length = this.#wharf.lastError(text, text.length);
    throw new Refused(status, text.toString('utf8', 0, length));
  }

  /** Takes out one batch; how many they were: none where the port is closed. */
  #drain() {
    const count = [0];
    if (this.#wharf.receive(this.#port, this.#messages, Port.BATCH, count, 0) !== STATUS.WHARF_OK) return 0;
    try {
      for (let at = 0; at < count[0]; at++) this.#answer(this.#messages + BigInt(at * koffi.sizeof(Message)));
    } finally {
      this.#call(this.#wharf.release, this.#messages, count[0]);
    }
    return count[0];
  }

  #answer(pointer) {
    const { tag, kind, code, value } = koffi.decode(pointer, Message);
    // An element of a stream: more follows.
    if (KINDS[kind] === 'data') return;
    const { resolve, reject, signal } = this.#end(tag);
    try {
      if (KINDS[kind] === 'ok') resolve(javascriptOf(value));
      else if (KINDS[kind] === 'cancelled' && signal?.aborted) reject(signal.reason);
      else reject(new Failed(KINDS[kind], code, this.#wharf.text(pointer) ?? `ended early: ${KINDS[kind]}`));
    } catch (error) {
      reject(error);
    }
  }
}

/** The library `pages`. */
export class Pages extends Port {
  #load = this.task('load_page', 'const char *');
  #trust = this.task('trust_certificates', 'const uint8_t *', 'size_t');

  /** A page. */
  async load(url, options) {
    // C would take what stands before it for all there is.
    if (String(url).includes('\0')) throw new TypeError('a URL has no NUL in it');
    const [status, title, bytes, timeNs, body] = await this.#load([String(url)], options);
    return { status, title, bytes, timeNs, body };
  }

  /** How many certificates are trusted from now on. */
  async trust(pem, options) {
    return this.#trust([pem, pem.length], options);
  }
}

/** Prints a line for a page; whether it came. */
async function show(pages, url, signal) {
  try {
    const { status, title, bytes } = await pages.load(url, { signal });
    console.log(`${status} ${String(bytes).padStart(9)} ${title} <${url}>`);
    return true;
  } catch (error) {
    console.log(`${url}: ${error.message}`);
    return false;
  }
}

async function main() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { trust: { type: 'string' } } });
  const [library, ...urls] = positionals;
  if (urls.length === 0) throw new Error('usage: pages.mjs [--trust PEM] LIBRARY URL...');
  const interrupt = new AbortController();
  // One for all pages is no leak.
  setMaxListeners(0, interrupt.signal);
  process.once('SIGINT', () => interrupt.abort());
  const pages = new Pages(library);
  try {
    if (values.trust) await pages.trust(await readFile(values.trust));
    const came = await Promise.all(urls.map((url) => show(pages, url, interrupt.signal)));
    process.exitCode = came.every(Boolean) ? 0 : 1;
  } finally {
    await pages.stop();
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
