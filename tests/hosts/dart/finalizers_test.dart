/// Finalizers: bytes that are lent to the machine come back exactly once,
/// whatever becomes of them.
library;

import 'dart:async';
import 'dart:ffi';
import 'dart:io';
import 'dart:isolate';
import 'dart:typed_data';

import 'package:wharf/wharf.dart';

import 'support/check.dart';
import 'support/tests.dart';

/// How a child of this program ends, its last argument.
const _ends = ['delivered', 'undelivered', 'pointers', 'exit'];

/// Enough bytes that the machine hurries to collect them.
const _bytes = 1 << 20;

Future<void> main(List<String> args) async {
  final path = args.first;
  if (_ends.contains(args.last)) {
    return _shutDownWithBytesInFlight(path, args.last);
  }
  final tests = Tests(path);
  final port = WharfPort(tests.library);

  Future<void> allBack() =>
      _collectUntil(() => tests.lent() == 0, () => tests.lent());

  test('delivered, used and collected', () async {
    for (var i = 0; i < 20; i++) {
      expect(await _borrowed(port, tests.lentData), 255);
    }
    await allBack();
  });

  test('delivered for reading, and collected', () async {
    expect(await _borrowed(port, tests.lentReadonly), 255);
    await allBack();
  });

  test('sent on to another isolate, copied, and collected', () async {
    expect(await _inAnotherIsolate(path).then((copy) => copy.length), _bytes);
    await allBack();
  });

  test('the isolate killed before they are delivered', () async {
    for (var round = 0; round < 10; round++) {
      final lent = tests.lent();
      final ready = ReceivePort();
      final isolate =
          await Isolate.spawn(_lendAndBlock, (path, ready.sendPort));
      await ready.first;
      expect(tests.lent() > lent, true, 'bytes lent');
      isolate.kill(priority: Isolate.immediate);
      await until(() => tests.lent() <= lent, 'the bytes to come back');
    }
    await allBack();
  });

  test('pointers: delivered, kept by Dart objects, and collected', () async {
    for (var i = 0; i < 100; i++) {
      await port
          .submit<void>(
            (port, tag, task) => tests.pointers(port, tag, 10, 16, task),
            onProgress: (address) => _Handle(tests, address! as int),
          )
          .value;
    }
    await allBack();
  });

  test('pointers: the isolate killed before they are delivered', () async {
    for (var round = 0; round < 10; round++) {
      final lent = tests.lent();
      final ready = ReceivePort();
      final isolate =
          await Isolate.spawn(_pointAndBlock, (path, ready.sendPort));
      await ready.first;
      isolate.kill(priority: Isolate.immediate);
      await until(() => tests.lent() <= lent, 'the pointers to come back');
    }
    expect(tests.lent(), 0);
  });

  test('pointers: the port closed before they are delivered', () async {
    final handles = <_Handle>[];
    for (var round = 0; round < 50; round++) {
      final own = WharfPort(tests.library);
      final task = own.submit<Object?>(
        (port, tag, task) => tests.pointers(port, tag, 20, 16, task),
        onProgress: (address) => handles.add(_Handle(tests, address! as int)),
      );
      unawaited(expectThrows<WharfException>(task.value)
          .then<void>((_) {}, onError: (Object _) {}));
      if (round.isOdd) await Future<void>.delayed(Duration.zero);
      await own.close();
    }
    handles.clear();
    await allBack();
  });

  test('pointers: the subscription cancelled before they are delivered',
      () async {
    for (var round = 0; round < 50; round++) {
      final done = Completer<void>();
      late final StreamSubscription<_Handle> subscription;
      subscription = port
          .stream<_Handle>(
        (port, tag, task) => tests.pointers(port, tag, 20, 16, task),
        decode: (address) => _Handle(tests, address! as int),
      )
          .listen((_) {
        if (!done.isCompleted) done.complete(subscription.cancel());
      });
      await done.future;
    }
    await allBack();
  });

  test('the port closed before they are delivered', () async {
    for (var round = 0; round < 50; round++) {
      final own = WharfPort(tests.library);
      final task = own.submit<Object?>(
          (port, tag, task) => tests.lendMany(port, tag, 20, 16, task));
      unawaited(expectThrows<WharfException>(task.value)
          .then<void>((_) {}, onError: (Object _) {}));
      await own.close();
    }
    await allBack();
  });

  test('the machine shut down with bytes in flight', () async {
    for (final how in _ends) {
      final result = await runProgram('finalizers_test', [path, how]);
      expect(result.exitCode, 0, '$how: ${result.stdout}${result.stderr}');
      // `exit` ends the process without ending the isolates or asking who else
      // wants to know: the bytes go with the process.
      if (how == 'exit') continue;
      expect('${result.stdout}'.trim().split('\n').last, 'lent at exit: 0', how);
    }
  });

  await runTests(patience: const Duration(seconds: 120));
}

