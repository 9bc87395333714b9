/// What the examples of the documentation are run with.
library;

import 'dart:async';
import 'dart:io';

import 'check.dart';

/// Where the examples' pages are loaded from; each has the title `A title`.
late String exampleSite;

/// The library that takes the place of `libsums.so`.
late String sumsLibrary;

/// The library that takes the place of `libpages.so`.
late String pagesLibrary;

/// Adds a test: an example prints lines, and among them [expected].
void example(String name, FutureOr<void> Function() body, String expected) =>
    test(name, () async {
      final site = await HttpServer.bind(InternetAddress.loopbackIPv4, 0);
      site.listen(_serve);
      exampleSite = 'http://127.0.0.1:${site.port}/';
      final lines = <String>[];
      await runZoned(
        () async => body(),
        zoneSpecification: ZoneSpecification(
          print: (self, parent, zone, line) => lines.add(line),
        ),
      );
      await site.close(force: true);
      check(lines.any((line) => line.contains(expected)),
          'it should have printed $expected, and has: $lines');
    });

Future<void> _serve(HttpRequest request) {
  request.response
    ..headers.contentType = ContentType.html
    ..write('<html><head><title>A title</title></head></html>');
  return request.response.close();
}
