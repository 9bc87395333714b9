/// Tasks that give one value, and what a port knows of a task.
library;

import 'dart:async';

import 'bindings.g.dart';
import 'exceptions.dart';
import 'library.dart';

/// A task that has been submitted and gives one [value].
final class WharfTask<T> {
  WharfTask._(this._entry);

  final TaskEntry<T> _entry;

  /// What the task gives, or why it does not.
  ///
  /// Ends with a [WharfTaskException] for an error of the library's, a
  /// [WharfPanicException], [WharfCancelledException] or
  /// [WharfShutDownException], or a [WharfRefusedException] where the task was
  /// never accepted.
  Future<T> get value => _entry.completer.future;

  /// Whether the task has ended.
  bool get isDone => _entry.completer.isCompleted;

  /// Asks the task to end early.
  ///
  /// The returned future is done when what the task held is free. The [value]
  /// then ends with a [WharfCancelledException], or as it would have anyway, if
  /// the task was quicker. Asking again, or too late, does no harm.
  Future<void> cancel() {
    if (!isDone) _entry.handle.cancel();
    return value.then<void>((_) {}, onError: (Object _) {});
  }

  /// Makes the task wait: it does not go on until [resume]. What it waits for
  /// may happen meanwhile.
  void pause() => _entry.handle.pause();

  /// Lets the task go on after [pause].
  void resume() => _entry.handle.resume();
}

/// Makes the task that stands for [entry].
WharfTask<T> taskOf<T>(TaskEntry<T> entry) => WharfTask._(entry);

/// The id of a running task, and what can be asked of it.
final class TaskHandle {
  /// The task that [library] knows by [id].
  const TaskHandle(this.library, this.id);

  /// A task that was never accepted.
  const TaskHandle.none(this.library) : id = 0;

  /// Where the task runs.
  final WharfLibrary library;

  /// Its number.
  final int id;

  // A task that has ended is not there any more, and that is as good as asked:
  // the answers of these calls say nothing else.

  /// See [WharfTask.cancel].
  void cancel() => library.bindings.taskCancel(id);

  /// See [WharfTask.pause].
  void pause() => library.bindings.taskPause(id);

  /// See [WharfTask.resume].
  void resume() => library.bindings.taskResume(id);
}

/// What a port knows of a task that has not ended.
abstract interface class Entry {
  /// A message that others follow.
  void data(Object? value);

  /// The last message.
  void ended(int kind, int code, Object? value);

  /// What ends the entry when no last message can come any more.
  void failed(WharfException error);
}

/// A task that gives one value.
final class TaskEntry<T> implements Entry {
  /// A task whose value is made by [decode], and that reports to [onProgress].
  TaskEntry(WharfLibrary library, this.decode, this.onProgress)
      : handle = TaskHandle.none(library);

  /// What can be asked of the task.
  TaskHandle handle;

  /// Makes the value from what has arrived.
  final T Function(Object? value)? decode;

  /// Is told of the messages before the last one.
  final void Function(Object? value)? onProgress;

  /// Is completed from the event loop and as the last step of a turn, so that
  /// doing it at once disturbs nobody, and saves a microtask.
  final completer = Completer<T>.sync();

  @override
  void data(Object? value) => onProgress?.call(value);

  @override
  void ended(int kind, int code, Object? value) {
    if (kind != wharfKindOk) {
      failed(exceptionOf(kind, code, value));
      return;
    }
    try {
      final decode = this.decode;
      completer.complete(decode == null ? value as T : decode(value));
    } on Object catch (error, trace) {
      completer.completeError(error, trace);
    }
  }

  @override
  void failed(WharfException error) {
    // Whoever cancels knows; nobody else need listen for it.
    if (error is WharfCancelledException) completer.future.ignore();
    completer.completeError(error, StackTrace.empty);
  }
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
