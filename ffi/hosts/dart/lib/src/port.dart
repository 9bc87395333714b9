/// Where answers arrive.
library;

import 'dart:async';
import 'dart:collection';
import 'dart:ffi';
import 'dart:isolate';

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
            wharfDartEnveloped,
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
  int get pending => _table.entries.length;

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
    final entry = TaskEntry<T>(library, decode, onProgress);
    try {
      entry.handle = TaskHandle(library, _submit(submit, entry));
    } on WharfException catch (error) {
      // Not before the caller has had the time to listen.
      scheduleMicrotask(() => entry.failed(error));
    }
    return taskOf(entry);
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
          entry.handle = TaskHandle(library, _submit(submit, entry));
        } on WharfException catch (error) {
          entry.failed(error);
        }
      },
      onPause: () => entry.handle.pause(),
      onResume: () => entry.handle.resume(),
      onCancel: () => entry.cancel(),
    );
    entry = _StreamEntry(library, decode, controller);
    return controller.stream;
  }

  int _submit(WharfSubmit submit, Entry entry) {
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
    if (status == wharfOk) return _task.pointer.value;
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
final class _Table {
  _Table(this._receive);

  final RawReceivePort _receive;
  final entries = HashMap<int, Entry>();
  int _last = 0;

  /// The port, while somebody waits: it must not be finalized then.
  WharfPort? _port;
  Completer<void>? _drained;

  int add(Entry entry, WharfPort port) {
    // Small enough for the machine's small integers, wherever it runs.
    do {
      _last = (_last + 1) & 0x3fffffff;
    } while (entries.containsKey(_last));
    entries[_last] = entry;
    if (_port == null) {
      _port = port;
      _receive.keepIsolateAlive = true;
    }
    return _last;
  }

  Entry? remove(int tag) {
    final entry = entries.remove(tag);
    if (entries.isEmpty && _port != null) {
      _port = null;
      if (_drained == null) _receive.keepIsolateAlive = false;
    }
    return entry;
  }

  List<Entry> clear() {
    final all = entries.values.toList();
    entries.clear();
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

  /// Takes a message: `[tag, kind, code, value]`, or nothing, which is the last.
  void receive(List<Object?>? message) {
    if (message == null) {
      _drained?.complete();
      return;
    }
    final tag = message[0]! as int;
    final kind = message[1]! as int;
    if (kind == wharfKindData || kind == wharfKindControl) {
      entries[tag]?.data(message[3]);
      return;
    }
    remove(tag)?.ended(kind, message[2]! as int, message[3]);
  }
}

/// A task that gives many values.
final class _StreamEntry<T> implements Entry {
  _StreamEntry(WharfLibrary library, this.decode, this.controller)
      : handle = TaskHandle.none(library);

  TaskHandle handle;
  final T Function(Object? value)? decode;
  final StreamController<T> controller;
  final _over = Completer<void>.sync();

  Future<void> cancel() {
    if (!_over.isCompleted) handle.cancel();
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
