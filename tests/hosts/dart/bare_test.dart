/// Dart code written for allo-isolate, as it is: it stores the machine's post
/// function once, and passes ports as numbers.
library;

import 'dart:ffi';
import 'dart:isolate';
import 'dart:typed_data';

import 'package:wharf/wharf.dart';

import 'support/check.dart';
import 'support/tests.dart';

Future<void> main(List<String> args) async {
  final library = DynamicLibrary.open(args.first);
  library.lookupFunction<
      Void Function(
          Pointer<NativeFunction<Int8 Function(Int64, Pointer<Dart_CObject>)>>),
      void Function(
          Pointer<
              NativeFunction<Int8 Function(Int64, Pointer<Dart_CObject>)>>)>(
    'store_dart_post_cobject',
  )(NativeApi.postCObject);
  final add = library.lookupFunction<Void Function(Int64, Int64, Int64),
      void Function(int, int, int)>('bare_add');
  final page = library.lookupFunction<Void Function(Int64),
      void Function(int)>('bare_page');
  final flood = library.lookupFunction<Void Function(Int64, Int64),
      void Function(int, int)>('bare_flood');

  test('a number, on a port of its own', () async {
    final port = ReceivePort();
    add(port.sendPort.nativePort, 40, 2);
    expect(await port.first, 42);
  });

  test('a tuple with bytes', () async {
    final port = ReceivePort();
    page(port.sendPort.nativePort);
    final found = await port.first as List<Object?>;
    expect(found[0], 'a title');
    check(found[1] is Uint8List, 'found a ${found[1].runtimeType}');
    expect(found[1], [1, 2, 3]);
  });

  test('many numbers from one task, in order', () async {
    final port = ReceivePort();
    flood(port.sendPort.nativePort, 5000);
    expect(await port.take(5000).toList(), List.generate(5000, (i) => i));
  });

  test('a closed port ends the task', () async {
    final port = ReceivePort();
    flood(port.sendPort.nativePort, 1 << 40);
    await port.first;
    // The task's next post is refused; another one runs undisturbed.
    final other = ReceivePort();
    add(other.sendPort.nativePort, 1, 1);
    expect(await other.first, 2);
  });

  exported(library);
  await runTests();
}

typedef _Task = Pointer<Uint64>;

/// What the attribute makes of a function that takes a port of the machine's.
void exported(DynamicLibrary library) {
  late final tests = Tests.of(library);
  final add = library.lookupFunction<Int32 Function(Int64, Int64, Int64, _Task),
      int Function(int, int, int, _Task)>('bare_export_add');
  final flood = library.lookupFunction<Int32 Function(Int64, Int64, _Task),
      int Function(int, int, _Task)>('bare_export_flood');
  int Function(int, Pointer<Char>, _Task) text(String name) =>
      library.lookupFunction<Int32 Function(Int64, Pointer<Char>, _Task),
          int Function(int, Pointer<Char>, _Task)>(name);
  int Function(int, _Task) plain(String name) => library.lookupFunction<
      Int32 Function(Int64, _Task), int Function(int, _Task)>(name);
  final length = text('bare_export_length');
  final fail = text('bare_export_fail');
  final panic = text('bare_export_panic');
  final count = plain('bare_export_count');
  final never = plain('bare_export_never');

  /// Calls, and gives the first message.
  Future<Object?> first(int Function(int port) call) {
    final port = ReceivePort();
    expect(call(port.sendPort.nativePort), 0, 'the status');
    return port.first;
  }

  Future<Object?> said(int Function(int, Pointer<Char>, _Task) call, String text) =>
      first((port) => Arena.use(
          (arena) => call(port, arena.string(text), nullptr)));

  test('exported: a bare result, from a task and from the pool', () async {
    expect(await first((port) => add(port, 40, 2, nullptr)), 42);
    expect(await said(length, 'søster'), 7);
  });

  test('exported: errors and panics are lists with their kind', () async {
    expect(await said(fail, 'it'), [
      2,
      404,
      ['it was not found', fmtError],
    ]);
    expect(await said(panic, 'at sea'), [
      3,
      0,
      ['at sea'],
    ]);
  });

  test('exported: many numbers from one task, in order, then the result',
      () async {
    final port = ReceivePort();
    expect(flood(port.sendPort.nativePort, 5000, nullptr), 0);
    expect(await port.take(5001).toList(),
        [...List<int>.generate(5000, (i) => i), null]);
  });

  test('exported: what is refused starts nothing', () async {
    expect(add(0, 1, 2, nullptr) != 0, true, 'a status for port 0');
    final port = ReceivePort();
    expect(length(port.sendPort.nativePort, nullptr, nullptr) != 0, true,
        'a status for NULL');
    port.close();
  });

  test('exported: a task is cancelled by its id', () async {
    final held = tests.held();
    final port = ReceivePort();
    final id = Arena.use((arena) {
      final id = arena<Uint64>();
      expect(never(port.sendPort.nativePort, id), 0);
      return id.value;
    });
    expect(tests.library.bindings.taskCancel(id), 0);
    expect(await port.first, [4, 0, null]);
    expect(tests.held(), held, 'what it held');
    expect(tests.library.bindings.taskCancel(id) != 0, true, 'a stale id');
  });

  test('exported: a closed port cancels its task, and nothing is left',
      () async {
    final held = tests.held();
    final port = ReceivePort();
    expect(count(port.sendPort.nativePort, nullptr), 0);
    await port.take(10).drain<void>();
    await until(() => tests.held() == held, 'the task to be cancelled');
  });

  test('exported: tasks leave no heap behind', () async {
    Future<void> many() async {
      await Future.wait([
        for (var i = 0; i < 200; i++)
          first((port) => add(port, i, 0, nullptr)),
      ]);
      // The last message is posted before the task's own memory goes.
      await Future<void>.delayed(const Duration(milliseconds: 50));
    }

    await many();
    final before = tests.blocks();
    for (var i = 0; i < 5; i++) {
      await many();
    }
    final more = tests.blocks() - before;
    check(more < 50, '1000 tasks left $more blocks behind');
  });
}

/// The words of the cause that the library's errors have.
const fmtError =
    'an error occurred when formatting an argument';

