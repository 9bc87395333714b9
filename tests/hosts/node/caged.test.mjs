// Where Node refuses buffers that lie outside of its cage, as Electron does, what would be lent is copied. The addon
// is compiled for it, against a Node-API that refuses them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PATHS, PATIENCE, program } from './support.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

test('bytes cross by a copy, and what the library lends is given back at once', PATIENCE, async () => {
  const caged = at('caged');
  rmSync(caged, { recursive: true, force: true });
  cpSync(at('../../../node_modules/wharf'), caged, { recursive: true });
  rmSync(`${caged}/prebuilds`, { recursive: true });
  const env = { ...process.env, CFLAGS: `-include ${at('caged.h')}` };
  execFileSync(process.execPath, ['build.mjs'], { cwd: caged, env });

  const { out, error, code } = await program(`
    import { WharfLibrary, WharfPort, allocate } from '${caged}/lib/index.mjs';
    const harbour = new WharfLibrary('${PATHS.harbour}');
    const port = new WharfPort(harbour);
    const bytes = allocate(100);
    bytes.fill(7);
    console.log(await port.call(harbour.function('harbour_measure', ['value']), [bytes]), bytes.length, bytes[99]);
    const lent = await port.call(harbour.function('harbour_lend', ['uint32']), [1000]);
    console.log(lent.length, lent[999], harbour.direct('harbour_lent', [], 'int64')());
    await port.close();
  `);
  assert.deepEqual([out, error, code], ['100 100 7\n1000 7 0\n', '', 0]);
});
