// Tasks as promises: one answer each, cancelled with an acknowledgement, refused without a trace.

import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { STATUS, WharfLibrary, WharfPort, WharfRuntime, WharfTaskError } from 'wharf';
import { PATHS, PATIENCE, dock, ended, harbour, hosted, ledger, library, refused, tests, until } from './support.mjs';

const HOUR_NS = 3600n * 10n ** 9n;

test('the statuses are those of wharf.h', async () => {
  const header = await readFile(process.env.WHARF_HEADER, 'utf8');
  const defined = header.slice(header.indexOf('#define WHARF_OK ')).matchAll(/^#define (WHARF_\w+) (\d+)$/gm);
  assert.deepEqual(STATUS, Object.fromEntries([...defined].map(([, name, number]) => [name, Number(number)])));
});

hosted('20,000 under way at once: each gets its own answer, and only that', async (port) => {
  const answers = await Promise.all(Array.from({ length: 20_000 }, (_, at) => port.call(tests.echo, [at])));
  answers.forEach((answer, at) => assert.equal(answer, at));
  const { tasks, waiting, posted } = port.stats;
  assert.deepEqual({ tasks, waiting, posted }, { tasks: 0, waiting: 0, posted: 20_000 });
  assert.equal(port.pending, 0);
});

hosted('an error has its code and its causes, a panic its text', async (port) => {
  await assert.rejects(port.call(tests.fail, ['the ship']), (error) => {
    assert.ok(ended('error', 404)(error));
    assert.equal(error.message, 'the ship was not found');
    assert.match(error.cause.message, /formatting/);
    assert.equal(error.name, 'WharfTaskError');
    return true;
  });
  await assert.rejects(port.call(tests.panic, ['on purpose']), (error) => {
    assert.ok(ended('panic')(error));
    assert.equal(error.message, 'on purpose');
    return true;
  });
  assert.equal(await port.call(tests.echo, [1]), 1);
});

test('causes go as deep as the library says', PATIENCE, async () => {
  const port = new WharfPort(harbour);
  await assert.rejects(port.call(dock.harbourFail, [7]), (error) => {
    assert.equal(error.code, 7);
    assert.equal(error.message, 'the harbour is closed');
    assert.match(error.cause.message, /No such file/);
    assert.equal(error.cause.cause, undefined);
    return true;
  });
  await port.close();
});

hosted('an abort is acknowledged: what the task held is free when its promise settles', async (port) => {
  const abort = new AbortController();
  const promise = port.call(tests.never, [], { signal: abort.signal });
  await until(() => ledger.held() === 1, 'the task runs');
  let settled = false;
  promise.catch(() => (settled = true));
  abort.abort();
  // It is the message that settles it, and that comes through the loop, which is not at it before we wait.
  for (let at = 0; at < 10; at++) await null;
  assert.equal(settled, false);
  await assert.rejects(promise, (error) => error.name === 'AbortError' && ledger.held() === 0);

  const reason = new Error('given up');
  await assert.rejects(port.call(tests.never, [], { signal: AbortSignal.abort(reason) }), reason);
  assert.equal(port.stats.posted, 1, 'what was aborted before was not submitted');
});

hosted('cancelled at every point: always one answer, and nothing left', async (port) => {
  const shift = harbour.function('harbour_shift', ['uint64']);
  const other = new WharfPort(harbour);
  const kinds = { ok: 0, cancelled: 0 };
  for (let yields = 0; yields < 400; yields++) {
    const task = other.submit(shift, [yields]);
    if (yields % 3 === 0) await null;
    await task.cancel();
    assert.ok(task.isDone);
    kinds[await task.value.then(() => 'ok', (error) => error.kind)]++;
  }
  assert.equal(kinds.ok + kinds.cancelled, 400);
  assert.ok(kinds.cancelled > 0, 'none was caught');
  const held = harbour.direct('harbour_alive', [], 'int64');
  assert.equal(held(), 0);
  await other.close();
});

hosted('one signal ends thousands, and leaves no listener', async (port) => {
  const abort = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = abort.signal;
  abort.signal.addEventListener = function add(...args) {
    listeners++;
    addEventListener.apply(this, args);
  };
  abort.signal.removeEventListener = function remove(...args) {
    listeners--;
    removeEventListener.apply(this, args);
  };
  await port.call(tests.echo, [1], { signal: abort.signal });
  assert.equal(listeners, 0);
  const all = Array.from({ length: 3000 }, () => port.call(tests.never, [], { signal: abort.signal }));
  assert.equal(listeners, 1);
  abort.abort();
  const ends = await Promise.allSettled(all);
  assert.ok(ends.every(({ reason }) => reason?.name === 'AbortError'));
  assert.equal(listeners, 0);
});

test('a paused task waits, a resumed one goes on', PATIENCE, async () => {
  const port = new WharfPort(library, { credit: 1 });
  const seen = [];
  const task = port.submit(tests.count, [], { onProgress: (number) => seen.push(number) });
  await until(() => seen.length === 1, 'it waits for credit');
  task.pause();
  port.grant(5);
  await port.after(50);
  assert.deepEqual(seen, [0]);
  task.resume();
  await until(() => seen.length === 6, 'it goes on');
  await task.cancel();
  await assert.rejects(task.value, ended('cancelled'));
  task.pause();
  await port.close();
});

hosted('progress comes in order, before the end, in the context of the caller', async (port) => {
  const context = new AsyncLocalStorage();
  const seen = [];
  const end = await context.run('mine', () =>
    port.call(tests.flood, [1000], { onProgress: (number) => seen.push([number, context.getStore()]) }),
  );
  assert.equal(end, 1000);
  assert.deepEqual(seen, Array.from({ length: 1000 }, (_, at) => [at, 'mine']));
});

hosted('what a handler throws is an uncaught exception, and costs no other message', async (port) => {
  const caught = [];
  const catcher = (error) => caught.push(error.message);
  process.setUncaughtExceptionCaptureCallback(catcher);
  try {
    const onProgress = (number) => {
      if (number % 10 === 0) throw new Error(`thrown at ${number}`);
    };
    assert.equal(await port.call(tests.flood, [100], { onProgress }), 100);
    await until(() => caught.length === 10, 'each is heard');
    assert.deepEqual(caught, Array.from({ length: 10 }, (_, at) => `thrown at ${10 * at}`));
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
});

hosted('what is refused leaves nothing behind', async (port) => {
  const before = ledger.blocks();
  const cyclic = [];
  cyclic.push(cyclic);
  const wide = [1];
  for (let depth = 0; depth < 40; depth++) wide.splice(0, 1, [...wide], [...wide]);
  for (let round = 0; round < 50; round++) {
    await assert.rejects(port.call(tests.fail, [null]), refused('WHARF_NULL'));
    await assert.rejects(port.call(tests.echoText, ['a\0b']), TypeError);
    await assert.rejects(port.call(tests.echoText, ['a\0b'.padStart(5000)]), TypeError);
    await assert.rejects(port.call(tests.echoText, [7]), TypeError);
    await assert.rejects(port.call(tests.echo, [0.5]), TypeError);
    await assert.rejects(port.call(tests.echo, [2n ** 63n]), TypeError);
    await assert.rejects(port.call(tests.echo, []), TypeError);
    await assert.rejects(port.call(tests.echo, [1, 2]), TypeError);
    await assert.rejects(port.call(tests.typedData, [2 ** 31, 1]), RangeError);
    await assert.rejects(port.call(tests.typedData, [1, -1]), RangeError);
    await assert.rejects(port.call(tests.sum, [new Float64Array(2)]), TypeError);
    await assert.rejects(port.call(tests.echoValue, [() => {}]), TypeError);
    await assert.rejects(port.call(tests.echoValue, [{}]), TypeError);
    await assert.rejects(port.call(tests.echoValue, [cyclic]), RangeError);
    await assert.rejects(port.call(dock.harbourAdd, [1, 2]), TypeError);
  }
  await assert.rejects(port.call(tests.echoValue, [wide]), RangeError);
  assert.equal(port.pending, 0);
  assert.equal(port.stats.posted, 0);
  assert.ok(ledger.blocks() - before < 50, 'blocks of the library are left');
  const no = await port.call(tests.echoText, ['no']);
  assert.equal(no, 'no');
});

test('an error in a getter of a value is the caller’s', PATIENCE, async () => {
  const port = new WharfPort(library);
  const trap = new Proxy([1, 2], {
    get(target, name) {
      if (name === '1') throw new Error('a trap');
      return target[name];
    },
  });
  await assert.rejects(port.call(tests.echoValue, [trap]), /a trap|can't be sent/);
  await port.close();
});

test('as many tasks as the port may have, and one more', PATIENCE, async () => {
  const port = new WharfPort(library, { maxTasks: 3 });
  const three = [1, 2, 3].map(() => port.submit(tests.never));
  await assert.rejects(port.call(tests.never), refused('WHARF_LIMIT'));
  await three[0].cancel();
  assert.equal(await port.call(tests.echo, [5]), 5);
  const ends = Promise.allSettled(three.map((task) => task.value));
  await port.close();
  assert.ok((await ends).every(({ reason }) => ended('cancelled')(reason)));
  assert.ok(three.every((task) => task.isDone));
});

hosted('time by the library’s clock: in order, never early, and given up', async (port) => {
  const ends = [];
  await Promise.all([30, 10, 20, 0].map((ms) => port.after(ms).then(() => ends.push(ms))));
  assert.deepEqual(ends, [0, 10, 20, 30]);
  const start = process.hrtime.bigint();
  await port.after(2.5);
  assert.ok(process.hrtime.bigint() - start >= 2_500_000n);
  const abort = new AbortController();
  const long = port.after(3_600_000, { signal: abort.signal });
  abort.abort();
  await assert.rejects(long, { name: 'AbortError' });
  await assert.rejects(async () => port.after(-1), TypeError);
});

test('functions that are not there, and types that are none', () => {
  assert.throws(() => library.function('tests_nothing'), /has no function 'tests_nothing'/);
  assert.throws(() => library.function('tests_echo', ['int']), /no type of a parameter/);
  assert.throws(() => library.function('tests_echo', Array(20).fill('int64')), RangeError);
  assert.throws(() => new WharfLibrary('/nowhere/lib.so'), { code: 'ERR_DLOPEN_FAILED' });
  assert.throws(() => new WharfLibrary('libc.so.6'), { code: 'ERR_WHARF_LIBRARY' });
  assert.throws(() => new WharfPort({}), TypeError);
  assert.throws(() => new WharfRuntime({}), TypeError);
  assert.throws(() => new WharfPort(library, { runtime: {} }), TypeError);
  assert.throws(() => new WharfPort(library, { runtime: new WharfRuntime(harbour) }), TypeError);
  assert.throws(() => new WharfPort(library, { whenFull: 'wait' }), TypeError);
  assert.throws(() => new WharfPort(library, { capacity: -1 }), TypeError);
});

test('two libraries in one process know nothing of each other', PATIENCE, async () => {
  const ports = [new WharfPort(library), new WharfPort(harbour)];
  const both = await Promise.all([ports[0].call(tests.echo, [1]), ports[1].call(dock.harbourAdd, [20, 22])]);
  assert.deepEqual(both, [1, 42]);
  assert.throws(() => library.sendPort(ports[1].id).post(1), refused('WHARF_NO_PORT'));
  const again = new WharfLibrary(PATHS.harbour);
  assert.equal(await ports[1].call(again.function('harbour_add', ['int64', 'int64']), [1, 2]), 3);
  await Promise.all(ports.map((port) => port.close()));
});

test('posts reach a port’s handler with their tags, control first', PATIENCE, async () => {
  const seen = [];
  const port = new WharfPort(library, { onMessage: (value, about) => seen.push([value, about.tag, about.control]) });
  port.post('a', 1);
  port.post(['b', null], 2);
  port.sendPort.post(undefined);
  port.postControl('first', 9);
  await until(() => seen.length === 4, 'all arrive');
  assert.deepEqual(seen, [
    ['first', 9, true],
    ['a', 1, false],
    [['b', null], 2, false],
    [null, 0, false],
  ]);
  assert.throws(() => port.post({}), TypeError);
  await port.close();
  assert.throws(() => port.post(1), refused('WHARF_NO_PORT'));
});

test('what becomes of posts to a full port is counted', PATIENCE, async () => {
  for (const [whenFull, kept, counts] of [
    ['refuse', [0, 1], { dropped: 0, refused: 3 }],
    ['drop-oldest', [3, 4], { dropped: 3, refused: 0 }],
    ['keep-latest', [4], { dropped: 3, refused: 0 }],
  ]) {
    const seen = [];
    const port = new WharfPort(library, { capacity: 2, whenFull, onMessage: (value) => seen.push(value) });
    for (let at = 0; at < 5; at++) {
      try {
        port.post(at, 1);
      } catch (error) {
        assert.ok(whenFull === 'refuse' && refused('WHARF_FULL')(error));
      }
    }
    const { dropped, refused: no } = port.stats;
    if (whenFull !== 'keep-latest') assert.deepEqual({ dropped, refused: no }, counts);
    await until(() => seen.length >= kept.length, 'they arrive');
    if (whenFull !== 'keep-latest') assert.deepEqual(seen, kept);
    else assert.equal(seen.at(-1), 4);
    await port.close();
  }
});

test('a port with credit takes what there is credit for, and last words always', PATIENCE, async () => {
  const port = new WharfPort(library, { credit: 3 });
  const seen = [];
  const task = port.submit(tests.count, [], { onProgress: (number) => seen.push(number) });
  await until(() => seen.length === 3, 'three arrive');
  await port.after(10);
  assert.deepEqual(seen, [0, 1, 2]);
  port.grant(2);
  await until(() => seen.length === 5, 'two more arrive');
  await task.cancel();
  assert.equal(await port.call(tests.echo, [1]), 1);
  await port.close();
});

test('errors of tasks are errors of JavaScript’s', () => {
  const error = new WharfTaskError('error', 3, 'text', new Error('below'));
  assert.ok(error instanceof Error && error.cause.message === 'below');
  assert.equal(String(error), 'WharfTaskError: text');
});

hosted('what is no signal is refused before anything is submitted; null is none', async (port) => {
  for (const signal of [{}, { aborted: false }, 'soon', 7, new EventTarget()]) {
    await assert.rejects(port.call(tests.never, [], { signal }), TypeError);
    await assert.rejects(port.submit(tests.never, [], { signal }).value, TypeError);
    await assert.rejects(port.stream(tests.flood, [1], { signal }).next(), TypeError);
  }
  assert.equal(await port.call(tests.echo, [1], { signal: null, onProgress: null }), 1);
  assert.equal(await port.submit(tests.echo, [2], { signal: null }).value, 2);
  for await (const number of port.stream(tests.flood, [1], { signal: null })) assert.equal(number, 0);
  assert.equal(port.stats.posted, 2);
});

test('an argument that submits tasks while it is read does not move what the call writes to', PATIENCE, async () => {
  const port = new WharfPort(harbour);
  const others = [];
  const value = [1, 2];
  const get = () => {
    while (others.length < 500) others.push(port.call(dock.harbourAdd, [others.length, 1]));
    return 1;
  };
  Object.defineProperty(value, 0, { get });
  const outer = port.submit(dock.harbourFerry, [value]);
  await Promise.all(others);
  await until(() => port.pending === 1, 'the others have ended');
  // Its id is known: it ends when it is asked to.
  await outer.cancel();
  assert.deepEqual(await outer.value, [1, 2]);
  await port.close();
});
