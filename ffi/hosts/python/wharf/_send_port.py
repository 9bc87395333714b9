"""Ports named in a value, and other things that are but a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ._library import Library


class SendPort:
    """A port that can be posted to: one's own, or a task's. It owns nothing, and may name a port that
    has been closed meanwhile."""

    __slots__ = ("id", "_library")

    def __init__(self, library: "Library", id: int) -> None:
        self._library = library
        #: The number that the library knows it by.
        self.id = id

    def post(self, value: Any = None, tag: int = 0) -> None:
        """Posts a value. From any thread.

        :raises WharfRefusedError: the port is full, or gone, or the value can't be sent
        """
        _post(self._library, self._library._wharf_post, self.id, tag, value)

    def post_control(self, value: Any = None, tag: int = 0) -> None:
        """The same as a control message, which overtakes all others that wait in the port."""
        _post(self._library, self._library._wharf_post_control, self.id, tag, value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SendPort):
            return NotImplemented
        return self.id == other.id and self._library.path == other._library.path

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"SendPort({self.id})"


class Capability(NamedTuple):
    """A number of the Dart machine's that nobody else can make."""

    id: int


def id_of(port: Any) -> int:
    """The number of whatever names a port."""
    id = getattr(port, "id", None)
    if not isinstance(id, int) or isinstance(port, Capability):
        raise TypeError(f"a port is expected, not {type(port).__name__}")
    return id


def _post(library: "Library", call: Any, port: int, tag: int, value: Any) -> None:
    from ._values import Encoded

    encoded = Encoded(value, library)
    status = -1
    try:
        status = call(port, tag, *encoded.arguments)
    finally:
        encoded.release(status == 0)
    library._accept(status)
