/// Ends that overlap, are forgotten, or come in the middle of a call.
library;

import 'dart:async';
import 'dart:ffi';
import 'dart:typed_data';

import 'package:wharf/wharf.dart';

import 'support/check.dart';
import 'support/tests.dart';

Future<void> main(List<String> args) async {
  final path = args.first;
  final tests = Tests(path);
  final port = WharfPort(tests.library);
  final bindings = tests.library.bindings;

  test('who closes a port that is being closed waits for the same', () async {
    final own = WharfPort(tests.library);
    final task = own.never(tests);
    unawaited(own.close());
    await own.close();
    check(task.isDone, 'the second close was done before the tasks were');
    await expectThrows<WharfCancelledException>(task.value);
  });

  test('who shuts a runtime down that is being shut down waits for the same',
      () async {
    final runtime = WharfRuntime(tests.library, workerThreads: 1);
    final own = WharfPort(tests.library, runtime: runtime);
    final task = own.never(tests);
    final end = expectThrows<WharfShutDownException>(task.value);
    await Future.wait([runtime.shutdown(), runtime.shutdown()]);
    await end;
    await runtime.shutdown();
    await own.close();
  });

  test('a submit that fails after its task was accepted leaves none behind',
      () async {
    final before = tests.held();
    expectThrowsNow<FormatException>(() => port.submit<void>((port, tag, task) {
          expect(tests.never(port, tag, task), 0);
          throw const FormatException('after the call');
        }));
    await until(() => port.pending == 0, 'the end of a task without an owner');
    expect(tests.held(), before);
    expect(await port.echo(tests, 1).value, 1);
  });

  test('a submit that submits another: each is cancelled by itself', () async {
    late final WharfTask<void> inner;
    final outer = port.submit<void>((number, tag, task) {
      final status = tests.never(number, tag, task);
      inner = port.never(tests);
      return status;
    });
    await outer.cancel();
    check(!inner.isDone, 'the other was cancelled');
    await inner.cancel();
    expect(port.pending, 0);
  });

  test('what goes with its library at once is given up, too', () async {
    // Each in a library object of its own, so that nothing of it is left.
    final runtimes = [
      for (var i = 0; i < 8; i++) WharfRuntime(Tests(path).library).id
    ];
    bool isGone(int runtime) => Arena.use((arena) {
          final id = arena<Uint64>();
          final status = bindings.portDart(
              runtime, 1, nullptr, 0, nullptr, id);
          if (status == 0) bindings.portClose(id.value, 0);
          return status != 0;
        });
    final kept = <Uint8List>[];
    for (var round = 0; round < 500; round++) {
      kept.add(Uint8List(1 << 18));
      if (kept.length == 16) kept.clear();
      await Future<void>.delayed(Duration.zero);
      if (runtimes.every(isGone)) return;
    }
    check(false, 'never collected: ${runtimes.map(isGone)}');
  });

  await runTests();
}
