// The works of the benches' group `node`: wharf's package, what bounds it and a peer, in one process.
//
//     node works.mjs LIBRARY PEER FLOOR
//
// says `ready`, then reads lines from standard input, `WORK WHO COUNT`, takes one sample of so many tasks or
// numbers, and answers each with a line: how long it took, the processor time of all threads meanwhile, and the
// single times of the works that have any; all in nanoseconds. It lies where the package `wharf` is installed.

import { readSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { WharfLibrary, WharfPort } from 'wharf';

const IN_FLIGHT = 1000;
const BEAT_MS = 1;
const LIMIT = 64;

const require = createRequire(import.meta.url);
const [library, peer, floor] = process.argv.slice(2);

/** Values as an async iterator: the least of one. */
class Values {
  #waiting = [];
  #first = 0;
  #asking;
  #left;

  constructor(count) {
    this.#left = count;
  }

  push(value) {
    const asking = this.#asking;
    if (asking === undefined) {
      this.#waiting.push(value);
      return;
    }
    this.#asking = undefined;
    asking({ value, done: false });
  }

  next() {
    if (this.#left-- === 0) return Promise.resolve({ value: undefined, done: true });
    if (this.#first === this.#waiting.length) return new Promise((resolve) => (this.#asking = resolve));
    const value = this.#waiting[this.#first++];
    if (this.#first === this.#waiting.length) this.#first = this.#waiting.length = 0;
    return Promise.resolve({ value, done: false });
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}

/** The package, as a program uses it. */
function wharf() {
  const loaded = new WharfLibrary(library);
  const port = new WharfPort(loaded);
  const add = loaded.function('harbour_add', ['int64', 'int64']);
  const count = loaded.function('harbour_count', ['uint64']);
  return { add: (a, b) => port.call(add, [a, b]), numbers: (below) => port.stream(count, [below]) };
}

/** napi-rs. */
function tokio() {
  const addon = require(peer);
  const numbers = (below) => {
    const values = new Values(below);
    addon.numbers(below, (number) => values.push(number));
    return values;
  };
  return { add: addon.add, numbers };
}

/** Threads that wake libuv. */
function bare() {
  const addon = require(floor);
  const read = new Float64Array(LIMIT);
  let waiting = [];
  let first = 0;
  let values;
  const answers = (count) => {
    for (const last = first + count; first < last; first++) waiting[first](42);
    if (first < waiting.length) return;
    waiting = [];
    first = 0;
  };
  const more = (count) => {
    for (let at = 0; at < count; at++) values.push(read[at]);
  };
  addon.start(answers, more, read);
  const add = () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      addon.request();
    });
  const numbers = (below) => {
    values = new Values(below);
    addon.numbers(below);
    return values;
  };
  return { add, numbers };
}

function check(is, expected) {
  if (is !== expected) throw new Error(`found ${is}, expected ${expected}`);
}

const nanoseconds = (ms) => Math.round(ms * 1e6);

const WORKS = {
  /** Tasks, each awaited before the next is submitted. */
  async trip({ add }, count) {
    const times = [];
    for (let at = 0; at < count; at++) {
      const start = performance.now();
      const answer = await add(40, 2);
      times.push(nanoseconds(performance.now() - start));
      check(answer, 42);
    }
    return times;
  },

  /** Tasks of which so many are awaited at once. */
  async tasks({ add }, count) {
    let left = count;
    const lane = async () => {
      while (left-- > 0) check(await add(40, 2), 42);
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
    return [];
  },

  /** Tasks submitted in one turn of the loop. */
  async gather({ add }, count) {
    const answers = await Promise.all(Array.from({ length: count }, () => add(40, 2)));
    answers.forEach((answer) => check(answer, 42));
    return [];
  },

  /** Numbers of one task. */
  async stream({ numbers }, count) {
    let next = 0;
    for await (const number of numbers(count)) check(number, next++);
    check(next, count);
    return [];
  },

  /** How long it takes from beat to beat of a timer, beside `tasks`. */
  async beats(who, count) {
    const times = [];
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      times.push(nanoseconds(now - last));
      last = now;
    }, BEAT_MS);
    await WORKS.tasks(who, count);
    // The beat that was due when the last answer came.
    await sleep(2 * BEAT_MS);
    clearInterval(timer);
    return times;
  },
};

async function sample(work, who, count) {
  const processor = process.cpuUsage();
  const start = performance.now();
  const times = await work(who, count);
  const took = nanoseconds(performance.now() - start);
  const { user, system } = process.cpuUsage(processor);
  return [took, (user + system) * 1000, ...times];
}

/** The next line of standard input, for which the whole program waits: its loop has nothing else to do. */
function line() {
  const byte = Buffer.alloc(1);
  let text = '';
  while (readSync(0, byte) === 1 && byte[0] !== 10) text += byte.toString();
  return text;
}

const known = { wharf: wharf(), tokio: tokio(), floor: bare() };
writeSync(1, 'ready\n');
for (let words; (words = line()) !== ''; ) {
  const [work, who, count] = words.split(' ');
  globalThis.gc?.();
  writeSync(1, `${(await sample(WORKS[work], known[who], Number(count))).join(' ')}\n`);
}
process.exit(0);
