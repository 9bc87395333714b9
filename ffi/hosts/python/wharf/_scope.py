"""Owners as context managers, which are over at the end of the block."""

from __future__ import annotations

from types import TracebackType
from typing import Optional, Type, TypeVar

S = TypeVar("S")


class AsyncScope:
    """For ``async with``: waits at the end without holding up the loop."""

    async def _aend(self) -> None:
        raise NotImplementedError

    async def __aenter__(self: S) -> S:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self._aend()


class Scope(AsyncScope):
    """For ``with``, too."""

    def _end(self) -> None:
        raise NotImplementedError

    def __enter__(self: S) -> S:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._end()
