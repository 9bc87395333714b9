// Made from what the library `pages` says of itself by `cargo xtask header`; not to be edited.

import type { WharfFunction, WharfLibrary } from 'wharf';

// A loaded page is an array of these.

/** int32: the status of the answer; 404 is an answer too. */
export declare const PAGE_STATUS: 0;

/** string: the title, or an empty string. */
export declare const PAGE_TITLE: 1;

/** int64: the size of the body in bytes, unpacked, in its own charset. */
export declare const PAGE_BYTES: 2;

/** int64: from the submit to the answer, in nanoseconds. */
export declare const PAGE_TIME_NS: 3;

/** string: the body as UTF-8. */
export declare const PAGE_BODY: 4;

/** How many there are. */
export declare const PAGE_LENGTH: 5;

// The codes of messages of kind WHARF_KIND_ERROR; their text names the cause.

/** What was given is no URL. */
export declare const PAGE_ERROR_MALFORMED_URL: 1;

/** A URL, but neither `http` nor `https`. */
export declare const PAGE_ERROR_UNSUPPORTED_SCHEME: 2;

/** The name cannot be turned into an address. */
export declare const PAGE_ERROR_UNKNOWN_HOST: 3;

/** Nobody listens at the host's port. */
export declare const PAGE_ERROR_REFUSED: 4;

/** The connection could not be made, for another reason. */
export declare const PAGE_ERROR_UNREACHABLE: 5;

/** The server's certificate is not to be trusted. */
export declare const PAGE_ERROR_BAD_CERTIFICATE: 6;

/** TLS failed, for another reason. */
export declare const PAGE_ERROR_TLS: 7;

/** The server closed the connection before its answer was complete. */
export declare const PAGE_ERROR_CLOSED: 8;

/** The time limit ran out. */
export declare const PAGE_ERROR_TIMED_OUT: 9;

/** The body is larger than the size limit. */
export declare const PAGE_ERROR_TOO_LARGE: 10;

/** More redirects than are followed. */
export declare const PAGE_ERROR_TOO_MANY_REDIRECTS: 11;

/** The answer breaks the rules of HTTP. */
export declare const PAGE_ERROR_PROTOCOL: 12;

/** The body is not what its headers say, or is packed in a way not asked for. */
export declare const PAGE_ERROR_BAD_ENCODING: 13;

/** The functions of the library `pages`. */
export declare class PagesFunctions {
  /** Looks them up. */
  constructor(library: WharfLibrary);

  /**
   * Loads the page at `url`, within 30 seconds and 32 MiB.
   *
   * Errors: A `PageError`, by its code one of PAGE_ERROR_..., with a text that names the cause.
   */
  readonly loadPage: WharfFunction<[url: string | null]>;

  /**
   * Loads the page at `url` within a time limit in nanoseconds and a size limit in bytes; 0 stands
   * for the usual one.
   *
   * Errors: A `PageError`, by its code one of PAGE_ERROR_..., with a text that names the cause.
   */
  readonly loadPageWithin: WharfFunction<[url: string | null, timeLimitNs: number | bigint, sizeLimitBytes: number | bigint]>;

  /**
   * Trusts the certificates in `pem` as authorities, beside Mozilla's, for the whole process. The
   * result is an integer: how many they were.
   *
   * Errors: A text that says what is wrong with them.
   */
  readonly trustCertificates: WharfFunction<[pem: Uint8Array]>;
}
