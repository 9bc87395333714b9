// Sets of threads.

import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { ready } from './channel.mjs';
import { STATUS, WharfError } from './errors.mjs';
import { WharfLibrary } from './library.mjs';
import { HANDLE } from './native.mjs';

const NS_IN_MS = 1e6;
const LONGEST_PAUSE_MS = 64;

export class WharfRuntime {
  #library;
  #channels = new Set();
  #forgotten = new FinalizationRegistry((one) => this.#channels.delete(one));
  #over = false;

  constructor(library, options = {}) {
    if (!(library instanceof WharfLibrary)) throw new TypeError('a runtime is of a WharfLibrary');
    const {
      workerThreads = 0,
      maxBlockingThreads = 0,
      threadStackBytes = 0,
      threadName,
      spinBeforeParkMs = 0,
      threadKeepAliveMs = 0,
    } = options;
    const made = ready().runtimeNew(
      library[HANDLE],
      workerThreads,
      maxBlockingThreads,
      threadStackBytes,
      threadName,
      Math.round(spinBeforeParkMs * NS_IN_MS),
      Math.round(threadKeepAliveMs * NS_IN_MS),
    );
    if (typeof made === 'number') throw library.refusal(made);
    this.#library = library;
    /** The addon's. */
    this[HANDLE] = made;
  }

  get library() {
    return this.#library;
  }

  /** Of the ports that are open: they are closed last. What it returns is for `closed`. */
  opened(channel) {
    const one = new WeakRef(channel);
    this.#channels.add(one);
    this.#forgotten.register(channel, one, one);
    return one;
  }

  closed(one) {
    this.#channels.delete(one);
    this.#forgotten.unregister(one);
  }

  async shutdown({ timeoutMs = Infinity } = {}) {
    if (this.#over) return;
    const deadline = performance.now() + timeoutMs;
    const addon = ready();
    let status;
    let pause = 1;
    while ((status = addon.runtimeEnd(this[HANDLE], false)) === STATUS.WHARF_TIMEOUT) {
      const left = deadline - performance.now();
      if (left <= 0) {
        const text = 'something on the runtime has not returned: shut it down again to wait for it';
        throw new WharfError(STATUS.WHARF_TIMEOUT, text);
      }
      await sleep(Math.min(pause, left));
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
    this.#library.accept(status);
    await this.#drain();
    if (this.#over) return;
    this.#over = true;
    this.#library.accept(addon.runtimeEnd(this[HANDLE], true));
    for (const one of this.#channels) {
      const channel = one.deref();
      if (channel !== undefined) channel.close().catch(() => {});
    }
  }

  /** Has all that the tasks have said before the end be handled, a batch of each port at a time. */
  async #drain() {
    let more = true;
    while (more) {
      more = false;
      for (const one of this.#channels) {
        if (one.deref()?.drain()) more = true;
      }
      await turn();
    }
  }
}
if (Symbol.asyncDispose) {
  WharfRuntime.prototype[Symbol.asyncDispose] = function dispose() {
    return this.shutdown();
  };
}
