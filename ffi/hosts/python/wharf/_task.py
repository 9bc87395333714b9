"""Tasks that give one value."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, List, TypeVar

from . import _abi as abi
from ._errors import (
    WharfCancelledError,
    WharfError,
    WharfPanicError,
    WharfShutDownError,
    WharfTaskError,
)

if TYPE_CHECKING:
    from ._port import Port

T = TypeVar("T")


class Task(asyncio.Future[T]):
    """A task of a library that has been accepted: a future of asyncio's.

    Awaiting it gives its result, or raises a :class:`WharfTaskError`. Cancelling it, or whoever awaits
    it, asks the task to end; the future is done, and cancelled, when that has been acknowledged: what
    the task held is free then. A task that has ended well in the meantime is cancelled as well, for
    whoever cancels waits for that and not for a value.
    """

    __slots__ = ("_port", "_id", "_message")

    _port: "Port"
    _id: int
    _message: Any

    def cancel(self, msg: Any = None) -> bool:
        """Asks the task to end. Whether it had not ended yet."""
        if self.done():
            return False
        self._message = msg
        if self._id:
            # A status where the task has ended meanwhile: its last word is on its way.
            self._port.library._wharf_task_cancel(self._id)
            self._id = 0
        return True

    def pause(self) -> None:
        """Makes the task wait until :meth:`resume`. What it waits for may happen meanwhile."""
        self._port.library._wharf_task_pause(self._id)

    def resume(self) -> None:
        """Lets the task go on."""
        self._port.library._wharf_task_resume(self._id)

    def _end(self, error: WharfError, ended_early: bool) -> None:
        """Takes the last message where that is no value."""
        if self.done():
            return
        if ended_early and not self._id:
            super().cancel(self._message)
            return
        self.set_exception(error)
        if ended_early:
            # Whoever closes a port knows; nobody else need look.
            self.exception()

    def _end_well(self, value: Any) -> None:
        if not self.done():
            if self._id:
                self.set_result(value)
            else:
                super().cancel(self._message)


def error_of(kind: int, code: int, value: Any) -> WharfTaskError:
    """The exception that the last message of a task stands for."""
    texts: List[str] = [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
    if kind == abi.KIND_PANIC:
        return WharfPanicError(code, texts[0] if texts else "")
    if kind == abi.KIND_CANCELLED:
        return WharfCancelledError(code, "the task was cancelled")
    if kind == abi.KIND_SHUT_DOWN:
        return WharfShutDownError(code, "the runtime was shut down before the task had ended")
    return WharfTaskError(code, texts[0] if texts else "an error without words", texts[1:])
