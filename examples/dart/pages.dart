/// Loads web pages through a library written in Rust, and stays responsive.
///
/// A timer of 16 ms, which is what an app draws at, beats meanwhile: how late
/// its latest beat was is how long the library has held the isolate up.
///
/// usage: pages.dart LIBRARY [--concurrency N] [--time-limit MS] [--trust PEM]
///        [--all] [--quiet] LIST
///
/// LIST is a file with one URL a line. Exit status: 0 if every accepted submit
/// got exactly one answer (and, with --all, every page was loaded), 3 if pages
/// failed with --all, 4 if an answer was lost or came twice.
library;

import 'dart:async';
import 'dart:io';
import 'dart:math';

import 'package:wharf/wharf.dart';

import 'scrap.dart';

const _beat = Duration(milliseconds: 16);

Future<void> main(List<String> arguments) async {
  final options = Options(arguments);
  final scrap = Scrap(options.library);
  if (options.trust case final pem?) {
    await scrap.trust(File(pem).readAsBytesSync());
  }
  final urls = File(options.list)
      .readAsLinesSync()
      .where((line) => line.trim().isNotEmpty)
      .toList();
  final host = Host(scrap, options, urls);
  await host.loadAll();
  final status = host.summary();
  await scrap.close();
  await stdout.flush();
  exit(status);
}

/// What the command line says.
final class Options {
  Options(List<String> arguments) : library = arguments.first {
    final rest = arguments.skip(1).iterator;
    String value() => rest.moveNext() ? rest.current : '';
    while (rest.moveNext()) {
      switch (rest.current) {
        case '--concurrency':
          concurrency = int.parse(value());
        case '--time-limit':
          timeLimit = Duration(milliseconds: int.parse(value()));
        case '--trust':
          trust = value();
        case '--all':
          all = true;
        case '--quiet':
          quiet = true;
        case final file:
          list = file;
      }
    }
  }

  final String library;
  int concurrency = 50;
  Duration timeLimit = const Duration(seconds: 30);
  String? trust;
  bool all = false;
  bool quiet = false;
  String list = '/dev/stdin';
}

/// The run, as it goes.
final class Host {
  Host(this.scrap, this.options, this.urls)
      : answers = List.filled(urls.length, 0);

  final Scrap scrap;
  final Options options;
  final List<String> urls;

  /// How many answers each page has had.
  final List<int> answers;

  int accepted = 0;
  int loaded = 0;
  int failed = 0;
  int bytes = 0;
  Duration longestGap = _beat;
  Duration time = Duration.zero;

  /// Loads all pages, so many at once as the options say.
  Future<void> loadAll() async {
    final clock = Stopwatch()..start();
    var latest = clock.elapsed;
    void look() {
      final now = clock.elapsed;
      if (now - latest > longestGap) longestGap = now - latest;
      latest = now;
    }

    final beats = Timer.periodic(_beat, (_) => look());
    var next = 0;
    Future<void> loader() async {
      while (next < urls.length) {
        await _load(next++);
      }
    }

    await Future.wait([
      for (var i = 0; i < min(options.concurrency, urls.length); i++) loader(),
    ]);
    time = clock.elapsed;
    // The last beat may still be due: a run that was held up to its end counts.
    look();
    beats.cancel();
    if (stderr.hasTerminal) stderr.write('\r\x1b[K');
  }

  Future<void> _load(int index) async {
    final url = urls[index];
    try {
      accepted++;
      final page = await scrap.loadPage(url, timeLimit: options.timeLimit);
      loaded++;
      bytes += page.bytes;
      _print('${'${page.status}'.padLeft(3)} ${'${page.bytes}'.padLeft(9)} '
          'bytes ${_ms(page.time).padLeft(6)} ms  '
          '${_clean(page.title.isEmpty ? url : page.title)}');
    } on WharfRefusedException catch (error) {
      accepted--;
      failed++;
      _print('refused: ${error.message}  ${_clean(url)}');
    } on WharfException catch (error) {
      failed++;
      _print('error ${error.code}: ${_clean(error.message)}  ${_clean(url)}');
    }
    answers[index]++;
  }

  void _print(String line) {
    final bar = stderr.hasTerminal;
    if (!options.quiet) {
      if (bar) stderr.write('\r\x1b[K');
      stdout.writeln(line);
    }
    if (bar) {
      final done = loaded + failed;
      final filled = done * 40 ~/ urls.length;
      stderr.write('\r[${'#' * filled}${'.' * (40 - filled)}] '
          '$done of ${urls.length}');
    }
  }

  /// Prints the summary, and gives the exit status.
  int summary() {
    final answered = answers.where((count) => count > 0).length;
    final twice = answers.where((count) => count > 1).length;
    final lost = urls.length - answered;
    final seconds = time.inMicroseconds / 1e6;
    final heldUp = longestGap - _beat;
    if (twice > 0) stdout.writeln('$twice pages were answered twice');
    stdout.writeln('${(bytes / 1e6).toStringAsFixed(1)} MB in '
        '${seconds.toStringAsFixed(2)} s, at most ${options.concurrency} under '
        'way at once');
    stdout.writeln('the longest gap between two beats of a '
        '${_beat.inMilliseconds} ms timer: ${_ms(longestGap)} ms');
    stdout.writeln('${urls.length} pages: $loaded loaded, $failed failed, '
        '$lost lost, ${(loaded / seconds).round()} pages/s, host held up at '
        'most ${(heldUp.inMicroseconds / 1000).ceil()} ms');
    if (lost > 0 || twice > 0) return 4;
    return options.all && loaded != urls.length ? 3 : 0;
  }
}

String _ms(Duration time) => (time.inMicroseconds / 1000).toStringAsFixed(1);

/// At most 60 characters of a text from the web, and none that moves a cursor.
String _clean(String text) {
  final shown = text.replaceAll(RegExp('[\u0000-\u001f\u007f-\u009f]'), '?');
  return shown.length > 60 ? '${shown.substring(0, 60)}...' : shown;
}
