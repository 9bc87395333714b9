// Tasks that give many values, as async iterators.

import { AsyncResource } from 'node:async_hooks';
import { KIND, taskError } from './errors.mjs';
import { Channel, checkedSignal } from './channel.mjs';

/** What a stream's port knows of it: values that nobody has asked for yet, or those who have asked. */
class State {
  tag = 0;
  done = false;
  signal = undefined;
  channel = undefined;
  /** Values, and where the first of them is. */
  waiting = [];
  first = 0;
  /** Those who wait for a value. */
  asking = [];
  /** Its reader has left, and waits for its end. */
  isLeft = false;
  /** Values that were handed out since credit was last given. */
  taken = 0;
  error = undefined;
  over = undefined;

  constructor(highWaterMark) {
    this.highWaterMark = highWaterMark;
    this.ended_ = new Promise((resolve) => (this.over = resolve));
  }

  data(value) {
    if (this.asking.length === 0) {
      this.waiting.push(value);
      return;
    }
    this.asking.shift().resolve({ value, done: false });
    this.count();
    this.alive();
  }

  ended(kind, code, value, isBroken) {
    this.done = true;
    if (isBroken) this.error = { reason: value };
    else if (kind === KIND.cancelled && this.signal?.aborted) this.error = { reason: this.signal.reason };
    // Whoever has left knows; to those who asked before, it is the end.
    else if (kind !== KIND.ok && !(kind === KIND.cancelled && this.isLeft)) this.error = { reason: taskError(kind, code, value) };
    for (const one of this.asking.splice(0)) this.end(one);
    this.over();
    // Nothing waits for that: all that there was to wait for has come.
    this.channel.close().catch(() => {});
  }

  /** Answers one who asks after the end: the error goes to the first. */
  end({ resolve, reject }) {
    const { error } = this;
    this.error = undefined;
    if (error === undefined) resolve({ value: undefined, done: true });
    else reject(error.reason);
  }

  next(resolve, reject) {
    if (this.first < this.waiting.length) {
      const value = this.waiting[this.first];
      this.waiting[this.first++] = undefined;
      if (this.first === this.waiting.length) {
        this.waiting.length = 0;
        this.first = 0;
      }
      if (!this.done) this.count();
      resolve({ value, done: false });
    } else if (this.done) {
      this.end({ resolve, reject });
    } else {
      this.asking.push({ resolve, reject });
      this.alive();
    }
  }

  /** Gives credit for what has been handed out, half of what may be under way at a time. */
  count() {
    if (++this.taken < this.highWaterMark / 2) return;
    const { taken } = this;
    this.taken = 0;
    this.channel.credit(taken);
  }

  /** The program waits for a stream only where somebody waits for its next value, or its end. */
  alive() {
    this.channel.keep(this.asking.length > 0 || this.isLeft);
  }
}

/** Streams that were forgotten before their end. */
const FORGOTTEN = new FinalizationRegistry((state) => state.channel.cancel(state));

export class WharfStream {
  #start;
  #state;
  #returned = false;

  constructor(start, highWaterMark) {
    if (!Number.isSafeInteger(highWaterMark) || highWaterMark < 1) {
      throw new RangeError('highWaterMark is a whole number from 1 up');
    }
    this.#state = new State(highWaterMark);
    // What is thrown in a callback of the submit's belongs to who made the stream.
    this.#start = AsyncResource.bind(start);
  }

  /** Submits the task, once. */
  #begin() {
    const start = this.#start;
    if (start === undefined) return;
    this.#start = undefined;
    start(this.#state);
    FORGOTTEN.register(this, this.#state, this);
  }

  next() {
    if (this.#returned) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      try {
        this.#begin();
      } catch (error) {
        this.#returned = true;
        throw error;
      }
      this.#state.next(resolve, reject);
    });
  }

  async return(value) {
    const state = this.#state;
    this.#returned = true;
    FORGOTTEN.unregister(this);
    if (this.#start === undefined && state.channel !== undefined) {
      if (!state.done) {
        state.isLeft = true;
        state.channel.cancel(state);
        state.alive();
      }
      await state.ended_;
      for (const one of state.asking.splice(0)) one.resolve({ value: undefined, done: true });
    }
    this.#start = undefined;
    state.waiting.length = state.first = 0;
    return { value, done: true };
  }

  async throw(error) {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}

if (Symbol.asyncDispose) {
  WharfStream.prototype[Symbol.asyncDispose] = async function dispose() {
    await this.return();
  };
}

/** Submits a stream's task at a port of its own, whose credit is the stream's alone. */
export function begin(state, library, runtime, func, args, given) {
  const signal = checkedSignal(given);
  if (signal?.aborted) throw signal.reason;
  const channel = new Channel(library, runtime, { needsCredit: true });
  state.channel = channel;
  try {
    channel.grant(state.highWaterMark);
    channel.submit(func, args, state, signal);
  } catch (error) {
    state.done = true;
    state.over();
    channel.close().catch(() => {});
    throw error;
  }
  channel.keep(false);
  return channel;
}
