// Streams: values in order, a reader that sets the pace, an end that is acknowledged.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WharfPort } from 'wharf';
import { PATIENCE, collected, dock, ended, harbour, hosted, ledger, library, program, refused, tests, until } from './support.mjs';

test('all values in order, and then the end', PATIENCE, async () => {
  const port = new WharfPort(harbour);
  for (const highWaterMark of [1, 2, 7, 64, 100_000]) {
    let expected = 3000;
    for await (const number of port.stream(dock.harbourCountdown, [3000], { highWaterMark })) {
      assert.equal(number, expected--);
    }
    assert.equal(expected, 0);
  }
  const empty = port.stream(dock.harbourCountdown, [0]);
  assert.deepEqual(await empty.next(), { value: undefined, done: true });
  assert.deepEqual(await empty.next(), { value: undefined, done: true });
  assert.deepEqual(await empty.return(5), { value: 5, done: true });
  await port.close();
});

hosted('a slow reader holds the task up: no more is on its way than the mark says', async (port) => {
  const before = ledger.counted();
  const stream = port.stream(tests.count, [], { highWaterMark: 8 });
  for (let expected = 0; expected < 100; expected++) {
    assert.deepEqual(await stream.next(), { value: expected, done: false });
    // Of its own accord the task would go on.
    if (expected % 25 === 0) await port.after(20);
    const ahead = ledger.counted() - before - (expected + 1);
    assert.ok(ahead <= 8, `${ahead} ahead`);
  }
  await stream.return();
});

hosted('leaving the loop cancels, and is done when what the task held is free', async (port) => {
  let seen = 0;
  for await (const number of port.stream(tests.count)) {
    assert.equal(ledger.held(), 1);
    if (number === 9) break;
    seen++;
  }
  assert.deepEqual([seen, ledger.held()], [9, 0]);
});

hosted('a stream that is disposed of is over, and its task gone', async (port) => {
  if (!Symbol.asyncDispose) return;
  const stream = port.stream(tests.count);
  assert.deepEqual(await stream.next(), { value: 0, done: false });
  assert.equal(ledger.held(), 1);
  await stream[Symbol.asyncDispose]();
  assert.equal(ledger.held(), 0);
  assert.deepEqual(await stream.next(), { value: undefined, done: true });
});

hosted('values that were asked for ahead come in order; what is left over is the end', async (port) => {
  const stream = port.stream(tests.count, [], { highWaterMark: 3 });
  const asked = await Promise.all(Array.from({ length: 50 }, () => stream.next()));
  assert.deepEqual(asked.map(({ value }) => value), Array.from({ length: 50 }, (_, at) => at));
  const other = port.stream(tests.never);
  const waiting = [other.next(), other.next()];
  await until(() => ledger.held() === 2, 'both run');
  await Promise.all([stream.return(), stream.return(), other.return()]);
  assert.deepEqual(await Promise.all(waiting), Array(2).fill({ value: undefined, done: true }));
  assert.deepEqual(await stream.next(), { value: undefined, done: true });
});

hosted('an error comes after all values before it, once', async (port) => {
  const seen = [];
  const stream = port.stream(tests.countAndFail, [20, 0], { highWaterMark: 2 });
  await assert.rejects(async () => {
    for await (const number of stream) seen.push(number);
  }, ended('error', 404));
  assert.deepEqual(seen, Array.from({ length: 20 }, (_, at) => at));
  assert.deepEqual(await stream.next(), { value: undefined, done: true });
});

hosted('a signal ends a stream with its reason', async (port) => {
  const abort = new AbortController();
  const seen = [];
  await assert.rejects(async () => {
    for await (const number of port.stream(tests.count, [], { signal: abort.signal, highWaterMark: 1 })) {
      if (seen.push(number) === 5) abort.abort();
    }
  }, { name: 'AbortError' });
  assert.ok(seen.length >= 5);
  assert.equal(ledger.held(), 0);
  await assert.rejects(port.stream(tests.count, [], { signal: abort.signal }).next(), { name: 'AbortError' });
});

hosted('nothing runs before the first value is asked for, and nothing is kept of what was not', async (port) => {
  const stream = port.stream(tests.count);
  await port.after(5);
  assert.equal(ledger.held(), 0);
  assert.deepEqual(await stream.return(), { value: undefined, done: true });
  assert.deepEqual(await stream.next(), { value: undefined, done: true });
  assert.throws(() => port.stream(tests.count, [], { highWaterMark: 0 }), RangeError);
  await assert.rejects(port.stream(tests.fail, [null]).next(), refused('WHARF_NULL'));
  await assert.rejects(port.stream(tests.count, []).throw(new Error('mine')), /mine/);
});

hosted('a stream that is forgotten is cancelled', async (port) => {
  await (async () => {
    await port.stream(tests.count, [], { highWaterMark: 2 }).next();
    assert.equal(ledger.held(), 1);
  })();
  await collected(() => ledger.held() === 0, 'its task is cancelled');
});

hosted('beats: numbered, the late ones left out', async (port) => {
  const seen = [];
  for await (const beat of port.every(2)) {
    seen.push(beat);
    if (seen.length === 3) await port.after(15);
    if (seen.length === 6) break;
  }
  assert.ok(seen[0] >= 1);
  assert.ok(seen.every((beat, at) => at === 0 || beat > seen[at - 1]), String(seen));
  assert.ok(seen[5] > 6, `some were missed: ${seen}`);
});

test('closing the port ends its streams', PATIENCE, async () => {
  const port = new WharfPort(library);
  const streams = Array.from({ length: 10 }, () => port.stream(tests.count, [], { highWaterMark: 1 }));
  await Promise.all(streams.map((stream) => stream.next()));
  assert.equal(ledger.held(), 10);
  await port.close();
  assert.equal(ledger.held(), 0);
  await assert.rejects(async () => {
    for await (const _ of streams[0]);
  }, ended('cancelled'));
  await assert.rejects(port.stream(tests.count).next(), refused('WHARF_NO_PORT'));
});

test('a stream that nobody reads keeps no program alive, one that is read does', PATIENCE, async () => {
  const head = `
    import { library, tests } from '${new URL('support.mjs', import.meta.url)}';
    import { WharfPort } from 'wharf';
    const port = new WharfPort(library);`;
  const idle = await program(`${head}
    // Where it can't be collected, which would end it.
    globalThis.stream = port.stream(tests.count);
    console.log((await stream.next()).value);`);
  assert.deepEqual([idle.out, idle.code, idle.error], ['0\n', 0, '']);
  const read = await program(`${head}
    for await (const beat of port.every(5)) if (beat >= 3) break;
    console.log('read');`);
  assert.deepEqual([read.out, read.code, read.error], ['read\n', 0, '']);
});
