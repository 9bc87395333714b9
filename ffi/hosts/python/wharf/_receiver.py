"""Messages that are taken when their receiver has the time: streams, and mailboxes."""

from __future__ import annotations

import ctypes as c
import weakref
from collections import deque
from typing import Any, Callable, Deque, Generic, NamedTuple, Optional, Tuple, TypeVar

from . import _abi as abi
from ._errors import WharfRefusedError
from ._library import Library, default_library
from ._port import Policy
from ._queue import MESSAGE, SIZE, VALUE, Queue, Stats, abandon, options
from ._runtime import Runtime
from ._scope import AsyncScope, Scope
from ._send_port import SendPort
from ._task import error_of
from ._values import decode

T = TypeVar("T")
_BATCH = 64
_TAG = 1


class Message(NamedTuple):
    """What a :class:`Receiver` receives."""

    #: What was posted.
    value: Any
    #: The number that was posted with it.
    tag: int
    #: Whether it came through the control queue.
    is_control: bool


class _Waiting:
    """A port with a queue that is looked into only while somebody waits for a message: so what waits
    is counted where its limit is, in the library."""

    def __init__(self, runtime: Runtime, how: Any, batch: int) -> None:
        #: The library that it belongs to.
        self.library = runtime.library
        self._runtime = runtime
        queue = self._queue = Queue(runtime.library, runtime.id, how, batch)
        self._forgotten = weakref.finalize(self, abandon, self.library, queue.id, queue.watched)
        self._forgotten.atexit = False
        self._waits = False
        runtime._add(self)

    async def _readable(self) -> None:
        if self._waits:
            raise RuntimeError("somebody waits for the next message already")
        self._waits = True
        try:
            await self._queue.readable()
        finally:
            self._waits = False

    def stats(self) -> Stats:
        """The counters of the port behind it."""
        return self._queue.stats()

    @property
    def is_closed(self) -> bool:
        """Whether it has been closed."""
        return self._queue.closed

    def close(self, timeout: Optional[float] = None) -> None:
        """Gives up what waits, and cancels what still runs. As :meth:`Port.close`, from any thread."""
        if not self._queue.closed:
            self._queue.close(timeout)
            self._over()

    def _runtime_is_over(self) -> None:
        """After a shutdown: what waits in it can still be received."""

    def _over(self) -> None:
        self._forgotten.detach()
        self._runtime._discard(self)
        if self._queue.is_here():
            self._queue.finish()
        else:
            self._queue.finish_in_loop()


class Receiver(_Waiting, Scope):
    """A port for what others post: tasks that have been given it, and programs.

    ``async for`` gives its messages; its :attr:`send_port` is what others post to.

    :param capacity: how many messages may wait in it; as many control messages; 0 sets no limit
    :param policy: what becomes of more
    :param needs_credit: posts also need credit, which :meth:`grant` gives
    """

    def __init__(
        self,
        library: Optional[Library] = None,
        *,
        runtime: Optional[Runtime] = None,
        capacity: int = 0,
        policy: Policy = Policy.WAIT,
        needs_credit: bool = False,
    ) -> None:
        if runtime is None:
            runtime = (library or default_library()).runtime
        # One by one, so that a control message can still overtake what waits.
        super().__init__(runtime, options(capacity, policy, needs_credit), 1)

    @property
    def id(self) -> int:
        """The number that the library knows it by."""
        return self._queue.id

    @property
    def send_port(self) -> SendPort:
        """Its name, for others to post to."""
        return SendPort(self.library, self._queue.id)

    def grant(self, messages: int) -> None:
        """Gives credit for so many more messages."""
        self.library._accept(self.library._wharf_port_grant(self._queue.id, messages))

    async def receive(self) -> Message:
        """The next message: control messages first, each kind in the order posted. One caller at a
        time; who is cancelled has taken nothing.

        :raises WharfRefusedError: the port has been closed, or its runtime shut down
        """
        while True:
            message = self.try_receive()
            if message is not None:
                return message
            await self._readable()

    def try_receive(self) -> Optional[Message]:
        """The next message, if there is one now."""
        queue = self._queue
        count = queue.take()
        if not count:
            return None
        try:
            tag, kind, _, _, _ = MESSAGE.unpack_from(queue.view)
            value = decode(queue.address + VALUE, self.library)
        finally:
            queue.free(count)
        return Message(value, tag, kind == abi.KIND_CONTROL)

    async def aclose(self, timeout: Optional[float] = None) -> None:
        """As :meth:`close`, without holding up the loop."""
        if not self._queue.closed:
            await self._queue.aclose(timeout)
            self._over()

    def __aiter__(self) -> "Receiver":
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.receive()
        except WharfRefusedError as error:
            if error.code in (abi.NO_PORT, abi.SHUT_DOWN):
                raise StopAsyncIteration from None
            raise

    def _end(self) -> None:
        self.close()

    async def _aend(self) -> None:
        await self.aclose()


