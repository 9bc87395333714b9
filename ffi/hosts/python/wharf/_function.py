"""Exported functions: what they take from Python, and how they are called."""

from __future__ import annotations

import ctypes as c
from operator import index
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Sequence, Tuple

from ._lend import Pinned
from ._send_port import id_of
from ._values import Encoded

if TYPE_CHECKING:
    from ._library import Library

_INTEGERS: Dict[str, Any] = {
    "int8": c.c_int8,
    "uint8": c.c_uint8,
    "int16": c.c_int16,
    "uint16": c.c_uint16,
    "int32": c.c_int32,
    "uint32": c.c_uint32,
    "int64": c.c_int64,
    "uint64": c.c_uint64,
    "size": c.c_size_t,
    "ptrdiff": c.c_ssize_t,
}
_FLOATS: Dict[str, Any] = {"float": c.c_float, "double": c.c_double}


class Function:
    """An exported function of a library. :meth:`Port.submit` and :meth:`Port.stream` call it."""

    __slots__ = ("name", "parameters", "start", "_call", "_converters")

    def __init__(self, library: "Library", name: str, parameters: Sequence[str]) -> None:
        #: What it is called in C.
        self.name = name
        #: The kinds of its parameters.
        self.parameters = tuple(parameters)
        types: List[Any] = []
        self._converters: List[Callable[..., Any]] = []
        all_plain = True
        for kind in self.parameters:
            plain, converter, takes = _parameter(kind, library)
            all_plain = all_plain and plain
            self._converters.append(converter)
            types.extend(takes)
        self._call = library._dll[name]
        self._call.restype = c.c_int32
        self._call.argtypes = [c.c_uint64, c.c_uint64, *types, c.c_void_p]
        #: Calls it with a port, a tag, a place for the task's id and its arguments; the status. Where an
        #: argument can't be passed, nothing has been called.
        self.start: Callable[[int, int, int, Tuple[Any, ...]], int] = (
            self._plain() if all_plain else self._start_held
        )

    def _check(self, arguments: Tuple[Any, ...]) -> None:
        takes, given = len(self._converters), len(arguments)
        if takes != given:
            raise TypeError(f"{self.name} takes {takes} arguments, not {given}")

    def _plain(self) -> Callable[[int, int, int, Tuple[Any, ...]], int]:
        """What calls it where nothing is held during the call. It is on the way of every task, so those
        with one and two parameters have their own: a list less, a loop less."""
        call, converters = self._call, self._converters
        count = len(converters)

        def start(port: int, tag: int, task: int, arguments: Tuple[Any, ...]) -> int:
            self._check(arguments)
            values = [convert(value) for convert, value in zip(converters, arguments)]
            status: int = call(port, tag, *values, task)
            return status

        def start_1(port: int, tag: int, task: int, arguments: Tuple[Any, ...]) -> int:
            if len(arguments) != 1:
                self._check(arguments)
            status: int = call(port, tag, first(arguments[0]), task)
            return status

        def start_2(port: int, tag: int, task: int, arguments: Tuple[Any, ...]) -> int:
            if len(arguments) != 2:
                self._check(arguments)
            one, two = arguments
            status: int = call(port, tag, first(one), second(two), task)
            return status

        if count not in (1, 2):
            return start
        first, second = converters[0], converters[-1]
        return start_1 if count == 1 else start_2

    def _start_held(self, port: int, tag: int, task: int, arguments: Tuple[Any, ...]) -> int:
        """The same for arguments of which something is held during the call, or longer."""
        self._check(arguments)
        values: List[Any] = []
        held: List[Any] = []
        status: int = -1
        try:
            for convert, value in zip(self._converters, arguments):
                converted = convert(value)
                if isinstance(converted, (Encoded, Pinned)):
                    held.append(converted)
                    values.extend(converted.arguments)
                else:
                    values.append(converted)
            status = self._call(port, tag, *values, task)
        finally:
            for one in held:
                one.release(status == 0)
        return status

    def __repr__(self) -> str:
        return f"Function({self.name!r}, {', '.join(self.parameters)})"


def _parameter(kind: str, library: "Library") -> Tuple[bool, Callable[..., Any], List[Any]]:
    """Whether nothing is held during the call, what makes the argument, and its types in C."""
    if kind in _INTEGERS:
        return True, _integer(kind), [_INTEGERS[kind]]
    if kind in _FLOATS:
        return True, float, [_FLOATS[kind]]
    if kind.endswith("[]"):
        return False, _row(kind[:-2]), [c.c_void_p, c.c_size_t]
    if kind == "value":
        return False, lambda value: Encoded(value, library), [c.c_void_p]
    plain: Dict[str, Tuple[Callable[..., Any], Any]] = {
        "bool": (bool, c.c_bool),
        "text": (_text, c.c_char_p),
        "port": (id_of, c.c_uint64),
    }
    if kind not in plain:
        raise ValueError(f"there is no kind of parameter {kind!r}")
    converter, takes = plain[kind]
    return True, converter, [takes]


def _integer(kind: str) -> Callable[[Any], int]:
    bits = 8 * c.sizeof(_INTEGERS[kind])
    unsigned = kind.startswith("u") or kind == "size"
    low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

    def convert(value: Any) -> int:
        number: int = value if type(value) is int else index(value)
        # ctypes would cut it without a word.
        if low <= number <= high:
            return number
        raise OverflowError(f"{value} does not fit into {kind}")

    return convert


def _text(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"text is passed as str, not {type(value).__name__}")
    encoded = value.encode()
    if b"\0" in encoded:
        raise ValueError("text with a NUL inside can't be passed: C would see it end there")
    return encoded


def _row(kind: str) -> Callable[[Any], Pinned]:
    one = {**_INTEGERS, **_FLOATS}[kind]
    width = c.sizeof(one)
    convert = _integer(kind) if kind in _INTEGERS else float

    def pin(value: Any) -> Pinned:
        if isinstance(value, (list, tuple)):
            value = memoryview((one * len(value))(*map(convert, value))) if value else b""
        pinned = Pinned(value)
        if pinned.width == width or pinned.width == 1 and pinned.nbytes % width == 0:
            pinned.arguments = (pinned.address, pinned.nbytes // width)
            return pinned
        pinned.release(False)
        raise TypeError(f"elements of {pinned.width} bytes are no {kind}")

    return pin
