"""Bytes that cross without a copy, in both directions.

What a library lends is a view; when the last view of it goes, the library's finalizer is called, once.

What Python lends (:class:`External`) is held until the library has let go of it. No code of Python's is
called for that, for it would have to run on a thread of the library's: the library raises a flag, and
whoever receives messages looks at the flags.
"""

from __future__ import annotations

import ctypes as c
import threading
import weakref
from array import array
from functools import lru_cache
from typing import Any, Dict, List, Optional, Tuple, Union

from . import _abi as abi
from ._system import process

#: What bytes and numbers in a row can be passed as, besides what else has the buffer protocol.
Buffer = Union[bytes, bytearray, memoryview, "array[Any]"]

_FINALIZER = c.CFUNCTYPE(None, c.c_void_p, c.c_void_p)

#: How Python writes an element, and of how many such it is made.
FORMATS: Dict[int, Tuple[str, int]] = {
    abi.DATA_BYTES: ("B", 1),
    abi.DATA_INT8: ("b", 1),
    abi.DATA_UINT8: ("B", 1),
    abi.DATA_UINT8_CLAMPED: ("B", 1),
    abi.DATA_INT16: ("h", 1),
    abi.DATA_UINT16: ("H", 1),
    abi.DATA_INT32: ("i", 1),
    abi.DATA_UINT32: ("I", 1),
    abi.DATA_INT64: ("q", 1),
    abi.DATA_UINT64: ("Q", 1),
    abi.DATA_FLOAT32: ("f", 1),
    abi.DATA_FLOAT64: ("d", 1),
    abi.DATA_INT32X4: ("i", 4),
    abi.DATA_FLOAT32X4: ("f", 4),
    abi.DATA_FLOAT64X2: ("d", 2),
}
WIDTHS = {"b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "q": 8, "Q": 8, "f": 4, "d": 8}


def shaped(view: memoryview, element: int) -> memoryview:
    """Bytes as the elements that they are."""
    format, lanes = FORMATS[element]
    plain: Any = view.cast("B")
    shape = [] if lanes == 1 or not view.nbytes else [[plain.nbytes // WIDTHS[format] // lanes, lanes]]
    cast: memoryview = plain.cast(format, *shape)
    return cast


# ---- what a library lends ----


def borrowed(element: int, length: int, data: int, peer: Optional[int], callback: int) -> memoryview:
    """A view of a library's bytes. When the last one goes, they are given back."""
    format, lanes = FORMATS[element]
    nbytes = length * WIDTHS[format] * lanes
    if not nbytes:
        _give_back(callback, peer)
        return shaped(memoryview(b""), element)
    # What every view of the memory holds on to.
    owner = _bytes_type(nbytes).from_address(data)
    # At the interpreter's end views may still be looked at: who has not given back by then does not.
    weakref.finalize(owner, _give_back, callback, peer).atexit = False
    return shaped(memoryview(owner), element)


def hold(holder: Any, callback: int, peer: int) -> None:
    """Calls a finalizer when an object goes."""
    weakref.finalize(holder, _give_back, callback, peer).atexit = False


@lru_cache(maxsize=128)
def _bytes_type(length: int) -> Any:
    return c.c_ubyte * length


def _give_back(callback: int, peer: Optional[int]) -> None:
    # In a forked child the bytes are a copy, and a lock of the library's may be held for ever.
    if not process.forked:
        _FINALIZER(callback)(None, peer)


# ---- what Python lends ----


class _Buffer(c.Structure):
    """A ``Py_buffer``."""

    _fields_ = [
        ("buf", c.c_void_p),
        ("obj", c.c_void_p),
        ("len", c.c_ssize_t),
        ("itemsize", c.c_ssize_t),
        ("readonly", c.c_int),
        ("ndim", c.c_int),
        ("format", c.c_char_p),
        ("shape", c.c_void_p),
        ("strides", c.c_void_p),
        ("suboffsets", c.c_void_p),
        ("internal", c.c_void_p),
    ]


_get_buffer = c.pythonapi.PyObject_GetBuffer
_get_buffer.argtypes = [c.py_object, c.c_void_p, c.c_int]
_release_buffer = c.pythonapi.PyBuffer_Release
_release_buffer.argtypes = [c.c_void_p]
_release_buffer.restype = None
_CONTIGUOUS = 0x8 | 0x4  # PyBUF_ND and PyBUF_FORMAT, for reading

#: Formats of the struct module, as elements of wharf's.
_ELEMENTS = {"b": 1, "B": 2, "h": 4, "H": 5, "i": 6, "I": 7, "q": 8, "Q": 9, "f": 10, "d": 11, "c": 2, "?": 2}
_LONG = {4: ("i", "I"), 8: ("q", "Q")}[c.sizeof(c.c_long)]
_ELEMENTS.update(l=_ELEMENTS[_LONG[0]], L=_ELEMENTS[_LONG[1]], n=_ELEMENTS[_LONG[0]], N=_ELEMENTS[_LONG[1]])


def element_of(format: str) -> int:
    """The element that a buffer's format stands for.

    :raises TypeError: there is none
    """
    element = _ELEMENTS.get(format.lstrip("@=<") if format[:1] in "@=<" else format)
    if element is None:
        raise TypeError(f"elements of format {format!r} can't be sent")
    return element


class Pinned:
    """The memory of an object with the buffer protocol, in one place until it is released.

    Where it is not released, as at the interpreter's end, the object is never freed.
    """

    __slots__ = ("arguments", "address", "nbytes", "width", "readonly", "format", "_buffer")

    def __init__(self, value: Any) -> None:
        buffer = self._buffer = _Buffer()
        _get_buffer(value, c.addressof(buffer), _CONTIGUOUS)
        self.address: Optional[int] = buffer.buf
        self.nbytes: int = buffer.len
        self.width: int = buffer.itemsize
        self.readonly = bool(buffer.readonly)
        self.format: str = (buffer.format or b"B").decode()
        self.arguments: Tuple[Any, ...] = ()

    def release(self, accepted: bool) -> None:
        """Lets go of it: what was called has copied it, or has refused it."""
        _release_buffer(c.addressof(self._buffer))


class External:
    """A buffer whose bytes a value is to name and not to copy.

    From the call that is accepted until the library has let go of it, the buffer is held, and must not
    be changed. It is let go of when messages are next received at a port of this process.

    :raises TypeError: its elements can't be sent
    :raises BufferError: its memory is not in one piece
    """

    __slots__ = ("_value",)

    def __init__(self, buffer: Any) -> None:
        view = memoryview(buffer)
        element_of(view.format)
        if not view.c_contiguous:
            raise BufferError("bytes that are not in one piece can't be sent without a copy")
        self._value = buffer


class Lease:
    """An :class:`External` on its way into a library."""

    __slots__ = ("pinned", "flag", "element", "length")

    def __init__(self, external: External) -> None:
        self.pinned = Pinned(external._value)
        self.element = element_of(self.pinned.format)
        self.length = self.pinned.nbytes // self.pinned.width
        #: Where the library raises the flag.
        self.flag = leases.flag()

    def release(self, accepted: bool) -> None:
        """After the call: where it was refused, the buffer is the caller's again."""
        if accepted:
            leases.add(self)
        else:
            leases.end(self)


class _Leases:
    """All that is lent by this process at this moment, to whichever library."""

    _CHUNK = 1024

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: List[int] = []
        self._out: List[Lease] = []

    def __len__(self) -> int:
        return len(self._out)

    def flag(self) -> int:
        """The address of a flag that is down."""
        with self._lock:
            if not self._free:
                # Never given back to the system: a task may outlive the interpreter.
                chunk = _raw_calloc(self._CHUNK, 4)
                if not chunk:
                    raise MemoryError
                self._free.extend(chunk + 4 * at for at in range(self._CHUNK))
            return self._free.pop()

    def add(self, lease: Lease) -> None:
        with self._lock:
            self._out.append(lease)

    def end(self, lease: Lease) -> None:
        lease.pinned.release(True)
        c.c_uint32.from_address(lease.flag).value = 0
        with self._lock:
            self._free.append(lease.flag)

    def sweep(self) -> None:
        """Lets go of what has come back."""
        with self._lock:
            out, self._out = self._out, []
            back: List[Lease] = []
            for lease in out:
                up = c.c_uint32.from_address(lease.flag).value
                (back if up else self._out).append(lease)
        for lease in back:
            self.end(lease)


_raw_calloc = c.pythonapi.PyMem_RawCalloc
_raw_calloc.argtypes = [c.c_size_t, c.c_size_t]
_raw_calloc.restype = c.c_void_p

leases = _Leases()
