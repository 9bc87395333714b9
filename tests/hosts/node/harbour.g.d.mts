// Made from what the library `harbour` says of itself by `cargo xtask header`; not to be edited.

import type { WharfFunction, WharfLibrary, WharfSendPort, WharfValue } from 'wharf';

/** The functions of the library `harbour`. */
export declare class HarbourFunctions {
  /** Looks them up. */
  constructor(library: WharfLibrary);

  /** A result at once. */
  readonly harbourAdd: WharfFunction<[left: number | bigint, right: number | bigint]>;

  /** Text there and back. */
  readonly harbourEcho: WharfFunction<[text: string | null]>;

  /**
   * Text that may be missing.
   *
   * `text` may be NULL.
   */
  readonly harbourLength: WharfFunction<[text: string | null]>;

  /**
   * Parameters with names that the C side, or what stands between the sides, has given to others.
   *
   * `task_` may be NULL.
   */
  readonly harbourNames: WharfFunction<[error: WharfValue, made: Int32Array, madeLength: number | bigint, task: string | null, type: number | bigint, default: boolean, argument6Ns: number | bigint]>;

  /** Bytes in, their sum and the bytes themselves out. */
  readonly harbourSum: WharfFunction<[bytes: Uint8Array]>;

  /** Any value there and back. */
  readonly harbourMirror: WharfFunction<[value: WharfValue]>;

  /** Bytes of the host's, without a copy. */
  readonly harbourMeasure: WharfFunction<[bytes: WharfValue]>;

  /** An error. */
  readonly harbourFail: WharfFunction<[code: number]>;

  /** A panic. */
  readonly harbourPanic: WharfFunction<[text: string | null]>;

  /** No end of its own. */
  readonly harbourWait: WharfFunction<[]>;

  /** A result after a while. */
  readonly harbourSleep: WharfFunction<[nanoseconds: number | bigint]>;

  /** The numbers below `count`, as the port takes them. */
  readonly harbourCount: WharfFunction<[count: number | bigint]>;

  /** A plain function, on the blocking pool: turns until it is cancelled. */
  readonly harbourTurn: WharfFunction<[]>;

  /** A value that can't be sent. */
  readonly harbourUnsendable: WharfFunction<[]>;

  /** Passes `yields` points at which it can be cancelled. */
  readonly harbourShift: WharfFunction<[yields: number | bigint]>;

  /** Holds the host's bytes, with no end of its own. */
  readonly harbourKeep: WharfFunction<[bytes: WharfValue]>;

  /** Bytes of the library's, without a copy. */
  readonly harbourLend: WharfFunction<[length: number]>;

  /** No end of its own, and a panic where it is cancelled. */
  readonly harbourTrap: WharfFunction<[]>;

  /** Runs until the host lets it go, on the thread of a worker: what a well-behaved task never does. */
  readonly harbourHog: WharfFunction<[]>;

  /** Opens a socket, and says on which port it listens. */
  readonly harbourListen: WharfFunction<[]>;

  /** A plain function, on the blocking pool: gives the bytes back once it is cancelled. */
  readonly harbourFerry: WharfFunction<[bytes: WharfValue]>;

  /**
   * The numbers from `from` down to 1, as a stream.
   *
   * Called by `port.stream`, it gives each of them.
   */
  readonly harbourCountdown: WharfFunction<[from: number | bigint]>;

  /**
   * Says where it can be reached, then answers each number with its double at the port that is named
   * beside it, until it is told to stop. The result is how many it has answered.
   */
  readonly harbourParley: WharfFunction<[]>;

  /** A port in, and out again; and a word to whoever listens there. */
  readonly harbourHail: WharfFunction<[to: WharfSendPort, text: string | null]>;

  /** A result inside of the result. */
  readonly harbourVerdicts: WharfFunction<[codes: Int32Array]>;

  /** An array that holds `width` nulls, inside of others, `depth` arrays in all: posted or as the result. */
  readonly harbourNest: WharfFunction<[depth: number, width: number, posted: boolean]>;
}
