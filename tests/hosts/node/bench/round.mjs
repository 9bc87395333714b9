// One round of one contender, in a process of its own: `node round.mjs wharf|napi-rs PATH`. Prints a
// line of JSON: microseconds of one task at a time (the median and the 99th of 100), thousands of tasks a second with
// 1,000 under way.

import { createRequire } from 'node:module';
import { WharfLibrary, WharfPort } from '../../../../ffi/hosts/node/lib/index.mjs';

const ONE_BY_ONE = 10_000;
const MANY = 100_000;
const UNDER_WAY = 1000;

const [who, path] = process.argv.slice(2);

/** A function that takes a number and promises the same number. */
function contender() {
  if (who === 'wharf') {
    const library = new WharfLibrary(path);
    const echo = library.function('tests_echo', ['int64']);
    const port = new WharfPort(library);
    return (number) => port.call(echo, [number]);
  }
  return createRequire(import.meta.url)(path).echo;
}

async function oneByOne(echo) {
  const times = [];
  for (let at = 0; at < ONE_BY_ONE; at++) {
    const start = performance.now();
    await echo(at);
    times.push((performance.now() - start) * 1000);
  }
  times.sort((a, b) => a - b);
  return { p50_us: times[ONE_BY_ONE / 2], p99_us: times[Math.floor(ONE_BY_ONE * 0.99)] };
}

async function many(echo) {
  let left = MANY;
  const start = performance.now();
  const lane = async () => {
    while (left-- > 0) await echo(left);
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, lane));
  return MANY / (performance.now() - start);
}

const echo = contender();
if ((await echo(7)) !== 7) throw new Error('that is no echo');
// The compilers of JavaScript have seen it before it counts.
await many(echo);
const result = { ...(await oneByOne(echo)), many_per_ms: await many(echo) };
console.log(JSON.stringify(result));
process.exit(0);
