/// Calls from Rust into Dart, where Dart has asked for them.
library;

import 'dart:async';
import 'dart:ffi';

import 'package:wharf/wharf.dart';

import 'support/check.dart';
import 'support/tests.dart';

Future<void> main(List<String> args) async {
  final tests = Tests(args.first);
  final port = WharfPort(tests.library);
  final symbols = tests.library.dynamicLibrary;

  test('a comparator of Dart\'s in a sort of Rust\'s', () {
    final sort = symbols.lookupFunction<
        Void Function(Pointer<Int64>, Size,
            Pointer<NativeFunction<Int Function(Int64, Int64)>>),
        void Function(Pointer<Int64>, int,
            Pointer<NativeFunction<Int Function(Int64, Int64)>>)>('tests_sort');
    var calls = 0;
    final compare = NativeCallable<Int Function(Int64, Int64)>.isolateLocal(
      (int a, int b) {
        calls++;
        return b.compareTo(a);
      },
      exceptionalReturn: 0,
    );
    Arena.use((arena) {
      final numbers = arena<Int64>(100);
      final list = numbers.asTypedList(100);
      for (var i = 0; i < 100; i++) {
        list[i] = (i * 37) % 100;
      }
      sort(numbers, 100, compare.nativeFunction);
      expect(list, List.generate(100, (i) => 99 - i));
    });
    compare.close();
    check(calls > 99, 'only $calls comparisons');
  });

  test('progress from any thread', () async {
    final progress = symbols.lookupFunction<
            Void Function(
                Int64, Pointer<NativeFunction<Void Function(Int64)>>),
            void Function(int, Pointer<NativeFunction<Void Function(Int64)>>)>(
        'tests_progress');
    final found = <int>[];
    final done = Completer<void>();
    final callable = NativeCallable<Void Function(Int64)>.listener((int n) {
      found.add(n);
      if (found.length == 20) done.complete();
    });
    progress(20, callable.nativeFunction);
    await done.future;
    callable.close();
    expect(found..sort(), List.generate(20, (i) => i));
  });

  test('progress from the blocking pool, all of it before the end is told',
      () async {
    final found = <int>[];
    final callable = NativeCallable<Void Function(Int64)>.listener(found.add);
    await port
        .submit<void>((port, tag, task) => tests.poolProgress(
            port, tag, 50, callable.nativeFunction.address, task))
        .value;
    // Each call was a message to this isolate, posted before the task's last.
    expect(found..sort(), List.generate(50, (i) => i));
    callable.close();
  });

  await runTests();
}
