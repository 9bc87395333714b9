# Made from tests/hosts/c/harbour.h by `cargo xtask header`; not to be edited.
"""The library `harbour`."""

from __future__ import annotations

from typing import Any, Optional, Sequence, Union

import wharf


class Harbour(wharf.Bindings):
    """The functions of the library `harbour`: each submits a task at the port."""

    FUNCTIONS = {
        "harbour_add": ("int64", "int64"),
        "harbour_echo": ("text",),
        "harbour_length": ("text",),
        "harbour_names": ("value", "int32[]", "uint64", "text", "int64", "bool", "uint64"),
        "harbour_sum": ("uint8[]",),
        "harbour_mirror": ("value",),
        "harbour_measure": ("value",),
        "harbour_fail": ("int32",),
        "harbour_panic": ("text",),
        "harbour_wait": (),
        "harbour_sleep": ("uint64",),
        "harbour_count": ("uint64",),
        "harbour_turn": (),
        "harbour_unsendable": (),
        "harbour_shift": ("uint64",),
        "harbour_keep": ("value",),
        "harbour_lend": ("uint32",),
        "harbour_trap": (),
        "harbour_hog": (),
        "harbour_listen": (),
        "harbour_ferry": ("value",),
        "harbour_countdown": ("uint64",),
        "harbour_parley": (),
        "harbour_hail": ("port", "text"),
        "harbour_verdicts": ("int32[]",),
        "harbour_nest": ("uint32", "uint32", "bool"),
    }

    def add(self, left: int, right: int) -> wharf.Task[Any]:
        """A result at once."""
        return self._submit(self._functions["harbour_add"], left, right)

    def echo(self, text: str) -> wharf.Task[Any]:
        """Text there and back."""
        return self._submit(self._functions["harbour_echo"], text)

    def length(self, text: Optional[str]) -> wharf.Task[Any]:
        """Text that may be missing.

        `text` may be NULL.
        """
        return self._submit(self._functions["harbour_length"], text)

    def names(
        self,
        error: Any,
        made: Union[wharf.Buffer, Sequence[int]],
        made_length_: int,
        task_: Optional[str],
        type: int,
        default_: bool,
        argument_6_ns: int,
    ) -> wharf.Task[Any]:
        """Parameters with names that the C side, or what stands between the sides, has given to others.

        `task_` may be NULL.
        """
        return self._submit(self._functions["harbour_names"], error, made, made_length_, task_, type, default_, argument_6_ns)

    def sum(self, bytes: Union[wharf.Buffer, Sequence[int]]) -> wharf.Task[Any]:
        """Bytes in, their sum and the bytes themselves out."""
        return self._submit(self._functions["harbour_sum"], bytes)

    def mirror(self, value: Any) -> wharf.Task[Any]:
        """Any value there and back."""
        return self._submit(self._functions["harbour_mirror"], value)

    def measure(self, bytes: Any) -> wharf.Task[Any]:
        """Bytes of the host's, without a copy."""
        return self._submit(self._functions["harbour_measure"], bytes)

    def fail(self, code: int) -> wharf.Task[Any]:
        """An error."""
        return self._submit(self._functions["harbour_fail"], code)

    def panic(self, text: str) -> wharf.Task[Any]:
        """A panic."""
        return self._submit(self._functions["harbour_panic"], text)

    def wait(self) -> wharf.Task[Any]:
        """No end of its own."""
        return self._submit(self._functions["harbour_wait"])

    def sleep(self, nanoseconds: int) -> wharf.Task[Any]:
        """A result after a while."""
        return self._submit(self._functions["harbour_sleep"], nanoseconds)

    def count(self, count: int) -> wharf.Task[Any]:
        """The numbers below `count`, as the port takes them."""
        return self._submit(self._functions["harbour_count"], count)

    def turn(self) -> wharf.Task[Any]:
        """A plain function, on the blocking pool: turns until it is cancelled."""
        return self._submit(self._functions["harbour_turn"])

    def unsendable(self) -> wharf.Task[Any]:
        """A value that can't be sent."""
        return self._submit(self._functions["harbour_unsendable"])

    def shift(self, yields: int) -> wharf.Task[Any]:
        """Passes `yields` points at which it can be cancelled."""
        return self._submit(self._functions["harbour_shift"], yields)

    def keep(self, bytes: Any) -> wharf.Task[Any]:
        """Holds the host's bytes, with no end of its own."""
        return self._submit(self._functions["harbour_keep"], bytes)

    def lend(self, length: int) -> wharf.Task[Any]:
        """Bytes of the library's, without a copy."""
        return self._submit(self._functions["harbour_lend"], length)

    def trap(self) -> wharf.Task[Any]:
        """No end of its own, and a panic where it is cancelled."""
        return self._submit(self._functions["harbour_trap"])

    def hog(self) -> wharf.Task[Any]:
        """Runs until the host lets it go, on the thread of a worker: what a well-behaved task never does."""
        return self._submit(self._functions["harbour_hog"])

    def listen(self) -> wharf.Task[Any]:
        """Opens a socket, and says on which port it listens."""
        return self._submit(self._functions["harbour_listen"])

    def ferry(self, bytes: Any) -> wharf.Task[Any]:
        """A plain function, on the blocking pool: gives the bytes back once it is cancelled."""
        return self._submit(self._functions["harbour_ferry"], bytes)

    def countdown(self, from_: int) -> wharf.Stream[Any]:
        """The numbers from `from` down to 1, as a stream."""
        return self._stream(self._functions["harbour_countdown"], from_)

    def parley(self) -> wharf.Task[Any]:
        """Says where it can be reached, then answers each number with its double at the port that is named
        beside it, until it is told to stop. The result is how many it has answered.
        """
        return self._submit(self._functions["harbour_parley"])

    def hail(
        self,
        to: Union[wharf.SendPort, wharf.Port, wharf.Receiver],
        text: str,
    ) -> wharf.Task[Any]:
        """A port in, and out again; and a word to whoever listens there."""
        return self._submit(self._functions["harbour_hail"], to, text)

    def verdicts(self, codes: Union[wharf.Buffer, Sequence[int]]) -> wharf.Task[Any]:
        """A result inside of the result."""
        return self._submit(self._functions["harbour_verdicts"], codes)

    def nest(self, depth: int, width: int, posted: bool) -> wharf.Task[Any]:
        """An array that holds `width` nulls, inside of others, `depth` arrays in all: posted or as the result."""
        return self._submit(self._functions["harbour_nest"], depth, width, posted)
