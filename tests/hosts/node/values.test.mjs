// Values of every type, both ways, and bytes that are lent.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WharfPort, WharfSendPort, allocate } from 'wharf';
import { PATIENCE, collected, dock, ended, harbour, hosted, ledger, library, program, refused, tests, until } from './support.mjs';

/** The kinds of data by wharf's numbers, as they arrive. */
const KINDS = [
  DataView,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
  Float32Array,
  Float64Array,
  Int32Array,
  Float32Array,
  Float64Array,
];

function bytesOf({ buffer, byteOffset, byteLength }) {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

hosted('there and back', async (port) => {
  const values = [
    null,
    true,
    false,
    0,
    -1,
    2 ** 31,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    2n ** 53n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    0.5,
    -0,
    1e300,
    2 ** 60,
    Infinity,
    NaN,
    '',
    'søster 🚢',
    'x'.repeat(100_000),
    'ø'.repeat(600),
    [],
    [null, [true, [1, ['deep']]], 'x'],
    Array.from({ length: 5000 }, (_, at) => at),
  ];
  for (const value of values) {
    const back = await port.call(tests.echoValue, [value]);
    // Doubles of this size are whole numbers, and stay doubles.
    assert.deepEqual(back, value);
    if (typeof value === 'number') assert.ok(Object.is(back, value));
  }
  assert.equal(await port.call(tests.echoValue, [undefined]), null);
  assert.equal(await port.call(tests.echoValue, [7n]), 7, 'a small integer is a number');
  assert.equal(await port.call(tests.echoText, [null]), null);
  assert.equal(await port.call(tests.echoText, ['\ud800']), '\ufffd', 'half a character is replaced');
  for (const length of [0, 1, 900, 1000, 1019, 1020, 1021, 1024, 1025, 2000]) {
    assert.equal(await port.call(tests.echoText, ['y'.repeat(length)]), 'y'.repeat(length));
  }
});

hosted('typed data of each kind, there and back', async (port) => {
  const bytes = Uint8Array.from({ length: 32 }, (_, at) => at);
  for (const kind of KINDS.slice(1, 12)) {
    const sent = new kind(bytes.slice().buffer);
    const back = await port.call(tests.echoValue, [sent]);
    assert.ok(back instanceof kind, kind.name);
    assert.deepEqual(back, sent);
  }
  const part = await port.call(tests.echoValue, [bytes.subarray(3, 9)]);
  assert.deepEqual([...part], [3, 4, 5, 6, 7, 8]);
  for (const whole of [bytes.buffer, new DataView(bytes.buffer)]) {
    const back = await port.call(tests.echoValue, [whole]);
    assert.ok(back instanceof DataView);
    assert.deepEqual(bytesOf(back), bytes);
  }
  assert.equal((await port.call(tests.echoValue, [new Uint8Array()])).length, 0);
  assert.equal(await port.call(tests.sum, [new BigInt64Array([1n, 2n, -10n])]), -7);
  assert.equal(await port.call(tests.sum, [new BigInt64Array()]), 0);
});

hosted('the edges of numbers', async (port) => {
  const seen = [];
  const end = await port.call(tests.numbers, [], { onProgress: (number) => seen.push(number) });
  const whole = [-(2n ** 63n), -0x40000001, -0x40000000, 0, 0x3fffffff, 0x40000000, 2n ** 63n - 1n];
  assert.deepEqual(seen, [...whole, 1, Number.MAX_VALUE, 2 ** -1022, -Infinity, NaN]);
  assert.ok(Object.is(end, -0));
  const plain = await port.call(tests.plainValues);
  assert.deepEqual(plain, [
    null,
    true,
    false,
    [-(2 ** 31), 2 ** 31 - 1, 2 ** 40, -(2n ** 63n), 2n ** 63n - 1n, Float64Array.of(0.5, -Infinity)],
    ['', 'søster 🚢', ['a', null]],
    [],
  ]);
});

hosted('data of each kind arrives, copied or lent, and what is lent is given back once', async (port) => {
  assert.equal(ledger.lent(), 0);
  await (async () => {
    const kept = [];
    for (const make of [tests.typedData, tests.lentData, tests.lentReadonly]) {
      for (const [kind, type] of KINDS.entries()) {
        const data = await port.call(make, [kind, 48]);
        assert.ok(data instanceof type, `${make.name} ${kind}`);
        assert.deepEqual([...bytesOf(data)], Array.from({ length: 48 }, (_, at) => at));
        if (make !== tests.typedData) kept.push(data);
      }
    }
    assert.equal(ledger.lent(), kept.length);
    kept[0].setUint8(0, 77);
    assert.equal(kept[0].getUint8(0), 77);
  })();
  await collected(() => ledger.lent() === 0, 'all is given back');
  // Nothing to share is given back at once.
  assert.equal((await port.call(tests.lentData, [2, 0])).length, 0);
  assert.equal(ledger.lent(), 0);
});

hosted('a thousand lent buffers, half of them unread when the port closes', async (port) => {
  const other = new WharfPort(library);
  let seen = 0;
  await other.call(tests.lendMany, [500, 64], { onProgress: () => seen++ });
  assert.equal(seen, 500);
  const unread = new WharfPort(library, { capacity: 0 });
  // Accepted, posted, and never taken out: the loop is not at it before the close.
  const task = unread.submit(tests.lendMany, [500, 64]);
  task.value.catch(() => {});
  await Promise.all([other.close(), unread.close()]);
  await collected(() => ledger.lent() === 0, 'all is given back');
  assert.equal(ledger.lent(), 0);
});

hosted('native pointers are opaque, and their finalizers run once', async (port) => {
  let count = 0;
  await (async () => {
    const kept = [];
    await port.call(tests.pointers, [50, 64], { onProgress: (pointer) => kept.push(pointer) });
    assert.ok(kept.every((pointer) => typeof pointer === 'object'));
    assert.equal(ledger.lent(), 50);
    count = kept.length;
  })();
  assert.equal(count, 50);
  await collected(() => ledger.lent() === 0, 'all are freed');
});

test('the library lends with its own finalizer, in another library too', PATIENCE, async () => {
  const lent = harbour.direct('harbour_lent', [], 'int64');
  const port = new WharfPort(harbour);
  await (async () => {
    const data = await port.call(dock.harbourLend, [1 << 20]);
    assert.equal(data.byteLength, 1 << 20);
    assert.equal(lent(), 1);
    assert.ok(data.every((byte) => byte === 7));
  })();
  await collected(() => lent() === 0, 'it is given back');
  await port.close();
});

test('bytes of `allocate` are given away without a copy, once a call is accepted', PATIENCE, async () => {
  const port = new WharfPort(harbour);
  const bytes = allocate(1 << 20);
  bytes.fill(3);
  const view = bytes.subarray(5, 10);
  await assert.rejects(port.call(harbour.function('harbour_measure', ['value']), [[bytes]]), refused('WHARF_BAD_VALUE'));
  await assert.rejects(port.call(dock.harbourMirror, [[bytes, () => {}]]), TypeError);
  assert.deepEqual([...view], [3, 3, 3, 3, 3], 'a refused call leaves them');
  // There and back, the same bytes: what is written to them on the way back was theirs.
  const [back, part] = await port.call(dock.harbourMirror, [[bytes, view]]);
  assert.deepEqual([bytes.length, view.length], [0, 0], 'detached');
  assert.deepEqual([back.length, part.length], [1 << 20, 5]);
  back[5] = 77;
  assert.equal(part[0], 77, 'one memory');
  const twice = allocate(8);
  const both = await port.call(dock.harbourMirror, [[twice, twice]]);
  assert.deepEqual(both, [new Uint8Array(8), new Uint8Array(8)]);
  assert.equal(await port.call(dock.harbourMeasure, [allocate(100)]), 100);
  assert.equal(await port.call(dock.harbourMeasure, [new DataView(allocate(64).buffer, 8, 16)]), 16);
  assert.deepEqual(await port.call(dock.harbourMirror, [bytes]), new Uint8Array());
  assert.equal(allocate(0).length, 0);
  assert.throws(() => allocate(-1), TypeError);
  assert.throws(() => allocate(2 ** 53), TypeError);
  assert.throws(() => allocate(2 ** 52), RangeError);

  // Held by tasks that end with their port, and by one that outlives the array here.
  const keeping = Array.from({ length: 20 }, () => port.call(dock.harbourKeep, [allocate(4096)]));
  const ends = Promise.allSettled(keeping);
  await port.close();
  assert.ok((await ends).every(({ reason }) => ended('cancelled')(reason)));
});

test('what is lent when the process exits is no harm', PATIENCE, async () => {
  const { out, code, error } = await program(`
    import { library, tests } from '${new URL('support.mjs', import.meta.url)}';
    import { WharfPort } from 'wharf';
    const port = new WharfPort(library);
    globalThis.kept = [];
    for (let at = 0; at < 20; at++) kept.push(await port.call(tests.lentData, [2, 4096]));
    console.log(kept.length);
    process.exit(0);`);
  assert.deepEqual([out, code, error], ['20\n', 0, '']);
});

test('send ports both ways', PATIENCE, async () => {
  const heard = [];
  const port = new WharfPort(harbour, { onMessage: (value, about) => heard.push([value, about]) });
  const back = await port.call(dock.harbourHail, [port.sendPort, 'ahoy']);
  assert.ok(back instanceof WharfSendPort);
  assert.equal(back.id, port.id);
  await until(() => heard.length === 2, 'both words arrive');
  assert.deepEqual(heard.map(([value]) => value).sort(), ['ahoy', null]);
  heard.length = 0;

  const talk = port.submit(dock.harbourParley, [], { onProgress: (to) => heard.push(to) });
  await until(() => heard.length === 1, 'it says where it is');
  const [peer] = heard.splice(0);
  for (let number = 0; number < 100; number++) peer.post([number, port.sendPort], number);
  await until(() => heard.length === 100, 'all are answered');
  assert.deepEqual(
    heard.map(([value, { tag }]) => [value, tag]),
    Array.from({ length: 100 }, (_, at) => [2 * at, at]),
  );
  peer.postControl(null);
  assert.equal(await talk.value, 100);
  await port.close();
});

test('a result that can’t be sent is the task’s error', PATIENCE, async () => {
  const port = new WharfPort(harbour);
  await assert.rejects(port.call(dock.harbourUnsendable), (error) => ended('error', -13)(error));
  const verdicts = await port.call(dock.harbourVerdicts, [Int32Array.of(0, 5)]);
  assert.equal(verdicts.length, 2);
  let nested = await port.call(dock.harbourNest, [60, 3, false]);
  let depth = 0;
  for (; Array.isArray(nested); nested = nested[0]) depth++;
  assert.equal(depth, 60);
  await port.close();
});
