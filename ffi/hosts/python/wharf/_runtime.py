"""Sets of threads."""

from __future__ import annotations

import asyncio
import ctypes as c
import weakref
from typing import Any, Dict, Optional

from . import _abi as abi
from ._errors import WharfTimeoutError
from ._library import Library, default_library
from ._queue import nanoseconds, until
from ._scope import Scope
from ._system import process


class Runtime(Scope):
    """The threads that tasks run on.

    Most programs need none of these: without one, a port uses the library's default runtime. The
    threads start when they are first needed. It is shut down by ``with`` or ``async with``, by
    :meth:`shutdown` or :meth:`ashutdown`, or when nobody holds it or a port of it any more.

    :param library: whose; the one that comes with this package if none is given
    :param worker_threads: how many run tasks; 0 is one for each processor
    :param max_blocking_threads: how many, at most, run functions that block; 0 is the library's choice
    :param thread_name: what the threads are called
    :param spin_before_park: for how many seconds, at most 0.001, an idle worker looks out for more work
        before it sleeps: 0.00005 spares most of a wake where one small task follows another's answer,
        and costs processor time
    """

    def __init__(
        self,
        library: Optional[Library] = None,
        *,
        worker_threads: int = 0,
        max_blocking_threads: int = 0,
        thread_name: Optional[str] = None,
        spin_before_park: float = 0.0,
    ) -> None:
        library = library if library is not None else default_library()
        options = abi.RuntimeOptions(c.sizeof(abi.RuntimeOptions))
        for number in (worker_threads, max_blocking_threads):
            if not 0 <= number < 2**32:
                raise OverflowError(f"{number} is no count of threads")
        options.worker_threads = worker_threads
        options.max_blocking_threads = max_blocking_threads
        options.spin_before_park_ns = max(0, round(spin_before_park * 1e9))
        name = None if thread_name is None else c.create_string_buffer(thread_name.encode())
        options.thread_name = None if name is None else c.addressof(name)
        id = c.c_uint64()
        library._accept(library._wharf_runtime_new(c.addressof(options), c.addressof(id)))
        self._set(library, id.value)
        owner = library._wharf_owner_new(id.value)
        self._forgotten: Any = weakref.finalize(self, _give_up, library, owner)
        self._forgotten.atexit = False

    def _set(self, library: Library, id: int) -> None:
        #: The library that it belongs to.
        self.library = library
        #: The number that the library knows it by; 0 is the default one.
        self.id = id
        # By their numbers. Ports come and go in any thread, and a set of weak references can't be gone
        # through meanwhile, while a copy of a dict's values is one step.
        self._ports: "Dict[int, weakref.ref[Any]]" = {}
        self._forgotten = None
        self._is_over = False

    def shutdown(self, timeout: Optional[float] = None) -> None:
        """Cancels all tasks and waits, for at most so many seconds, until they and the threads are
        gone. From any thread; a loop is held up where it is called there.

        Tasks that had not ended end with a :class:`WharfShutDownError`. Ports of this thread's loop are
        closed; those of other loops stay until what they hold has been received there.

        :raises WharfTimeoutError: something has not returned; the shutdown goes on, and can be
            waited for again
        """
        self._check(self.library._wharf_runtime_shutdown(self.id, nanoseconds(timeout)))
        self._over()

    async def ashutdown(self, timeout: Optional[float] = None) -> None:
        """As :meth:`shutdown`, without holding up the loop."""
        shutdown, id = self.library._wharf_runtime_shutdown, self.id
        self._check(await until(lambda: shutdown(id, 0), timeout))
        self._over()
        # Let those go on who have awaited what has ended now.
        await asyncio.sleep(0)

    def _check(self, status: int) -> None:
        if status == abi.TIMEOUT:
            raise WharfTimeoutError(
                status, "the runtime is shutting down, but something in it has not returned yet"
            )
        if status != abi.NO_RUNTIME:
            self.library._accept(status)

    def _over(self) -> None:
        """What was sent before the end is at the ports already: hands it out."""
        self._is_over = True
        for one in list(self._ports.values()):
            port = one()
            if port is not None and port._queue.is_here():
                port._runtime_is_over()
        self._free_if_unused()

    def _add(self, port: Any) -> None:
        """Takes note of a port, for as long as somebody holds it."""
        ports, id = self._ports, port._queue.id
        ports[id] = weakref.ref(port, lambda gone: ports.pop(id, None))

    def _discard(self, port: Any) -> None:
        """Takes note that a port has been closed. With the last one goes a runtime that is over: to
        free it closes its ports."""
        self._ports.pop(port._queue.id, None)
        self._free_if_unused()

    def _free_if_unused(self) -> None:
        if not self._is_over or self._ports:
            return
        self._is_over = False
        self.library._wharf_runtime_free(self.id)
        if self._forgotten is not None:
            # What it owned is gone; this frees the owner.
            self._forgotten()

    def _end(self) -> None:
        self.shutdown()

    async def _aend(self) -> None:
        await self.ashutdown()


def default(library: Library) -> Runtime:
    """The default runtime of a library, which nobody owns."""
    runtime = Runtime.__new__(Runtime)
    runtime._set(library, 0)
    return runtime


def _give_up(library: Library, owner: Optional[int]) -> None:
    # Never waits: what takes time goes on on a thread of the library's.
    if not process.forked:
        library._wharf_owner_drop(owner)
