// What can go wrong.

/** The statuses of calls, by the names that wharf.h has for them. */
export const STATUS = Object.freeze({
  WHARF_OK: 0,
  WHARF_TIMEOUT: 1,
  WHARF_EMPTY: 2,
  WHARF_FULL: 3,
  WHARF_DEFERRED: 4,
  WHARF_NULL: 10,
  WHARF_OUT_OF_RANGE: 11,
  WHARF_NOT_UTF8: 12,
  WHARF_BAD_VALUE: 13,
  WHARF_BAD_OPTION: 14,
  WHARF_NO_RUNTIME: 20,
  WHARF_NO_PORT: 21,
  WHARF_NO_TASK: 22,
  WHARF_SHUT_DOWN: 30,
  WHARF_WRONG_STATE: 31,
  WHARF_WOULD_BLOCK: 32,
  WHARF_FORKED: 33,
  WHARF_LIMIT: 40,
  WHARF_NO_MEMORY: 41,
  WHARF_SYSTEM: 42,
  WHARF_PANICKED: 50,
});
const NAMES = new Map(Object.entries(STATUS).map(([name, status]) => [status, name]));

/** The kinds of messages, by number: those from `ok` to `shutdown` are last words of tasks. */
export const KIND = Object.freeze({ data: 0, ok: 1, error: 2, panic: 3, cancelled: 4, shutdown: 5, control: 6 });
const ENDS = ['data', 'ok', 'error', 'panic', 'cancelled', 'shutdown', 'control'];

// Written so that it is no property of each error, as the names of Node's own errors are not.
function named(constructor, name) {
  Object.defineProperty(constructor.prototype, 'name', { value: name, writable: true, configurable: true });
}

export class WharfError extends Error {
  constructor(status, text) {
    super(text);
    this.code = NAMES.get(status) ?? `WHARF_${status}`;
    this.status = status;
  }
}
named(WharfError, 'WharfError');

export class WharfTaskError extends Error {
  constructor(kind, code, text, cause) {
    super(text, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.code = code;
  }
}
named(WharfTaskError, 'WharfTaskError');

const WORDS = {
  error: 'an error without words',
  panic: 'the task panicked',
  cancelled: 'the task was cancelled',
  shutdown: 'the runtime was shut down before the task had ended',
};

/** The error that the last message of a task stands for. */
export function taskError(kind, code, value) {
  const name = ENDS[kind];
  const texts = Array.isArray(value) ? value.filter((text) => typeof text === 'string') : [];
  let cause;
  // What was behind it, and what was behind that.
  for (let at = texts.length - 1; at > 0; at--) {
    cause = new Error(texts[at], cause === undefined ? undefined : { cause });
  }
  return new WharfTaskError(name, code, texts[0] ?? WORDS[name], cause);
}
