// The package's types, as a program in TypeScript uses them: compiled, not run.

import { WharfError, WharfLibrary, WharfPort, WharfRuntime, WharfTaskError, type WharfAnswer } from 'wharf';
import { PAGE_TITLE, PagesFunctions } from '../../../examples/node/pages.g.mjs';

export async function use(path: string): Promise<string> {
  const library = new WharfLibrary(path);
  await using runtime = new WharfRuntime(library, { workerThreads: 2 });
  await using port = new WharfPort(library, { runtime, whenFull: 'drop-oldest', onMessage: (_, { tag }) => tag + 1 });
  const pages = new PagesFunctions(library);
  const page: WharfAnswer = await port.call(pages.loadPage, ['http://example.org/']);
  if (!Array.isArray(page)) throw new WharfTaskError('error', 1, 'no page');
  const count: number = await port.call<[pem: Uint8Array], number>(pages.trustCertificates, [new Uint8Array(1)]);
  for await (const beat of port.every(10)) if (beat > count) break;
  const task = port.submit(pages.loadPageWithin, ['http://example.org/', 5n, 0], { signal: AbortSignal.timeout(5) });
  await using beats = port.every(10, { signal: null });
  await beats.next();
  task.pause();
  await task.cancel();
  // @ts-expect-error: it takes bytes
  await port.call(pages.trustCertificates, ['text']);
  // @ts-expect-error: it takes one argument
  await port.call(pages.loadPage, ['a', 'b']);
  // @ts-expect-error: there is no such type
  library.function('f', ['int']);
  // @ts-expect-error: there is no such policy
  new WharfPort(library, { whenFull: 'wait' });
  try {
    port.post([1, 'two', null, new Float64Array(1), port.sendPort]);
  } catch (error) {
    if (error instanceof WharfError && error.code === 'WHARF_FULL') port.grant(1);
  }
  return String(page[PAGE_TITLE]);
}
