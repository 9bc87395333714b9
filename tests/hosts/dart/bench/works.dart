/// The works of the benches' group `dart`: wharf, what bounds it and a peer, in
/// one machine.
///
/// `works.dart TESTS_LIBRARY PEER_LIBRARY` says `ready`, then reads lines from
/// standard input, `WORK WHO COUNT`, runs one sample of so many messages or tasks,
/// and answers each with a line: the figure.
library;

import 'dart:async';
import 'dart:collection';
import 'dart:ffi';
import 'dart:io';
import 'dart:isolate';
import 'dart:math';

import 'package:wharf/wharf.dart';

import '../support/tests.dart';

const _inFlight = 1000;
const _beat = Duration(milliseconds: 16);

Future<void> main(List<String> args) async {
  final works = Works(Tests(args[0]), DynamicLibrary.open(args[1]));
  stdout.writeln('ready');
  await stdout.flush();
  while (true) {
    final words = stdin.readLineSync()?.split(' ');
    if (words case [final work, final who, final count]) {
      final run = works.of(work, who);
      if (run == null) throw ArgumentError('there is no $work of $who');
      stdout.writeln(await run(int.parse(count)));
      await stdout.flush();
    } else {
      exit(0);
    }
  }
}

typedef _Post = Void Function(Pointer<Void>, Int64, Int64);
typedef _Flood = void Function(Pointer<Void>, int, int);
typedef _Bare = Void Function(Int64, Int64);
typedef _Send = void Function(int port, int value);

/// Gives a future for the answer to a number, which is the number.
typedef _Ask = Future<int> Function(int value);

/// What each word on standard input stands for.
final class Works {
  /// With the libraries, loaded.
  Works(this.tests, DynamicLibrary peer)
      : wharf = WharfPort(tests.library),
        _own = tests.library.dynamicLibrary,
        _peerFlood =
            peer.lookupFunction<_Bare, _Send>('peer_flood'),
        _peerEcho = peer.lookupFunction<_Bare, _Send>('peer_echo') {
    peer.lookupFunction<Void Function(Pointer<Void>),
        void Function(Pointer<Void>)>('peer_start')(_post);
  }

  /// The library of wharf's tests.
  final Tests tests;

  /// A port of it.
  final WharfPort wharf;

  final DynamicLibrary _own;
  final _Send _peerFlood;
  final _Send _peerEcho;

  static final _post = NativeApi.postCObject.cast<Void>();
  static final _table = NativeApi.initializeApiDLData;

  late final _floorFlood =
      _own.lookupFunction<_Post, _Flood>('floor_flood');
  late final _floorIntegers =
      _own.lookupFunction<_Post, _Flood>('floor_flood_integers');
  late final _floorWords =
      _own.lookupFunction<_Post, _Flood>('floor_flood_words');
  late final _bareFlood = _own.lookupFunction<_Bare, _Send>('bare_flood');
  late final _bareEcho = _own.lookupFunction<_Bare, _Send>('bare_echo');
  late final _detour = _own.lookupFunction<
      Pointer<Void> Function(Pointer<Void>),
      Pointer<Void> Function(Pointer<Void>)>('floor_detour')(_post);
  late final _store = _own.lookupFunction<Void Function(Pointer<Void>),
      void Function(Pointer<Void>)>('store_dart_post_cobject');

  /// What asks wharf, as a program with the package does.
  Future<int> _askWharf(int value) => wharf.echo(tests, value).value;

  /// What asks the peer, on one port for all.
  late final _askPeer = _Shared.start((port) => (value) {
        _peerEcho(port, value);
      });

  /// What asks a plain thread.
  late final _askThread = _Shared.start((port) {
    final echo = Echo.start(_own, _post, port);
    return echo.send;
  });

  /// What takes a sample of so many.
  Future<double> Function(int count)? of(String work, String who) =>
      switch ((work, who)) {
        ('objects', 'wharf') => _plainly,
        ('objects', 'tokio') => (count) => _flood(count, _peerFlood),
        ('objects', 'floor') => (count) => _flood(
            count, (port, count) => _floorFlood(_post, port, count)),
        ('integers', 'wharf') => (count) => _flood(count, _bareFlood),
        ('integers', 'floor') => (count) => _flood(
            count, (port, count) => _floorIntegers(_table, port, count)),
        ('stream', 'wharf') => _stream,
        // What arrives is what the package's ports are sent, at a bare port.
        ('stream', 'floor') => (count) => _flood(
            count, (port, count) => _floorWords(_table, port, count),
            value: (message) => ((message! as int) >> 14) - 3),
        ('trip', 'wharf') => (count) => _roundTrips(count, _bareEcho),
        ('trip', 'tokio') => (count) => _roundTrips(count, _peerEcho),
        ('trip', 'floor') => _echoThread,
        ('future', _) => (count) => _futures(count, _asks(who)),
        ('tasks', _) => (count) => _inTurns(count, _asks(who)),
        ('gap', _) => (count) => _longestGap(count, _asks(who)),
        _ => null,
      };

  _Ask _asks(String who) => switch (who) {
        'wharf' => _askWharf,
        'tokio' => _askPeer.ask,
        _ => _askThread.ask,
      };

  /// Wharf without the machine's table: its numbers go by `Dart_PostCObject`.
  Future<double> _plainly(int count) async {
    _store(_detour);
    final rate = await _flood(count, _bareFlood);
    tests.library.accept(tests.library.bindings.dartInitialize(_table));
    return rate;
  }

