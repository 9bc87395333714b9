/// Where answers arrive.
library;

import 'dart:async';
import 'dart:ffi';
import 'dart:isolate';
import 'dart:typed_data';

import 'bindings.g.dart';
import 'exceptions.dart';
import 'library.dart';
import 'memory.dart';
import 'owner.dart';
import 'runtime.dart';
import 'task.dart';

/// Calls a function of the library that submits a task.
///
/// It passes on the [port] that is to be answered, the [tag] that tells one
/// answer from another, and where to write the [task]'s id, and returns the
/// function's status.
typedef WharfSubmit = int Function(int port, int tag, Pointer<Uint64> task);

/// Where the answers of an isolate's tasks arrive.
///
/// One port serves any number of tasks, and is cheaper than one for each. It
/// keeps the isolate alive while a task of its own has not ended. When it is
/// closed or no longer reachable, or its isolate ends, its tasks are cancelled.
final class WharfPort implements Finalizable {
  /// Opens a port of [library], whose tasks run on [runtime], or on the
  /// library's default one.
  factory WharfPort(WharfLibrary library, {WharfRuntime? runtime}) {
    final receive = RawReceivePort()..keepIsolateAlive = false;
    try {
      final id = Arena.use((arena) {
        final id = arena<Uint64>();
        library.accept(
          library.bindings.portDart(
            runtime?.id ?? 0,
            receive.sendPort.nativePort,
            nullptr,
            wharfDartCompact,
            nullptr,
            id,
          ),
        );
        return id.value;
      });
      return WharfPort._(library, receive, id);
    } on Object {
      receive.close();
      rethrow;
    }
  }

  WharfPort._(this.library, this._receive, this.id) {
    _owner = Owner.attach(library, this, id);
    // The machine holds the receiver, and with it the table: neither may hold
    // this object, but for the time that an answer is due.
    _receive.handler = _table.receive;
    _receivers.attach(this, _receive, detach: this);
  }

  static final _receivers =
      Finalizer<RawReceivePort>((receive) => receive.close());

  /// The library that it belongs to.
  final WharfLibrary library;

  /// The number that the library knows it by.
  ///
  /// Another isolate may submit tasks with it; their answers arrive here, with
  /// tags that this port does not know, and are dropped.
  final int id;

  final RawReceivePort _receive;
  late final _table = _Table(_receive);
  late final Owner _owner;
  late final _task = OwnedMemory<Uint64>.attach(this, sizeOf<Uint64>());
  bool _closed = false;

  /// Whether the port has been closed.
  bool get isClosed => _closed;

  /// How many tasks have not ended.
  int get pending => _table.length;

  /// Runs a task that gives one value.
  ///
  /// [decode] makes the value from what arrives: `null`, a [bool], [int],
  /// [double], [String], typed data, [SendPort], or a list of these. Without
  /// it, what arrives has to be a [T]. [onProgress] is told of what the task
  /// posts before it ends.
  ///
  /// A task that is refused ends with a [WharfRefusedException].
  WharfTask<T> submit<T>(
    WharfSubmit submit, {
    T Function(Object? value)? decode,
    void Function(Object? value)? onProgress,
  }) {
    final entry = TaskEntry<T>(library.bindings, decode, onProgress);
    try {
      _submit(submit, entry);
    } on WharfException catch (error) {
      // Not before the caller has had the time to listen.
      scheduleMicrotask(() => entry.failed(error));
    }
    return entry;
  }

  /// Runs a task that gives many values, when the stream is first listened to.
  ///
  /// Pausing the stream makes the task wait; what it has sent before is kept.
  /// Cancelling the subscription cancels the task, and is done when what the
  /// task held is free. The task's own last value is dropped.
  ///
  /// [decode] is called with each value that arrives, even after the
  /// subscription has been cancelled, so that it can take over what a native
  /// pointer points to.
  Stream<T> stream<T>(
    WharfSubmit submit, {
    T Function(Object? value)? decode,
  }) {
    late final _StreamEntry<T> entry;
    final controller = StreamController<T>(
      sync: true,
      onListen: () {
        try {
          _submit(submit, entry);
        } on WharfException catch (error) {
          entry.failed(error);
        }
      },
      onPause: () => entry.pause(),
      onResume: () => entry.resume(),
      onCancel: () => entry.cancel(),
    );
    entry = _StreamEntry(library.bindings, decode, controller);
    return controller.stream;
  }

  void _submit(WharfSubmit submit, Entry entry) {
    if (_closed) {
      throw const WharfRefusedException(wharfNoPort, 'the port is closed');
    }
    final tag = _table.add(entry, this);
    final int status;
    try {
      status = submit(id, tag, _task.pointer);
    } on Object {
      _table.remove(tag);
      rethrow;
    }
    if (status == wharfOk) {
      entry.id = _task.pointer.value;
      return;
    }
    final error = library.refusal(status);
    _table.remove(tag);
    throw error;
  }

