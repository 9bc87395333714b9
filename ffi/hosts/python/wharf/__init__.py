"""Tasks of libraries written in Rust, awaited from asyncio.

A library built on wharf runs its tasks on threads of its own. A program submits them and goes on; each
answer arrives at a port, for whose descriptor the running loop waits beside its sockets. No code of
Python's runs on any thread of the library's.

::

    library = wharf.Library("libpages.so")
    async with wharf.Port(library) as port:
        page = await port.submit(library.load_page, "http://localhost/")

* :class:`Library` is a loaded library; its exported functions are attributes of it.
* :class:`Port` is where the answers arrive; one is enough for any number of tasks.
* :class:`Task` is a future of a task; cancelling it waits until what the task held is free.
* :class:`Stream` has the values of a task that gives many, for ``async for``.
* :class:`Receiver` has what tasks and programs post to it.
* :class:`Runtime` is a set of threads, for programs that want more than the library's default one.
* :class:`WharfError` is what goes wrong.
"""

from ._bindings import Bindings, stream
from ._errors import (
    WharfCancelledError,
    WharfError,
    WharfPanicError,
    WharfRefusedError,
    WharfShutDownError,
    WharfTaskError,
    WharfTimeoutError,
)
from ._exports import Export
from ._function import Function
from ._lend import Buffer, External
from ._library import Library
from ._port import Policy, Port
from ._queue import Stats
from ._receiver import Message, Receiver, Stream
from ._runtime import Runtime
from ._send_port import Capability, SendPort
from ._task import Task
from ._values import NativePointer

__all__ = [
    "Bindings",
    "Buffer",
    "Capability",
    "Export",
    "External",
    "Function",
    "Library",
    "Message",
    "NativePointer",
    "Policy",
    "Port",
    "Receiver",
    "Runtime",
    "SendPort",
    "Stats",
    "Stream",
    "Task",
    "WharfCancelledError",
    "WharfError",
    "WharfPanicError",
    "WharfRefusedError",
    "WharfShutDownError",
    "WharfTaskError",
    "WharfTimeoutError",
    "stream",
]
