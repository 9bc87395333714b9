// Promises and async iterators from libraries built on wharf.

export { STATUS, WharfError, WharfTaskError } from './errors.mjs';
export { WharfFunction, WharfLibrary, WharfSendPort, allocate } from './library.mjs';
export { WharfPort, WharfTask } from './port.mjs';
export { WharfRuntime } from './runtime.mjs';
export { WharfStream } from './stream.mjs';