  /// Cancels all tasks and closes the port.
  ///
  /// What was sent before still arrives; what has not ended then ends with a
  /// [WharfCancelledException]. Waits for that without blocking the isolate.
  Future<void> close() async {
    if (_closed) return;
    _closed = true;
    final bindings = library.bindings;
    var status = bindings.portClose(id, 0);
    while (status == wharfTimeout) {
      await Future<void>.delayed(const Duration(milliseconds: 1));
      status = bindings.portClose(id, 0);
    }
    // Nothing is posted from now on; what is on its way may be a native pointer,
    // which nobody would free if the receiver were closed before it.
    await _table.drain();
    _receive.close();
    _receivers.detach(this);
    _owner.release();
    _task.release();
    for (final entry in _table.clear()) {
      entry.failed(const WharfCancelledException());
    }
  }
}

/// Who waits for which tag.
///
/// A tag is an index into [_slots] with the generation of its use above it, so
/// that a stale one is found out; together they are one of the machine's small
/// integers, wherever it runs.
final class _Table {
  _Table(this._receive);

  static const _indexBits = 20;
  static const _indexMask = (1 << _indexBits) - 1;
  static const _tagMask = 0x3fffffff;

  final RawReceivePort _receive;
  final _slots = <Entry?>[];

  /// The tags that free slots will be used under.
  final _free = <int>[];
  int _live = 0;

  /// The port, while somebody waits: it must not be finalized then.
  WharfPort? _port;
  Completer<void>? _drained;

  int get length => _live;

  int add(Entry entry, WharfPort port) {
    final int tag;
    if (_free.isEmpty) {
      // The library allows no more tasks of one port than there are indices.
      tag = _slots.length & _indexMask;
      _slots.add(entry);
    } else {
      tag = _free.removeLast();
      _slots[tag & _indexMask] = entry;
    }
    entry.tag = tag;
    if (_live++ == 0) {
      _port = port;
      _receive.keepIsolateAlive = true;
    }
    return tag;
  }

  Entry? at(int tag) {
    final index = tag & _indexMask;
    if (index >= _slots.length) return null;
    final entry = _slots[index];
    return entry != null && entry.tag == tag ? entry : null;
  }

  Entry? remove(int tag) {
    final entry = at(tag);
    if (entry == null) return null;
    _slots[tag & _indexMask] = null;
    _free.add((tag + (1 << _indexBits)) & _tagMask);
    if (--_live == 0) {
      _port = null;
      if (_drained == null) _receive.keepIsolateAlive = false;
    }
    return entry;
  }

  List<Entry> clear() {
    final all = _slots.nonNulls.toList();
    _slots.clear();
    _free.clear();
    _live = 0;
    _port = null;
    return all;
  }

  /// Waits until what has been sent to the receiver has arrived.
  Future<void> drain() {
    final drained = _drained = Completer<void>();
    _receive
      ..keepIsolateAlive = true
      ..sendPort.send(null);
    return drained.future;
  }

  /// Takes a message as the library sends it in its compact mode: a number as
  /// the elements `[tag, kind, value]`, everything else as the list
  /// `[tag, kind, code, value]`. Nothing is what [drain] has sent.
  void receive(Object? message) {
    switch (message) {
      case final Int64List message:
        _take(message[0], message[1], 0, message[2]);
      case final Float64List message:
        _take(message[0].toInt(), message[1].toInt(), 0, message[2]);
      case final List<Object?> message:
        _take(message[0]! as int, message[1]! as int, message[2]! as int,
            message[3]);
      default:
        _drained?.complete();
    }
  }

  void _take(int tag, int kind, int code, Object? value) {
    if (kind == wharfKindData || kind == wharfKindControl) {
      at(tag)?.data(value);
    } else {
      remove(tag)?.ended(kind, code, value);
    }
  }
}

/// A task that gives many values.
final class _StreamEntry<T> extends Entry {
  _StreamEntry(super.bindings, this.decode, this.controller);

  final T Function(Object? value)? decode;
  final StreamController<T> controller;
  final _over = Completer<void>.sync();

  Future<void> cancel() {
    if (!_over.isCompleted) requestCancel();
    return _over.future;
  }

  @override
  void data(Object? value) {
    final T decoded;
    try {
      final decode = this.decode;
      decoded = decode == null ? value as T : decode(value);
    } on Object catch (error, trace) {
      if (controller.hasListener) controller.addError(error, trace);
      return;
    }
    if (controller.hasListener) controller.add(decoded);
  }

  @override
  void ended(int kind, int code, Object? value) {
    kind == wharfKindOk ? _end() : failed(exceptionOf(kind, code, value));
  }

  @override
  void failed(WharfException error) {
    if (controller.hasListener) controller.addError(error, StackTrace.empty);
    _end();
  }

  void _end() {
    if (!_over.isCompleted) _over.complete();
    unawaited(controller.close());
  }
}
