// Everything at once, in a hundred rounds of chance: whatever ends what, each promise settles, and nothing is left.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WharfError, WharfPort, WharfRuntime, WharfTaskError, allocate } from 'wharf';
import { PATIENCE, collected, dock, harbour, ledger, library, tests, until } from './support.mjs';

const ROUNDS = 100;
const alive = harbour.direct('harbour_alive', [], 'int64');

/** Numbers that look like chance, the same ones for the same seed. */
function chance(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

/** Takes so many values of a stream, and leaves it. */
async function read(stream, most) {
  let left = most;
  for await (const _ of stream) if (left-- <= 0) break;
}

/** Something that ends, or is ended by the signal or with its port. */
function one(random, port, other, abort) {
  const signal = random(3) > 0 ? undefined : abort;
  const highWaterMark = 1 + random(20);
  switch (random(14)) {
    case 0: return port.call(tests.never, [], { signal: abort });
    case 1: return port.call(tests.echoValue, [['x'.repeat(random(3000)), allocate(random(2000)), [2n ** 60n]]], { signal });
    case 2: return port.call(tests.lendMany, [random(20), random(100)], { onProgress: () => {}, signal });
    case 3: return read(port.stream(tests.count, [], { highWaterMark, signal }), random(50));
    case 4: return other.call(dock.harbourShift, [random(100)], { signal });
    case 5: return read(other.stream(dock.harbourCountdown, [random(300)], { highWaterMark }), Infinity);
    case 6: return port.call(tests.fail, ['x']);
    case 7: return port.after(random(5), { signal });
    case 8: return read(port.every(1, { signal }), random(4));
    case 9: return port.call(tests.fail, [null]);
    case 10: return other.call(dock.harbourKeep, [allocate(1 + random(5000))], { signal: abort });
    case 11: return port.stream(tests.count).next();
    case 12: {
      const task = port.submit(tests.sleep, [random(3_000_000)]);
      if (random(2) > 0) task.pause();
      if (random(2) > 0) task.cancel();
      else task.resume();
      return task.value;
    }
    default: return port.call(tests.echo, [1], { signal });
  }
}

async function round(random) {
  const runtime = random(2) > 0 ? new WharfRuntime(library, { workerThreads: 1 + random(2) }) : undefined;
  const port = new WharfPort(library, { runtime, maxTasks: random(3) > 0 ? 0 : 40, onMessage: () => {} });
  const other = new WharfPort(harbour);
  const abort = new AbortController();
  const all = [];
  for (let left = 20 + random(150); left > 0; left--) {
    // Listened to from the first, as a rejection that nobody hears is an error.
    all.push(one(random, port, other, abort.signal).then(() => undefined, (reason) => reason));
    if (random(10) === 0) port.post([left, allocate(random(100))], left);
    if (random(30) === 0) await null;
    if (random(60) === 0) await new Promise(setImmediate);
  }
  if (random(2) > 0) abort.abort();
  const how = random(3);
  const closing = [other.close()];
  if (how > 0 || runtime === undefined) closing.push(port.close());
  if (how < 2) closing.push(runtime?.shutdown());
  await Promise.all(closing);
  for (const reason of await Promise.all(all)) {
    const isKnown = reason instanceof WharfError || reason instanceof WharfTaskError || reason?.name === 'AbortError';
    assert.ok(reason === undefined || isKnown, String(reason));
  }
}

test('each promise settles, and nothing is left', PATIENCE, async () => {
  const random = chance(20_261_122);
  for (let left = ROUNDS; left > 0; left--) await round(random);
  await until(() => alive() === 0 && ledger.held() === 0, 'no task holds anything');
  await collected(() => ledger.lent() === 0, 'all is given back');
});
