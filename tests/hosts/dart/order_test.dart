/// Order: how completions of wharf's mix with what the event loop does anyway.
library;

import 'dart:async';

import 'package:wharf/wharf.dart';

import 'support/check.dart';
import 'support/tests.dart';

Future<void> main(List<String> args) async {
  final tests = Tests(args.first);
  final port = WharfPort(tests.library);

  test('messages of one task arrive in the order posted', () async {
    final streams = [
      for (var i = 0; i < 8; i++)
        port
            .stream<int>(
                (port, tag, task) => tests.flood(port, tag, 2000, task))
            .toList(),
    ];
    for (final found in await Future.wait(streams)) {
      expect(found, List.generate(2000, (i) => i));
    }
  });

  test('between two messages all microtasks run', () async {
    // Each message starts a chain of microtasks; the next must find it ended.
    const links = 5;
    var running = 0;
    var interrupted = 0;
    await for (final _ in port.stream<int>(
        (port, tag, task) => tests.flood(port, tag, 500, task))) {
      if (running > 0) interrupted++;
      running++;
      unawaited(_chain(links).then((_) => running--));
    }
    expect(interrupted, 0);
    await until(() => running == 0, 'the last chain');
  });

  test('progress comes before the value', () async {
    final trace = <String>[];
    final task = port.submit<int>(
        (port, tag, task) => tests.flood(port, tag, 3, task),
        onProgress: (value) => trace.add('progress $value'));
    trace.add('value ${await task.value}');
    expect(trace, ['progress 0', 'progress 1', 'progress 2', 'value 3']);
  });

  test('a submit returns before anything of its task is heard', () async {
    final trace = <String>[];
    final task = port.echo(tests, 1);
    unawaited(task.value.then((_) => trace.add('answer')));
    scheduleMicrotask(() => trace.add('microtask'));
    trace.add('submitted');
    await task.value;
    expect(trace, ['submitted', 'microtask', 'answer']);
  });

  test('microtasks, zero timers, futures and answers keep their own order',
      () async {
    final timers = <int>[];
    final microtasks = <int>[];
    final futures = <int>[];
    final answers = <int>[];
    final trace = <String>[];
    final all = <Future<void>>[];
    for (var i = 0; i < 50; i++) {
      final timer = Completer<void>();
      all.add(timer.future);
      Timer.run(() {
        timers.add(i);
        scheduleMicrotask(() => trace.add('after timer $i'));
        trace.add('timer $i');
        timer.complete();
      });
      scheduleMicrotask(() => microtasks.add(i));
      all.add(Future(() => futures.add(i)));
      all.add(port.echo(tests, i).value.then((value) {
        answers.add(value);
        expect(microtasks.length, 50, 'microtasks when an answer comes');
      }));
    }
    await Future.wait(all);
    final inOrder = List.generate(50, (i) => i);
    expect(timers, inOrder);
    expect(microtasks, inOrder);
    expect(futures, inOrder);
    expect([...answers]..sort(), inOrder, 'every answer, once');
    for (var i = 0; i < 50; i++) {
      final at = trace.indexOf('timer $i');
      expect(trace[at + 1], 'after timer $i');
    }
  });

  await runTests();
}

Future<void> _chain(int links) async {
  for (var i = 0; i < links; i++) {
    await null;
  }
}
