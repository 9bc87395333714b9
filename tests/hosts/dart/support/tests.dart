/// The functions of the library that the tests call.
library;

import 'dart:ffi';

import 'package:wharf/wharf.dart';

/// A submit with no parameters of its own.
typedef Submit0 = int Function(int, int, Pointer<Uint64>);

/// A submit with one number, or one pointer, of its own.
typedef Submit1<T> = int Function(int, int, T, Pointer<Uint64>);

/// A submit with two.
typedef Submit2<S, T> = int Function(int, int, S, T, Pointer<Uint64>);

typedef _Task = Pointer<Uint64>;

/// See the library.
final class Tests {
  /// Loads the library at [path].
  Tests(String path) : library = WharfLibrary.open(path);

  /// The library that has been loaded.
  Tests.of(DynamicLibrary library) : library = WharfLibrary.of(library);

  final WharfLibrary library;

  DynamicLibrary get _symbols => library.dynamicLibrary;

  late final Submit1<int> echo = _symbols.lookupFunction<
      Int32 Function(Uint64, Uint64, Int64, _Task), Submit1<int>>('tests_echo');
  late final Submit1<Pointer<Void>> echoValue = _symbols.lookupFunction<
      Int32 Function(Uint64, Uint64, Pointer<Void>, _Task),
      Submit1<Pointer<Void>>>('tests_echo_value');
  late final Submit1<Pointer<Char>> echoText = _text('tests_echo_text');
  late final Submit2<Pointer<Int64>, int> sum = _symbols.lookupFunction<
      Int32 Function(Uint64, Uint64, Pointer<Int64>, Size, _Task),
      Submit2<Pointer<Int64>, int>>('tests_sum');
  late final Submit1<int> fibonacci = _symbols.lookupFunction<
      Int32 Function(Uint64, Uint64, Uint32, _Task),
      Submit1<int>>('tests_fibonacci');
  late final Submit1<int> sleep = _symbols.lookupFunction<
      Int32 Function(Uint64, Uint64, Uint64, _Task),
      Submit1<int>>('tests_sleep');
  late final Submit0 never = _plain('tests_never');
  late final Submit1<Pointer<Char>> fail = _text('tests_fail');
  late final Submit1<Pointer<Char>> panic = _text('tests_panic');
  late final Submit1<int> flood = _symbols.lookupFunction<
      Int32 Function(Uint64, Uint64, Int64, _Task),
      Submit1<int>>('tests_flood');
  late final Submit0 count = _plain('tests_count');
  late final Submit2<int, int> countAndFail = _symbols.lookupFunction<
      Int32 Function(Uint64, Uint64, Int64, Uint64, _Task),
      Submit2<int, int>>('tests_count_and_fail');
  late final Submit0 plainValues = _plain('tests_plain_values');
  late final Submit0 numbers = _plain('tests_numbers');
  late final Submit0 small = _plain('tests_small');
  late final Submit2<int, int> typedData = _data('tests_typed_data');
  late final Submit2<int, int> lentData = _data('tests_lent_data');
  late final Submit2<int, int> lentReadonly = _data('tests_lent_readonly');
  late final Submit2<int, int> lendMany = _symbols.lookupFunction<
      Int32 Function(Uint64, Uint64, Uint32, Uint32, _Task),
      Submit2<int, int>>('tests_lend_many');
  late final Submit2<int, int> pointers = _symbols.lookupFunction<
      Int32 Function(Uint64, Uint64, Uint32, Uint32, _Task),
      Submit2<int, int>>('tests_pointers');
  late final Submit1<int> pointerAndData = _symbols.lookupFunction<
      Int32 Function(Uint64, Uint64, Uint32, _Task),
      Submit1<int>>('tests_pointer_and_data');
  late final Submit1<int> capability = _symbols.lookupFunction<
      Int32 Function(Uint64, Uint64, Int64, _Task),
      Submit1<int>>('tests_capability');

  /// What frees a pointer that has been delivered.
  late final NativeFinalizer pointerFinalizer =
      NativeFinalizer(_symbols.lookup('tests_pointer_free'));
  late final void Function(Pointer<Void>) pointerFree =
      _symbols.lookupFunction<Void Function(Pointer<Void>),
          void Function(Pointer<Void>)>('tests_pointer_free');
  late final Submit1<int> sendPort = _symbols.lookupFunction<
      Int32 Function(Uint64, Uint64, Int64, _Task),
      Submit1<int>>('tests_send_port');
  late final Submit0 monitor = _plain('tests_monitor');
  late final Submit2<int, int> poolProgress = _symbols.lookupFunction<
      Int32 Function(Uint64, Uint64, Int64, UintPtr, _Task),
      Submit2<int, int>>('tests_pool_progress');

  /// How many tasks hold something.
  late final int Function() held = _count('ledger_held');

  /// How many buffers are lent out.
  late final int Function() lent = _count('ledger_lent');

  /// How many numbers the tasks without an end have counted.
  late final int Function() counted = _count('ledger_counted');

  /// How many blocks of the library's heap are in use.
  late final int Function() blocks = _count('ledger_blocks');

  /// Prints how many buffers are lent out when the process ends.
  late final void Function() printAtExit =
      _symbols.lookupFunction<Void Function(), void Function()>(
          'ledger_print_at_exit');

  Submit0 _plain(String name) => _symbols
      .lookupFunction<Int32 Function(Uint64, Uint64, _Task), Submit0>(name);

  Submit1<Pointer<Char>> _text(String name) => _symbols.lookupFunction<
      Int32 Function(Uint64, Uint64, Pointer<Char>, _Task),
      Submit1<Pointer<Char>>>(name);

  Submit2<int, int> _data(String name) => _symbols.lookupFunction<
      Int32 Function(Uint64, Uint64, Int32, Uint32, _Task),
      Submit2<int, int>>(name);

  int Function() _count(String name) =>
      _symbols.lookupFunction<Int64 Function(), int Function()>(name);
}

/// Tasks of the library at a port.
extension TestTasks on WharfPort {
  /// A round trip.
  WharfTask<int> echo(Tests tests, int value) =>
      submit((port, tag, task) => tests.echo(port, tag, value, task));

  /// A task without an end.
  WharfTask<void> never(Tests tests) => submit(tests.never);

  /// A text there and back; `null` is NULL.
  WharfTask<String?> echoText(Tests tests, String? text) =>
      submit((port, tag, task) => Arena.use((arena) => tests.echoText(
          port, tag, text == null ? nullptr : arena.string(text), task)));

  /// An error with code 404.
  WharfTask<int> fail(Tests tests, String what) =>
      submit((port, tag, task) => Arena.use(
          (arena) => tests.fail(port, tag, arena.string(what), task)));

  /// A panic with this [text].
  WharfTask<void> panic(Tests tests, String text) =>
      submit((port, tag, task) => Arena.use(
          (arena) => tests.panic(port, tag, arena.string(text), task)));

  /// A task that ends after [time].
  WharfTask<void> sleep(Tests tests, Duration time) =>
      submit((port, tag, task) =>
          tests.sleep(port, tag, time.inMicroseconds * 1000, task));
}
