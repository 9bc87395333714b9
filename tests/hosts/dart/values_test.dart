/// Values: every type that a Dart port can carry, as it arrives.
library;

import 'dart:async';
import 'dart:ffi';
import 'dart:isolate';
import 'dart:typed_data';

import 'package:wharf/wharf.dart';

import 'support/check.dart';
import 'support/tests.dart';

/// The number of each kind of typed data, what arrives, and its element's size.
const _kinds = <int, (String, int)>{
  // The machine has no way to be sent a ByteData: it arrives as bytes.
  0: ('Uint8List', 1),
  1: ('Int8List', 1),
  2: ('Uint8List', 1),
  3: ('Uint8ClampedList', 1),
  4: ('Int16List', 2),
  5: ('Uint16List', 2),
  6: ('Int32List', 4),
  7: ('Uint32List', 4),
  8: ('Int64List', 8),
  9: ('Uint64List', 8),
  10: ('Float32List', 4),
  11: ('Float64List', 8),
  12: ('Int32x4List', 16),
  13: ('Float32x4List', 16),
  14: ('Float64x2List', 16),
};

bool _isA(String name, Object? value) => switch (name) {
      'Int8List' => value is Int8List,
      'Uint8List' => value is Uint8List,
      'Uint8ClampedList' => value is Uint8ClampedList,
      'Int16List' => value is Int16List,
      'Uint16List' => value is Uint16List,
      'Int32List' => value is Int32List,
      'Uint32List' => value is Uint32List,
      'Int64List' => value is Int64List,
      'Uint64List' => value is Uint64List,
      'Float32List' => value is Float32List,
      'Float64List' => value is Float64List,
      'Int32x4List' => value is Int32x4List,
      'Float32x4List' => value is Float32x4List,
      'Float64x2List' => value is Float64x2List,
      _ => false,
    };

/// A port whose messages come to [receive].
int open(Tests tests, ReceivePort receive, int mode) => Arena.use((arena) {
      final id = arena<Uint64>();
      final native = receive.sendPort.nativePort;
      expect(
          tests.library.bindings
              .portDart(0, native, nullptr, mode, nullptr, id),
          0);
      return id.value;
    });

