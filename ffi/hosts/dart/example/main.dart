/// Loads web pages with a library written in Rust, all at once, and prints their
/// titles as they come.
///
///     cargo build --package pages
///     dart run example/main.dart ../../../target/debug/libpages.so URL...
///
/// The function is looked up by hand, to show all there is to it. A library's
/// author would generate that from the library's C header, and hide it behind a
/// class: see `examples/dart/scrap.dart` in wharf's repository.
library;

import 'dart:ffi';

import 'package:wharf/wharf.dart';

/// `wharf_status_t load_page(wharf_port_t port, uint64_t tag, const char *url,
/// wharf_task_t *task)`
typedef _LoadPage = Int32 Function(
    Uint64 port, Uint64 tag, Pointer<Char> url, Pointer<Uint64> task);
typedef _DartLoadPage = int Function(
    int port, int tag, Pointer<Char> url, Pointer<Uint64> task);

Future<void> main(List<String> arguments) async {
  final [path, ...urls] = arguments;
  final library = WharfLibrary.open(path);
  final loadPage = library.dynamicLibrary
      .lookupFunction<_LoadPage, _DartLoadPage>('load_page');
  final port = WharfPort(library);

  Future<void> show(String url) async {
    final page = port.submit<String>(
      (port, tag, task) => Arena.use(
          (arena) => loadPage(port, tag, arena.string(url), task)),
      decode: (fields) => (fields! as List<Object?>)[1]! as String,
    );
    try {
      print('$url: ${await page.value}');
    } on WharfTaskException catch (error) {
      print('$url: ${error.message}');
    }
  }

  await Future.wait(urls.map(show));
  await port.close();
}
