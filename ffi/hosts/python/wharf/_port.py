"""Where the answers of tasks arrive."""

from __future__ import annotations

import asyncio
import ctypes as c
import enum
import struct
import weakref
from contextvars import copy_context
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional

from . import _abi as abi
from ._errors import WharfCancelledError, WharfRefusedError
from ._library import Library, default_library
from ._queue import MESSAGE, SIZE, VALUE, Queue, Stats, abandon, options
from ._scope import Scope
from ._send_port import SendPort
from ._task import Task, error_of
from ._values import decode

if TYPE_CHECKING:
    from ._receiver import Stream
    from ._runtime import Runtime

_PAYLOAD: int = VALUE + abi.Value.value.offset
_DOUBLE = struct.Struct("=d")


class Policy(enum.IntEnum):
    """What becomes of a message that more will follow when a port is full."""

    #: Streams wait, and posts are refused.
    WAIT = abi.FULL_REFUSE
    #: The oldest is dropped.
    DROP_OLDEST = abi.FULL_DROP_OLDEST
    #: Those with the same tag are dropped.
    KEEP_LATEST = abi.FULL_KEEP_LATEST


class _Tasks(Queue):
    """The queue of a :class:`Port`: each message goes to the task that it belongs to."""

    #: Messages taken out in one turn of the loop. What is left keeps the descriptor readable: the loop
    #: comes back to it after the others that wait for it.
    BATCH = 128

    def __init__(self, library: Library, runtime: int, options: Any, credit: Optional[int]) -> None:
        super().__init__(library, runtime, options, self.BATCH)
        self.tasks: Dict[int, Task[Any]] = {}
        self.on_data: Dict[int, Callable[[Any], None]] = {}
        self.tag = 0
        self.id_of_task = c.c_uint64()
        self.task_address = c.addressof(self.id_of_task)
        self._credit = credit
        self._owed = 0
        self._draining = False
        if credit is not None:
            library._accept(library._wharf_port_grant(self.id, credit))

    def drain(self) -> int:
        """Takes out one batch and hands it round; how many messages there were."""
        if self._draining:
            return 0
        try:
            count = self.take()
        except WharfRefusedError:
            # Somebody else has closed the port.
            self.finish()
            return 0
        if not count:
            return 0
        self._draining = True
        failure: Optional[BaseException] = None
        tasks, start = self.tasks, self.address + VALUE
        batch = enumerate(MESSAGE.iter_unpack(self.view[: count * SIZE]))
        try:
            while True:
                # What is raised here is to end the program, by a callback or a signal. First the
                # others in the batch have their turn: nobody else would bring them their last word,
                # for which the program may wait before it ends.
                try:
                    self._hand_round(batch, tasks, start)
                    break
                except BaseException as error:
                    failure = failure or error
        finally:
            self._draining = False
            self.free(count)
        if failure is not None:
            raise failure
        return count

    def _hand_round(self, batch: Any, tasks: "Dict[int, Task[Any]]", start: int) -> None:
        """The messages of a batch whose values begin at an address, as far as they have not been had."""
        for at, (tag, kind, code, type_, word) in batch:
            if kind != abi.KIND_OK:
                self._otherwise(tag, kind, code, start + at * SIZE)
                continue
            task = tasks.pop(tag, None)
            if self.on_data:
                self.on_data.pop(tag, None)
            if task is not None and not task.done():
                # The common ones at once.
                if not task._id:
                    task._end_well(None)
                elif type_ == abi.TYPE_INT64:
                    task.set_result(word)
                elif type_ == abi.TYPE_NULL:
                    task.set_result(None)
                else:
                    self._decoded(task, start + at * SIZE)

    def drain_all(self) -> None:
        """Takes out what has been sent so far, in one go."""
        try:
            left = self.stats().waiting
        except WharfRefusedError:
            return
        while left > 0:
            count = self.drain()
            left = left - count if count else 0

    def _decoded(self, task: Task[Any], address: int) -> None:
        try:
            value = decode(address, self.library)
        except Exception as error:
            task.set_exception(error)
        else:
            task.set_result(value)

    def _otherwise(self, tag: int, kind: int, code: int, address: int) -> None:
        """A message that is no result."""
        if kind in (abi.KIND_DATA, abi.KIND_CONTROL):
            on_data = self.on_data.get(tag)
            try:
                if on_data is not None:
                    on_data(decode(address, self.library))
            except Exception as error:
                self.loop.call_exception_handler(
                    {"message": "on_data of a wharf task has failed", "exception": error}
                )
            if self._credit is not None and kind == abi.KIND_DATA:
                self._pay()
            return
        task = self.tasks.pop(tag, None)
        self.on_data.pop(tag, None)
        if task is not None:
            early = kind in (abi.KIND_CANCELLED, abi.KIND_SHUT_DOWN)
            task._end(error_of(kind, code, decode(address, self.library)), early)

    def _pay(self) -> None:
        """Grants anew what has been taken, half of it at a time."""
        self._owed += 1
        if self._owed * 2 > (self._credit or 0):
            self.library._wharf_port_grant(self.id, self._owed)
            self._owed = 0

    def finish(self) -> None:
        super().finish()
        tasks, self.tasks = self.tasks, {}
        self.on_data.clear()
        if self.loop.is_closed():
            return
        for task in tasks.values():
            task._end(WharfCancelledError(0, "the port was closed before the task had ended"), True)