/// Borrows bytes, looks at the last one, and holds on to none.
Future<int> _borrowed(WharfPort port, Submit2<int, int> what) => port
    .submit<int>(
      (port, tag, task) => what(port, tag, 2, _bytes, task),
      decode: (data) => (data! as Uint8List).last,
    )
    .value;

Future<Uint8List> _inAnotherIsolate(String path) => Isolate.run(() async {
      final tests = Tests(path);
      final port = WharfPort(tests.library);
      return port
          .submit<Uint8List>((port, tag, task) =>
              tests.lentData(port, tag, 2, _bytes, task))
          .value;
    });

/// A Dart object that owns what a pointer points to.
final class _Handle implements Finalizable {
  _Handle(Tests tests, int address) {
    tests.pointerFinalizer.attach(this, Pointer.fromAddress(address));
  }
}

Future<void> _lendAndBlock((String, SendPort) args) =>
    _submitAndBlock(args, (tests) => tests.lendMany);

Future<void> _pointAndBlock((String, SendPort) args) =>
    _submitAndBlock(args, (tests) => tests.pointers);

Future<void> _submitAndBlock((String, SendPort) args,
    Submit2<int, int> Function(Tests) which) async {
  final tests = Tests(args.$1);
  final port = WharfPort(tests.library);
  final lent = tests.lent();
  port.submit<Object?>(
      (port, tag, task) => which(tests)(port, tag, 100, 4096, task));
  // The event loop is held up, so that nothing is delivered.
  while (tests.lent() < lent + 100) {}
  args.$2.send('ready');
  while (true) {
    sleep(const Duration(milliseconds: 1));
  }
}

/// What the program does as a child process.
Future<void> _shutDownWithBytesInFlight(String path, String how) async {
  final tests = Tests(path);
  final port = WharfPort(tests.library);
  tests.printAtExit();
  if (how == 'delivered') {
    final kept = await port
        .submit<Uint8List>((port, tag, task) =>
            tests.lentData(port, tag, 2, _bytes, task))
        .value;
    print(kept.length);
    return;
  }
  final lend = how == 'pointers' ? tests.pointers : tests.lendMany;
  port.submit<Object?>(
    (port, tag, task) => lend(port, tag, 1000, 4096, task),
    onProgress: (value) => value is int ? _Handle(tests, value) : null,
  );
  while (tests.lent() < 100) {}
  if (how == 'exit') exit(0);
  // The main isolate ends here, and with it the machine, whose queues are full:
  // nothing keeps it alive once the port is closed.
  unawaited(port.close());
}

/// Makes garbage until [holds]: what is collected, and when, is the machine's
/// business, but it does collect.
Future<void> _collectUntil(bool Function() holds, int Function() state) async {
  final kept = <Uint8List>[];
  for (var round = 0; !holds(); round++) {
    if (round == 3000) throw StateError('never collected: ${state()} are lent');
    // Large enough for the old generation, where what was lent may be, too.
    kept.add(Uint8List(1 << 18));
    if (kept.length == 16) kept.clear();
    await Future<void>.delayed(Duration.zero);
  }
}
