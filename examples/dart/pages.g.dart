// Made from examples/pages/include/pages.h by `cargo xtask dart bindings`; not to be edited.

// ignore_for_file: constant_identifier_names, lines_longer_than_80_chars

import 'dart:ffi';

// A loaded page is an array of these.

/// int32: the status of the answer; 404 is an answer too
const int pageStatus = 0;

/// string: the title, or an empty string
const int pageTitle = 1;

/// int64: the size of the body in bytes, unpacked, in its own charset
const int pageBytes = 2;

/// int64: from the submit to the answer, in nanoseconds
const int pageTimeNs = 3;

/// string: the body as UTF-8
const int pageBody = 4;

const int pageLength = 5;

// The codes of messages of kind WHARF_KIND_ERROR; their text names the cause.

const int pageErrorMalformedUrl = 1;

const int pageErrorUnsupportedScheme = 2;

const int pageErrorUnknownHost = 3;

const int pageErrorRefused = 4;

const int pageErrorUnreachable = 5;

const int pageErrorBadCertificate = 6;

const int pageErrorTls = 7;

const int pageErrorClosed = 8;

const int pageErrorTimedOut = 9;

const int pageErrorTooLarge = 10;

const int pageErrorTooManyRedirects = 11;

const int pageErrorProtocol = 12;

const int pageErrorBadEncoding = 13;

/// The C functions of the library, each looked up when it is first used.
final class PagesBindings {
  /// Binds to [library].
  PagesBindings(this.library);

  /// Where the functions are looked up.
  final DynamicLibrary library;

  /// Loads the page at `url`, a string of UTF-8, within 30 seconds and 32 MiB.
  late final int Function(int port, int tag, Pointer<Char> url, Pointer<Uint64> task) loadPage = library.lookupFunction<
      Int32 Function(Uint64 port, Uint64 tag, Pointer<Char> url, Pointer<Uint64> task),
      int Function(int port, int tag, Pointer<Char> url, Pointer<Uint64> task)>('load_page');

  /// The same within a time limit in nanoseconds and a size limit in bytes; 0 for the usual one.
  late final int Function(int port, int tag, Pointer<Char> url, int timeLimitNs, int sizeLimitBytes, Pointer<Uint64> task) loadPageWithin = library.lookupFunction<
      Int32 Function(Uint64 port, Uint64 tag, Pointer<Char> url, Uint64 timeLimitNs, Size sizeLimitBytes, Pointer<Uint64> task),
      int Function(int port, int tag, Pointer<Char> url, int timeLimitNs, int sizeLimitBytes, Pointer<Uint64> task)>('load_page_within');

  /// Trusts the certificates in `pem` as authorities, beside Mozilla's, for the whole process. The
  /// result is an int64: how many they were.
  late final int Function(int port, int tag, Pointer<Uint8> pem, int pemLength, Pointer<Uint64> task) trustCertificates = library.lookupFunction<
      Int32 Function(Uint64 port, Uint64 tag, Pointer<Uint8> pem, Size pemLength, Pointer<Uint64> task),
      int Function(int port, int tag, Pointer<Uint8> pem, int pemLength, Pointer<Uint64> task)>('trust_certificates');
}