  /// A stream of one task, through the package, into a function: what the floor's
  /// port calls as well. (`forEach` and `await for` make closures or futures for
  /// each element, wherever the stream comes from.)
  Future<double> _stream(int count) {
    final rate = Completer<double>();
    final clock = Stopwatch()..start();
    var next = 0;
    wharf
        .stream<int>(
            (port, tag, task) => tests.flood(port, tag, count, task))
        .listen((found) {
      if (found != next) throw StateError('found $found, expected $next');
      next++;
    }, onDone: () {
      rate.complete(count * 1e6 / clock.elapsedMicroseconds);
    });
    return rate.future;
  }

  Future<double> _echoThread(int count) async {
    Echo? echo;
    final time = await _roundTrips(count, (port, value) =>
        (echo ??= Echo.start(_own, _post, port)).send(value));
    echo!.stop();
    return time;
  }
}

/// The thread that posts what it is sent.
final class Echo {
  Echo._(this._library, this._echo);

  /// Starts one that posts to [port].
  factory Echo.start(DynamicLibrary library, Pointer<Void> post, int port) =>
      Echo._(
          library,
          library.lookupFunction<Pointer<Void> Function(Pointer<Void>, Int64),
              Pointer<Void> Function(Pointer<Void>, int)>('floor_echo_start')(
              post, port));

  final DynamicLibrary _library;
  final Pointer<Void> _echo;
  late final _send = _library.lookupFunction<
      Void Function(Pointer<Void>, Int64),
      void Function(Pointer<Void>, int)>('floor_echo_send');

  /// Sends it a number.
  void send(int value) => _send(_echo, value);

  /// Ends it.
  void stop() => _library.lookupFunction<Void Function(Pointer<Void>),
      void Function(Pointer<Void>)>('floor_echo_stop')(_echo);
}

/// Futures over one bare port: the least that lets answers be told apart.
final class _Shared {
  _Shared._();

  factory _Shared.start(void Function(int value) Function(int port) sender) {
    final shared = _Shared._();
    shared._send = sender(shared._receive.sendPort.nativePort);
    return shared;
  }

  late final _receive = RawReceivePort(_answer)..keepIsolateAlive = false;
  late final void Function(int value) _send;
  final _waiting = HashMap<int, Completer<int>>();

  Future<int> ask(int value) {
    final answer = Completer<int>.sync();
    _waiting[value] = answer;
    if (_waiting.length == 1) _receive.keepIsolateAlive = true;
    _send(value);
    return answer.future;
  }

  void _answer(Object? message) {
    final value = message! as int;
    final answer = _waiting.remove(value)!;
    if (_waiting.isEmpty) _receive.keepIsolateAlive = false;
    answer.complete(value);
  }
}

/// The rate at which [count] numbers arrive that [start] has posted.
Future<double> _flood(int count, void Function(int port, int count) start,
    {Object? Function(Object? message)? value}) async {
  final done = Completer<void>();
  final port = RawReceivePort();
  var next = 0;
  void take(Object? found) {
    if (found != next) throw StateError('found $found, expected $next');
    if (++next == count) done.complete();
  }

  port.handler =
      value == null ? take : (Object? message) => take(value(message));
  final clock = Stopwatch()..start();
  start(port.sendPort.nativePort, count);
  await done.future;
  final rate = count * 1e6 / clock.elapsedMicroseconds;
  port.close();
  return rate;
}

/// The mean time in µs from [send] to its answer, one at a time on one port.
Future<double> _roundTrips(int count, _Send send) async {
  final done = Completer<void>();
  final port = RawReceivePort();
  final native = port.sendPort.nativePort;
  var sent = 0;
  port.handler = (Object? message) {
    if (message != sent) throw StateError('found $message, expected $sent');
    if (++sent == count) {
      done.complete();
    } else {
      send(native, sent);
    }
  };
  final clock = Stopwatch()..start();
  send(native, 0);
  await done.future;
  port.close();
  return clock.elapsedMicroseconds / count;
}

/// The mean time in µs of a future awaited, one after the other.
Future<double> _futures(int count, _Ask ask) async {
  final clock = Stopwatch()..start();
  for (var i = 0; i < count; i++) {
    if (await ask(i) != i) throw StateError('a wrong answer');
  }
  return clock.elapsedMicroseconds / count;
}

/// The rate of [count] futures, of which [_inFlight] are awaited at once.
Future<double> _inTurns(int count, _Ask ask) async {
  var next = 0;
  Future<void> worker() async {
    while (next < count) {
      final value = next++;
      if (await ask(value) != value) throw StateError('a wrong answer');
    }
  }

  final clock = Stopwatch()..start();
  await Future.wait([for (var i = 0; i < _inFlight; i++) worker()]);
  return count * 1e6 / clock.elapsedMicroseconds;
}

/// The longest time in ms between two beats of a timer of 16, while [count]
/// futures are asked for, all in one turn of the event loop, and answered.
Future<double> _longestGap(int count, _Ask ask) async {
  final clock = Stopwatch()..start();
  var last = 0, longest = 0;
  final timer = Timer.periodic(_beat, (_) {
    final now = clock.elapsedMicroseconds;
    longest = max(longest, now - last);
    last = now;
  });
  await Future.wait([for (var i = 0; i < count; i++) ask(i)]);
  // The beat that was due when the last answer came.
  await Future<void>.delayed(_beat * 2);
  timer.cancel();
  return longest / 1000;
}
