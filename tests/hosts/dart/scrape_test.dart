/// The story: pages are scraped from Dart by a library in Rust, and what goes
/// wrong there is thrown here, in its own words.
library;

import 'dart:async';
import 'dart:io';

import 'package:wharf/wharf.dart';

import '../../../examples/dart/pages.g.dart';
import '../../../examples/dart/scrap.dart';
import 'support/check.dart';

Future<void> main(List<String> args) async {
  final scrap = Scrap(args[1]);
  final site = await HttpServer.bind(InternetAddress.loopbackIPv4, 0);
  site.listen(_serve);
  final home = 'http://127.0.0.1:${site.port}';

  test('a page, awaited', () async {
    final page = await scrap.loadPage('$home/page/7');
    expect(page.status, 200);
    expect(page.title, 'Page 7');
    check(page.body.contains('the body of page 7'), page.body);
    expect(page.bytes, page.body.length);
  });

  for (final count in [200, 2000]) {
    test('$count pages while a timer beats, none lost', () async {
      var beats = 0;
      final timer =
          Timer.periodic(const Duration(milliseconds: 16), (_) => beats++);
      var next = 0;
      final titles = <String>{};
      Future<void> loader() async {
        while (next < count) {
          titles.add((await scrap.loadPage('$home/page/${next++}')).title);
        }
      }

      await Future.wait([for (var i = 0; i < 50; i++) loader()]);
      timer.cancel();
      expect(titles.length, count);
      check(beats > 0, 'the timer never beat');
    });
  }

  test('the example of the package shows titles, and errors in Rust\'s words',
      () async {
    final result = await Process.run(Platform.resolvedExecutable, [
      ...Platform.executableArguments,
      if (Platform.packageConfig case final packages?) '--packages=$packages',
      'ffi/hosts/dart/example/main.dart',
      args[1],
      '$home/page/3',
      'no scheme here',
    ]);
    expect(result.exitCode, 0, 'exit status: ${result.stderr}');
    final lines = (result.stdout as String).trim().split('\n');
    expect(lines.length, 2, 'lines');
    check(lines.contains('$home/page/3: Page 3'), '${result.stdout}');
    check(lines.any((line) => line.startsWith('no scheme here: ')),
        '${result.stdout}');
  });

  test('an error is thrown with the message from Rust', () async {
    final url = await expectThrows<WharfTaskException>(
        scrap.loadPage('no scheme here'));
    expect(url.code, pageErrorMalformedUrl);
    final closed = await ServerSocket.bind(InternetAddress.loopbackIPv4, 0);
    final nobody = closed.port;
    await closed.close();
    final refused = await expectThrows<WharfTaskException>(
        scrap.loadPage('http://127.0.0.1:$nobody/'));
    expect(refused.code, pageErrorRefused);
    check(refused.message.contains('$nobody'), refused.message);
  });

  test('a page that is never answered ends at its time limit', () async {
    final late_ = await expectThrows<WharfTaskException>(scrap.loadPage(
        '$home/never',
        timeLimit: const Duration(milliseconds: 50)));
    expect(late_.code, pageErrorTimedOut);
  });

  test('a page that is not wanted any more is cancelled', () async {
    final task = scrap.start('$home/never');
    await task.cancel();
    await expectThrows<WharfCancelledException>(task.value);
  });

  await runTests(patience: const Duration(seconds: 120));
}

Future<void> _serve(HttpRequest request) async {
  final path = request.uri.pathSegments;
  if (path case ['page', final number]) {
    request.response
      ..headers.contentType = ContentType.html
      ..write('<html><head><title>Page $number</title></head>'
          '<body>the body of page $number</body></html>');
    await request.response.close();
  }
  // Anything else is never answered.
}