Future<void> main(List<String> args) async {
  final tests = Tests(args.first);
  final port = WharfPort(tests.library);

  Future<Object?> ask(Submit2<int, int> what, int kind, int bytes) => port
      .submit<Object?>((port, tag, task) => what(port, tag, kind, bytes, task))
      .value;

  test('simple values and nested lists', () async {
    final found = await port.submit<Object?>(tests.plainValues).value;
    expect(found, [
      null,
      true,
      false,
      [
        -0x80000000,
        0x7fffffff,
        1 << 40,
        -0x8000000000000000,
        0x7fffffffffffffff,
        [0.5, double.negativeInfinity],
      ],
      [
        '',
        'søster 🚢',
        ['a', null],
      ],
      <Object?>[],
    ]);
  });

  test('numbers on their own, posted and as a result', () async {
    final found = <Object?>[];
    final last = await port
        .submit<double>(tests.numbers, onProgress: found.add)
        .value;
    check(identical(last, -0.0), 'the result is $last');
    const whole = [
      -0x8000000000000000,
      -0x40000001,
      -0x40000000,
      0,
      0x3fffffff,
      0x40000000,
      0x7fffffffffffffff,
    ];
    expect(found.sublist(0, whole.length), whole);
    check(found.take(whole.length).every((number) => number is int),
        'a whole number is a double');
    final others = found.sublist(whole.length);
    check(others.every((number) => number is double), 'a double is an int');
    expect(others, [
      1.0,
      double.maxFinite,
      2.2250738585072014e-308,
      double.negativeInfinity,
      double.nan,
    ]);
  });

  test('what goes into one integer, and what just does not', () async {
    final found = <Object?>[];
    final last = await port
        .submit<bool>(tests.small, onProgress: found.add)
        .value;
    expect(last, true);
    const whole = [
      0, 1, 2, 3, -1, -2, -3,
      // Where the message has 31 bits, and one more.
      65532, 65533, -65536, -65537,
      // Where it has 63, and one more.
      (1 << 48) - 4, (1 << 48) - 3, -1 << 48, (-1 << 48) - 1,
      // Where it has 64, and one more.
      (1 << 49) - 4, (1 << 49) - 3, -1 << 49, (-1 << 49) - 1,
    ];
    expect(found, [null, false, true, ...whole]);
    check(found.skip(3).every((number) => number is int), 'found $found');
  });

  test('how what says little is sent', () async {
    final bindings = tests.library.bindings;
    for (final (tag, one) in [(5, true), (8191, true), (8192, false)]) {
      final receive = ReceivePort();
      final port = open(tests, receive, 2);
      expect(tests.small(port, tag, nullptr), 0);
      final messages = await receive.take(23).toList();
      final bits = tag << 1;
      expect(messages.sublist(0, 5), [
        if (one) ...[
          bits,
          1 << 14 | bits,
          2 << 14 | bits,
          3 << 14 | bits,
          4 << 14 | bits,
        ] else ...[
          [tag, 0, 0, null],
          [tag, 0, 0, false],
          [tag, 0, 0, true],
          [tag, 0, 0],
          [tag, 0, 1],
        ],
      ]);
      expect(messages[7], one ? -1 << 14 | bits : [tag, 0, -1]);
      expect(messages[19], [tag, 0, (1 << 49) - 3]);
      expect(messages.last, one ? 2 << 14 | bits | 1 : [tag, 1, 0, true]);
      await until(() => bindings.portClose(port, 0) == 0, 'the port to close');
    }
  });

  test('what is sent in each mode', () async {
    const tag = 1 << 40;
    for (final (mode, number, text) in [
      (0, [tag, 1, 0, 5], [tag, 1, 0, 'five']),
      (1, 5, 'five'),
      (2, Int64List.fromList([tag, 1, 5]), [tag, 1, 0, 'five']),
    ]) {
      final bindings = tests.library.bindings;
      final receive = ReceivePort();
      final messages = StreamIterator(receive);
      final port = open(tests, receive, mode);
      expect(tests.echo(port, tag, 5, nullptr), 0);
      await messages.moveNext();
      expect(messages.current, number, 'a number in mode $mode');
      check((messages.current is Int64List) == (mode == 2),
          'mode $mode sent a ${messages.current.runtimeType}');
      Arena.use((arena) {
        expect(tests.echoText(port, tag, arena.string('five'), nullptr), 0);
      });
      await messages.moveNext();
      expect(messages.current, text, 'a text in mode $mode');
      await until(() => bindings.portClose(port, 0) == 0, 'the port to close');
      receive.close();
    }
  });

  test('a double under a tag that no double is comes in a list', () async {
    final bindings = tests.library.bindings;
    for (final (tag, compact) in [(1 << 53, true), ((1 << 53) + 1, false)]) {
      final receive = ReceivePort();
      final port = open(tests, receive, 2);
      expect(tests.numbers(port, tag, nullptr), 0);
      final messages = await receive.take(13).toList();
      expect(messages.first, [tag, 0, -0x8000000000000000]);
      check(messages.first is Int64List, 'found a ${messages.first.runtimeType}');
      expect(messages.last, compact ? [tag, 1, -0.0] : [tag, 1, 0, -0.0]);
      check((messages.last is Float64List) == compact,
          'found a ${messages.last.runtimeType}');
      await until(() => bindings.portClose(port, 0) == 0, 'the port to close');
    }
  });

  for (final MapEntry(key: kind, value: (name, size)) in _kinds.entries) {
    for (final (how, what) in [
      ('copied', tests.typedData),
      ('lent', tests.lentData),
      ('lent for reading', tests.lentReadonly),
    ]) {
      test('kind $kind, a $name, $how', () async {
        final elements = name.contains('x') ? 2 : 5;
        for (final count in [0, elements]) {
          final data = await ask(what, kind, count * size);
          check(_isA(name, data), 'found a ${data.runtimeType}');
          final bytes = (data! as TypedData).buffer.asUint8List(
                (data as TypedData).offsetInBytes,
                data.lengthInBytes,
              );
          expect(bytes, List.generate(count * size, (i) => i));
        }
      });
    }
  }

  test('what is lent can be written, and is not seen elsewhere', () async {
    final data = (await ask(tests.lentData, 2, 4))! as Uint8List;
    data[0] = 9;
    final other = (await ask(tests.lentData, 2, 4))! as Uint8List;
    expect(other[0], 0);
  });

  test('kinds and lengths that do not exist are errors', () async {
    for (final (kind, bytes) in [(15, 4), (-1, 4), (8, 7), (12, 15)]) {
      await expectThrows<WharfTaskException>(ask(tests.typedData, kind, bytes));
    }
  });

  test('a send port arrives, and is the same one', () async {
    final receive = ReceivePort();
    final send = await port
        .submit<SendPort>((port, tag, task) =>
            tests.sendPort(port, tag, receive.sendPort.nativePort, task))
        .value;
    expect(send, receive.sendPort);
    send.send('through it');
    expect(await receive.first, 'through it');
  });

  test('capabilities arrive, and are equal by their number', () async {
    Future<Capability> capability(int number) => port
        .submit<Capability>((port, tag, task) =>
            tests.capability(port, tag, number, task))
        .value;
    final first = await capability(7);
    expect(await capability(7), first);
    check(await capability(8) != first, 'different numbers are equal');
    check(await capability(1 << 52) != first, 'different numbers are equal');
    // It is what an isolate's own functions take.
    expect({first: 'known'}[await capability(7)], 'known');
  });

  test('a native pointer arrives as its address, and is then the receiver\'s',
      () async {
    final lent = tests.lent();
    final found = await port
        .submit<List<Object?>>(
            (port, tag, task) => tests.pointerAndData(port, tag, 3, task))
        .value;
    final [address as int, data as Uint8List, same as int] = found;
    expect(data, [0, 1, 2]);
    // As a signed number of the machine's word size.
    expect(address, same);
    check(address != 0, 'the pointer is NULL');
    expect(tests.lent(), lent + 2, 'buffers lent');
    tests.pointerFree(Pointer.fromAddress(address));
    expect(tests.lent(), lent + 1, 'buffers lent');
  });

  await runTests();
}
