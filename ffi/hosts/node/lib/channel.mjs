// A port as the addon has it, and who waits for which tag.

import { AsyncResource } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { KIND, STATUS, WharfError, taskError } from './errors.mjs';
import { sendPortOf } from './library.mjs';
import { CALL, HANDLE, native } from './native.mjs';

/** A batch as the addon hands it over; the numbers are those of native/wharf_node.h. */
const BATCH = 128;
const TAG = 0;
const KIND_AND_FLAGS = 1;
const CODE = 2;
const NUMBER = 3;
const META = 4;
const KIND_MASK = 7;
const IS_POSTED = 8;
const IS_NUMBER = 16;
const IS_BROKEN = 32;

const CANCEL = 0;
const PAUSE = 1;
const RESUME = 2;

const meta = new Float64Array(BATCH * META);
const values = new Array(BATCH).fill(undefined);
let addon;
/** A batch is being handled: there is no room for another. */
let busy = false;

/** The addon, which knows where to put its batches. */
export function ready() {
  if (addon === undefined) {
    const found = native();
    found.setup(meta, values, sendPortOf);
    addon = found;
  }
  return addon;
}

/** What is thrown here is nobody's in particular: as an exception in an event's handler. */
function throwLater(error) {
  process.nextTick(() => {
    throw error;
  });
}

/** A task that gives one value, as a port knows it. */
export class Entry {
  tag = 0;
  done = false;

  constructor(resolve, reject, onProgress) {
    this.resolve = resolve;
    this.reject = reject;
    this.onProgress = onProgress && AsyncResource.bind(onProgress);
    this.signal = undefined;
    this.channel = undefined;
  }

  data(value) {
    this.onProgress?.(value);
  }

  ended(kind, code, value, isBroken) {
    this.done = true;
    if (isBroken) this.reject(value);
    else if (kind === KIND.ok) this.resolve(value);
    else if (kind === KIND.cancelled && this.signal?.aborted) this.reject(this.signal.reason);
    else this.reject(taskError(kind, code, value));
  }
}

/**
 * Who waits for which tag. The addon holds it, and with it nothing else, but for the time that an answer is due:
 * so a port that is forgotten can be collected, and one that is waited for can't.
 *
 * A tag is an index, which the addon keeps the task's id at, with the generation of its use above it.
 */
class Table {
  slots = [];
  /** The tags that free slots will be used under. */
  free = [];
  live = 0;
  /** The channel, while somebody waits or it has been asked to stay. */
  channel = undefined;
  stays = false;
  onMessage = undefined;
  onIdle = undefined;

  add(entry, channel) {
    const tag = this.free.length > 0 ? this.free.pop() : this.slots.length;
    this.slots[tag % INDICES] = entry;
    entry.tag = tag;
    if (this.live++ === 0) {
      this.channel = channel;
      channel.hold();
    }
  }

  at(tag) {
    const entry = this.slots[tag % INDICES];
    return entry !== undefined && entry.tag === tag ? entry : undefined;
  }

  remove(tag) {
    const entry = this.at(tag);
    if (entry === undefined) return undefined;
    this.slots[tag % INDICES] = undefined;
    this.free.push((tag + INDICES) % TAGS);
    if (entry.signal !== undefined) forget(entry);
    if (--this.live === 0) this.idle();
    return entry;
  }

  idle() {
    const { channel } = this;
    if (!this.stays) this.channel = undefined;
    channel.hold();
    this.onIdle?.();
  }

  /** Handles the batch that the addon has put down. */
  receive(count) {
    busy = true;
    for (let at = 0; at < count; at++) {
      const base = at * META;
      const flags = meta[base + KIND_AND_FLAGS];
      let value = meta[base + NUMBER];
      if ((flags & IS_NUMBER) === 0) {
        value = values[at] ?? null;
        values[at] = undefined;
      }
      try {
        this.take(meta[base + TAG], flags, meta[base + CODE], value);
      } catch (error) {
        throwLater(error);
      }
    }
    busy = false;
  }

  take(tag, flags, code, value) {
    const kind = flags & KIND_MASK;
    const isBroken = (flags & IS_BROKEN) !== 0;
    const isLast = kind !== KIND.data && kind !== KIND.control;
    if (isBroken && !isLast) throw value;
    if ((flags & IS_POSTED) !== 0) {
      this.onMessage?.(value, { tag, control: kind === KIND.control });
    } else if (isLast) {
      this.remove(tag)?.ended(kind, code, value, isBroken);
    } else {
      this.at(tag)?.data(value);
    }
  }
}

/** More than a port has tasks: WHARF_TASKS_MAX. */
const INDICES = 2 ** 20;
/** Tags are safe integers. */
const TAGS = 2 ** 52;

/** A signal that was given, or `undefined` for none; whose it is says nothing. */
export function checkedSignal(signal) {
  if (signal === undefined || signal === null) return undefined;
  if (typeof signal === 'object' && 'aborted' in signal && typeof signal.addEventListener === 'function') return signal;
  throw new TypeError('a signal is an AbortSignal');
}

/** Those that a signal is to cancel: one listener for each signal, however many tasks it is for. */
const ABORTED_BY = new WeakMap();

function listen(entry, channel, signal) {
  entry.signal = signal;
  entry.channel = channel;
  let group = ABORTED_BY.get(signal);
  if (group === undefined) {
    group = { entries: new Set(), abort: () => group.entries.forEach((it) => it.channel.cancel(it)) };
    ABORTED_BY.set(signal, group);
    signal.addEventListener('abort', group.abort, { once: true });
  }
  group.entries.add(entry);
}

