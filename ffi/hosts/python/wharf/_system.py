"""What the process is told by the system: that it is a forked child, and who holds a descriptor."""

from __future__ import annotations

import os


class _Process:
    """Whether this is a child that was forked with wharf in it."""

    forked = False


process = _Process()


def _in_child() -> None:
    # Nothing of wharf works here, and the loops' epoll descriptors are still the parent's: who takes
    # a port out of one takes it from the parent.
    process.forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
