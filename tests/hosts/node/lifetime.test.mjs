// Ends: of ports, runtimes, workers and processes, with work under way.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { STATUS, WharfPort, WharfRuntime } from 'wharf';
import { PATIENCE, collected, dock, ended, harbour, ledger, library, program, refused, tests, until } from './support.mjs';

const SUPPORT = new URL('support.mjs', import.meta.url);
const HEAD = `
  import { WharfPort, WharfRuntime } from 'wharf';
  import { dock, harbour, ledger, library, tests } from '${SUPPORT}';
  const port = new WharfPort(library);`;

test('a port closed with tasks under way: each ends once, none is at work after that', PATIENCE, async () => {
  const port = new WharfPort(library);
  let settled = 0;
  const never = Array.from({ length: 500 }, () => port.call(tests.never).finally(() => settled++));
  const soon = Array.from({ length: 500 }, (_, at) => port.call(tests.echo, [at]).finally(() => settled++));
  const ends = Promise.allSettled([...never, ...soon]);
  const closing = port.close();
  assert.equal(port.isClosed, true);
  await assert.rejects(port.call(tests.echo, [1]), refused('WHARF_NO_PORT'));
  await Promise.all([closing, port.close()]);
  assert.deepEqual([ledger.held(), port.pending, settled], [0, 0, 1000]);
  for (const [at, { status, value, reason }] of (await ends).entries()) {
    if (status === 'fulfilled') assert.equal(value, at - 500);
    else assert.ok(ended('cancelled')(reason));
  }
  await port.close();
});

test('a close that has to wait for a task says so, and can be repeated', PATIENCE, async () => {
  const release = harbour.direct('harbour_release', ['bool']);
  const alive = harbour.direct('harbour_alive', [], 'int64');
  release(false);
  const runtime = new WharfRuntime(harbour, { workerThreads: 1, threadName: 'hogged' });
  const port = new WharfPort(harbour, { runtime });
  const hog = port.submit(dock.harbourHog);
  await until(() => alive() === 1, 'it runs');
  await assert.rejects(port.close({ timeoutMs: 20 }), refused('WHARF_TIMEOUT'));
  await assert.rejects(runtime.shutdown({ timeoutMs: 20 }), refused('WHARF_TIMEOUT'));
  assert.equal(hog.isDone, false);
  release(true);
  await Promise.all([port.close(), runtime.shutdown()]);
  assert.ok(hog.isDone);
  // Its end was its own.
  assert.equal(await hog.value, null);
});

test('a shutdown under load: each task has its last word before the promise is kept', PATIENCE, async () => {
  for (let round = 0; round < 5; round++) {
    const runtime = new WharfRuntime(library, { workerThreads: 2 });
    const port = new WharfPort(library, { runtime });
    const kinds = {};
    const count = (promise) =>
      promise.then(() => 'ok', (error) => error.kind).then((kind) => (kinds[kind] = (kinds[kind] ?? 0) + 1));
    for (let at = 0; at < 1000; at++) count(port.call(tests.echo, [at]));
    for (let at = 0; at < 1000; at++) count(port.call(tests.never));
    const stream = port.stream(tests.count);
    await stream.next();
    if (round > 2) await port.after(round);
    await runtime.shutdown();
    assert.equal(ledger.held(), 0);
    assert.equal(port.pending, 0);
    assert.equal((kinds.ok ?? 0) + kinds.shutdown, 2000, JSON.stringify(kinds));
    assert.ok(kinds.shutdown >= 1000);
    await assert.rejects(async () => {
      for await (const _ of stream);
    }, ended('shutdown'));
    await assert.rejects(port.call(tests.echo, [1]));
    await Promise.all([port.close(), runtime.shutdown()]);
    assert.throws(() => new WharfPort(library, { runtime }), refused('WHARF_NO_RUNTIME'));
  }
});

test('a shutdown while streams are read: what was sent arrives, then the end', PATIENCE, async () => {
  for (let round = 0; round < 20; round++) {
    const runtime = new WharfRuntime(library, { workerThreads: 2 });
    const port = new WharfPort(library, { runtime });
    const read = async (highWaterMark) => {
      let expected = 0;
      for await (const number of port.stream(tests.count, [], { highWaterMark })) assert.equal(number, expected++);
    };
    const ends = Promise.allSettled([1, 2, 5, 20, 100].map(read));
    await port.after(round % 5);
    await runtime.shutdown();
    for (const { reason } of await ends) {
      // A task that was just posting was refused that, and has ended by itself.
      assert.ok(ended('shutdown')(reason) || ended('error', -STATUS.WHARF_SHUT_DOWN)(reason), String(reason));
    }
  }
});

test('a runtime and a port that are disposed of', PATIENCE, async () => {
  if (!Symbol.asyncDispose) return;
  const runtime = new WharfRuntime(library);
  const port = new WharfPort(library, { runtime });
  const never = port.call(tests.never);
  await Promise.all([assert.rejects(never, ended('cancelled')), port[Symbol.asyncDispose]()]);
  await runtime[Symbol.asyncDispose]();
  assert.ok(port.isClosed);
});

