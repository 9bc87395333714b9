/// What the package promises: a future for a task, a stream for a stream,
/// cancel with acknowledgement, errors as types.
library;

import 'dart:async';
import 'dart:ffi';

import 'package:wharf/wharf.dart';

import 'support/check.dart';
import 'support/tests.dart';

Future<void> main(List<String> args) async {
  final tests = Tests(args.first);
  final port = WharfPort(tests.library);

  test('a task gives its value', () async {
    expect(await port.echo(tests, 42).value, 42);
    expect(await port.echo(tests, -1 << 62).value, -1 << 62);
    expect(port.pending, 0);
  });

  test('a thousand tasks at once give a thousand values', () async {
    final tasks = [for (var i = 0; i < 1000; i++) port.echo(tests, i)];
    expect(port.pending, 1000);
    expect(
      await Future.wait(tasks.map((task) => task.value)),
      List.generate(1000, (i) => i),
    );
  });

  test('thousands of tasks at once, over and over, get each its own value',
      () async {
    // Beyond the slots whose tags are short, and each of those under all of its tags.
    for (var round = 0; round < 9; round++) {
      final count = round.isEven ? 1500 : 700;
      final tasks = [for (var i = 0; i < count; i++) port.echo(tests, i)];
      // Some end early, so that the slots are freed in another order.
      final early = [
        for (var i = 0; i < count; i += 7)
          tasks[i].cancel().then((_) => tasks[i].value.then((value) {
                expect(value, i);
              }, onError: (Object error) {
                check(error is WharfCancelledException, '$error');
              })),
      ];
      for (final (i, task) in tasks.indexed) {
        if (i % 7 != 0) expect(await task.value, i);
      }
      await Future.wait(early);
      expect(port.pending, 0);
    }
  });

  test('one task at a time, as often as tags take to come again', () async {
    for (var i = 0; i < 600; i++) {
      expect(await port.echo(tests, i).value, i);
    }
  });

  test('texts cross both ways, and none is not the empty one', () async {
    for (final text in ['', 'plain', 'søster 🚢', null]) {
      expect(await port.echoText(tests, text).value, text);
    }
  });

  test('a text with a NUL inside is refused before it is cut', () {
    expectThrowsNow<ArgumentError>(() => port.echoText(tests, 'a\u0000b'));
    expect(port.pending, 0, 'nothing waits for what was not submitted');
  });

  test('a plain function runs on the blocking pool', () async {
    final sum = port.submit<int>((port, tag, task) => Arena.use((arena) {
          final numbers = arena<Int64>(3);
          numbers.asTypedList(3).setAll(0, [1, 20, 300]);
          return tests.sum(port, tag, numbers, 3, task);
        }));
    expect(await sum.value, 321);
  });

  test('decode makes the value, and its own errors are the task\'s', () async {
    WharfTask<String> decoded(String Function(Object?) decode) => port.submit(
        (port, tag, task) => tests.echo(port, tag, 7, task),
        decode: decode);
    expect(await decoded((value) => 'number $value').value, 'number 7');
    await expectThrows<FormatException>(
        decoded((value) => throw FormatException('$value')).value);
    await expectThrows<TypeError>(port
        .submit<String>((port, tag, task) => tests.echo(port, tag, 7, task))
        .value);
  });

  test('an error has its code, its message and what was behind it', () async {
    final error =
        await expectThrows<WharfTaskException>(port.fail(tests, 'a').value);
    expect(error.code, 404);
    expect(error.message, 'a was not found');
    expect(error.causes.length, 1);
    check('$error'.contains('a was not found'), 'found $error');
  });

  test('a panic is told and leaves the rest alone', () async {
    final error =
        await expectThrows<WharfPanicException>(port.panic(tests, 'oh').value);
    expect(error.message, 'oh');
    expect(await port.echo(tests, 1).value, 1);
  });

  test('a refused call says why, and nothing waits', () async {
    final refused = port.submit<int>(
        (port, tag, task) => tests.fail(port, tag, nullptr, task));
    final error =
        await expectThrows<WharfRefusedException>(refused.value);
    check(error.message.contains('NULL'), 'found ${error.message}');
    expect(port.pending, 0);
  });

  test('cancel is done when what the task held is free', () async {
    final before = tests.held();
    final task = port.never(tests);
    await until(() => tests.held() == before + 1, 'the task to begin');
    await task.cancel();
    expect(tests.held(), before);
    await expectThrows<WharfCancelledException>(task.value);
    await task.cancel();
  });

  test('cancel before the task begins, and after it has ended', () async {
    final early = port.never(tests);
    await early.cancel();
    expect(early.isDone, true);
    final late_ = port.echo(tests, 5);
    expect(await late_.value, 5);
    await late_.cancel();
    expect(await late_.value, 5);
  });

  test('a cancelled task that nobody listens to is no unhandled error',
      () async {
    final errors = <Object>[];
    await runZonedGuarded(() async {
      await port.never(tests).cancel();
      await Future<void>.delayed(Duration.zero);
    }, (error, _) => errors.add(error));
    expect(errors, <Object>[]);
  });

  test('what a task posts before its end is its progress', () async {
    final progress = <Object?>[];
    final task = port.submit<int>(
        (port, tag, task) => tests.flood(port, tag, 100, task),
        onProgress: progress.add);
    expect(await task.value, 100);
    expect(progress, List.generate(100, (i) => i));
  });

  test('a stream gives all values in order, and ends', () async {
    final stream = port.stream<int>(
        (port, tag, task) => tests.flood(port, tag, 1000, task));
    expect(await stream.toList(), List.generate(1000, (i) => i));
  });

  test('a stream does nothing before it is listened to', () async {
    port.stream<int>(tests.count);
    await Future<void>.delayed(Duration.zero);
    expect(port.pending, 0);
  });

  test('cancelling a stream is done when the task is gone', () async {
    final before = tests.held();
    final some = await port.stream<int>(tests.count).take(10).toList();
    expect(some, List.generate(10, (i) => i));
    expect(tests.held(), before);
    expect(port.pending, 0);
  });

  test('a stream ends with the task\'s error', () async {
    final found = <Object?>[];
    final done = Completer<void>();
    port
        .stream<int>(
            (port, tag, task) => tests.countAndFail(port, tag, 3, 0, task))
        .listen(found.add, onError: found.add, onDone: done.complete);
    await done.future;
    expect(found.take(3).toList(), [0, 1, 2]);
    check(found.last is WharfTaskException, 'found $found');
  });

  test('a refused stream ends with the refusal', () async {
    final stream = port.stream<int>(
        (port, tag, task) => tests.panic(port, tag, nullptr, task));
    await expectThrows<WharfRefusedException>(stream.toList());
  });

  test('a paused stream makes its task wait', () async {
    final found = <int>[];
    final subscription = port.stream<int>(tests.count).listen(found.add);
    await until(() => found.length > 10, 'the stream to begin');
    subscription.pause();
    Future<int> countedAfterAWhile() async {
      for (var i = 0; i < 100; i++) {
        await port.echo(tests, i).value;
      }
      return tests.counted();
    }

    final counted = await countedAfterAWhile();
    expect(await countedAfterAWhile(), counted, 'counted while paused');
    final held = found.length;
    subscription.resume();
    await until(() => found.length > held + 10, 'the stream to go on');
    await subscription.cancel();
    expect(found, List.generate(found.length, (i) => i));
  });

  test('closing a port cancels its tasks, and refuses new ones', () async {
    final before = tests.held();
    final own = WharfPort(tests.library);
    final tasks = [for (var i = 0; i < 10; i++) own.never(tests)];
    final ends = [
      for (final task in tasks)
        expectThrows<WharfCancelledException>(task.value)
    ];
    await own.close();
    await Future.wait(ends);
    await until(() => tests.held() == before, 'the tasks to be gone');
    await expectThrows<WharfRefusedException>(own.echo(tests, 1).value);
    await own.close();
  });

  test('a runtime of one\'s own is shut down with its tasks', () async {
    final runtime = WharfRuntime(tests.library,
        workerThreads: 1, threadName: 'dart-own');
    final own = WharfPort(tests.library, runtime: runtime);
    expect(await own.echo(tests, 3).value, 3);
    final task = own.never(tests);
    final end = expectThrows<WharfShutDownException>(task.value);
    await runtime.shutdown();
    await end;
    await expectThrows<WharfRefusedException>(own.echo(tests, 1).value);
    await own.close();
  });

  test('a library that is not wharf\'s is told apart', () {
    expectThrowsNow<UnsupportedError>(WharfLibrary.process);
    expectThrowsNow<ArgumentError>(() => WharfLibrary.open('/no/such.so'));
    check(tests.library.version.contains('.'), tests.library.version);
  });

  await runTests();
}
