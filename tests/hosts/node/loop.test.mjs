// The loop goes on while answers come by the ten thousand.

import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { hosted, tests } from './support.mjs';

/** More than one batch is never handled in a turn: see native/wharf_node.h. */
const BATCH = 128;

hosted('50,000 answers: timers and immediates have their turns in between', async (port, context) => {
  const COUNT = 50_000;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let answered = 0;
  let sinceTurn = 0;
  let most = 0;
  let ended = false;
  (function turn() {
    most = Math.max(most, sinceTurn);
    sinceTurn = 0;
    if (!ended) setImmediate(turn);
  })();
  const onProgress = () => {
    answered++;
    sinceTurn++;
  };
  delay.enable();
  await port.call(tests.flood, [COUNT], { onProgress });
  ended = true;
  delay.disable();
  context.diagnostic(`longest delay of the loop: ${(delay.max / 1e6).toFixed(1)} ms; most answers in a turn: ${most}`);
  assert.equal(answered, COUNT);
  assert.ok(most <= BATCH, `${most} answers in one turn of the loop`);
});
