/// Tasks that give one value, and what a port knows of a task.
library;

import 'dart:async';

import 'bindings.g.dart';
import 'exceptions.dart';

/// A task that has been submitted and gives one [value].
abstract interface class WharfTask<T> {
  /// What the task gives, or why it does not.
  ///
  /// Ends with a [WharfTaskException] for an error of the library's, a
  /// [WharfPanicException], [WharfCancelledException] or
  /// [WharfShutDownException], or a [WharfRefusedException] where the task was
  /// never accepted.
  Future<T> get value;

  /// Whether the task has ended.
  bool get isDone;

  /// Asks the task to end early.
  ///
  /// The returned future is done when what the task held is free. The [value]
  /// then ends with a [WharfCancelledException], or as it would have anyway, if
  /// the task was quicker. Asking again, or too late, does no harm.
  Future<void> cancel();

  /// Makes the task wait: it does not go on until [resume]. What it waits for
  /// may happen meanwhile.
  void pause();

  /// Lets the task go on after [pause].
  void resume();
}

/// What a port knows of a task that has not ended.
abstract base class Entry {
  /// A task of the library that [_bindings] belong to.
  Entry(this._bindings);

  final Bindings _bindings;

  /// What the library knows the task by; 0 for one that was never accepted.
  int id = 0;

  /// What its messages bear.
  int tag = 0;

  /// A message that others follow.
  void data(Object? value);

  /// The last message.
  void ended(int kind, int code, Object? value);

  /// What ends the entry when no last message can come any more, and where that
  /// was found out.
  void failed(WharfException error, StackTrace trace);

  // A task that has ended is not there any more, and that is as good as asked:
  // the answers of these calls say nothing else.

  /// See [WharfTask.cancel].
  void requestCancel() => _bindings.taskCancel(id);

  /// See [WharfTask.pause].
  void pause() => _bindings.taskPause(id);

  /// See [WharfTask.resume].
  void resume() => _bindings.taskResume(id);
}

/// A task that gives one value: one object for the caller and the port, since a
/// hundred thousand of them may wait at once.
final class TaskEntry<T> extends Entry implements WharfTask<T> {
  /// A task whose value is made by [_decode], and that reports to [_onProgress].
  TaskEntry(super.bindings, this._decode, this._onProgress);

  final T Function(Object? value)? _decode;
  final void Function(Object? value)? _onProgress;

  /// Is completed from the event loop and as the last step of a turn, so that
  /// doing it at once disturbs nobody, and saves a microtask.
  final _completer = Completer<T>.sync();

  @override
  Future<T> get value => _completer.future;

  @override
  bool get isDone => _completer.isCompleted;

  @override
  Future<void> cancel() {
    if (!isDone) requestCancel();
    return value.then<void>((_) {}, onError: (Object _) {});
  }

  @override
  void data(Object? value) => _onProgress?.call(value);

  @override
  void ended(int kind, int code, Object? value) {
    if (kind != wharfKindOk) {
      failed(exceptionOf(kind, code, value), StackTrace.empty);
      return;
    }
    final T decoded;
    try {
      final decode = _decode;
      decoded = decode == null ? value as T : decode(value);
    } on Object catch (error, trace) {
      _completer.completeError(error, trace);
      return;
    }
    _completer.complete(decoded);
  }

  @override
  void failed(WharfException error, StackTrace trace) {
    // Whoever cancels knows; nobody else need listen for it.
    if (error is WharfCancelledException) _completer.future.ignore();
    _completer.completeError(error, trace);
  }
}

/// A task that nobody waits for, and that ends as soon as it can.
final class ForsakenEntry extends Entry {
  /// Asks the task to end that [bindings] know by [id].
  ForsakenEntry(super.bindings, int id) {
    this.id = id;
    requestCancel();
  }

  @override
  void data(Object? value) {}

  @override
  void ended(int kind, int code, Object? value) {}

  @override
  void failed(WharfException error, StackTrace trace) {}
}

/// The exception that the last message of a task stands for.
WharfException exceptionOf(int kind, int code, Object? value) {
  final texts = value is List ? value.whereType<String>().toList() : const [''];
  return switch (kind) {
    wharfKindPanic => WharfPanicException(texts.firstOrNull ?? ''),
    wharfKindCancelled => const WharfCancelledException(),
    wharfKindShutDown => const WharfShutDownException(),
    _ => WharfTaskException(
        code,
        texts.firstOrNull ?? 'an error without words',
        texts.skip(1).toList(growable: false),
      ),
  };
}
