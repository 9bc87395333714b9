/// Zones: what a program hands over runs in the zone that it was handed over in,
/// and errors name the place that they come from.
library;

import 'dart:async';
import 'dart:ffi';

import 'package:wharf/wharf.dart';

import 'support/check.dart';
import 'support/tests.dart';

R _inZone<R>(String name, R Function() body) =>
    runZoned(body, zoneValues: {#name: name});

Object? get _zone => Zone.current[#name];

Future<void> main(List<String> args) async {
  final tests = Tests(args.first);
  final port = WharfPort(tests.library);

  test('a task\'s functions run in the zone of its submit', () async {
    final zones = <Object?>[];
    final task = _inZone(
        'a',
        () => port.submit<Object?>(
            (port, tag, task) => tests.flood(port, tag, 2, task),
            onProgress: (_) => zones.add(_zone),
            decode: (_) => _zone));
    expect(await task.value, 'a');
    expect(zones, ['a', 'a']);
    expect(_zone, null);
  });

  test('a stream\'s values are made in its zone, and heard in the listener\'s',
      () async {
    final zones = <Object?>[];
    final done = Completer<void>();
    final stream = _inZone(
        'made',
        () => port.stream<Object?>(
            (port, tag, task) => tests.flood(port, tag, 1, task),
            decode: (_) => _zone));
    _inZone(
        'heard',
        () => stream.listen((made) => zones.addAll([made, _zone]),
            onDone: () => done.complete()));
    await done.future;
    expect(zones, ['made', 'heard']);
  });

  test('an error in onProgress is its zone\'s, and the task goes on', () async {
    final errors = <Object>[];
    final task = runZonedGuarded(
        () => port.submit<int>(
            (port, tag, task) => tests.flood(port, tag, 3, task),
            onProgress: (value) => throw FormatException('$value')),
        (error, _) => errors.add(error))!;
    expect(await task.value, 3);
    expect([for (final error in errors) (error as FormatException).message],
        ['0', '1', '2']);
  });

  test('a refusal says where it was refused', () async {
    Future<void> check_(Future<Object?> value) async {
      try {
        await value;
        check(false, 'not refused');
      } on WharfRefusedException catch (_, trace) {
        check('$trace'.contains('zones_test'), 'the trace is: $trace');
      }
    }

    await check_(port
        .submit<int>((port, tag, task) => tests.fail(port, tag, nullptr, task))
        .value);
    await check_(port
        .stream<int>((port, tag, task) => tests.panic(port, tag, nullptr, task))
        .toList());
  });

  await runTests();
}