class Stream(_Waiting, AsyncScope, Generic[T]):
    """The values of one task, for ``async for``. Made by :meth:`Port.stream`.

    The task waits while as many values as the limit wait. A stream that is left before its end is
    closed with ``async with`` or :meth:`aclose`, which cancel the task and wait for that to be
    acknowledged; one that is merely dropped cancels it, and waits for nothing.
    """

    def __init__(
        self,
        runtime: Runtime,
        limit: int,
        policy: Policy,
        start: Callable[[int, int, int, Tuple[Any, ...]], int],
        arguments: Tuple[Any, ...],
    ) -> None:
        if limit < 1:
            raise ValueError("a stream needs a limit of at least 1")
        super().__init__(runtime, options(limit, policy, False), min(limit, _BATCH))
        self._values: Deque[T] = deque()
        self._ended = False
        self._error: Optional[Exception] = None
        #: What the task gave at its end, beside the values of the stream.
        self.result: Any = None
        task = c.c_uint64()
        try:
            status = start(self._queue.id, _TAG, c.addressof(task), arguments)
            self.library._accept(status)
        except BaseException:
            self.close()
            raise
        self._task: int = task.value

    def __aiter__(self) -> "Stream[T]":
        return self

    async def __anext__(self) -> T:
        values = self._values
        while not values:
            if self._ended or self._queue.closed:
                error, self._error = self._error, None
                if error is not None:
                    raise error
                raise StopAsyncIteration
            if not self._take():
                await self._readable()
        return values.popleft()

    def pause(self) -> None:
        """Makes the task wait until :meth:`resume`, whatever room there is."""
        self.library._wharf_task_pause(self._task)

    def resume(self) -> None:
        """Lets the task go on."""
        self.library._wharf_task_resume(self._task)

    async def aclose(self) -> None:
        """Cancels the task, waits until what it held is free, and drops what waits."""
        if not self._ended and not self._queue.closed:
            self.library._wharf_task_cancel(self._task)
            while not self._ended and not self._queue.closed:
                if not self._take():
                    await self._readable()
                self._values.clear()
        self._values.clear()
        self._error = None

    def _take(self) -> bool:
        """Takes out a batch; whether there was one."""
        queue = self._queue
        try:
            count = queue.take()
        except WharfRefusedError as error:
            self._stop(error)
            return True
        if not count:
            return False
        address = queue.address + VALUE
        end: Optional[Exception] = None
        try:
            for tag, kind, code, type_, word in MESSAGE.iter_unpack(queue.view[: count * SIZE]):
                if kind == abi.KIND_DATA:
                    value: Any = word if type_ == abi.TYPE_INT64 else decode(address, self.library)
                    self._values.append(value)
                else:
                    self._ended = True
                    value = decode(address, self.library)
                    if kind == abi.KIND_OK:
                        self.result = value
                    else:
                        end = error_of(kind, code, value)
                address += SIZE
        finally:
            queue.free(count)
        if self._ended:
            self._stop(end)
        return True

    def _stop(self, error: Optional[Exception]) -> None:
        """After the task's last message: its port has no more to say."""
        self._ended = True
        self._error = error
        self.close()

    async def _aend(self) -> None:
        await self.aclose()
