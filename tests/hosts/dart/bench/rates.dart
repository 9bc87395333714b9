/// The rates of the Dart host, in turn with what bounds them and with a peer.
///
/// `rates.dart TESTS_LIBRARY PEER_LIBRARY [--rounds N]` prints one line of JSON
/// for each work and competitor:
/// `{"group": "dart", "work": …, "who": …, "unit": …, "median": …, "values": […]}`.
library;

import 'dart:async';
import 'dart:convert';
import 'dart:ffi';
import 'dart:io';
import 'dart:isolate';

import 'package:wharf/wharf.dart';

import '../support/tests.dart';

const _messages = 300000;
const _roundTrips = 5000;

typedef _FloodNative = Void Function(Pointer<Void>, Int64, Int64);
typedef _Flood = void Function(Pointer<Void>, int, int);

Future<void> main(List<String> args) async {
  final own = Tests(args[0]);
  final tests = own.library.dynamicLibrary;
  final wharf = WharfPort(own.library);
  final peer = DynamicLibrary.open(args[1]);
  final at = args.indexOf('--rounds');
  final rounds = at < 0 ? 11 : int.parse(args[at + 1]);
  final post = NativeApi.postCObject.cast<Void>();
  peer.lookupFunction<Void Function(Pointer<Void>), void Function(Pointer<Void>)>(
      'peer_start')(post);

  final floorFlood =
      tests.lookupFunction<_FloodNative, _Flood>('floor_flood');
  final peerFlood = peer.lookupFunction<Void Function(Int64, Int64),
      void Function(int, int)>('peer_flood');
  final bareFlood = tests.lookupFunction<Void Function(Int64, Int64),
      void Function(int, int)>('bare_flood');
  await _inTurn('300k integers posted by one task', 'messages/s', rounds, {
    'floor': () => _flood((port) => floorFlood(post, port, _messages)),
    'wharf': () => _flood((port) => bareFlood(port, _messages)),
    'wharf, in envelopes': () => _enveloped(own, wharf),
    'tokio': () => _flood((port) => peerFlood(port, _messages)),
  });

  final echoStart = tests.lookupFunction<
      Pointer<Void> Function(Pointer<Void>, Int64),
      Pointer<Void> Function(Pointer<Void>, int)>('floor_echo_start');
  final echoSend = tests.lookupFunction<Void Function(Pointer<Void>, Int64),
      void Function(Pointer<Void>, int)>('floor_echo_send');
  final echoStop = tests.lookupFunction<Void Function(Pointer<Void>),
      void Function(Pointer<Void>)>('floor_echo_stop');
  final peerEcho = peer.lookupFunction<Void Function(Int64, Int64),
      void Function(int, int)>('peer_echo');
  final bareEcho = tests.lookupFunction<Void Function(Int64, Int64),
      void Function(int, int)>('bare_echo');
  await _inTurn('round trip of a trivial task', 'µs', rounds, {
    'floor': () => _echoThread(post, echoStart, echoSend, echoStop),
    'wharf': () => _roundTrip((port, i) => bareEcho(port, i)),
    'wharf, a future each': () => _futures(own, wharf),
    'tokio': () => _roundTrip((port, i) => peerEcho(port, i)),
  });
}

/// Runs the competitors [rounds] times in turn, after one round to warm up.
Future<void> _inTurn(String work, String unit, int rounds,
    Map<String, Future<double> Function()> competitors) async {
  final values = {for (final who in competitors.keys) who: <double>[]};
  for (var round = 0; round <= rounds; round++) {
    for (final MapEntry(key: who, value: run) in competitors.entries) {
      final value = await run();
      if (round > 0) values[who]!.add(value);
    }
  }
  for (final MapEntry(key: who, value: found) in values.entries) {
    final sorted = [...found]..sort();
    stdout.writeln(jsonEncode({
      'group': 'dart',
      'work': work,
      'who': who,
      'unit': unit,
      'median': sorted[sorted.length ~/ 2],
      'values': found,
    }));
  }
}

/// The rate at which [_messages] numbers arrive that [start] has posted.
Future<double> _flood(void Function(int port) start) async {
  final done = Completer<void>();
  final port = RawReceivePort();
  var next = 0;
  port.handler = (Object? message) {
    if (message != next) throw StateError('found $message, expected $next');
    if (++next == _messages) done.complete();
  };
  final clock = Stopwatch()..start();
  start(port.sendPort.nativePort);
  await done.future;
  port.close();
  return _messages * 1e6 / clock.elapsedMicroseconds;
}

/// The same through the package: a stream of one task.
Future<double> _enveloped(Tests tests, WharfPort port) async {
  var next = 0;
  final clock = Stopwatch()..start();
  await port
      .stream<int>(
          (port, tag, task) => tests.flood(port, tag, _messages, task))
      .forEach((message) {
    if (message != next++) throw StateError('found $message');
  });
  return _messages * 1e6 / clock.elapsedMicroseconds;
}

/// Round trips through the package: a future awaited, one after the other.
Future<double> _futures(Tests tests, WharfPort port) async {
  final clock = Stopwatch()..start();
  for (var i = 0; i < _roundTrips; i++) {
    final found = await port.echo(tests, i).value;
    if (found != i) throw StateError('found $found, expected $i');
  }
  return clock.elapsedMicroseconds / _roundTrips;
}

/// The mean time in µs from [send] to its answer, one at a time on one port.
Future<double> _roundTrip(void Function(int port, int value) send) async {
  final done = Completer<void>();
  final port = RawReceivePort();
  final native = port.sendPort.nativePort;
  var sent = 0;
  port.handler = (Object? message) {
    if (message != sent) throw StateError('found $message, expected $sent');
    if (++sent == _roundTrips) {
      done.complete();
    } else {
      send(native, sent);
    }
  };
  final clock = Stopwatch()..start();
  send(native, 0);
  await done.future;
  port.close();
  return clock.elapsedMicroseconds / _roundTrips;
}

Future<double> _echoThread(
    Pointer<Void> post,
    Pointer<Void> Function(Pointer<Void>, int) start,
    void Function(Pointer<Void>, int) send,
    void Function(Pointer<Void>) stop) async {
  Pointer<Void>? echo;
  final time = await _roundTrip(
      (port, value) => send(echo ??= start(post, port), value));
  stop(echo!);
  return time;
}
