"""Values, from Python and to Python."""

from __future__ import annotations

import ctypes as c
import struct
from array import array
from operator import index
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Tuple

from . import _abi as abi
from ._lend import FORMATS, WIDTHS, External, Lease, borrowed, element_of, hold, leases, shaped
from ._send_port import Capability, SendPort

if TYPE_CHECKING:
    from ._library import Library

_WORD, _UWORD = ("q", "Q") if c.sizeof(c.c_void_p) == 8 else ("i", "I")
_SIZE = c.sizeof(abi.Value)
_PAYLOAD: int = abi.Value.value.offset


_LETTERS: Dict[Any, str] = {c.c_int32: "i", c.c_int64: "q", c.c_ssize_t: _WORD, c.c_void_p: _UWORD}


def _struct(record: Any, *members: str) -> struct.Struct:
    """Some members of a payload, as they lie in a value. All of them are numbers or pointers."""
    format, at = "=", 0
    for name in members:
        field = getattr(record, name)
        letter = _LETTERS[dict(record._fields_)[name]]
        format += f"{_PAYLOAD + field.offset - at}x{letter}"
        at = _PAYLOAD + field.offset + field.size
    return struct.Struct(format)


_BOOL = struct.Struct(f"={_PAYLOAD}x?")
_INT32 = struct.Struct(f"={_PAYLOAD}xi")
_INT64 = struct.Struct(f"={_PAYLOAD}xq")
_DOUBLE = struct.Struct(f"={_PAYLOAD}xd")
_POINTER = struct.Struct(f"={_PAYLOAD}x{_UWORD}")
_ARRAY = _struct(abi.Array, "length", "values")
_TYPED = _struct(abi.TypedData, "element", "length", "values")
_EXTERNAL = _struct(abi.ExternalTypedData, "element", "length", "data", "peer", "callback")
_SEND_PORT = _struct(abi.SendPort, "id", "origin_id")
_CAPABILITY = _struct(abi.Capability, "id")
_NATIVE = _struct(abi.NativePointer, "ptr", "size", "callback")
_TYPE = struct.Struct("=i")


class NativePointer:
    """A pointer of a library's. When this object goes, the library's finalizer is called with it."""

    __slots__ = ("address", "size", "__weakref__")

    def __init__(self, address: int, size: int) -> None:
        #: Where it points to.
        self.address = address
        #: How many bytes it stands for.
        self.size = size


# ---- to Python ----


def decode(address: int, library: "Library") -> Any:
    """The value at an address. What it lends is taken out of it."""
    raw = c.string_at(address, _SIZE)
    return _DECODERS[_TYPE.unpack_from(raw)[0]](raw, address, library)


def _text(raw: bytes, address: int, library: "Library") -> str:
    return c.string_at(_POINTER.unpack_from(raw)[0]).decode()


def _array(raw: bytes, address: int, library: "Library") -> List[Any]:
    length, values = _ARRAY.unpack_from(raw)
    if not length:
        return []
    pointers = struct.unpack(f"={length}{_UWORD}", c.string_at(values, length * c.sizeof(c.c_void_p)))
    return [decode(pointer, library) for pointer in pointers]


def _typed(raw: bytes, address: int, library: "Library") -> Any:
    element, length, values = _TYPED.unpack_from(raw)
    format, lanes = FORMATS[element]
    data = c.string_at(values, length * WIDTHS[format] * lanes) if length else b""
    if format == "B":
        return data
    return array(format, data) if lanes == 1 else shaped(memoryview(bytearray(data)), element)


def _external(raw: bytes, address: int, library: "Library") -> memoryview:
    view = borrowed(*_EXTERNAL.unpack_from(raw))
    c.c_int32.from_address(address).value = abi.TYPE_NULL
    return view


def _native(raw: bytes, address: int, library: "Library") -> NativePointer:
    pointer, size, callback = _NATIVE.unpack_from(raw)
    native = NativePointer(pointer, size)
    hold(native, callback, pointer)
    c.c_int32.from_address(address).value = abi.TYPE_NULL
    return native


_DECODERS: Dict[int, Callable[[bytes, int, "Library"], Any]] = {
    abi.TYPE_NULL: lambda raw, address, library: None,
    abi.TYPE_BOOL: lambda raw, address, library: _BOOL.unpack_from(raw)[0],
    abi.TYPE_INT32: lambda raw, address, library: _INT32.unpack_from(raw)[0],
    abi.TYPE_INT64: lambda raw, address, library: _INT64.unpack_from(raw)[0],
    abi.TYPE_DOUBLE: lambda raw, address, library: _DOUBLE.unpack_from(raw)[0],
    abi.TYPE_STRING: _text,
    abi.TYPE_ARRAY: _array,
    abi.TYPE_TYPED_DATA: _typed,
    abi.TYPE_EXTERNAL_TYPED_DATA: _external,
    abi.TYPE_SEND_PORT: lambda raw, address, library: SendPort(library, _SEND_PORT.unpack_from(raw)[0]),
    abi.TYPE_CAPABILITY: lambda raw, address, library: Capability(_CAPABILITY.unpack_from(raw)[0]),
    abi.TYPE_NATIVE_POINTER: _native,
    abi.TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA: lambda *all: _external(*all).toreadonly(),
}


# ---- from Python ----


