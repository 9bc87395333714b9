// The addon, wherever it lies.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);

/** What of the package's objects is the addon's: nobody else is to give it to the addon, which believes it. */
export const HANDLE = Symbol('handle');
export const CALL = Symbol('call');

/** Where the addon may be: packed with the package, or made where it was installed. */
export function places() {
  const at = (path) => fileURLToPath(new URL(path, import.meta.url));
  return {
    prebuilt: at(`../prebuilds/${process.platform}-${process.arch}/wharf.node`),
    built: at('../build/wharf.node'),
  };
}

function find() {
  const { prebuilt, built } = places();
  const whys = [];
  for (const path of [built, prebuilt]) {
    try {
      return require(path);
    } catch (error) {
      whys.push(error);
    }
  }
  throw new AggregateError(whys, 'wharf’s addon is not there: run `node build.mjs` in the package’s folder');
}

let found;

/** The addon's functions; looked for when they are first needed, since what makes the addon imports this, too. */
export function native() {
  return (found ??= find());
}
