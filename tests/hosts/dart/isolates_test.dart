/// Isolates: each has a port of its own, and what one leaves behind is cleared.
library;

import 'dart:async';
import 'dart:ffi';
import 'dart:isolate';

import 'package:wharf/wharf.dart';

import 'support/check.dart';
import 'support/tests.dart';

Future<void> main(List<String> args) async {
  final path = args.first;
  final tests = Tests(path);
  final port = WharfPort(tests.library);

  test('several isolates at once, each with a port of its own', () async {
    final sums = await Future.wait([
      for (var i = 0; i < 4; i++) _inAnotherIsolate(path, i, 500),
    ]);
    expect(sums, [
      for (var i = 0; i < 4; i++) 500 * 499 ~/ 2 + 500 * i,
    ]);
  });

  test('an isolate that has nothing more to wait for ends by itself', () async {
    final ended = ReceivePort();
    await Isolate.spawn(_leaveAPortOpen, path, onExit: ended.sendPort);
    await ended.first;
  });

  test('an isolate stays alive for an answer that is due', () async {
    final answer = ReceivePort();
    final ended = ReceivePort();
    await Isolate.spawn(_answerLate, (path, answer.sendPort),
        onExit: ended.sendPort);
    expect(await answer.first, 'late');
    await ended.first;
  });

  test('the tasks of a killed isolate are cancelled and leave nothing',
      () async {
    await until(() => tests.held() == 0, 'earlier tasks to be gone');
    for (var round = 0; round < 5; round++) {
      final isolate = await _spawn(_holdTasks, path);
      expect(tests.held(), 50);
      isolate.kill(priority: Isolate.immediate);
      // Nothing is posted that could be refused: only the end of the isolate
      // itself can tell.
      await until(() => tests.held() == 0, 'the killed isolate\'s tasks');
    }
  });

  test('an isolate killed in mid-stream stops the stream', () async {
    final isolate = await _spawn(_listenForEver, path);
    isolate.kill(priority: Isolate.immediate);
    await until(() => tests.held() == 0, 'the stream\'s task');
  });

  test('a handshake by send port, in both directions', () async {
    // Rust carries each side's send port to the other.
    final here = ReceivePort();
    await Isolate.spawn(_handshake, (path, port.id, here.sendPort));
    final messages = StreamIterator<Object?>(here);
    check(await messages.moveNext(), 'the other side has not answered');
    final there = messages.current! as SendPort;
    there.send('ping');
    check(await messages.moveNext(), 'the other side has not answered');
    expect(messages.current, 'pong');
    await messages.cancel();
  });

  test('an answer to another isolate\'s submit does no harm here', () async {
    // The other isolate submits with the id of this one's port, and a tag that
    // this one has not given out.
    final id = port.id;
    await _submitForAnother(path, id);
    expect(await port.echo(tests, 6).value, 6);
  });

  test('a computation in Rust beside one in Isolate.run', () async {
    final rust = port
        .submit<int>((port, tag, task) => tests.fibonacci(port, tag, 24, task));
    final dart = Isolate.run(_fibonacciOf24);
    expect(await rust.value, await dart);
  });

  await runTests();
}

// Here, where a closure can catch nothing that may not be sent.

Future<int> _inAnotherIsolate(String path, int add, int count) =>
    Isolate.run(() => _sumOfEchoes(path, add, count));

Future<void> _submitForAnother(String path, int id) => Isolate.run(() {
      final tests = Tests(path);
      final status = tests.echo(id, 1 << 40, 5, nullptr);
      if (status != 0) throw tests.library.refusal(status);
    });

int _fibonacciOf24() => _fibonacci(24);

Future<int> _sumOfEchoes(String path, int add, int count) async {
  final tests = Tests(path);
  final port = WharfPort(tests.library);
  final values = await Future.wait(
      [for (var i = 0; i < count; i++) port.echo(tests, i + add).value]);
  await port.close();
  return values.fold<int>(0, (sum, value) => sum + value);
}

Future<void> _leaveAPortOpen(String path) async {
  final tests = Tests(path);
  final port = WharfPort(tests.library);
  expect(await port.echo(tests, 1).value, 1);
}

Future<void> _answerLate((String, SendPort) args) async {
  final tests = Tests(args.$1);
  final port = WharfPort(tests.library);
  await port.sleep(tests, const Duration(milliseconds: 20)).value;
  args.$2.send('late');
}

/// Spawns an isolate and waits until it says that it is ready.
Future<Isolate> _spawn(
    Future<void> Function((String, SendPort)) body, String path) async {
  final ready = ReceivePort();
  final isolate = await Isolate.spawn(body, (path, ready.sendPort));
  await ready.first;
  return isolate;
}

Future<void> _holdTasks((String, SendPort) args) async {
  final tests = Tests(args.$1);
  final port = WharfPort(tests.library);
  final tasks = [for (var i = 0; i < 50; i++) port.never(tests)];
  await until(() => tests.held() == 50, 'the tasks to begin');
  args.$2.send('ready');
  await tasks.first.value;
}

Future<void> _listenForEver((String, SendPort) args) async {
  final tests = Tests(args.$1);
  final port = WharfPort(tests.library);
  await for (final number in port.stream<int>(tests.count)) {
    if (number == 100) args.$2.send('ready');
  }
}

Future<void> _handshake((String, int, SendPort) args) async {
  final tests = Tests(args.$1);
  final port = WharfPort(tests.library);
  final receive = ReceivePort();
  final own = await port
      .submit<SendPort>((port, tag, task) =>
          tests.sendPort(port, tag, receive.sendPort.nativePort, task))
      .value;
  args.$3.send(own);
  expect(await receive.first, 'ping');
  final other = await port
      .submit<SendPort>((port, tag, task) =>
          tests.sendPort(port, tag, args.$3.nativePort, task))
      .value;
  other.send('pong');
}

int _fibonacci(int n) => n < 2 ? n : _fibonacci(n - 1) + _fibonacci(n - 2);
