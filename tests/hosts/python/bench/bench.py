"""Tasks awaited from asyncio: through wharf, and through what else there is.

    bench.py --library libharbour.so [--peer peer.so] [--rounds N] [--who wharf,executor,...]

Each round is a process of its own, and those of all kinds take turns: what differs between two
processes (where the system puts their threads) is more than what differs inside of one. Prints the
median of the rounds and, in brackets, the quartiles; and the ratios, which are what counts.

* one: a task is awaited before the next is submitted; the median of a trip, in µs
* many: as many tasks as asked for (100,000) in one `gather`; thousands a second
"""

import argparse
import asyncio
import ctypes
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = HERE.parents[3] / "ffi" / "hosts" / "python"
WHO = ["floor", "wharf", "executor", "peer"]


def wharf(options):
    sys.path.insert(0, str(PACKAGE))
    import wharf

    library = wharf.Library(options.library)
    port = wharf.Port(library)
    add = library.harbour_add
    return lambda: port.submit(add, 40, 2)


def executor(options):
    loop, pool = asyncio.get_running_loop(), ThreadPoolExecutor(2)
    add = int.__add__
    return lambda: loop.run_in_executor(pool, add, 40, 2)


def peer(options):
    spec = importlib.util.spec_from_file_location("peer", options.peer)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda: module.add(40, 2)


def floor(options):
    loop, waiting = asyncio.get_running_loop(), deque()
    # The one that is written to is waited for by a read; the other by the loop.
    request, answer = os.eventfd(0, os.EFD_CLOEXEC), os.eventfd(0, os.EFD_NONBLOCK)
    ctypes.CDLL(options.floor).start(request, answer)

    def submit():
        future = loop.create_future()
        waiting.append(future)
        os.eventfd_write(request, 1)
        return future

    def answered():
        for _ in range(os.eventfd_read(answer)):
            waiting.popleft().set_result(42)

    loop.add_reader(answer, answered)
    return submit


async def measure(options):
    submit = globals()[options.round](options)
    clock = time.perf_counter_ns
    for _ in range(1000):
        await submit()
    trips = []
    for _ in range(options.trips):
        start = clock()
        await submit()
        trips.append(clock() - start)
    await asyncio.gather(*(submit() for _ in range(1000)))
    start = clock()
    answers = await asyncio.gather(*(submit() for _ in range(options.tasks)))
    took = clock() - start
    assert len(answers) == options.tasks and set(answers) <= {42}, answers[:3]
    return {"one": statistics.median(trips) / 1000, "many": options.tasks / took * 1e6}


def main(options):
    if options.round:
        print(json.dumps(asyncio.run(measure(options))))
        sys.stdout.flush()
        os._exit(0)  # without a look at threads that wait for ever
    with tempfile.TemporaryDirectory() as folder:
        options.floor = f"{folder}/floor.so"
        compile = ["cc", "-O2", "-shared", "-fPIC", "-pthread", "-o", options.floor]
        subprocess.run([*compile, HERE / "floor.c"], check=True)
        who = [one for one in options.who.split(",") if one != "peer" or options.peer]
        rounds = {one: [] for one in who}
        for _ in range(options.rounds):
            for one in who:
                rounds[one].append(run(options, one))
    for row in ("one", "many"):
        for one in who:
            show(row, one, [it[row] for it in rounds[one]], [it[row] for it in rounds[who[0]]])


def run(options, who):
    given = [f"--{name}={getattr(options, name)}" for name in ("library", "peer", "floor", "trips", "tasks")]
    program = [sys.executable, "-B", __file__, f"--round={who}", *given]
    return json.loads(subprocess.run(program, check=True, stdout=subprocess.PIPE).stdout)


def show(row, who, values, base):
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    ratio = statistics.median(value / other for value, other in zip(values, base))
    unit = "µs" if row == "one" else "k/s"
    print(f"{row:5} {who:9} {middle:7.1f} {unit} [{low:.1f}, {high:.1f}]   {ratio:5.2f} of the first")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="See the head of this file.")
    parser.add_argument("--library", required=True)
    parser.add_argument("--peer", default="")
    parser.add_argument("--floor", default="")
    parser.add_argument("--who", default=",".join(WHO))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--trips", type=int, default=3000)
    parser.add_argument("--tasks", type=int, default=100000)
    parser.add_argument("--round", default="")
    main(parser.parse_args())
