/// Who waits for which tag, and what the messages of the library say.
library;

import 'dart:async';
import 'dart:collection';
import 'dart:isolate';
import 'dart:typed_data';

import 'bindings.g.dart';
import 'task.dart';

/// Who waits for which tag at a port.
///
/// A tag names a slot and a use of it, so that a stale one is found out. Those
/// of the first 1,024 slots have 13 bits, the number of the use above the slot's:
/// with so few a message that says little is a single number. Those of the others
/// have 30. The first are used in turn, and 32 of them even by one task at a time,
/// so that it takes 256 tasks at least for a tag to come again.
final class Table {
  /// The table of the port that hears by this receiver.
  Table(this._receive);

  static const _fewestSlots = 32;
  static const _shortIndexBits = 10;
  static const _shortIndexMask = (1 << _shortIndexBits) - 1;
  static const _shortTagBits = 13;
  static const _shortTagMask = (1 << _shortTagBits) - 1;
  static const _indexBits = 20;
  static const _indexMask = (1 << _indexBits) - 1;
  static const _tagMask = 0x3fffffff;

  final RawReceivePort _receive;
  final _slots = <Entry?>[];

  /// The tags that free slots will be used under.
  final _short = ListQueue<int>();
  final _long = <int>[];
  int _live = 0;

  /// The port, while somebody waits: it must not be finalized then.
  Object? _port;
  Completer<void>? _drained;

  /// How many wait.
  int get length => _live;

  static int _indexOf(int tag) =>
      tag & (tag <= _shortTagMask ? _shortIndexMask : _indexMask);

  int _freeTag() {
    if (_slots.length >= _fewestSlots) {
      if (_short.isNotEmpty) return _short.removeFirst();
      if (_long.isNotEmpty) return _long.removeLast();
    }
    // The library allows no more tasks of one port than there are indices.
    final index = _slots.length;
    _slots.add(null);
    return index <= _shortIndexMask ? index : 1 << _indexBits | index;
  }

  void _free(int tag) {
    if (tag <= _shortTagMask) {
      _short.add((tag + (1 << _shortIndexBits)) & _shortTagMask);
    } else {
      final next = (tag + (1 << _indexBits)) & _tagMask;
      _long.add(next <= _indexMask ? next + (1 << _indexBits) : next);
    }
  }

  /// Lets [entry] of [port] wait, under the tag that is returned.
  int add(Entry entry, Object port) {
    final tag = _freeTag();
    _slots[_indexOf(tag)] = entry;
    entry.tag = tag;
    if (_live++ == 0) {
      _port = port;
      _receive.keepIsolateAlive = true;
    }
    return tag;
  }

  /// Lets [entry] wait for [tag], in the place of who waits for it now.
  void replace(int tag, Entry entry) {
    entry.tag = tag;
    _slots[_indexOf(tag)] = entry;
  }

  /// Who waits for [tag].
  Entry? at(int tag) {
    final index = _indexOf(tag);
    if (index >= _slots.length) return null;
    final entry = _slots[index];
    return entry != null && entry.tag == tag ? entry : null;
  }

  /// Who has waited for [tag], and does not any more.
  Entry? remove(int tag) {
    final entry = at(tag);
    if (entry == null) return null;
    _slots[_indexOf(tag)] = null;
    _free(tag);
    if (--_live == 0) {
      _port = null;
      if (_drained == null) _receive.keepIsolateAlive = false;
    }
    return entry;
  }

  /// Takes all out who wait.
  List<Entry> clear() {
    final all = _slots.nonNulls.toList();
    _slots.clear();
    _short.clear();
    _long.clear();
    _live = 0;
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

  /// Takes a message as the library sends it in its compact mode: one integer; a
  /// number as the elements `[tag, kind, value]`; everything else as the list
  /// `[tag, kind, code, value]`. Nothing is what [drain] has sent.
  void receive(Object? message) {
    switch (message) {
      case final int word:
        _take((word >> 1) & _shortTagMask, word & 1, 0,
            _said(word >> (1 + _shortTagBits)));
      case final Int64List message:
        _take(message[0], message[1], 0, message[2]);
      case final Float64List message:
        _take(message[0].toInt(), message[1].toInt(), 0, message[2]);
      case final List<Object?> message:
        _take(message[0]! as int, message[1]! as int, message[2]! as int,
            message[3]);
      default:
        _drained?.complete();
    }
  }

  /// What the upper bits of a message stand for that is one integer.
  static Object? _said(int bits) {
    if (bits < 0) return bits;
    if (bits > 2) return bits - 3;
    return bits == 0 ? null : bits == 2;
  }

  void _take(int tag, int kind, int code, Object? value) {
    if (kind == wharfKindData || kind == wharfKindControl) {
      at(tag)?.data(value);
    } else {
      remove(tag)?.ended(kind, code, value);
    }
  }
}
