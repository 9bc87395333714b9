"""Loaded libraries, and how their functions are called."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Any, Dict, Optional, Sequence, Tuple, Union

from . import _abi as abi
from ._errors import WharfRefusedError
from ._exports import Export, exports_of

if TYPE_CHECKING:
    from ._runtime import Runtime

#: Calls that may wait let other threads of Python's run meanwhile. All others return at once and run
#: with Python's lock held: to give it up and ask for it again can take a busy program 5 ms a call.
#: That is safe since wharf calls no code of a host's with a lock of its own held.
_WAITING = {"wharf_port_close", "wharf_runtime_shutdown", "wharf_runtime_free", "wharf_group_close"}


class Library:
    """A library built on wharf, loaded into this process. Loading starts no thread.

    Without a path it is the one that comes with this package, which has wharf's own functions alone:
    timers, ports and posts.

    :raises OSError: there is none at this path, or it is not for this processor
    :raises ImportError: it is not built on a version of wharf that this package knows
    """

    def __init__(self, path: Union[str, "os.PathLike[str]", None] = None) -> None:
        name = _packaged() if path is None else os.fspath(path)
        self._dll = ctypes.PyDLL(name)
        self._waiting = ctypes.CDLL(name)
        try:
            version = self._function("wharf_abi_version")()
        except AttributeError:
            raise ImportError(f"{name} is not built on wharf") from None
        if version >> 16 != abi.ABI_VERSION >> 16 or version < abi.ABI_VERSION:
            raise ImportError(
                f"{name} speaks version {_shown(version)} of wharf's interface, and this package "
                f"{_shown(abi.ABI_VERSION)}"
            )
        #: The file, where the system has found it.
        self.path = _file_of(self._dll, name)
        #: What a library calls when it has let go of what Python has lent it.
        self._flag: int = ctypes.cast(self._dll.wharf_finalizer_flag, ctypes.c_void_p).value or 0
        self._functions: Dict[str, Any] = {}
        self._exports: Optional[Dict[str, Export]] = None
        self._runtime: Optional["Runtime"] = None
        for name in abi.FUNCTIONS:
            setattr(self, "_" + name, self._function(name))

    def _function(self, name: str) -> Any:
        """One of wharf's own functions, typed."""
        result, *arguments = abi.FUNCTIONS[name]
        function = (self._waiting if name in _WAITING else self._dll)[name]
        function.restype, function.argtypes = result, arguments
        return function

    @property
    def version(self) -> str:
        """Which version of wharf the library is built on."""
        text = ctypes.string_at(self._call("wharf_version"))
        return text.decode()

    @property
    def exports(self) -> Dict[str, Export]:
        """What the library says of its exported functions, by their names.

        Empty where it says nothing, as a library that is no ELF file.
        """
        if self._exports is None:
            self._exports = exports_of(self.path)
        return self._exports

    @property
    def runtime(self) -> "Runtime":
        """The library's default runtime, on which tasks run where no other is named."""
        if self._runtime is None:
            from ._runtime import default

            self._runtime = default(self)
        return self._runtime

    def function(self, name: str, parameters: Optional[Sequence[str]] = None) -> Any:
        """An exported function, ready for :meth:`Port.submit` and :meth:`Port.stream`.

        Its parameters are what the library says, or these: ``"text"``, ``"value"``, ``"port"``,
        ``"bool"``, ``"int64"`` and its like, ``"size"``, ``"float"``, ``"double"``, and ``"int64[]"``
        and its like for numbers in a row.
        """
        function = self._functions.get(name)
        if function is None or (parameters is not None and function.parameters != tuple(parameters)):
            from ._function import Function

            function = Function(self, name, self._parameters(name, parameters))
            self._functions[name] = function
        return function

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.function(name)

    def _parameters(self, name: str, given: Optional[Sequence[str]]) -> Tuple[str, ...]:
        if given is not None:
            return tuple(given)
        export = self.exports.get(name)
        if export is None:
            raise AttributeError(f"{self.path} says nothing of a function {name}")
        return export.parameters

    def _call(self, name: str, *arguments: Any) -> Any:
        return getattr(self, "_" + name)(*arguments)

    def _accept(self, status: int) -> None:
        if status != abi.OK:
            raise self._refusal(status)

    def _refusal(self, status: int) -> WharfRefusedError:
        """The error behind a status that a call on this thread has just answered with."""
        if self._call("wharf_last_error_code") != status:
            address = self._call("wharf_status_text", status)
            text = ctypes.string_at(address) if address else b"refused"
        else:
            room = self._call("wharf_last_error_length") + 1
            buffer = ctypes.create_string_buffer(room)
            self._call("wharf_last_error_message", ctypes.addressof(buffer), room)
            text = buffer.value
        return WharfRefusedError(status, text.decode(errors="replace"))

    def __repr__(self) -> str:
        return f"Library({self.path!r})"


_default: Optional[Library] = None


def default_library() -> Library:
    """The library that comes with this package, loaded once."""
    global _default
    if _default is None:
        _default = Library()
    return _default


def _packaged() -> str:
    folder = os.path.join(os.path.dirname(__file__), "_native")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    for name in sorted(names):
        if name.endswith((".so", ".dylib")):
            return os.path.join(folder, name)
    raise ImportError(
        "this copy of the package has no library of its own: install it with pip, "
        "or name a library that is built on wharf"
    )


def _file_of(dll: ctypes.CDLL, name: str) -> str:
    """The file behind a loaded library, which the system may have found on a path of its own."""

    class Info(ctypes.Structure):
        _fields_ = [
            ("file", ctypes.c_char_p),
            ("base", ctypes.c_void_p),
            ("symbol", ctypes.c_char_p),
            ("address", ctypes.c_void_p),
        ]

    info = Info()
    dladdr = ctypes.CDLL(None).dladdr
    address = ctypes.cast(dll.wharf_abi_version, ctypes.c_void_p)
    found = dladdr(address, ctypes.byref(info)) and info.file
    return os.fsdecode(info.file) if found else name


def _shown(version: int) -> str:
    return f"{version >> 16}.{version & 0xFFFF}"
