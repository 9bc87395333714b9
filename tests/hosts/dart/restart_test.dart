/// Hot restart: the program's isolate is killed in the middle of its work and a
/// new one begins on the same library, in the same process.
library;

import 'dart:async';
import 'dart:isolate';

import 'package:wharf/wharf.dart';

import 'support/check.dart';
import 'support/tests.dart';

Future<void> main(List<String> args) async {
  final tests = Tests(args.first);

  test('each generation begins clean', () async {
    for (var generation = 0; generation < 10; generation++) {
      final found = await _generation(args.first);
      expect(found, ('ready', 0, 42), 'held before, and an answer');
      await until(() => tests.held() == 0, 'what the last generation left');
    }
  });

  test('generations leave no heap behind', () async {
    Future<int> blocksAfter(int generations) async {
      for (var i = 0; i < generations; i++) {
        await _generation(args.first);
        await until(() => tests.held() == 0, 'what the last generation left');
      }
      return tests.blocks();
    }

    // The first few fill what is kept for good: threads, tables, free lists.
    final before = await blocksAfter(8);
    await blocksAfter(16);
    // A runtime that nobody owns any more ends in its own time.
    await until(() => tests.blocks() <= before + 16,
        'the heap to shrink: it had $before blocks, and has ${tests.blocks()}');
  });

  await runTests(patience: const Duration(seconds: 120));
}

/// Runs a program up to the middle of its work, and kills it there.
Future<Object?> _generation(String path) async {
  final messages = ReceivePort();
  final isolate = await Isolate.spawn(_program, (path, messages.sendPort));
  final found = await messages.first;
  isolate.kill(priority: Isolate.immediate);
  return found;
}

Future<void> _program((String, SendPort) args) async {
  final tests = Tests(args.$1);
  final held = tests.held();
  final runtime = WharfRuntime(tests.library, workerThreads: 2);
  final port = WharfPort(tests.library, runtime: runtime);
  final answer = await port.echo(tests, 42).value;
  for (var i = 0; i < 20; i++) {
    unawaited(port.never(tests).value);
  }
  port.stream<int>(tests.count).listen((_) {});
  await until(() => tests.held() == held + 21, 'the tasks to begin');
  args.$2.send(('ready', held, answer));
  await Completer<void>().future;
}
