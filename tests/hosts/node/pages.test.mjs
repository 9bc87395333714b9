// The Node example against a site that is up: `pages.test.mjs LIBRARY CA HTTP URL...`.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Failed, Pages, Port, Refused, STATUS } from '../../../examples/node/pages.mjs';

const [LIBRARY, CA, HTTP, HEADER, ...URLS] = process.argv.slice(2);
const EXAMPLE = new URL('../../../examples/node/pages.mjs', import.meta.url);
const HOUR_NS = 3600 * 1e9;
const FRAME_MS = 16;

/** Runs a test with the library's own pages, and within a limit far above what it takes. */
function hosted(name, run) {
  test(name, { timeout: 60_000 }, async (context) => {
    const pages = new Pages(LIBRARY);
    try {
      await run(pages, context);
    } finally {
      await pages.stop();
    }
  });
}

/** A server that accepts and never answers, until the test is over, and its connections. */
async function silence(context) {
  const sockets = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => {}).resume()));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const accepted = async (count) => {
    while (sockets.length < count) await once(server, 'connection');
  };
  return { url: `http://127.0.0.1:${server.address().port}/`, sockets, accepted };
}

test('the statuses are those of wharf.h', async () => {
  const header = await readFile(HEADER, 'utf8');
  const enumerated = header.slice(header.indexOf('#define WHARF_OK '));
  const defined = [...enumerated.matchAll(/^#define (WHARF_\w+) (\d+)$/gm)];
  assert.deepEqual(STATUS, Object.fromEntries(defined.map(([, name, number]) => [name, Number(number)])));
});

hosted('all pages at once: none lost, each its own, and timers go on', async (pages, context) => {
  assert.equal(await pages.trust(await readFile(CA)), 1);
  let last = performance.now();
  let longest = 0;
  const beat = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const beats = setInterval(beat, FRAME_MS);
  const loaded = await Promise.all(URLS.map((url) => pages.load(url)));
  beat();
  clearInterval(beats);
  context.diagnostic(`${loaded.length} pages; longest gap of a ${FRAME_MS} ms timer: ${longest.toFixed(1)} ms`);

  assert.equal(loaded.length, URLS.length);
  for (const [at, page] of loaded.entries()) {
    assert.equal(page.status, 200, URLS[at]);
    assert.ok(page.timeNs > 0);
    if (!URLS[at].startsWith('http:')) continue;
    const expected = await (await fetch(URLS[at], { headers: { connection: 'close' } })).text();
    assert.ok(page.body === expected, `the body of ${URLS[at]}`);
  }
});

hosted('what is no page is an exception with the library’s words', async (pages) => {
  const missing = await pages.load(`http://${HTTP}/there/is/none/of/this/name`);
  assert.equal(missing.status, 404);
  await assert.rejects(pages.load('gopher://quay/'), (error) => {
    assert.ok(error instanceof Failed);
    assert.deepEqual([error.kind, error.code], ['error', 2]);
    assert.match(error.message, /only http and https are supported, not 'gopher'/);
    return true;
  });
});

hosted('an abort is acknowledged: the connection is gone, then the promise settles', async (pages, context) => {
  const server = await silence(context);
  const abort = new AbortController();
  let settled = false;
  const page = pages.load(server.url, { signal: abort.signal }).finally(() => (settled = true));
  await server.accepted(1);
  abort.abort();
  // It is the message that settles it, and that comes through the loop, which is not at it before we wait for it.
  for (let turn = 0; turn < 10; turn++) await null;
  assert.equal(settled, false);
  await assert.rejects(page, { name: 'AbortError' });
  if (!server.sockets[0].closed) await once(server.sockets[0], 'close');

  const reason = new Error('given up');
  await assert.rejects(pages.load(server.url, { signal: AbortSignal.abort(reason) }), reason);
  assert.equal((await pages.load(`http://${HTTP}/`)).timeNs > 0, true);
});

hosted('a stop with tasks under way: each promise settles once, by its task’s last word', async (pages, context) => {
  const server = await silence(context);
  const loads = 20;
  const others = 4 * Port.BATCH;
  const after = pages.task('wharf_timer_after', 'uint64_t');
  let settled = 0;
  const asked = [
    ...Array.from({ length: loads }, () => pages.load(server.url)),
    ...Array.from({ length: others }, () => after([HOUR_NS])),
  ];
  const ends = Promise.allSettled(asked.map((one) => one.finally(() => settled++)));
  await server.accepted(loads);
  assert.equal(settled, 0);
  const stopped = pages.stop();
  assert.equal(pages.stop(), stopped);
  await stopped;
  const reasons = (await ends).map(({ reason }) => [reason.name, reason.kind]);
  assert.deepEqual(reasons, Array(loads + others).fill(['Failed', 'shut down']));
  assert.equal(settled, loads + others);
});

hosted('a stop with answers on their way loses none', async (pages) => {
  const after = pages.task('wharf_timer_after', 'uint64_t');
  const ends = Promise.allSettled(Array.from({ length: 4 * Port.BATCH }, () => after([0])));
  // Some are in the port by now, perhaps all, and some in the loop's hands.
  await after([0]);
  await pages.stop();
  const kinds = (await ends).map(({ status, reason }) => (status === 'fulfilled' ? 'ok' : reason.kind));
  assert.deepEqual(kinds.filter((kind) => kind !== 'ok' && kind !== 'shut down'), []);
  // What the loop was told before finds a port that is gone.
  await sleep(0);
});

hosted('what is stopped ends nobody else', async (pages) => {
  const other = new Pages(LIBRARY);
  const page = pages.load(`http://${HTTP}/`);
  await other.stop();
  assert.ok((await page).timeNs > 0);
});

hosted('bad input is a status by name, and leaves nothing', async (pages) => {
  const refused = (code) => (error) => error instanceof Refused && error.code === code && error.message !== '';
  await assert.rejects(pages.task('load_page', 'const char *')([null]), refused('WHARF_NULL'));
  await assert.rejects(pages.task('wharf_timer_every', 'uint64_t')([0]), refused('WHARF_OUT_OF_RANGE'));
  await assert.rejects(pages.load(`http://${HTTP}/\0.html`), TypeError);
  await pages.stop();
  await assert.rejects(pages.load(`http://${HTTP}/`), refused('WHARF_NO_PORT'));
});

test('a task keeps the program alive, an idle port does not', { timeout: 60_000 }, async () => {
  const program = `
    import { Pages } from '${EXAMPLE}';
    const [pages, idle] = [new Pages('${LIBRARY}'), new Pages('${LIBRARY}')];
    console.log((await pages.load('http://${HTTP}/')).bytes > 0);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
  assert.equal(stdout, 'true\n');
});

test('the program ends well when it is interrupted', { timeout: 60_000 }, async (context) => {
  const server = await silence(context);
  const child = execFile(process.execPath, [fileURLToPath(EXAMPLE), LIBRARY, server.url, server.url]);
  context.after(() => child.kill('SIGKILL'));
  let printed = '';
  child.stdout.on('data', (text) => (printed += text));
  await server.accepted(2);
  child.kill('SIGINT');
  const [code, signal] = await once(child, 'close');
  assert.deepEqual([code, signal], [1, null]);
  assert.equal(printed.match(/aborted/g).length, 2);
});
