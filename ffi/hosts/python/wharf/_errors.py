"""What can go wrong, as types."""

from __future__ import annotations

from typing import Sequence


class WharfError(Exception):
    """Why a call or a task has not given what was asked for."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        #: A number to decide by; what it means depends on the class.
        self.code = code
        #: What failed, for the reader.
        self.message = message

    def __str__(self) -> str:
        return self.message


class WharfRefusedError(WharfError):
    """A call was refused: nothing has been started and nothing will arrive.

    The code is a status of wharf's, one of the ``WHARF_...`` numbers in its C header.
    """

    def __str__(self) -> str:
        return f"{self.message} (status {self.code})"


class WharfTimeoutError(WharfError, TimeoutError):
    """The time given was up before it was done. What was begun goes on; the call can be repeated."""

    def __init__(self, code: int, message: str) -> None:
        # OSError, from which TimeoutError comes, has an idea of its own of two arguments.
        super().__init__(code, message)
        self.code = code
        self.message = message


class WharfTaskError(WharfError):
    """A task ended with an error of the library's own, or otherwise than well.

    Codes above 0 are the library's; those below 0 are statuses of wharf's with the sign turned; 0 says
    no more than the text.
    """

    #: How the task has ended: ``"error"``, ``"panic"``, ``"cancelled"`` or ``"shutdown"``.
    kind = "error"

    def __init__(self, code: int, message: str, causes: Sequence[str] = ()) -> None:
        super().__init__(code, message)
        #: What was behind the error, and what was behind that.
        self.causes = tuple(causes)

    def __reduce__(self) -> "tuple[type[WharfTaskError], tuple[int, str, tuple[str, ...]]]":
        return type(self), (self.code, self.message, self.causes)


class WharfPanicError(WharfTaskError):
    """A task panicked; the message is the panic's. Other tasks go on."""

    kind = "panic"


class WharfCancelledError(WharfTaskError):
    """A task ended early though nobody here has cancelled it: its port was closed."""

    kind = "cancelled"


class WharfShutDownError(WharfTaskError):
    """A task's runtime was shut down before the task had ended."""

    kind = "shutdown"
