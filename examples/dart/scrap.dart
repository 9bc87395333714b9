/// The library `pages` for Dart: what its author would publish.
library;

import 'dart:ffi';
import 'dart:typed_data';

import 'package:wharf/wharf.dart';

import 'pages.g.dart';

/// A page that was loaded.
final class Page {
  Page._(List<Object?> fields)
      : status = fields[pageStatus]! as int,
        title = fields[pageTitle]! as String,
        bytes = fields[pageBytes]! as int,
        time = Duration(microseconds: (fields[pageTimeNs]! as int) ~/ 1000),
        body = fields[pageBody]! as String;

  /// The status of the answer; 404 is an answer, too.
  final int status;

  /// The title, or nothing.
  final String title;

  /// How many bytes the body has, unpacked, in its own charset.
  final int bytes;

  /// From the submit to the answer.
  final Duration time;

  /// The body.
  final String body;
}

/// Loads web pages, many at a time, on threads of its own.
final class Scrap {
  /// Loads the library at [path].
  factory Scrap(String path) => Scrap._(WharfLibrary.open(path));

  Scrap._(WharfLibrary library)
      : _pages = PagesBindings(library.dynamicLibrary),
        _port = WharfPort(library);

  final PagesBindings _pages;
  final WharfPort _port;

  /// Loads the page at [url].
  ///
  /// Throws a [WharfTaskException] whose message names the cause: a host that
  /// is not known, a bad certificate, [timeLimit] or [sizeLimit] (in bytes)
  /// exceeded.
  Future<Page> loadPage(String url, {Duration? timeLimit, int? sizeLimit}) =>
      start(url, timeLimit: timeLimit, sizeLimit: sizeLimit).value;

  /// As [loadPage], as a task that can be cancelled.
  WharfTask<Page> start(String url, {Duration? timeLimit, int? sizeLimit}) =>
      _port.submit(
        (port, tag, task) => Arena.use((arena) => _pages.loadPageWithin(
              port,
              tag,
              arena.string(url),
              (timeLimit?.inMicroseconds ?? 0) * 1000,
              sizeLimit ?? 0,
              task,
            )),
        decode: (page) => Page._(page! as List<Object?>),
      );

  /// Trusts the certificates in [pem] as authorities, for the whole process;
  /// gives how many there were.
  Future<int> trust(Uint8List pem) => _port
      .submit<int>((port, tag, task) => Arena.use((arena) =>
          _pages.trustCertificates(
              port, tag, arena.bytes(pem), pem.length, task)))
      .value;

  /// Cancels what is under way.
  Future<void> close() => _port.close();
}
