// Made from what the library `harbour` says of itself by `cargo xtask header`; not to be edited.

/** The functions of the library `harbour`. */
export class HarbourFunctions {
  /** Looks them up. */
  constructor(library) {
    /** A result at once. */
    this.harbourAdd = library.function('harbour_add', ['int64', 'int64']);
    /** Text there and back. */
    this.harbourEcho = library.function('harbour_echo', ['string']);
    /**
     * Text that may be missing.
     *
     * `text` may be NULL.
     */
    this.harbourLength = library.function('harbour_length', ['string']);
    /**
     * Parameters with names that the C side, or what stands between the sides, has given to others.
     *
     * `task_` may be NULL.
     */
    this.harbourNames = library.function('harbour_names', ['value', 'int32[]', 'uint64', 'string', 'int64', 'bool', 'uint64']);
    /** Bytes in, their sum and the bytes themselves out. */
    this.harbourSum = library.function('harbour_sum', ['bytes']);
    /** Any value there and back. */
    this.harbourMirror = library.function('harbour_mirror', ['value']);
    /** Bytes of the host's, without a copy. */
    this.harbourMeasure = library.function('harbour_measure', ['value']);
    /** An error. */
    this.harbourFail = library.function('harbour_fail', ['int32']);
    /** A panic. */
    this.harbourPanic = library.function('harbour_panic', ['string']);
    /** No end of its own. */
    this.harbourWait = library.function('harbour_wait', []);
    /** A result after a while. */
    this.harbourSleep = library.function('harbour_sleep', ['uint64']);
    /** The numbers below `count`, as the port takes them. */
    this.harbourCount = library.function('harbour_count', ['uint64']);
    /** A plain function, on the blocking pool: turns until it is cancelled. */
    this.harbourTurn = library.function('harbour_turn', []);
    /** A value that can't be sent. */
    this.harbourUnsendable = library.function('harbour_unsendable', []);
    /** Passes `yields` points at which it can be cancelled. */
    this.harbourShift = library.function('harbour_shift', ['uint64']);
    /** Holds the host's bytes, with no end of its own. */
    this.harbourKeep = library.function('harbour_keep', ['value']);
    /** Bytes of the library's, without a copy. */
    this.harbourLend = library.function('harbour_lend', ['uint32']);
    /** No end of its own, and a panic where it is cancelled. */
    this.harbourTrap = library.function('harbour_trap', []);
    /** Runs until the host lets it go, on the thread of a worker: what a well-behaved task never does. */
    this.harbourHog = library.function('harbour_hog', []);
    /** Opens a socket, and says on which port it listens. */
    this.harbourListen = library.function('harbour_listen', []);
    /** A plain function, on the blocking pool: gives the bytes back once it is cancelled. */
    this.harbourFerry = library.function('harbour_ferry', ['value']);
    /**
     * The numbers from `from` down to 1, as a stream.
     *
     * Called by `port.stream`, it gives each of them.
     */
    this.harbourCountdown = library.function('harbour_countdown', ['uint64']);
    /**
     * Says where it can be reached, then answers each number with its double at the port that is named
     * beside it, until it is told to stop. The result is how many it has answered.
     */
    this.harbourParley = library.function('harbour_parley', []);
    /** A port in, and out again; and a word to whoever listens there. */
    this.harbourHail = library.function('harbour_hail', ['port', 'string']);
    /** A result inside of the result. */
    this.harbourVerdicts = library.function('harbour_verdicts', ['int32[]']);
    /** An array that holds `width` nulls, inside of others, `depth` arrays in all: posted or as the result. */
    this.harbourNest = library.function('harbour_nest', ['uint32', 'uint32', 'bool']);
  }
}
