/// The machine itself, before anything of wharf is asked of it: it loads a
/// library of its own word size and is posted to from a foreign thread.
library;

import 'dart:async';
import 'dart:ffi';
import 'dart:isolate';

import 'support/check.dart';

Future<void> main(List<String> args) async {
  final library = DynamicLibrary.open(args.first);

  test('messages of a foreign thread arrive, in order', () async {
    final flood = library.lookupFunction<
        Void Function(Pointer<Void>, Int64, Int64),
        void Function(Pointer<Void>, int, int)>('floor_flood');
    final found = <Object?>[];
    final done = Completer<void>();
    final port = RawReceivePort((Object? message) {
      found.add(message);
      if (found.length == 1000) done.complete();
    });
    flood(NativeApi.postCObject.cast(), port.sendPort.nativePort, 1000);
    await done.future;
    port.close();
    expect(found, List.generate(1000, (i) => i));
  });

  await runTests();
}
