// Contenders in turn, a process each round: `node run.mjs ROUNDS NAME=PATH...`; the medians of the rounds.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [rounds, ...contenders] = process.argv.slice(2);
const round = fileURLToPath(new URL('round.mjs', import.meta.url));
const results = new Map();
for (let at = 0; at < Number(rounds); at++) {
  for (const contender of contenders) {
    const [name, path] = contender.split('=');
    const result = JSON.parse(execFileSync(process.execPath, [round, name, path], { encoding: 'utf8' }));
    results.set(name, [...(results.get(name) ?? []), result]);
  }
}
const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
for (const [name, all] of results) {
  const of = (key) => median(all.map((one) => one[key])).toFixed(1);
  console.log(`${name}: p50 ${of('p50_us')} µs, p99 ${of('p99_us')} µs, ${of('many_per_ms')} k/s (${all.length} rounds)`);
}
