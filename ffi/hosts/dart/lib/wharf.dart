/// Futures and streams from Rust.
///
/// A library built on wharf runs its tasks on threads of its own. A program in
/// Dart submits them and goes on; each answer arrives as a message at a port of
/// the isolate, never as a call from a foreign thread.
///
/// ```dart
/// final library = WharfLibrary.open('libpages.so');
/// final port = WharfPort(library);
/// final load = PagesBindings(library.dynamicLibrary).loadPage;
///
/// final task = port.submit(
///   (port, tag, task) => Arena.use(
///     (arena) => load(port, tag, arena.string('http://localhost/'), task),
///   ),
/// );
/// print(await task.value);
/// ```
///
/// * [WharfLibrary] is a loaded library.
/// * [WharfPort] is where the answers of one isolate arrive. One is enough for
///   any number of tasks.
/// * [WharfTask] is a task that gives one value; [WharfPort.stream] runs one
///   that gives many.
/// * [WharfRuntime] is a set of threads, for programs that want more than the
///   library's default one.
/// * [WharfException] is what goes wrong.
library;

export 'src/exceptions.dart';
export 'src/library.dart' show WharfLibrary;
export 'src/memory.dart' show Arena, cHeap;
export 'src/port.dart' show WharfPort, WharfSubmit;
export 'src/runtime.dart' show WharfRuntime;
export 'src/task.dart' show WharfTask;