test('a forgotten port is closed, one that is waited for is not', PATIENCE, async () => {
  const promise = (() => new WharfPort(library).call(tests.sleep, [50_000_000]))();
  const id = (() => new WharfPort(library).id)();
  const alive = () => {
    try {
      library.sendPort(id).post(1);
      return true;
    } catch {
      return false;
    }
  };
  assert.ok(alive());
  await collected(() => !alive(), 'it is closed');
  await promise;
  const runtime = (() => new WeakRef(new WharfRuntime(library)))();
  await collected(() => runtime.deref() === undefined, 'the runtime is collected');
});

test('a worker that is terminated takes its tasks with it, whatever comes meanwhile', PATIENCE, async () => {
  const text = `
    import { parentPort } from 'node:worker_threads';
    ${HEAD}
    const runtime = new WharfRuntime(library);
    const kept = [];
    for (const one of [port, new WharfPort(library, { runtime })]) {
      for (let at = 0; at < 20; at++) (async () => {
        for (;;) { await one.call(tests.echo, [at]); kept.push(await one.call(tests.lentData, [2, 500])); kept.length %= 500; }
      })();
    }
    for (let at = 0; at < 5; at++) (async () => { for await (const one of port.stream(tests.count)); })();
    for (let at = 0; at < 50; at++) port.call(tests.never);
    parentPort.postMessage('up');`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(text.replaceAll("'wharf'", `'${import.meta.resolve('wharf')}'`))}`);
  for (let round = 0; round < 15; round++) {
    const worker = new Worker(url);
    await once(worker, 'message');
    await sleep(round % 5);
    await worker.terminate();
  }
  await until(() => ledger.held() === 0, 'the tasks are gone');
  await collected(() => ledger.lent() === 0, 'and so is what was lent');
});

test('workers have ports of their own, at one library, and post to each other', PATIENCE, async () => {
  const heard = [];
  const port = new WharfPort(library, { onMessage: (value) => heard.push(value) }).ref();
  const text = `
    import { workerData } from 'node:worker_threads';
    ${HEAD}
    const all = await Promise.all(Array.from({ length: 1000 }, (_, at) => port.call(tests.echo, [at])));
    library.sendPort(workerData).post(all.reduce((sum, one) => sum + one));
    await port.close();`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(text.replaceAll("'wharf'", `'${import.meta.resolve('wharf')}'`))}`);
  const workers = [1, 2, 3].map(() => new Worker(url, { workerData: port.id }));
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
  await until(() => heard.length === 3, 'each has said what it found');
  assert.deepEqual(heard, [499500, 499500, 499500]);
  await port.close();
});

test('a process that exits with tasks still running neither hangs nor crashes', PATIENCE, async () => {
  const busy = `
    for (let at = 0; at < 200; at++) port.call(tests.never);
    for (let at = 0; at < 5; at++) (async () => { for await (const one of port.stream(tests.count)); })();
    (async () => { for (;;) await port.call(tests.echo, [1]); })();
    new WharfPort(harbour).call(dock.harbourTurn);
    await port.after(3);`;
  for (const [end, code] of [
    ['process.exit(3);', 3],
    ['process.exitCode = 4; setTimeout(() => process.exit(), 2);', 4],
    ['port.unref();  throw new Error("thrown");', 1],
  ]) {
    const ran = await program(HEAD + busy + end);
    assert.deepEqual([ran.code, ran.signal], [code, null], ran.error);
  }
});

test('what keeps a program alive: an answer that is due, and a port that was asked to', PATIENCE, async () => {
  const idle = await program(`${HEAD} console.log(await port.call(tests.echo, [1])); new WharfRuntime(library);`);
  assert.deepEqual([idle.out, idle.code, idle.error], ['1\n', 0, '']);
  const due = await program(`${HEAD} port.after(30).then(() => console.log('done'));`);
  assert.deepEqual([due.out, due.code], ['done\n', 0]);
  const unheld = await program(`${HEAD} port.unref().call(tests.never); console.log('gone');`);
  assert.deepEqual([unheld.out, unheld.code], ['gone\n', 0]);
  const held = await program(`${HEAD}
    const other = new WharfPort(library, { onMessage: (value) => { console.log(value); other.close(); } }).ref();
    setTimeout(() => library.sendPort(other.id).post('word'), 20).unref();`);
  assert.deepEqual([held.out, held.code], ['word\n', 0]);
  const closing = await program(`${HEAD} port.unref(); port.call(tests.never).catch((error) => console.log(error.kind));
    port.close().then(() => console.log('closed'));`);
  assert.deepEqual([closing.out, closing.code], ['cancelled\nclosed\n', 0]);
  // Messages on their way meanwhile say nothing of who waits.
  const streaming = await program(`${HEAD}
    for (let round = 0; round < 50; round++) {
      const [left, closed] = [new WharfPort(library), new WharfPort(library)];
      const streams = [left, closed].map((one) => one.stream(tests.count, [], { highWaterMark: 100 }));
      const asked = streams.map((stream) => [stream.next(), stream.next(), stream.next()]);
      const ends = Promise.allSettled(asked.flat());
      await Promise.all(asked.map(([first]) => first));
      await Promise.all([streams[0].return(), closed.close()]);
      await left.close();
      await ends;
    }
    console.log('done');`);
  assert.deepEqual([streaming.out, streaming.code, streaming.error], ['done\n', 0, '']);
});

