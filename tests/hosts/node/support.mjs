// What the tests share: the libraries, what is alive in them, and a way to wait for what is bound to come.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { WharfError, WharfLibrary, WharfPort, WharfTaskError } from 'wharf';
import { HarbourFunctions } from './harbour.g.mjs';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');

/** Paths, and where the site is; see xtask/src/test/node.rs. */
export const PATHS = {
  tests: process.env.WHARF_TESTS,
  harbour: process.env.WHARF_HARBOUR,
  pages: process.env.WHARF_PAGES,
};
/** Far above what any test takes: one that hangs is to say so. */
export const PATIENCE = { timeout: 60_000 };

export const library = new WharfLibrary(PATHS.tests);
export const harbour = new WharfLibrary(PATHS.harbour);
export const dock = new HarbourFunctions(harbour);

/** Functions of the other library, which describes itself by hand. */
export const tests = {
  echo: library.function('tests_echo', ['int64']),
  echoValue: library.function('tests_echo_value', ['value']),
  echoText: library.function('tests_echo_text', ['string']),
  sum: library.function('tests_sum', ['int64[]']),
  sleep: library.function('tests_sleep', ['uint64']),
  never: library.function('tests_never'),
  fail: library.function('tests_fail', ['string']),
  panic: library.function('tests_panic', ['string']),
  flood: library.function('tests_flood', ['int64']),
  count: library.function('tests_count'),
  countAndFail: library.function('tests_count_and_fail', ['int64', 'uint64']),
  plainValues: library.function('tests_plain_values'),
  numbers: library.function('tests_numbers'),
  typedData: library.function('tests_typed_data', ['int32', 'uint32']),
  lentData: library.function('tests_lent_data', ['int32', 'uint32']),
  lentReadonly: library.function('tests_lent_readonly', ['int32', 'uint32']),
  lendMany: library.function('tests_lend_many', ['uint32', 'uint32']),
  pointers: library.function('tests_pointers', ['uint32', 'uint32']),
};

/** How many tasks hold something, how many buffers are lent out, how many blocks of its heap the library uses. */
export const ledger = {
  held: library.direct('ledger_held', [], 'int64'),
  lent: library.direct('ledger_lent', [], 'int64'),
  blocks: library.direct('ledger_blocks', [], 'int64'),
  counted: library.direct('ledger_counted', [], 'int64'),
};

/** A test with a port of its own, after which nothing is left of its tasks. */
export function hosted(name, options, run = options) {
  test(name, PATIENCE, async (context) => {
    const port = new WharfPort(library, run === options ? {} : options);
    try {
      await run(port, context);
    } finally {
      await port.close();
    }
    assert.equal(ledger.held(), 0, 'a task still holds something');
  });
}

/** Waits until it is so. */
export async function until(is, what) {
  for (const deadline = performance.now() + 30_000; !is(); await sleep(1)) {
    assert.ok(performance.now() < deadline, what);
  }
}

/** Collects garbage until it is so: finalizers have turns of their own. */
export async function collected(is, what) {
  await until(() => (gc(), is()), what);
  await turn();
}

/** What a promise is rejected with. */
export function refused(code) {
  return (error) => error instanceof WharfError && error.code === code && error.message !== '';
}
export function ended(kind, code = 0) {
  return (error) => error instanceof WharfTaskError && error.kind === kind && error.code === code;
}

/** Runs a program in a Node of its own; what it printed, its status and the signal that ended it. */
export async function program(text) {
  const child = execFile(process.execPath, ['--input-type=module', '--eval', text]);
  const printed = { out: '', error: '' };
  child.stdout.on('data', (chunk) => (printed.out += chunk));
  child.stderr.on('data', (chunk) => (printed.error += chunk));
  const patience = setTimeout(() => child.kill('SIGKILL'), 30_000);
  const [code, signal] = await once(child, 'close');
  clearTimeout(patience);
  return { ...printed, code, signal };
}
