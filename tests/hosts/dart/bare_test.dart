/// Dart code written for allo-isolate, as it is: it stores the machine's post
/// function once, and passes ports as numbers.
library;

import 'dart:ffi';
import 'dart:isolate';
import 'dart:typed_data';

import 'support/check.dart';

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

  await runTests();
}