class _After:
    """What stands for a library's function where a timer is started."""

    __slots__ = ("_call", "_delay")

    def __init__(self, library: Library, delay: int) -> None:
        self._call = library._wharf_timer_after
        self._delay = delay

    def start(self, port: int, tag: int, task: int, arguments: Any) -> int:
        status: int = self._call(port, tag, self._delay, task)
        return status


class Port(Scope):
    """Where the answers of tasks arrive, in the running loop of asyncio's.

    One port serves any number of tasks, and is cheaper than one for each. It is closed by ``with`` or
    ``async with``, by :meth:`close` or :meth:`aclose`, or when nobody holds it or a task of it any
    more. Its methods are for the loop's thread, but for :meth:`close`, :meth:`post` and
    :meth:`post_control`.

    :param library: whose tasks; the one that comes with this package if none is given
    :param runtime: on whose threads they run; the library's default ones if none is given
    :param capacity: how many messages that more will follow may wait in it; 0 sets no limit
    :param policy: what becomes of more of them
    :param credit: how many of them may be under way at once, until they have been handled
    :param max_tasks: how many tasks may run for it at once; 0 is as many as the library allows
    :raises RuntimeError: no loop runs on this thread
    """

    def __init__(
        self,
        library: Optional[Library] = None,
        *,
        runtime: Optional["Runtime"] = None,
        capacity: int = 0,
        policy: Policy = Policy.WAIT,
        credit: Optional[int] = None,
        max_tasks: int = 0,
    ) -> None:
        if library is None:
            library = runtime.library if runtime is not None else default_library()
        #: The library that it belongs to.
        self.library = library
        self._runtime = runtime if runtime is not None else library.runtime
        how = options(capacity, policy, credit is not None, max_tasks)
        queue = self._queue = _Tasks(library, self._runtime.id, how, credit)
        self._forgotten = weakref.finalize(self, abandon, library, queue.id, queue.watched)
        self._forgotten.atexit = False
        self._runtime._add(self)
        queue.loop.add_reader(queue.watched.number, queue.drain)

    @property
    def id(self) -> int:
        """The number that the library knows it by."""
        return self._queue.id

    @property
    def send_port(self) -> SendPort:
        """Its name, for others to post to."""
        return SendPort(self.library, self._queue.id)

    @property
    def pending(self) -> int:
        """How many tasks have not ended."""
        return len(self._queue.tasks)

    @property
    def is_closed(self) -> bool:
        """Whether it has been closed."""
        return self._queue.closed

    def submit(
        self, function: Any, *arguments: Any, on_data: Optional[Callable[[Any], None]] = None
    ) -> Task[Any]:
        """Runs a task that gives one value.

        :param function: a :meth:`Library.function`
        :param on_data: is told of what the task posts before it ends
        :raises WharfRefusedError: the library has refused; nothing has been started
        :raises TypeError, ValueError, OverflowError: an argument can't be passed; likewise
        """
        queue = self._queue
        if get_ident() != queue.thread:
            raise RuntimeError("a task is submitted on the thread of its port's loop")
        tag = queue.tag = queue.tag + 1
        status = function.start(queue.id, tag, queue.task_address, arguments)
        if status:
            raise self.library._refusal(status)
        # The answer may be there already; it is taken out by the loop, which is not at it just now.
        task: Task[Any] = Task(loop=queue.loop)
        queue.tasks[tag] = task
        task._port = self
        task._id = queue.id_of_task.value
        if on_data is not None:
            # As any callback of asyncio's, in the context that it was given in.
            queue.on_data[tag] = partial(copy_context().run, on_data)
        return task

    def stream(
        self, function: Any, *arguments: Any, limit: int = 64, policy: Policy = Policy.WAIT
    ) -> "Stream[Any]":
        """Runs a task that gives many values, through a port of its own.

        :param limit: how many values may wait to be received; then the task waits
        :param policy: what else may become of more
        """
        from ._receiver import Stream

        return Stream(self._runtime, limit, policy, function.start, arguments)

    def after(self, seconds: float) -> Task[None]:
        """A timer of the library's: a task that ends after a while, never early."""
        delay = max(0, round(seconds * 1e9))
        return self.submit(_After(self.library, delay))

    def every(self, seconds: float, limit: int = 1) -> "Stream[int]":
        """Beats, numbered from 1. Those that come while as many as ``limit`` wait are left out, and
        their numbers with them."""
        from ._receiver import Stream

        every = self.library._wharf_timer_every
        period = max(0, round(seconds * 1e9))

        def start(port: int, tag: int, task: int, arguments: Any) -> int:
            status: int = every(port, tag, period, task)
            return status

        return Stream(self._runtime, limit, Policy.WAIT, start, ())

    def post(self, value: Any = None, tag: int = 0) -> None:
        """As :meth:`SendPort.post`: to the ``on_data`` of the task with this tag, if to anybody."""
        self.send_port.post(value, tag)

    def post_control(self, value: Any = None, tag: int = 0) -> None:
        """As :meth:`SendPort.post_control`."""
        self.send_port.post_control(value, tag)

    def grant(self, messages: int) -> None:
        """Gives credit for so many more messages that others follow."""
        self.library._accept(self.library._wharf_port_grant(self._queue.id, messages))

    def stats(self) -> Stats:
        """Its counters."""
        return self._queue.stats()

    def close(self, timeout: Optional[float] = None) -> None:
        """Cancels all tasks and waits, for at most so many seconds, until they are gone. From any
        thread; the loop is held up where it is called there.

        What was sent before still arrives, where it is called on the loop's thread; from another one,
        what the loop has not taken out by then is dropped. What has not ended then ends with a
        :class:`WharfCancelledError`.

        :raises WharfTimeoutError: the port is closed, but a task has not come to where it can end
        """
        queue = self._queue
        if queue.closed:
            return
        if queue.is_here():
            queue.drain_all()
        queue.close(timeout)
        self._over()

    async def aclose(self, timeout: Optional[float] = None) -> None:
        """As :meth:`close`, without holding up the loop."""
        queue = self._queue
        if queue.closed:
            return
        queue.drain_all()
        await queue.aclose(timeout)
        self._over()

    def _runtime_is_over(self) -> None:
        """After a shutdown: what has been sent is handed out, and that was all."""
        self.close()

    def _over(self) -> None:
        self._forgotten.detach()
        self._runtime._discard(self)
        if self._queue.is_here():
            self._queue.finish()
        else:
            self._queue.finish_in_loop()

    def _end(self) -> None:
        self.close()

    async def _aend(self) -> None:
        await self.aclose()
