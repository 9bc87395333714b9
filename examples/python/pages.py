"""Loads web pages with the library `pages`, from asyncio, with Python's standard library alone.

    cargo build --release --package pages
    python3 examples/python/pages.py target/release/libpages.so https://example.org/ ...

The descriptor of a port is one of those that the loop waits for, beside its sockets. So everything of
Python's happens on the loop's thread, and no thread of the library's ever asks for Python's lock. One port
serves all tasks: each has a tag, and each tag a future.
"""

import argparse
import asyncio
import ctypes as c
import sys

OK, EMPTY = 0, 2
KIND_OK = 1
NULL, BOOL, INT32, INT64, DOUBLE, STRING, ARRAY = range(7)
PAGE_STATUS, PAGE_TITLE, PAGE_BYTES, PAGE_TIME_NS, PAGE_BODY = range(5)
FOREVER = c.c_int64(-1)


class Value(c.Structure):
    """A `wharf_value_t`."""


class Array(c.Structure):
    """Values in a row."""

    _fields_ = [("length", c.c_ssize_t), ("values", c.POINTER(c.POINTER(Value)))]


class Payload(c.Union):
    """What a value holds; its type says which."""

    _fields_ = [
        ("as_bool", c.c_bool),
        ("as_int32", c.c_int32),
        ("as_int64", c.c_int64),
        ("as_double", c.c_double),
        ("as_string", c.c_char_p),
        ("as_array", Array),
        # The largest member, external data, has five words.
        ("words", c.c_void_p * 5),
    ]


Value._fields_ = [("type", c.c_int32), ("value", Payload)]


class Message(c.Structure):
    """A `wharf_message_t`."""

    _fields_ = [
        ("tag", c.c_uint64),
        ("task", c.c_uint64),
        ("kind", c.c_int32),
        ("code", c.c_int32),
        ("value", Value),
    ]


class Refused(Exception):
    """A call was refused; it has done nothing."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Failed(Exception):
    """A task has not ended well. Its code is the library's own, or that of wharf, below 0."""

    def __init__(self, kind, code, text):
        super().__init__(text)
        self.kind = kind
        self.code = code


def python_of(value):
    """A value as Python has it, copied."""
    payload = value.value
    if value.type == ARRAY:
        array = payload.as_array
        return [python_of(array.values[at].contents) for at in range(array.length)]
    if value.type == STRING:
        return payload.as_string.decode()
    plain = {NULL: None, BOOL: "as_bool", INT32: "as_int32", INT64: "as_int64", DOUBLE: "as_double"}
    member = plain[value.type]
    return getattr(payload, member) if member else None


class Port:
    """A port of a library built on wharf, in the running loop of asyncio's."""

    BATCH = 64

    def __init__(self, path):
        self._loop = asyncio.get_running_loop()
        self._library = c.CDLL(path)
        self._library.wharf_message_text.restype = c.c_char_p
        self._futures = {}
        self._tag = 0
        self._messages = (Message * self.BATCH)()
        self._port = c.c_uint64()
        self._call("wharf_port_open", c.c_uint64(0), None, c.byref(self._port))
        descriptor = c.c_int()
        self._call("wharf_port_descriptor", self._port, c.byref(descriptor))
        self._descriptor = descriptor.value
        self._loop.add_reader(self._descriptor, self._drain)

    def submit(self, function, *arguments):
        """Calls a function that takes a port, a tag, these arguments (as ctypes) and a place for the
        task's id. Returns a future; who cancels it cancels the task."""
        self._tag += 1
        tag, task = self._tag, c.c_uint64()
        self._call(function, self._port, c.c_uint64(tag), *arguments, c.byref(task))
        # The answer may be there already; it is taken out by the loop, which is not at it just now.
        future = self._futures[tag] = self._loop.create_future()
        future.add_done_callback(lambda future: future.cancelled() and self._give_up(task))
        return future

    def close(self):
        """Ends what still runs, and waits until it has ended."""
        self._loop.remove_reader(self._descriptor)
        self._call("wharf_port_close", self._port, FOREVER)
        futures, self._futures = self._futures, {}
        for future in futures.values():
            future.cancel()

    def _give_up(self, task):
        # A status where the task has ended meanwhile.
        self._library.wharf_task_cancel(task)

    def _call(self, function, *arguments):
        status = getattr(self._library, function)(*arguments)
        if status != OK:
            why = c.create_string_buffer(512)
            self._library.wharf_last_error_message(why, c.c_size_t(len(why)))
            raise Refused(status, why.value.decode())

    def _drain(self):
        """Takes out one batch. If that was not all, the descriptor stays readable, and the loop calls
        again, after the others that wait for it."""
        count = c.c_size_t()
        status = self._library.wharf_port_recv_batch(
            self._port, self._messages, c.c_size_t(self.BATCH), c.byref(count), c.c_int64(0)
        )
        if status == EMPTY:
            return
        try:
            for message in self._messages[: count.value]:
                self._answer(message)
        finally:
            self._call("wharf_messages_free", self._messages, count)

    def _answer(self, message):
        future = self._futures.pop(message.tag, None)
        if future is None or future.done():
            return
        if message.kind == KIND_OK:
            future.set_result(python_of(message.value))
            return
        text = self._library.wharf_message_text(c.byref(message)) or b"ended early"
        future.set_exception(Failed(message.kind, message.code, text.decode()))


class Pages(Port):
    """The library `pages`."""

    def load(self, url):
        """A future of the page's parts, by PAGE_..."""
        return self.submit("load_page", c.c_char_p(url.encode()))

    def trust(self, pem):
        """A future of how many certificates are trusted from now on."""
        return self.submit("trust_certificates", pem, c.c_size_t(len(pem)))


async def show(pages, url):
    """Prints a line for a page; whether it came."""
    try:
        page = await pages.load(url)
    except Failed as failed:
        print(f"{url}: {failed}")
        return False
    print(f"{page[PAGE_STATUS]} {page[PAGE_BYTES]:>9} {page[PAGE_TITLE]} <{url}>")
    return True


async def main(options):
    pages = Pages(options.library)
    try:
        if options.trust:
            with open(options.trust, "rb") as pem:
                await pages.trust(pem.read())
        came = await asyncio.gather(*(show(pages, url) for url in options.urls))
    finally:
        pages.close()
    return 0 if all(came) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Loads web pages, all at once.")
    parser.add_argument("library", help="libpages.so, with its path")
    parser.add_argument("urls", nargs="+", metavar="URL")
    parser.add_argument("--trust", metavar="PEM", help="certificates of further authorities")
    sys.exit(asyncio.run(main(parser.parse_args())))
