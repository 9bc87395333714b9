/// Sets of threads.
library;

import 'dart:ffi';

import 'bindings.g.dart';
import 'library.dart';
import 'memory.dart';
import 'owner.dart';

/// The threads that tasks run on.
///
/// Most programs need none of these: without one, a port uses the library's
/// default runtime. A runtime that is no longer reachable, or whose isolate has
/// ended, is shut down.
final class WharfRuntime implements Finalizable {
  /// Makes a runtime of [library] with so many [workerThreads] (0: one for each
  /// processor) and at most [maxBlockingThreads] for functions that block (0:
  /// the library's choice).
  ///
  /// The threads start when they are first needed.
  factory WharfRuntime(
    WharfLibrary library, {
    int workerThreads = 0,
    int maxBlockingThreads = 0,
    String? threadName,
  }) =>
      Arena.use((arena) {
        final options = arena<WharfRuntimeOptions>();
        options.ref
          ..size = sizeOf<WharfRuntimeOptions>()
          ..workerThreads = workerThreads
          ..maxBlockingThreads = maxBlockingThreads;
        if (threadName != null) {
          options.ref.threadName = arena.string(threadName);
        }
        final id = arena<Uint64>();
        library.accept(library.bindings.runtimeNew(options, id));
        return WharfRuntime._(library, id.value);
      });

  WharfRuntime._(this.library, this.id) {
    _owner = Owner.attach(library, this, id);
  }

  /// The library that it belongs to.
  final WharfLibrary library;

  /// The number that the library knows it by.
  final int id;

  late final Owner _owner;
  Future<void>? _over;

  /// Cancels all tasks and waits, without blocking the isolate, until they and
  /// the threads are gone.
  ///
  /// Tasks that had not ended end with a `WharfShutDownException`. Ports of the
  /// runtime are closed last. Asking again gives the same future.
  Future<void> shutdown() => _over ??= _shutDown();

  Future<void> _shutDown() async {
    final bindings = library.bindings;
    var pause = const Duration(milliseconds: 1);
    for (;;) {
      final status = bindings.runtimeShutdown(id, 0);
      if (status != wharfTimeout) {
        library.accept(status);
        break;
      }
      await Future<void>.delayed(pause);
      if (pause.inMilliseconds < 64) pause *= 2;
    }
    // What was sent before the end is already at the ports: let it be handled.
    await Future<void>.delayed(Duration.zero);
    library.accept(bindings.runtimeFree(id));
    _owner.release();
  }
}
