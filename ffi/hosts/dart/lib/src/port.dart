/// Where answers arrive.
library;

import 'dart:async';
import 'dart:ffi';
import 'dart:isolate';

import 'bindings.g.dart';
import 'exceptions.dart';
import 'library.dart';
import 'memory.dart';
import 'owner.dart';
import 'runtime.dart';
import 'table.dart';
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
  late final _table = Table(_receive);
  late final Owner _owner;
  late final _task = OwnedMemory<Uint64>.attach(this, sizeOf<Uint64>());
  bool _isSubmitting = false;
  Future<void>? _over;

  /// Whether the port has been closed, or is being closed.
  bool get isClosed => _over != null;

  /// How many tasks have not ended.
  int get pending => _table.length;

  /// Runs a task that gives one value.
  ///
  /// [decode] makes the value from what arrives: `null`, a [bool], [int],
  /// [double], [String], typed data, [SendPort], or a list of these. Without
  /// it, what arrives has to be a [T]. [onProgress] is told of what the task
  /// posts before it ends. Both are called in the zone that this is called in.
  ///
  /// A task that is refused ends with a [WharfRefusedException]. What [submit]
  /// throws is thrown; if it had submitted the task before, that is cancelled.
  WharfTask<T> submit<T>(
    WharfSubmit submit, {
    T Function(Object? value)? decode,
    void Function(Object? value)? onProgress,
  }) {
    final entry = TaskEntry<T>(
        library.bindings, _inThisZone(decode), _guarded(onProgress));
    try {
      _submit(submit, entry);
    } on WharfRefusedException catch (error, trace) {
      // Not before the caller has had the time to listen.
      scheduleMicrotask(() => entry.failed(error, trace));
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
  /// pointer points to; in the zone that this is called in.
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
        } on WharfRefusedException catch (error, trace) {
          entry.failed(error, trace);
        }
      },
      onPause: () => entry.pause(),
      onResume: () => entry.resume(),
      onCancel: () => entry.cancel(),
    );
    entry = _StreamEntry(library.bindings, _inThisZone(decode), controller);
    return controller.stream;
  }

  void _submit(WharfSubmit submit, Entry entry) {
    if (isClosed) {
      throw const WharfRefusedException(wharfNoPort, 'the port is closed');
    }
    final tag = _table.add(entry, this);
    // A submit may submit another task, or throw after its own was accepted.
    final isNested = _isSubmitting;
    final task = isNested ? cHeap<Uint64>() : _task.pointer;
    _isSubmitting = true;
    task.value = 0;
    final int status;
    try {
      status = submit(id, tag, task);
      entry.id = task.value;
    } on Object {
      _forsake(tag, task.value);
      rethrow;
    } finally {
      _isSubmitting = isNested;
      if (isNested) cHeap.free(task);
    }
    if (status == wharfOk) return;
    final error = library.refusal(status);
    _table.remove(tag);
    throw error;
  }

  void _forsake(int tag, int task) {
    if (task == 0) {
      _table.remove(tag);
    } else {
      _table.replace(tag, ForsakenEntry(library.bindings, task));
    }
  }

  /// Cancels all tasks and closes the port.
  ///
  /// What was sent before still arrives; what has not ended then ends with a
  /// [WharfCancelledException]. Waits for that without blocking the isolate.
  /// Asking again gives the same future.
  Future<void> close() => _over ??= _close();

  Future<void> _close() async {
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
      entry.failed(const WharfCancelledException(), StackTrace.empty);
    }
  }
}

/// [callback], to be called in this zone, where what calls it is in the root's;
/// with its errors left to the caller.
T Function(Object?)? _inThisZone<T>(T Function(Object?)? callback) {
  final zone = Zone.current;
  if (callback == null || identical(zone, Zone.root)) return callback;
  return zone.bindUnaryCallback(callback);
}

/// The same, with its errors left to the zone.
void Function(Object?)? _guarded(void Function(Object?)? callback) {
  final zone = Zone.current;
  if (callback == null || identical(zone, Zone.root)) return callback;
  return zone.bindUnaryCallbackGuarded(callback);
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
    kind == wharfKindOk
        ? _end()
        : failed(exceptionOf(kind, code, value), StackTrace.empty);
  }

  @override
  void failed(WharfException error, StackTrace trace) {
    if (controller.hasListener) controller.addError(error, trace);
    _end();
  }

  void _end() {
    if (!_over.isCompleted) _over.complete();
    unawaited(controller.close());
  }
}
