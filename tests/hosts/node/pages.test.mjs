// The example against a site that is up.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WharfTaskError } from 'wharf';
import { Pages } from '../../../examples/node/pages.mjs';
import { PATHS, program, refused } from './support.mjs';

const { WHARF_CA: CA, WHARF_HTTP: HTTP } = process.env;
const URLS = process.env.WHARF_URLS.split(' ');
const LIBRARY = PATHS.pages;
const EXAMPLE = new URL('../../../examples/node/pages.mjs', import.meta.url);
const FRAME_MS = 16;

/** Runs a test with the library's own pages, and within a limit far above what it takes. */
function hosted(name, run) {
  test(name, { timeout: 60_000 }, async (context) => {
    const pages = new Pages(LIBRARY);
    try {
      await run(pages, context);
    } finally {
      await pages.close();
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
    assert.ok(page.timeMs > 0);
    if (!URLS[at].startsWith('http:')) continue;
    const expected = await (await fetch(URLS[at], { headers: { connection: 'close' } })).text();
    assert.ok(page.body === expected, `the body of ${URLS[at]}`);
  }
});

hosted('what is no page is an exception with the library’s words', async (pages) => {
  const missing = await pages.load(`http://${HTTP}/there/is/none/of/this/name`);
  assert.equal(missing.status, 404);
  await assert.rejects(pages.load('gopher://quay/'), (error) => {
    assert.ok(error instanceof WharfTaskError);
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
  assert.equal((await pages.load(`http://${HTTP}/`)).timeMs > 0, true);
});

hosted('a close with pages under way: each ends', async (pages, context) => {
  const server = await silence(context);
  const ends = Promise.allSettled(Array.from({ length: 20 }, () => pages.load(server.url)));
  await server.accepted(20);
  await pages.close();
  assert.deepEqual((await ends).map(({ reason }) => reason.kind), Array(20).fill('cancelled'));
  await assert.rejects(pages.load(`http://${HTTP}/`), refused('WHARF_NO_PORT'));
});

hosted('bad input leaves nothing', async (pages) => {
  await assert.rejects(pages.load(`http://${HTTP}/\0.html`), TypeError);
  assert.equal((await pages.load(`http://${HTTP}/`)).timeMs > 0, true);
});

test('a task keeps the program alive, an idle port does not', { timeout: 60_000 }, async () => {
  const { out, error } = await program(`
    import { Pages } from '${EXAMPLE}';
    const [pages, idle] = [new Pages('${LIBRARY}'), new Pages('${LIBRARY}')];
    console.log((await pages.load('http://${HTTP}/')).bytes > 0);`);
  assert.deepEqual([out, error], ['true\n', '']);
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
