"""Loads web pages through a library written in Rust, from asyncio, and stays responsive.

    cargo build --release --package pages
    pip install ./ffi/hosts/python            # or: export PYTHONPATH=ffi/hosts/python
    python3 examples/python/pages.py target/release/libpages.so https://example.org/ ...

A URL may also be a file with one URL a line. A beat of 16 ms meanwhile shows how long the library has held the
loop up. Exit status: 0 if every accepted submit got exactly one answer (with --all: and every page was
loaded), 3 if pages failed with --all, 4 if an answer was lost or came twice.
"""

import argparse
import asyncio
import math
import re
import sys
import time

import wharf
from pages_bindings import PAGE_BYTES, PAGE_STATUS, PAGE_TIME_NS, PAGE_TITLE, Pages

BEAT = 0.016  # seconds


class Host:
    """The run, as it goes."""

    def __init__(self, pages, options, urls):
        self.pages, self.options, self.urls = pages, options, urls
        self.answers = [0] * len(urls)
        self.loaded = self.failed = self.bytes = 0
        self.longest_gap, self.seconds = BEAT, 0.0
        self.bar = sys.stderr.isatty()

    async def load_all(self):
        """Loads all pages, so many at once as the options say."""
        start = time.monotonic()
        beats = asyncio.create_task(self.beat())
        left = iter(range(len(self.urls)))

        async def loader():
            for index in left:
                await self.load(index)

        await asyncio.gather(*(loader() for _ in range(self.options.concurrency)))
        self.seconds = time.monotonic() - start
        # The last beat may still be due: a run that was held up to its end counts.
        await asyncio.sleep(BEAT)
        beats.cancel()

    async def beat(self):
        latest = time.monotonic()
        while True:
            await asyncio.sleep(max(0.0, latest + BEAT - time.monotonic()))
            now = time.monotonic()
            self.longest_gap = max(self.longest_gap, now - latest)
            latest = now

    async def load(self, index):
        url = self.urls[index]
        try:
            page = await self.pages.load_page_within(url, self.options.time_limit * 10**6, 0)
        except wharf.WharfRefusedError as error:
            self.failed += 1
            self.show(f"refused: {error.message}  {clean(url)}")
        except wharf.WharfTaskError as error:
            self.failed += 1
            self.show(f"error {error.code}: {clean(error.message)}  {clean(url)}")
        else:
            self.loaded += page[PAGE_STATUS] < 400
            self.failed += page[PAGE_STATUS] >= 400
            self.bytes += page[PAGE_BYTES]
            self.show(
                f"{page[PAGE_STATUS]:3} {page[PAGE_BYTES]:9} bytes {page[PAGE_TIME_NS] / 1e6:6.1f} ms  "
                f"{clean(page[PAGE_TITLE] or url)}"
            )
        self.answers[index] += 1

    def show(self, line):
        if self.bar:
            sys.stderr.write("\r\x1b[K")
        if not self.options.quiet:
            print(line)
        if self.bar:
            done = self.loaded + self.failed + 1
            filled = done * 40 // len(self.urls)
            sys.stderr.write(f"\r[{'#' * filled:.<40}] {done} of {len(self.urls)}")

    def summary(self):
        """Prints what has become of it; the exit status."""
        if self.bar:
            sys.stderr.write("\r\x1b[K")
        count, lost = len(self.urls), self.answers.count(0)
        twice = sum(answers > 1 for answers in self.answers)
        if twice:
            print(f"{twice} pages were answered twice")
        print(
            f"{self.bytes / 1e6:.1f} MB in {self.seconds:.2f} s, "
            f"at most {self.options.concurrency} under way at once"
        )
        held_up = math.ceil((self.longest_gap - BEAT) * 1000)
        print(
            f"{count} pages: {self.loaded} loaded, {self.failed} failed, {lost} lost, "
            f"{self.loaded / self.seconds:.0f} pages/s, host held up at most {held_up} ms"
        )
        if lost or twice:
            return 4
        return 3 if self.options.all and self.loaded != count else 0


def clean(text):
    """At most 60 characters of a text from the web, and none that moves a cursor."""
    text = re.sub(r"[\x00-\x1f\x7f-\x9f]", "?", text)
    return text if len(text) <= 60 else text[:60] + "..."


def listed(words):
    """URLs, and those in files."""
    for word in words:
        if "://" in word:
            yield word
        else:
            with open(word, encoding="utf-8") as lines:
                yield from filter(None, map(str.strip, lines))


async def main(options):
    async with wharf.Port(wharf.Library(options.library)) as port:
        pages = Pages(port)
        if options.trust:
            with open(options.trust, "rb") as pem:
                await pages.trust_certificates(pem.read())
        host = Host(pages, options, list(listed(options.urls)))
        await host.load_all()
        return host.summary()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Loads web pages, all at once.")
    parser.add_argument("library", help="libpages.so, with its path")
    parser.add_argument("urls", nargs="+", metavar="URL|FILE")
    parser.add_argument("--concurrency", type=int, default=50, metavar="N", help="under way at once")
    parser.add_argument("--time-limit", type=int, default=30000, metavar="MS", help="of one page")
    parser.add_argument("--trust", metavar="PEM", help="certificates of further authorities")
    parser.add_argument("--all", action="store_true", help="fail unless every page is loaded")
    parser.add_argument("--quiet", action="store_true", help="no line a page, only the summary")
    sys.exit(asyncio.run(main(parser.parse_args())))
