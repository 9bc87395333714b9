"""The works of the benches' group `python`: wharf's package, what bounds it and a peer, in one process.

    works.py PACKAGE LIBRARY PEER FLOOR

says `ready`, then reads lines from standard input, `WORK WHO COUNT`, takes one sample of so many tasks or
numbers, and answers each with a line: how long it took, the processor time of all threads meanwhile, and
the single times of the works that have any; all in nanoseconds.
"""

import asyncio
import ctypes
import gc
import importlib.util
import os
import sys
import time
from array import array
from collections import deque

IN_FLIGHT = 1000
BEAT = 0.001
clock = time.perf_counter_ns


class Wharf:
    """The package, as a program uses it."""

    def __init__(self, package, path):
        sys.path.insert(0, package)
        import wharf

        self.port = wharf.Port(wharf.Library(path))
        self._add = self.port.library.harbour_add
        self._count = self.port.library.harbour_count

    def add(self):
        return self.port.submit(self._add, 40, 2)

    def numbers(self, count):
        return self.port.stream(self._count, count)


class Tokio:
    """pyo3-async-runtimes."""

    def __init__(self, path):
        spec = importlib.util.spec_from_file_location("peer_python", path)
        self._module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._module)

    def add(self):
        return self._module.add(40, 2)

    def numbers(self, count):
        return self._module.numbers(count)


class Floor:
    """Descriptors that the loop waits for, and a thread at their other end."""

    def __init__(self, path):
        self._loop, self._waiting = asyncio.get_running_loop(), deque()
        self._other = ctypes.CDLL(path)
        self._other.numbers.argtypes = [ctypes.c_int, ctypes.c_int64]
        # The one that is written to is waited for by a read; the other by the loop.
        self._request, self._answer = os.eventfd(0, os.EFD_CLOEXEC), os.eventfd(0, os.EFD_NONBLOCK)
        self._other.start(self._request, self._answer)
        self._loop.add_reader(self._answer, self._answered)

    def _answered(self):
        for _ in range(os.eventfd_read(self._answer)):
            self._waiting.popleft().set_result(42)

    def add(self):
        future = self._loop.create_future()
        self._waiting.append(future)
        os.eventfd_write(self._request, 1)
        return future

    async def numbers(self, count):
        read, write = os.pipe()
        os.set_blocking(read, False)
        bell = asyncio.Event()
        self._loop.add_reader(read, bell.set)
        self._other.numbers(write, count)
        while True:
            bell.clear()
            try:
                piece = os.read(read, 4096)
            except BlockingIOError:
                await bell.wait()
                continue
            if not piece:
                break
            for number in array("q", piece):
                yield number
        self._loop.remove_reader(read)
        os.close(read)


async def trip(who, count):
    """Tasks, each awaited before the next is submitted."""
    times = []
    for _ in range(count):
        start = clock()
        answer = await who.add()
        times.append(clock() - start)
        assert answer == 42
    return times


async def tasks(who, count):
    """Tasks of which so many are awaited at once."""
    left = iter(range(count))

    async def lane():
        for _ in left:
            assert await who.add() == 42

    await asyncio.gather(*(lane() for _ in range(IN_FLIGHT)))
    return []


async def gather(who, count):
    """Tasks submitted in one turn of the loop."""
    answers = await asyncio.gather(*(who.add() for _ in range(count)))
    assert len(answers) == count and set(answers) == {42}
    return []


async def stream(who, count):
    """Numbers of one task."""
    following = 0
    async for number in who.numbers(count):
        assert number == following
        following += 1
    assert following == count
    return []


async def beats(who, count):
    """How long it takes from beat to beat of a timer, beside `tasks`."""
    loop, times, last = asyncio.get_running_loop(), [], clock()

    def beat():
        nonlocal last, timer
        now = clock()
        times.append(now - last)
        last = now
        timer = loop.call_later(BEAT, beat)

    timer = loop.call_later(BEAT, beat)
    await tasks(who, count)
    # The beat that was due when the last answer came.
    await asyncio.sleep(2 * BEAT)
    timer.cancel()
    return times


WORKS = {work.__name__: work for work in (trip, tasks, gather, stream, beats)}


async def contenders(package, library, peer, floor):
    return {"wharf": Wharf(package, library), "tokio": Tokio(peer), "floor": Floor(floor)}


async def sample(work, who, count):
    processor, start = time.process_time_ns(), clock()
    times = await work(who, count)
    return [clock() - start, time.process_time_ns() - processor, *times]


def main(paths):
    loop = asyncio.new_event_loop()
    known = loop.run_until_complete(contenders(*paths))
    print("ready", flush=True)
    for line in sys.stdin:
        work, who, count = line.split()
        gc.collect()
        print(*loop.run_until_complete(sample(WORKS[work], known[who], int(count))), flush=True)
    os._exit(0)  # without a look at threads that wait for ever


if __name__ == "__main__":
    main(sys.argv[1:])
