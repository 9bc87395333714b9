/// A loaded library.
library;

import 'dart:ffi';

import 'bindings.g.dart';
import 'exceptions.dart';
import 'memory.dart';

/// A library built on wharf, loaded into this process.
///
/// Loading starts no thread. Each isolate makes an object of its own; behind
/// them is one library.
final class WharfLibrary {
  /// Loads the library at [path].
  ///
  /// Throws an [ArgumentError] where there is none, or where it is not for this
  /// processor, and an [UnsupportedError] where it is not built on a version of
  /// wharf that this package knows.
  WharfLibrary.open(String path) : this.of(DynamicLibrary.open(path));

  /// The library that is linked into the program that runs Dart.
  WharfLibrary.process() : this.of(DynamicLibrary.process());

  /// The library that has been loaded as [dynamicLibrary].
  WharfLibrary.of(this.dynamicLibrary) : bindings = Bindings(dynamicLibrary) {
    if (!dynamicLibrary.providesSymbol('wharf_abi_version')) {
      throw UnsupportedError('$dynamicLibrary is not built on wharf');
    }
    final found = bindings.abiVersion();
    if (found >> 16 != wharfAbiVersion >> 16 || found < wharfAbiVersion) {
      throw UnsupportedError(
        'the library speaks version ${_shown(found)} of wharf\'s interface, '
        'and this package ${_shown(wharfAbiVersion)}',
      );
    }
    accept(bindings.dartInitialize(NativeApi.initializeApiDLData));
  }

  /// For looking up the functions of the library's author.
  final DynamicLibrary dynamicLibrary;

  /// Wharf's own functions.
  final Bindings bindings;

  /// Which version of wharf the library is built on.
  late final String version = textAt(bindings.version());

  /// Throws the library's last error unless [status] says that a call was
  /// accepted.
  ///
  /// To be called right after the call, for the error is the thread's last.
  void accept(int status) {
    if (status != wharfOk) throw refusal(status);
  }

  /// The error behind [status], which a call has just answered.
  WharfRefusedException refusal(int status) {
    if (bindings.lastErrorCode() != status) {
      final text = bindings.statusText(status);
      final known = text != nullptr;
      return WharfRefusedException(status, known ? textAt(text) : 'refused');
    }
    return Arena.use((arena) {
      final room = bindings.lastErrorLength() + 1;
      final text = arena<Char>(room);
      bindings.lastErrorMessage(text, room);
      return WharfRefusedException(status, textAt(text));
    });
  }
}

String _shown(int version) => '${version >> 16}.${version & 0xffff}';
