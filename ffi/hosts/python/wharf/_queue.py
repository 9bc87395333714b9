"""A port with a queue, as its receiver in a loop of asyncio's has it.

The library makes a descriptor readable while messages wait; the loop waits for that descriptor beside
its sockets. So all of Python's runs on the loop's thread, and no thread of the library's ever asks for
Python's lock.
"""

from __future__ import annotations

import asyncio
import ctypes as c
import os
import struct
import threading
import time
from typing import TYPE_CHECKING, Any, Optional

from . import _abi as abi
from ._errors import WharfTimeoutError
from ._lend import leases
from ._system import process

if TYPE_CHECKING:
    from ._library import Library

SIZE = c.sizeof(abi.Message)
VALUE: int = abi.Message.value.offset
_PAYLOAD: int = VALUE + abi.Value.value.offset


def _layout() -> struct.Struct:
    """Tag, kind, code, the value's type, and the first word of what it holds."""
    format, at = "=", 0
    for offset, letter in (
        (abi.Message.tag.offset, "Q"),
        (abi.Message.kind.offset, "i"),
        (abi.Message.code.offset, "i"),
        (VALUE + abi.Value.type.offset, "i"),
        (_PAYLOAD, "q"),
    ):
        format += f"{offset - at}x{letter}"
        at = offset + struct.calcsize("=" + letter)
    return struct.Struct(f"{format}{SIZE - at}x")


MESSAGE = _layout()


def nanoseconds(seconds: Optional[float]) -> int:
    """A limit as the library takes it; none is for ever."""
    return abi.FOREVER if seconds is None else max(0, round(seconds * 1e9))


class Stats:
    """What has gone through a port."""

    __slots__ = ("waiting", "tasks", "posted", "dropped", "refused")

    def __init__(self, raw: Any) -> None:
        #: Messages that wait in the library's queue now.
        self.waiting: int = raw.waiting
        #: Tasks that have not sent their last message.
        self.tasks: int = raw.tasks
        #: Messages that were put into its queue.
        self.posted: int = raw.posted
        #: Messages that were dropped for newer ones.
        self.dropped: int = raw.dropped
        #: Messages that were refused because it was full.
        self.refused: int = raw.refused


