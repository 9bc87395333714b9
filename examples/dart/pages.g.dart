// Made from examples/pages/include/pages.h by `cargo xtask dart bindings`; not to be edited.

// ignore_for_file: constant_identifier_names, lines_longer_than_80_chars

import 'dart:ffi';

// A loaded page is an array of these.

/// int32: the status of the answer; 404 is an answer too.
const int pageStatus = 0;

/// string: the title, or an empty string.
const int pageTitle = 1;

/// int64: the size of the body in bytes, unpacked, in its own charset.
const int pageBytes = 2;

/// int64: from the submit to the answer, in nanoseconds.
const int pageTimeNs = 3;

/// string: the body as UTF-8.
const int pageBody = 4;

/// How many there are.
const int pageLength = 5;

// The codes of messages of kind WHARF_KIND_ERROR; their text names the cause.

/// What was given is no URL.
const int pageErrorMalformedUrl = 1;

/// A URL, but neither `http` nor `https`.
const int pageErrorUnsupportedScheme = 2;

/// The name cannot be turned into an address.
const int pageErrorUnknownHost = 3;

/// Nobody listens at the host's port.
const int pageErrorRefused = 4;

/// The connection could not be made, for another reason.
const int pageErrorUnreachable = 5;

/// The server's certificate is not to be trusted.
const int pageErrorBadCertificate = 6;

/// TLS failed, for another reason.
const int pageErrorTls = 7;

/// The server closed the connection before its answer was complete.
const int pageErrorClosed = 8;

/// The time limit ran out.
const int pageErrorTimedOut = 9;

/// The body is larger than the size limit.
const int pageErrorTooLarge = 10;

/// More redirects than are followed.
const int pageErrorTooManyRedirects = 11;

/// The answer breaks the rules of HTTP.
const int pageErrorProtocol = 12;

/// The body is not what its headers say, or is packed in a way not asked for.
const int pageErrorBadEncoding = 13;

/// The C functions of the library, each looked up when it is first used.
final class PagesBindings {
  /// Binds to [library].
  PagesBindings(this.library);

  /// Where the functions are looked up.
  final DynamicLibrary library;

  /// Loads the page at `url`, within 30 seconds and 32 MiB.
  ///
  /// Errors: A `PageError`, by its code one of PAGE_ERROR_..., with a text that names the cause.
  late final int Function(int port, int tag, Pointer<Char> url, Pointer<Uint64> task) loadPage = library.lookupFunction<
      Int32 Function(Uint64 port, Uint64 tag, Pointer<Char> url, Pointer<Uint64> task),
      int Function(int port, int tag, Pointer<Char> url, Pointer<Uint64> task)>('load_page');

  /// Loads the page at `url` within a time limit in nanoseconds and a size limit in bytes; 0 stands
  /// for the usual one.
  ///
  /// Errors: A `PageError`, by its code one of PAGE_ERROR_..., with a text that names the cause.
  late final int Function(int port, int tag, Pointer<Char> url, int timeLimitNs, int sizeLimitBytes, Pointer<Uint64> task) loadPageWithin = library.lookupFunction<
      Int32 Function(Uint64 port, Uint64 tag, Pointer<Char> url, Uint64 timeLimitNs, Size sizeLimitBytes, Pointer<Uint64> task),
      int Function(int port, int tag, Pointer<Char> url, int timeLimitNs, int sizeLimitBytes, Pointer<Uint64> task)>('load_page_within');

  /// Trusts the certificates in `pem` as authorities, beside Mozilla's, for the whole process. The
  /// result is an integer: how many they were.
  ///
  /// Errors: A text that says what is wrong with them.
  late final int Function(int port, int tag, Pointer<Uint8> pem, int pemLength, Pointer<Uint64> task) trustCertificates = library.lookupFunction<
      Int32 Function(Uint64 port, Uint64 tag, Pointer<Uint8> pem, Size pemLength, Pointer<Uint64> task),
      int Function(int port, int tag, Pointer<Uint8> pem, int pemLength, Pointer<Uint64> task)>('trust_certificates');
}
