// Makes the addon of the C files in native/: `node build.mjs [--prebuild]`.
//
// npm runs it when the package is installed, where it does nothing if the package came with an addon that
// this Node can load. With --prebuild it makes one that the package is packed with. All that is needed is a C
// compiler: the headers of Node-API come with the package node-api-headers, and with some Nodes.

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { places } from './lib/native.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

/** Whether an addon is there that can be loaded. */
function works(path) {
  try {
    require(path);
    return true;
  } catch {
    return false;
  }
}

/** wharf.h: in the packed package, or where wharf's repository has it. */
function header() {
  const packed = join(here, 'native/wharf.h');
  const source = join(here, '../../include/wharf.h');
  if (existsSync(source)) copyFileSync(source, packed);
  if (!existsSync(packed)) throw new Error(`${packed} is missing`);
}

/** Where the headers of Node-API are: in a package, or beside this Node. */
function headersOfNode() {
  try {
    return require('node-api-headers').include_dir;
  } catch (cause) {
    const own = join(dirname(process.execPath), '../include/node');
    if (existsSync(join(own, 'node_api.h'))) return own;
    const text = 'the package came without an addon for this platform, and what one is made with, node-api-headers, is not ' +
      'installed: install it, or don’t leave out optional dependencies';
    throw new Error(text, { cause });
  }
}

function compile(output) {
  header();
  mkdirSync(dirname(output), { recursive: true });
  const sources = readdirSync(join(here, 'native')).filter((name) => name.endsWith('.c'));
  const headers = headersOfNode();
  const args = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-fPIC', '-fvisibility=hidden', '-pthread'];
  args.push(...(process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared']));
  args.push(...(process.env.CFLAGS?.split(' ') ?? []), '-I', headers, '-o', output);
  args.push(...sources.map((name) => join(here, 'native', name)));
  execFileSync(process.env.CC ?? 'cc', args, { stdio: 'inherit' });
}

const { prebuilt, built } = places();
if (process.argv.includes('--prebuild')) {
  compile(prebuilt);
} else if (!works(prebuilt)) {
  compile(built);
}
