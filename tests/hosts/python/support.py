"""What the tests of the package have in common."""

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import unittest

import wharf
from harbour import Harbour

#: The library that the tests load: tests/hosts/c/library.
PATH = os.environ["WHARF_HARBOUR"]
LIBRARY = wharf.Library(PATH)
LIBRARY._dll.harbour_alive.restype = LIBRARY._dll.harbour_lent.restype = __import__("ctypes").c_int64
LIBRARY._dll.harbour_hush()  # panics are part of the tests

PATIENCE = 5  # seconds; reaching it is a failure


def alive():
    """How many tasks of the library hold something."""
    return LIBRARY._dll.harbour_alive()


def lent():
    """How many buffers the library has lent out."""
    return LIBRARY._dll.harbour_lent()


def release(let_go):
    """Lets `harbour_hog` end, or not."""
    LIBRARY._dll.harbour_release(let_go)


async def until(what):
    """Lets the loop go round until something holds."""

    async def look():
        while not what():
            await asyncio.sleep(0.001)

    await asyncio.wait_for(look(), PATIENCE)


async def answer(awaitable):
    return await asyncio.wait_for(awaitable, PATIENCE)


class Case(unittest.IsolatedAsyncioTestCase):
    """A test with a port, after which nothing of it may be left."""

    async def asyncSetUp(self):
        self.unheard = []
        loop = asyncio.get_running_loop()
        loop.set_debug(False)  # which is slow, and tells of slowness on standard error
        loop.set_exception_handler(lambda loop, context: self.unheard.append(context))
        self.port = wharf.Port(LIBRARY)
        self.harbour = Harbour(self.port)

    async def asyncTearDown(self):
        await asyncio.wait_for(self.port.aclose(), PATIENCE)
        del self.port, self.harbour
        gc.collect()
        await asyncio.sleep(0)
        await until(lambda: alive() == 0)
        self.assertEqual(self.unheard, [])


def run(program, *arguments, env=None):
    """Runs a program in an interpreter of its own, which has to end by itself, well and without a word
    on standard error; what it prints."""
    prelude = f"import asyncio, os, sys, threading, wharf\nfrom support import *\n"
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-X", "faulthandler", "-c", prelude + textwrap.dedent(program), *arguments],
        cwd=os.path.dirname(os.path.abspath(__file__)),
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if done.returncode or done.stderr:
        raise AssertionError(f"ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout
