// The programs of the package's README print what their comments say.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { PATHS, PATIENCE, program } from './support.mjs';

const readme = await readFile(process.env.WHARF_README, 'utf8');
const programs = [...readme.matchAll(/```js\n([^]*?)```/g)].map(([, text]) => text);

test('there are programs', () => assert.equal(programs.length, 2));

for (const [at, text] of programs.entries()) {
  test(`program ${at + 1}`, PATIENCE, async () => {
    const said = [...text.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, line]) => line);
    const { out, code, error } = await program(text.replaceAll('libsums.so', PATHS.tests));
    assert.deepEqual([out.trim().split('\n'), code, error], [said, 0, '']);
  });
}
