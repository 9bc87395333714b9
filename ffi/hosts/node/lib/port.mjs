// Where answers arrive.

import { Channel, Entry, checkedSignal } from './channel.mjs';
import { WharfLibrary, WharfSendPort } from './library.mjs';
import { WharfRuntime } from './runtime.mjs';
import { WharfStream, begin } from './stream.mjs';

/** What becomes of a message that finds its port full, by wharf.h's numbers. */
const WHEN_FULL = { refuse: 0, 'drop-oldest': 1, 'keep-latest': 2 };
const NS_IN_MS = 1e6;

/** A task that was submitted and gives one value. */
export class WharfTask {
  #entry;
  #channel;

  constructor(entry, channel, value) {
    this.#entry = entry;
    this.#channel = channel;
    this.value = value;
  }

  get isDone() {
    return this.#entry.done;
  }

  async cancel() {
    this.#channel.cancel(this.#entry);
    await this.value.catch(() => {});
  }

  pause() {
    this.#channel.pause(this.#entry);
  }

  resume() {
    this.#channel.resume(this.#entry);
  }
}

export class WharfPort {
  #channel;
  #runtime;
  #streams = new Set();

  constructor(library, options = {}) {
    if (!(library instanceof WharfLibrary)) throw new TypeError('a port is of a WharfLibrary');
    const { runtime, capacity, whenFull = 'refuse', credit, maxTasks, onMessage } = options;
    if (runtime !== undefined && !(runtime instanceof WharfRuntime && runtime.library.number === library.number)) {
      throw new TypeError('the runtime of a port is a WharfRuntime of its library');
    }
    if (!Object.hasOwn(WHEN_FULL, whenFull)) {
      throw new TypeError(`whenFull is one of ${Object.keys(WHEN_FULL).join(', ')}`);
    }
    this.#runtime = runtime;
    this.#channel = new Channel(library, runtime, {
      capacity,
      whenFull: WHEN_FULL[whenFull],
      needsCredit: credit !== undefined,
      maxTasks,
      onMessage,
    });
    if (credit > 0) this.#channel.grant(credit);
  }

  get library() {
    return this.#channel.library;
  }

  get id() {
    return this.#channel.id;
  }

  get sendPort() {
    return new WharfSendPort(this.library, this.id);
  }

  get isClosed() {
    return this.#channel.isClosed;
  }

  get pending() {
    return this.#channel.pending;
  }

  get stats() {
    return this.#channel.stats();
  }

  call(func, args = [], options = undefined) {
    return new Promise((resolve, reject) => {
      const signal = checkedSignal(options?.signal);
      if (signal?.aborted) throw signal.reason;
      this.#channel.submit(func, args, new Entry(resolve, reject, options?.onProgress), signal);
    });
  }

  submit(func, args = [], { signal: given, onProgress } = {}) {
    let resolve;
    let reject;
    const value = new Promise((...both) => ([resolve, reject] = both));
    const entry = new Entry(resolve, reject, onProgress);
    try {
      const signal = checkedSignal(given);
      if (signal?.aborted) throw signal.reason;
      this.#channel.submit(func, args, entry, signal);
    } catch (error) {
      entry.done = true;
      reject(error);
    }
    return new WharfTask(entry, this.#channel, value);
  }

  stream(func, args = [], { signal, highWaterMark = 64 } = {}) {
    const streams = this.#streams;
    return new WharfStream((state) => {
      // It is refused as any other task is.
      if (this.isClosed) return void this.#channel.submit(func, args, state);
      const channel = begin(state, this.library, this.#runtime, func, args, signal);
      streams.add(channel);
      state.ended_.then(() => streams.delete(channel));
    }, highWaterMark);
  }

  after(ms, options) {
    return this.call(this.library.own('wharf_timer_after', ['uint64']), [nanoseconds(ms)], options).then(() => {});
  }

  every(ms, { signal, highWaterMark = 1 } = {}) {
    const every = this.library.own('wharf_timer_every', ['uint64']);
    return this.stream(every, [nanoseconds(ms)], { signal, highWaterMark });
  }

  post(value, tag) {
    this.sendPort.post(value, tag);
  }

  postControl(value, tag) {
    this.sendPort.postControl(value, tag);
  }

  grant(messages) {
    this.#channel.grant(messages);
  }

  ref() {
    this.#channel.keep(true);
    return this;
  }

  unref() {
    this.#channel.keep(false);
    return this;
  }

  async close({ timeoutMs = Infinity } = {}) {
    const streams = [...this.#streams].map((channel) => channel.close(timeoutMs));
    await Promise.all([this.#channel.close(timeoutMs), ...streams]);
  }
}
if (Symbol.asyncDispose) {
  WharfPort.prototype[Symbol.asyncDispose] = function dispose() {
    return this.close();
  };
}

function nanoseconds(ms) {
  if (typeof ms !== 'number' || !(ms >= 0)) throw new TypeError('a time is a number of milliseconds from 0 up');
  return Math.min(Math.round(ms * NS_IN_MS), Number.MAX_SAFE_INTEGER);
}
