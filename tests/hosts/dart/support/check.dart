/// A test runner small enough to need no packages: a program names its tests,
/// each runs in turn, and the exit status says whether all of them passed.
library;

import 'dart:async';
import 'dart:io';
import 'dart:isolate';

/// How much more patience everything takes, where the machine is run by a tool
/// that slows it down.
final _slower =
    int.parse(Platform.environment['WHARF_TESTS_SLOWER'] ?? '1');

final _tests = <(String, FutureOr<void> Function())>[];

/// Where to report, in an isolate of [runPrograms].
SendPort? _report;

/// Adds a test to this program.
void test(String name, FutureOr<void> Function() body) =>
    _tests.add((name, body));

/// Runs the tests added so far, one after the other, and ends the program, or
/// the isolate where it is one of several.
///
/// Whoever runs the program compares the number announced first with the number
/// that passed: an isolate that nothing keeps alive ends quietly, with status 0,
/// in the middle of a test. A test that neither passes nor fails within [patience] is hung, which is a
/// failure like any other; the limit is far above what a test takes.
Future<Never> runTests({
  Duration patience = const Duration(seconds: 60),
}) async {
  var failed = 0;
  stdout.writeln('  running ${_tests.length} tests');
  for (final (name, body) in _tests) {
    try {
      await Future.sync(body).timeout(patience * _slower);
      stdout.writeln('  ok      $name');
    } on Object catch (error, trace) {
      failed++;
      stdout.writeln('  FAILED  $name\n$error\n$trace');
    }
  }
  stdout.writeln('  ${_tests.length - failed} passed, $failed failed');
  await stdout.flush();
  if (_report case final report?) Isolate.exit(report, failed == 0);
  exit(failed == 0 ? 0 : 1);
}

typedef Main = Future<void> Function(List<String> args);

/// Runs programs that end with [runTests] one after the other, each in an
/// isolate of its own, and ends the process.
///
/// After each, [atRest] has to come true: an isolate leaves nothing behind.
Future<Never> runPrograms(Map<String, Main> programs, List<String> args,
    {required bool Function() atRest}) async {
  var failed = false;
  for (final MapEntry(key: name, value: main) in programs.entries) {
    stdout.writeln('  $name');
    final reports = ReceivePort();
    await Isolate.spawn(_runProgram, (main, args, reports.sendPort),
        onError: reports.sendPort, onExit: reports.sendPort);
    final report = await reports.first;
    if (report != true) {
      failed = true;
      stdout.writeln('  FAILED  $name: $report');
    }
    await until(atRest, '$name to leave nothing behind');
  }
  await stdout.flush();
  exit(failed ? 1 : 0);
}

Future<void> _runProgram((Main, List<String>, SendPort) program) {
  final (main, args, report) = program;
  _report = report;
  return main(args);
}

/// Runs the program [name] of the same tests as a process of its own, to its end.
Future<ProcessResult> runProgram(String name, List<String> args) =>
    Process.run(
      Platform.resolvedExecutable,
      [
        ...Platform.executableArguments,
        if (Platform.packageConfig case final packages?)
          '--packages=$packages',
        Platform.script.toFilePath(),
        ...args,
      ],
      environment: {'WHARF_TESTS': name},
    );

/// Fails the test, with the reason, unless [actual] is [expected]; lists and
/// maps are compared by what is in them.
void expect(Object? actual, Object? expected, [String? reason]) {
  if (!_same(actual, expected)) {
    throw _Failure(
      '${reason == null ? '' : '$reason: '}'
      'expected ${_shown(expected)}, found ${_shown(actual)}',
    );
  }
}

/// Fails the test unless [holds].
void check(bool holds, String otherwise) {
  if (!holds) throw _Failure(otherwise);
}

/// Fails the test unless [future] ends with a [T], which is returned.
Future<T> expectThrows<T extends Object>(Future<Object?> future) async {
  final Object? value;
  try {
    value = await future;
  } on T catch (error) {
    return error;
  }
  throw _Failure('expected $T to be thrown, found the value ${_shown(value)}');
}

/// Fails the test unless [body] throws a [T], which is returned.
T expectThrowsNow<T extends Object>(Object? Function() body) {
  final Object? value;
  try {
    value = body();
  } on T catch (error) {
    return error;
  }
  throw _Failure('expected $T to be thrown, found the value ${_shown(value)}');
}

/// Waits until [holds], looking at every turn of the event loop.
///
/// For what no message tells of, such as a count on the other side.
Future<void> until(bool Function() holds, String what) async {
  final patience = Stopwatch()..start();
  while (!holds()) {
    if (patience.elapsed > const Duration(seconds: 30) * _slower) {
      throw _Failure('waited in vain for $what');
    }
    await Future<void>.delayed(const Duration(milliseconds: 1));
  }
}

bool _same(Object? a, Object? b) => switch ((a, b)) {
      (List a, List b) => a.length == b.length &&
          Iterable<int>.generate(a.length).every((i) => _same(a[i], b[i])),
      (Map a, Map b) => a.length == b.length &&
          a.keys.every((k) => b.containsKey(k) && _same(a[k], b[k])),
      (double a, double b) => a == b || a.isNaN && b.isNaN,
      _ => a == b,
    };

String _shown(Object? value) {
  final text = value is String ? "'$value'" : '$value';
  return text.length > 400 ? '${text.substring(0, 400)}…' : text;
}

final class _Failure implements Exception {
  _Failure(this.message);
  final String message;
  @override
  String toString() => message;
}
