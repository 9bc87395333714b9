"""What modules made by ``cargo xtask header`` for a library stand on."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Dict, Tuple

from ._port import Port

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from ._receiver import Stream
    from ._task import Task

    P = ParamSpec("P")


class Bindings:
    """The functions of a library, as methods that submit tasks at one port. Those of functions that
    return a stream give a :class:`Stream`, which has a port of its own: see :meth:`Port.stream`."""

    #: What each function takes, as :meth:`Library.function` says it.
    FUNCTIONS: ClassVar[Dict[str, Tuple[str, ...]]] = {}

    def __init__(self, port: Port) -> None:
        #: Where the answers arrive.
        self.port = port
        function = port.library.function
        self._functions = {name: function(name, takes) for name, takes in self.FUNCTIONS.items()}
        self._submit: "Callable[..., Task[Any]]" = port.submit
        self._stream: "Callable[..., Stream[Any]]" = port.stream


def stream(
    method: "Callable[P, Task[Any] | Stream[Any]]", *arguments: "P.args", **named: "P.kwargs"
) -> "Stream[Any]":
    """Calls a method of :class:`Bindings` for the many values that its task posts, not for its last
    one: ``async for number in wharf.stream(harbour.count, 5)``. See :meth:`Port.stream`. Of a method
    that returns a stream this need not be said.

    :raises TypeError: the method is no such method
    """
    bindings: Any = getattr(method, "__self__", None)
    if not isinstance(bindings, Bindings):
        raise TypeError("what is streamed is a method of a library's bindings")
    streaming: Any = copy.copy(bindings)
    streaming._submit = bindings.port.stream
    opened: "Stream[Any]" = getattr(streaming, method.__name__)(*arguments, **named)
    return opened
