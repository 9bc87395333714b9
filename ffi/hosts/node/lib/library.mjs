// Loaded libraries, and their functions.

import { WharfError } from './errors.mjs';
import { CALL, HANDLE, native } from './native.mjs';

/** The interface that this package was written for: the major number in the upper 16 bits, the minor in the lower. */
const ABI_VERSION = 1;

/** The addon's letters for the types of parameters. */
const LETTERS = new Map(Object.entries({
  bool: 'b',
  int8: 'c',
  uint8: 'C',
  int16: 'h',
  uint16: 'H',
  int32: 'i',
  uint32: 'I',
  int64: 'l',
  uint64: 'L',
  float: 'f',
  double: 'd',
  string: 's',
  value: 'v',
  port: 'p',
  bytes: '*C',
}));
for (const [type, letter] of [...LETTERS]) {
  if (/^(u?int|float|double)/.test(type)) LETTERS.set(`${type}[]`, `*${letter}`);
}

/** Those of results, where nothing is submitted. */
const RESULTS = new Map(Object.entries({
  void: 'n',
  bool: 'b',
  int32: 'i',
  uint32: 'I',
  int64: 'l',
  uint64: 'L',
  double: 'd',
  string: 's',
}));

/** The libraries that this thread has loaded, by the addon's number. */
const LOADED = new Map();

/** Has the addon make send ports of the right library. */
export function sendPortOf(number, id) {
  return LOADED.get(number).sendPort(id);
}

export function allocate(length) {
  return new Uint8Array(native().allocate(length));
}

export class WharfFunction {
  constructor(library, name, types, call) {
    this.library = library;
    this.name = name;
    this.types = types;
    this.arity = types.length;
    /** The addon's: (port, tag, ...arguments). */
    this[CALL] = call;
    Object.freeze(this);
  }
}

export class WharfSendPort {
  #library;

  constructor(library, id) {
    this.#library = library;
    this.id = id;
    Object.freeze(native().markSendPort(this) ?? this);
  }

  post(value, tag = 0) {
    this.#library.accept(native().post(this.#library[HANDLE], this.id, tag, value, false));
  }

  postControl(value, tag = 0) {
    this.#library.accept(native().post(this.#library[HANDLE], this.id, tag, value, true));
  }
}

export class WharfLibrary {
  #own = new Map();

  constructor(path) {
    if (typeof path !== 'string') throw new TypeError('the path of a library is a string');
    /** The addon's. */
    this[HANDLE] = native().load(path);
    const [number, abi, version] = native().about(this[HANDLE]);
    if (abi >> 16 !== ABI_VERSION >> 16 || abi < ABI_VERSION) {
      const shown = (of) => `${of >> 16}.${of & 0xffff}`;
      throw new Error(`${path} speaks version ${shown(abi)} of wharf's interface, and this package ${shown(ABI_VERSION)}`);
    }
    /** The addon's: the same for all objects that stand for one library. */
    this.number = number;
    this.path = path;
    this.version = version;
    LOADED.set(number, this);
  }

  function(name, types = []) {
    return new WharfFunction(this, name, Object.freeze([...types]), this.#bind(name, types, ''));
  }

  direct(name, types = [], result = 'void') {
    if (!RESULTS.has(result)) throw new TypeError(`'${result}' is no type of a result`);
    return this.#bind(name, types, RESULTS.get(result));
  }

  #bind(name, types, result) {
    const letters = types.map((type) => {
      const letter = LETTERS.get(type);
      if (letter === undefined) throw new TypeError(`'${type}' is no type of a parameter`);
      return letter;
    });
    const bound = native().bind(this[HANDLE], name, letters.join(''), result);
    if (bound === null) throw new Error(`${this.path} has no function '${name}'`);
    return bound;
  }

  /** A function that is wharf's own: there is one of it. */
  own(name, types) {
    if (!this.#own.has(name)) this.#own.set(name, this.function(name, types));
    return this.#own.get(name);
  }

  sendPort(id) {
    return new WharfSendPort(this, BigInt(id));
  }

  /** Throws what a status of the addon's stands for, unless the call was accepted. To be called right after it: the
   * error's text is the thread's last. */
  accept(status) {
    if (status !== undefined) throw this.refusal(status);
  }

  refusal(status) {
    return new WharfError(status, native().lastError(this[HANDLE], status));
  }
}
