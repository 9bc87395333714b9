// Loads web pages with the library `pages` from Node: each page is a promise.
//
//     npm install --prefix ffi/hosts/node && npm install --prefix examples/node
//     cargo build --release --package pages
//     node examples/node/pages.mjs target/release/libpages.so https://example.org/ ...
//
//     node pages.mjs [--trust PEM] LIBRARY URL...
//     node pages.mjs LIBRARY [--concurrency N] [--time-limit MS] [--trust PEM] [--all] [--quiet] LIST
//
// LIST is a file with one URL a line. Exit status: 0 if every accepted submit got exactly one answer, and each URL of
// the command line was loaded; 1 if one was not, or the program was interrupted; 3 if one of the list was not and
// --all was given; 4 if an answer was lost or came twice.
//
// A timer of 16 ms beats meanwhile: how late its latest beat was is how long the library has held the loop up.

import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { WharfError, WharfLibrary, WharfPort } from 'wharf';
import { PAGE_BODY, PAGE_BYTES, PAGE_STATUS, PAGE_TIME_NS, PAGE_TITLE, PagesFunctions } from './pages.g.mjs';

const BEAT_MS = 16;

/** The library `pages`, as its author would publish it. */
export class Pages {
  #functions;
  #port;

  constructor(path, options) {
    const library = new WharfLibrary(path);
    this.#functions = new PagesFunctions(library);
    this.#port = new WharfPort(library, options);
  }

  /** A page, within a limit of milliseconds; who aborts the signal gives it up. */
  async load(url, { timeLimitMs = 0, signal } = {}) {
    const limits = [BigInt(timeLimitMs) * 1_000_000n, 0];
    const page = await this.#port.call(this.#functions.loadPageWithin, [String(url), ...limits], { signal });
    return {
      status: page[PAGE_STATUS],
      title: page[PAGE_TITLE],
      bytes: page[PAGE_BYTES],
      timeMs: page[PAGE_TIME_NS] / 1e6,
      body: page[PAGE_BODY],
    };
  }

  /** How many certificates are trusted from now on. */
  trust(pem) {
    return this.#port.call(this.#functions.trustCertificates, [pem]);
  }

  /** Gives up all that is under way. */
  close() {
    return this.#port.close();
  }
}

/** What the command line says. */
async function read() {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      trust: { type: 'string' },
      concurrency: { type: 'string', default: '50' },
      'time-limit': { type: 'string', default: '30000' },
      all: { type: 'boolean', default: false },
      quiet: { type: 'boolean', default: false },
    },
  });
  const [library, ...rest] = positionals;
  if (rest.length === 0) throw new Error('usage: pages.mjs [OPTIONS] LIBRARY URL... (or a file of URLs)');
  const isList = rest.length === 1 && !rest[0].includes('://');
  const urls = isList ? (await readFile(rest[0], 'utf8')).split('\n').filter((line) => line.trim()) : rest;
  return { ...options, library, urls, isList, timeLimitMs: Number(options['time-limit']) };
}

/** Loads all, so many at once, and counts. */
class Run {
  answers;
  loaded = 0;
  failed = 0;
  bytes = 0;
  longestGapMs = BEAT_MS;
  seconds = 0;
  #next = 0;

  constructor(pages, options, signal) {
    this.pages = pages;
    this.options = options;
    this.signal = signal;
    this.answers = options.urls.map(() => 0);
  }

  async all() {
    const start = performance.now();
    let latest = start;
    const look = () => {
      const now = performance.now();
      this.longestGapMs = Math.max(this.longestGapMs, now - latest);
      latest = now;
    };
    const beats = setInterval(look, BEAT_MS);
    await Promise.all(Array.from({ length: Number(this.options.concurrency) }, () => this.#loader()));
    look();
    clearInterval(beats);
    this.seconds = (performance.now() - start) / 1000;
  }

  async #loader() {
    while (this.#next < this.options.urls.length) await this.#load(this.#next++);
  }

  async #load(at) {
    const url = this.options.urls[at];
    try {
      const { status, title, bytes } = await this.pages.load(url, {
        timeLimitMs: this.options.timeLimitMs,
        signal: this.signal,
      });
      this.loaded++;
      this.bytes += bytes;
      this.#print(`${status} ${String(bytes).padStart(9)} ${clean(title)} <${url}>`);
    } catch (error) {
      this.failed++;
      this.#print(`${clean(url)}: ${error instanceof WharfError ? 'refused: ' : ''}${error.message}`);
    }
    this.answers[at]++;
  }

  #print(line) {
    if (!this.options.quiet) console.log(line);
  }

  /** Prints the summary, and gives the exit status. */
  summary() {
    const { urls, all, isList, concurrency } = this.options;
    const lost = this.answers.filter((count) => count === 0).length;
    const twice = this.answers.filter((count) => count > 1).length;
    if (twice > 0) console.log(`${twice} pages were answered twice`);
    console.log(`${(this.bytes / 1e6).toFixed(1)} MB in ${this.seconds.toFixed(2)} s, at most ${concurrency} under way at once`);
    console.log(`the longest gap between two beats of a ${BEAT_MS} ms timer: ${this.longestGapMs.toFixed(1)} ms`);
    console.log(
      `${urls.length} pages: ${this.loaded} loaded, ${this.failed} failed, ${lost} lost, ` +
        `${Math.round(this.loaded / this.seconds)} pages/s, host held up at most ` +
        `${Math.ceil(this.longestGapMs - BEAT_MS)} ms`,
    );
    if (lost > 0 || twice > 0) return 4;
    if (this.failed === 0) return 0;
    if (this.signal.aborted || !isList) return 1;
    return all ? 3 : 0;
  }
}

/** At most 60 characters of a text from the web, and none that moves a cursor. */
function clean(text) {
  const shown = text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?');
  return shown.length > 60 ? `${shown.slice(0, 60)}...` : shown;
}

async function main() {
  const options = await read();
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  const pages = new Pages(options.library);
  try {
    if (options.trust) await pages.trust(await readFile(options.trust));
    const run = new Run(pages, options, interrupt.signal);
    await run.all();
    process.exitCode = run.summary();
  } finally {
    await pages.close();
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