function forget(entry) {
  const { signal } = entry;
  const group = ABORTED_BY.get(signal);
  if (group === undefined) return;
  group.entries.delete(entry);
  if (group.entries.size > 0) return;
  signal.removeEventListener('abort', group.abort);
  ABORTED_BY.delete(signal);
}

/** A port of a library's that answers in this thread's loop. */
export class Channel {
  #table = new Table();
  #keeps = undefined;
  #closing = undefined;
  #runtime;
  #atRuntime;

  constructor(library, runtime, { capacity = 0, whenFull = 0, needsCredit = false, maxTasks = 0, onMessage } = {}) {
    const table = this.#table;
    const opened = ready().portOpen(
      library[HANDLE],
      runtime?.[HANDLE],
      capacity,
      whenFull,
      Number(needsCredit),
      maxTasks,
      (count) => table.receive(count),
    );
    if (typeof opened === 'number') throw library.refusal(opened);
    this.library = library;
    this.handle = opened;
    this.isClosed = false;
    this.#runtime = runtime;
    table.onMessage = onMessage && AsyncResource.bind(onMessage);
    this.stay();
    this.#atRuntime = runtime?.opened(this);
  }

  get id() {
    return addon.portId(this.handle);
  }

  get pending() {
    return this.#table.live;
  }

  /** Submits a task whose messages are the entry's; throws where it is refused. */
  submit(func, args, entry, signal) {
    if (func.library.number !== this.library.number) {
      throw new TypeError(`'${func.name}' is a function of ${func.library.path}, and the port is not`);
    }
    if (args.length !== func.arity) {
      throw new TypeError(`'${func.name}' takes ${func.arity} arguments, not ${args.length}`);
    }
    if (this.isClosed) throw new WharfError(STATUS.WHARF_NO_PORT, 'the port is closed');
    const table = this.#table;
    table.add(entry, this);
    try {
      this.library.accept(invoke(func[CALL], this.handle, entry.tag, args));
    } catch (error) {
      table.remove(entry.tag);
      throw error;
    }
    if (signal !== undefined) listen(entry, this, signal);
  }

  // A task that has ended is not there any more, and that is as good as asked.

  cancel(entry) {
    if (!entry.done) addon.control(this.handle, entry.tag, CANCEL);
  }

  pause(entry) {
    if (!entry.done) addon.control(this.handle, entry.tag, PAUSE);
  }

  resume(entry) {
    if (!entry.done) addon.control(this.handle, entry.tag, RESUME);
  }

  grant(messages) {
    this.library.accept(addon.grant(this.handle, messages));
  }

  /** The same for a task that may have ended, or lost its runtime: its last word, on its way, says so. */
  credit(messages) {
    addon.grant(this.handle, messages);
  }

  stats() {
    const stats = addon.stats(this.handle);
    if (typeof stats === 'number') throw this.library.refusal(stats);
    const [waiting, tasks, posted, dropped, refused] = stats;
    return { waiting, tasks, posted, dropped, refused };
  }

  /** Whether it keeps the program alive: always, never, or (undefined) while an answer is due. */
  keep(alive) {
    this.#keeps = alive;
    this.stay();
    this.hold();
  }

  /** Whether it is still there for messages of others when nobody here can reach it. */
  stay() {
    const table = this.#table;
    table.stays = !this.isClosed && (table.onMessage !== undefined || this.#keeps === true);
    table.channel = table.stays || table.live > 0 ? this : undefined;
  }

  hold() {
    const isDue = this.#table.live > 0;
    // Who closes it waits for what is due, whatever was said before.
    addon.hold(this.handle, this.isClosed ? isDue : (this.#keeps ?? isDue));
  }

  /** Takes out what is there, one batch; whether there may be more. */
  drain() {
    return busy || addon.drain(this.handle) > 0;
  }

  /** Cancels all tasks, waits for their last words, and closes the port. */
  close(timeoutMs = Infinity) {
    this.#closing ??= this.#close(performance.now() + timeoutMs).catch((error) => {
      // It can be asked again.
      this.#closing = undefined;
      throw error;
    });
    return this.#closing;
  }

  async #close(deadline) {
    this.isClosed = true;
    await this.#quiet(deadline);
    let status;
    while ((status = addon.close(this.handle)) === STATUS.WHARF_TIMEOUT) await sleep(1);
    this.stay();
    this.#runtime?.closed(this.#atRuntime);
    // Where the runtime has been freed, it is closed already.
    if (status !== STATUS.WHARF_NO_PORT) this.library.accept(status);
  }

  /** Waits until no task is under way. */
  async #quiet(deadline) {
    const table = this.#table;
    if (table.live === 0) return;
    addon.cancelAll(this.handle);
    this.hold();
    let timer;
    const idle = await new Promise((resolve) => {
      table.onIdle = () => resolve(true);
      const left = deadline - performance.now();
      if (left < Infinity) timer = setTimeout(resolve, Math.max(left, 0), false);
    });
    table.onIdle = undefined;
    clearTimeout(timer);
    if (!idle) {
      const text = `${table.live} tasks of the port have not ended: close it again to wait for them`;
      throw new WharfError(STATUS.WHARF_TIMEOUT, text);
    }
  }
}

/** Spreading an array costs more than the calls of most functions. */
function invoke(call, handle, tag, args) {
  switch (args.length) {
    case 0: return call(handle, tag);
    case 1: return call(handle, tag, args[0]);
    case 2: return call(handle, tag, args[0], args[1]);
    case 3: return call(handle, tag, args[0], args[1], args[2]);
    default: return call(handle, tag, ...args);
  }
}
