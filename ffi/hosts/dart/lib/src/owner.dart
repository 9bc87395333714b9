/// What of wharf's is held by an object of Dart's.
library;

import 'dart:ffi';

import 'library.dart';

/// Sees to it that what an id names is given up when the object that stands for
/// it is no longer reachable, or its isolate ends, however it ends.
final class Owner {
  Owner._(this._library, this._finalizer, this._pointer);

  /// Lets [object] own what [id] names.
  factory Owner.attach(WharfLibrary library, Finalizable object, int id) {
    final pointer = library.bindings.ownerNew(id);
    if (pointer == nullptr) {
      throw StateError('$id names nothing that can be owned');
    }
    final drop = library.dynamicLibrary
        .lookup<NativeFinalizerFunction>('wharf_owner_drop');
    final finalizer = _finalizers[drop] ??= NativeFinalizer(drop);
    final owner = Owner._(library, finalizer, pointer);
    finalizer.attach(object, pointer, detach: owner);
    return owner;
  }

  /// By what they call, and for as long as the isolate lives: one that is no
  /// longer reachable itself calls nothing.
  static final _finalizers =
      <Pointer<NativeFinalizerFunction>, NativeFinalizer>{};

  final WharfLibrary _library;
  final NativeFinalizer _finalizer;
  final Pointer<Void> _pointer;

  /// Ends the ownership, after what was owned has been given up by hand.
  void release() {
    _finalizer.detach(this);
    _library.bindings.ownerDrop(_pointer);
  }
}
