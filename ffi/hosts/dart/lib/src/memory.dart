/// Memory of the C heap, for what a C function is to read or fill.
library;

import 'dart:convert';
import 'dart:ffi';
import 'dart:typed_data';

/// The C library's heap.
const Allocator cHeap = _CHeap();

final class _CHeap implements Allocator {
  const _CHeap();

  static final _calloc = DynamicLibrary.process().lookupFunction<
      Pointer<Void> Function(Size, Size),
      Pointer<Void> Function(int, int)>('calloc');

  static final _free = DynamicLibrary.process().lookupFunction<
      Void Function(Pointer<Void>), void Function(Pointer<Void>)>('free');

  @override
  Pointer<T> allocate<T extends NativeType>(int byteCount, {int? alignment}) {
    final memory = _calloc(1, byteCount == 0 ? 1 : byteCount);
    if (memory == nullptr) {
      throw ArgumentError('there is no memory for $byteCount bytes');
    }
    return memory.cast();
  }

  @override
  void free(Pointer<NativeType> pointer) => _free(pointer.cast());
}

/// Memory of the C heap that goes when it is released, when the object that owns
/// it is no longer reachable, or when the isolate ends.
final class OwnedMemory<T extends NativeType> {
  /// Allocates [byteCount] zero bytes that [owner] owns.
  OwnedMemory.attach(Finalizable owner, int byteCount)
      : pointer = cHeap.allocate<T>(byteCount) {
    _finalizer.attach(owner, pointer.cast(),
        detach: this, externalSize: byteCount);
  }

  static final _finalizer =
      NativeFinalizer(DynamicLibrary.process().lookup('free'));

  /// Where it is.
  final Pointer<T> pointer;

  /// Frees it now.
  void release() {
    _finalizer.detach(this);
    cHeap.free(pointer);
  }
}

/// What is allocated for one call and freed after it.
final class Arena implements Allocator {
  final _allocated = <Pointer<NativeType>>[];

  /// Runs [body] and frees what it has allocated, however it ends.
  static R use<R>(R Function(Arena arena) body) {
    final arena = Arena._();
    try {
      return body(arena);
    } finally {
      arena._allocated.forEach(cHeap.free);
    }
  }

  Arena._();

  @override
  Pointer<T> allocate<T extends NativeType>(int byteCount, {int? alignment}) {
    final pointer = cHeap.allocate<T>(byteCount, alignment: alignment);
    _allocated.add(pointer);
    return pointer;
  }

  /// Nothing: all is freed at the end.
  @override
  void free(Pointer<NativeType> pointer) {}

  /// [text] as UTF-8 with a NUL at its end.
  ///
  /// Throws an [ArgumentError] where a NUL stands inside, for C would see the
  /// text end there.
  Pointer<Char> string(String text) {
    if (text.contains('\u0000')) {
      throw ArgumentError.value(text, 'text', 'has a NUL inside');
    }
    return bytes(utf8.encode(text), extra: 1).cast();
  }

  /// A copy of [data], with room for [extra] zero bytes behind it.
  Pointer<Uint8> bytes(Uint8List data, {int extra = 0}) {
    final pointer = this<Uint8>(data.length + extra);
    pointer.asTypedList(data.length).setAll(0, data);
    return pointer;
  }
}

/// The text at [pointer], which ends at a NUL.
String textAt(Pointer<Char> pointer) {
  final bytes = pointer.cast<Uint8>();
  var length = 0;
  while (bytes[length] != 0) {
    length++;
  }
  return utf8.decode(bytes.asTypedList(length), allowMalformed: true);
}