class Queue:
    """A port's queue. All of it is the loop's, but for closing."""

    def __init__(self, library: "Library", runtime: int, options: Any, batch: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()
        self.library = library
        self.batch = batch
        #: Ends a :meth:`readable` that waits.
        self.closed_while_waiting: Any = _nothing
        self._recv = library._wharf_port_recv_batch
        self._free = library._wharf_messages_free
        self._count = c.c_size_t()
        self._count_address = c.addressof(self._count)
        memory = bytearray(batch * SIZE)
        self._memory = c.c_char.from_buffer(memory)
        self.view = memoryview(memory)
        #: Where a batch is.
        self.address = c.addressof(self._memory)
        id = c.c_uint64()
        library._accept(library._wharf_port_open(runtime, c.addressof(options), c.addressof(id)))
        #: The number that the library knows it by.
        self.id: int = id.value
        try:
            descriptor = c.c_int()
            library._accept(library._wharf_port_descriptor(self.id, c.addressof(descriptor)))
            # One of our own: the library's is closed with the port, whoever closes that, and then its
            # number may be another's, while the loop still waits for it.
            self.watched = Watched(self.loop, os.dup(descriptor.value))
        except BaseException:
            library._wharf_port_close(self.id, 0)
            raise

    @property
    def closed(self) -> bool:
        """Whether it has come to its end."""
        return self.watched.closed

    def take(self) -> int:
        """Takes a batch of messages out; how many. They are there until :meth:`free`."""
        status = self._recv(self.id, self.address, self.batch, self._count_address, 0)
        if status == abi.OK:
            return self._count.value
        if status == abi.EMPTY:
            return 0
        raise self.library._refusal(status)

    def free(self, count: int) -> None:
        """Frees the messages of a batch."""
        self._free(self.address, count)
        if leases:
            leases.sweep()

    def stats(self) -> Stats:
        """The port's counters."""
        raw = abi.PortStats(c.sizeof(abi.PortStats))
        self.library._accept(self.library._wharf_port_stats(self.id, c.addressof(raw)))
        return Stats(raw)

    def is_here(self) -> bool:
        """Whether the caller is on the loop's thread, and the loop still there."""
        return threading.get_ident() == self.thread and not self.loop.is_closed()

    async def readable(self) -> None:
        """Waits until there are messages, or the queue is closed. One at a time."""
        waiter = self.loop.create_future()

        def ring() -> None:
            # Readable it stays until the messages are taken.
            if not self.closed:
                self.loop.remove_reader(self.watched.number)
            if not waiter.done():
                waiter.set_result(None)

        self.closed_while_waiting = ring
        self.loop.add_reader(self.watched.number, ring)
        try:
            await waiter
        finally:
            self.closed_while_waiting = _nothing
            if not self.closed:
                self.loop.remove_reader(self.watched.number)

    def close(self, timeout: Optional[float]) -> None:
        """Closes the port, and waits until its tasks are gone."""
        self.check(self.library._wharf_port_close(self.id, nanoseconds(timeout)))

    async def aclose(self, timeout: Optional[float]) -> None:
        """The same, without holding up the loop."""
        close, id = self.library._wharf_port_close, self.id
        self.check(await until(lambda: close(id, 0), timeout))

    def check(self, status: int) -> None:
        """Whether closing has come to its end. A port that is gone already is closed."""
        if status == abi.TIMEOUT:
            raise WharfTimeoutError(
                status, "the port is closed, but a task of it still runs: it can't be stopped now"
            )
        if status not in (abi.OK, abi.NO_PORT, abi.FORKED):
            raise self.library._refusal(status)

    def finish_in_loop(self) -> None:
        """Has :meth:`finish` called where it may be."""
        _in_loop(self.loop, self.finish)

    def finish(self) -> None:
        """The end, after the port has been closed."""
        self.watched.release()
        self.closed_while_waiting()


class Watched:
    """The descriptor that a loop waits for, while it does."""

    __slots__ = ("loop", "number", "closed")

    def __init__(self, loop: asyncio.AbstractEventLoop, number: int) -> None:
        self.loop = loop
        self.number = number
        self.closed = False

    def release(self) -> None:
        """Gives it up, after the port has been closed. On the loop's thread, or where there is no loop
        any more."""
        if self.closed:
            return
        self.closed = True
        # In a forked child the loop's epoll is the parent's.
        if not self.loop.is_closed() and not process.forked:
            self.loop.remove_reader(self.number)
        os.close(self.number)


def abandon(library: "Library", port: int, watched: Watched) -> None:
    """What becomes of a port that nobody holds any more. From any thread, at any time.

    It is given what it needs and not the queue: that holds its tasks, and these the port.
    """
    if not watched.closed and not process.forked:
        library._wharf_port_close(port, 0)
        _in_loop(watched.loop, watched.release)


def _in_loop(loop: asyncio.AbstractEventLoop, call: Any) -> None:
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:  # the loop is closed
        call()


def _nothing() -> None:
    pass


async def until(call: Any, timeout: Optional[float]) -> int:
    """Makes a call again as long as its answer is that it was too early; the last answer."""
    deadline = None if timeout is None else time.monotonic() + timeout
    pause = 0.0
    while True:
        status: int = call()
        if status != abi.TIMEOUT or deadline is not None and time.monotonic() >= deadline:
            return status
        await asyncio.sleep(pause)
        pause = min(pause * 2 or 0.0005, 0.016)


def options(capacity: int, when_full: int, needs_credit: bool, max_tasks: int = 0) -> Any:
    """How a port is opened."""
    for number in (capacity, max_tasks):
        if not 0 <= number < 2 ** (8 * c.sizeof(c.c_size_t)):
            raise OverflowError(f"{number} is no count")
    return abi.PortOptions(c.sizeof(abi.PortOptions), capacity, when_full, needs_credit, max_tasks, 0)