class Encoded:
    """A value as C has it, for the time of one call.

    Everything lies in one piece of memory: values, the pointers of arrays, texts, copied bytes. It is
    measured first, for a pointer is only known when the memory has its place.
    """

    __slots__ = ("arguments", "_memory", "_library", "_size", "_writes", "_leases")

    def __init__(self, value: Any, library: "Library") -> None:
        self._library = library
        self._size = 0
        self._writes: List[Tuple[struct.Struct, int, Tuple[int, ...], Tuple[Any, ...]]] = []
        self._leases: List[Lease] = []
        try:
            copies = self._lay_out(value)
        except BaseException:
            self.release(False)
            raise
        memory = bytearray(self._size)
        self._memory = c.c_char.from_buffer(memory)
        base = c.addressof(self._memory)
        for at, data in copies:
            memory[at : at + len(data)] = data
        for layout, at, pointers, values in self._writes:
            placed = list(values)
            for which in pointers:
                placed[which] += base
            layout.pack_into(memory, at, *placed)
        #: What is passed: where the value is.
        self.arguments = (base,)

    def release(self, accepted: bool) -> None:
        """After the call."""
        for lease in self._leases:
            lease.release(accepted)

    def _lay_out(self, root: Any) -> "list[tuple[int, Any]]":
        """Places for all values, outer ones first; what is to be copied whither."""
        copies: "list[tuple[int, Any]]" = []
        todo = [(root, self._room(_SIZE), 0)]
        while todo:
            value, at, depth = todo.pop()
            if isinstance(value, (list, tuple)) and not isinstance(value, Capability):
                # One more than a library takes is for the library to refuse; a list that holds itself
                # would have no end.
                if depth > abi.VALUE_MAX_DEPTH:
                    raise ValueError(f"lists are nested deeper than {abi.VALUE_MAX_DEPTH}")
                table = self._room(len(value) * c.sizeof(c.c_void_p))
                self._write(at, abi.TYPE_ARRAY, _ARRAY, (len(value), table), (1,))
                for place, one in enumerate(value):
                    node = self._room(_SIZE)
                    pointer = table + place * c.sizeof(c.c_void_p)
                    self._writes.append((_ADDRESS, pointer, (0,), (node,)))
                    todo.append((one, node, depth + 1))
            else:
                self._leaf(value, at, copies)
        return copies

    def _leaf(self, value: Any, at: int, copies: "list[tuple[int, Any]]") -> None:
        if value is None:
            return
        if isinstance(value, bool):
            self._write(at, abi.TYPE_BOOL, _BOOL, (value,))
        elif isinstance(value, int):
            self._write(at, abi.TYPE_INT64, _INT64, (_int64(value),))
        elif isinstance(value, float):
            self._write(at, abi.TYPE_DOUBLE, _DOUBLE, (value,))
        elif isinstance(value, str):
            text = value.encode() + b"\0"
            if text.find(b"\0") != len(text) - 1:
                raise ValueError("text with a NUL inside can't be sent: C would see it end there")
            place = self._room(len(text))
            copies.append((place, text))
            self._write(at, abi.TYPE_STRING, _POINTER, (place,), (0,))
        elif isinstance(value, External):
            self._lend(value, at)
        elif isinstance(value, Capability):
            self._write(at, abi.TYPE_CAPABILITY, _CAPABILITY, (value.id,))
        elif hasattr(value, "send_port") or isinstance(value, SendPort):
            self._write(at, abi.TYPE_SEND_PORT, _SEND_PORT, (value.id, 0))
        elif hasattr(value, "__index__"):
            self._write(at, abi.TYPE_INT64, _INT64, (_int64(index(value)),))
        else:
            self._buffer(value, at, copies)

    def _buffer(self, value: Any, at: int, copies: "list[tuple[int, Any]]") -> None:
        try:
            view = memoryview(value)
        except TypeError:
            raise TypeError(f"a {type(value).__name__} can't be sent") from None
        element = element_of(view.format)
        data = view.cast("B") if view.c_contiguous and view.nbytes else view.tobytes()
        place = self._room(view.nbytes)
        copies.append((place, data))
        length = view.nbytes // view.itemsize
        self._write(at, abi.TYPE_TYPED_DATA, _TYPED, (element, length, place), (2,))

    def _lend(self, value: External, at: int) -> None:
        lease = Lease(value)
        self._leases.append(lease)
        pinned = lease.pinned
        type_ = abi.TYPE_EXTERNAL_TYPED_DATA
        if pinned.readonly:
            type_ = abi.TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA
        members = (lease.element, lease.length, pinned.address or 0, lease.flag, self._library._flag)
        self._write(at, type_, _EXTERNAL, members)

    def _room(self, nbytes: int) -> int:
        at = self._size
        self._size = (at + nbytes + 15) & ~15
        return at

    def _write(
        self,
        at: int,
        type_: int,
        layout: struct.Struct,
        members: Tuple[Any, ...],
        pointers: Tuple[int, ...] = (),
    ) -> None:
        # The layout of a member leaves what is before it at 0: the type comes after it.
        self._writes.append((layout, at, pointers, members))
        self._writes.append((_TYPE, at, (), (type_,)))


_ADDRESS = struct.Struct(f"={_UWORD}")


def _int64(value: int) -> int:
    if -(2**63) <= value < 2**63:
        return value
    raise OverflowError(f"{value} does not fit into 64 bits")
