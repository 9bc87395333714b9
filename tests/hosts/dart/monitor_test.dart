/// The network monitor: started, it gives packets and errors as streams; after
/// it has stopped, nothing more arrives.
library;

import 'dart:async';
import 'dart:convert';
import 'dart:io';

import 'package:wharf/wharf.dart';

import 'support/check.dart';
import 'support/tests.dart';

/// A datagram as the monitor has seen it.
typedef Packet = ({DateTime time, String from, String text});

/// What an app would write on top of the stream of one task.
final class Monitor {
  Monitor._(this._subscription, this.port, this._packets, this._errors);

  /// Starts a monitor; it listens when the future is done.
  static Future<Monitor> start(WharfPort port, Tests tests) async {
    final packets = StreamController<Packet>();
    final errors = StreamController<String>();
    final listens = Completer<int>();
    final subscription = port.stream<List<Object?>>(tests.monitor).listen(
      (message) {
        switch (message) {
          case [0, final int port]:
            listens.complete(port);
          case [1, final int time, final String from, final String text]:
            packets.add((
              time: DateTime.fromMicrosecondsSinceEpoch(time ~/ 1000),
              from: from,
              text: text,
            ));
          case [2, final String text]:
            errors.add(text);
        }
      },
      onError: listens.completeError,
    );
    return Monitor._(subscription, await listens.future, packets, errors);
  }

  final StreamSubscription<List<Object?>> _subscription;
  final StreamController<Packet> _packets;
  final StreamController<String> _errors;

  /// Where it listens.
  final int port;

  Stream<Packet> get packets => _packets.stream;
  Stream<String> get errors => _errors.stream;

  /// Stops it; done when its socket is closed.
  Future<void> stop() async {
    await _subscription.cancel();
    unawaited(_packets.close());
    unawaited(_errors.close());
  }
}

Future<void> main(List<String> args) async {
  final tests = Tests(args.first);
  final port = WharfPort(tests.library);
  final home = InternetAddress.loopbackIPv4;

  test('packets and errors arrive, and after stop no more', () async {
    final monitor = await Monitor.start(port, tests);
    final packets = <Packet>[];
    final errors = <String>[];
    monitor.packets.listen(packets.add);
    monitor.errors.listen(errors.add);
    final socket = await RawDatagramSocket.bind(home, 0);
    for (var i = 0; i < 20; i++) {
      socket.send(utf8.encode('packet $i'), home, monitor.port);
    }
    socket.send([0xff, 0xfe], home, monitor.port);
    await until(() => packets.length == 20 && errors.length == 1, 'packets');
    expect([for (final packet in packets) packet.text],
        [for (var i = 0; i < 20; i++) 'packet $i']);
    expect(packets.first.from, '127.0.0.1:${socket.port}');
    check(errors.single.contains('127.0.0.1:${socket.port}'), errors.single);

    await monitor.stop();
    expect(tests.held(), 0, 'monitors after stop');
    for (var i = 0; i < 20; i++) {
      socket.send(utf8.encode('late $i'), home, monitor.port);
    }
    for (var i = 0; i < 50; i++) {
      await port.echo(tests, i).value;
    }
    expect(packets.length, 20);
    socket.close();
  });

  test('the place of a stopped monitor can be taken again, many times',
      () async {
    for (var i = 0; i < 30; i++) {
      final monitor = await Monitor.start(port, tests);
      await monitor.stop();
    }
    expect(tests.held(), 0);
    expect(port.pending, 0);
  });

  await runTests();
}
