"""The library `pages`, through its module, against a site that is up; and what the package's page shows."""

import asyncio
import os
import pathlib
import re
import sys
import unittest

import wharf
from support import Case, answer

ROOT = pathlib.Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "examples" / "python"))
from pages_bindings import (  # noqa: E402
    PAGE_BODY, PAGE_BYTES, PAGE_ERROR_UNSUPPORTED_SCHEME, PAGE_LENGTH, PAGE_STATUS, PAGE_TIME_NS, Pages,
)

PAGES, CA, HTTP = (os.environ[f"WHARF_{name}"] for name in ("PAGES", "CA", "HTTP"))
URLS = os.environ["WHARF_URLS"].split("\n")


class Hosted(Case):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.port_of_pages = wharf.Port(wharf.Library(PAGES))
        self.pages = Pages(self.port_of_pages)

    async def asyncTearDown(self):
        await self.port_of_pages.aclose()
        await super().asyncTearDown()

    async def test_a_page_is_awaited(self):
        page = await answer(self.pages.load_page(f"http://{HTTP}/"))
        self.assertEqual(page[PAGE_STATUS], 200)
        self.assertEqual(len(page), PAGE_LENGTH)
        self.assertGreater(page[PAGE_TIME_NS], 0)
        self.assertEqual(page[PAGE_BYTES], len(page[PAGE_BODY].encode()))

    async def test_all_at_once_and_each_its_own(self):
        with open(CA, "rb") as pem:
            self.assertEqual(await answer(self.pages.trust_certificates(pem.read())), 1)
        urls = URLS + [f"http://{HTTP}/", f"http://{HTTP}/there/is/none/of/this/name"]
        loaded = await answer(asyncio.gather(*(self.pages.load_page(url) for url in urls)))
        again = await answer(asyncio.gather(*(self.pages.load_page(url) for url in urls)))
        for url, page, other in zip(urls, loaded, again):
            self.assertEqual(page[PAGE_BODY], other[PAGE_BODY], url)
        self.assertEqual(loaded[-1][PAGE_STATUS], 404)

    async def test_a_failure_is_an_exception_with_its_code(self):
        with self.assertRaises(wharf.WharfTaskError) as caught:
            await answer(self.pages.load_page("gopher://quay/"))
        self.assertEqual(caught.exception.code, PAGE_ERROR_UNSUPPORTED_SCHEME)
        self.assertIn("gopher", str(caught.exception))

    async def test_given_up_in_the_middle(self):
        loads = [self.pages.load_page(url) for url in URLS]
        for turn, load in enumerate(loads):
            if turn % 2:
                load.cancel()
        ends = await answer(asyncio.gather(*loads, return_exceptions=True))
        self.assertEqual({type(end) for end in ends[1::2]}, {asyncio.CancelledError})
        self.assertNotIn(asyncio.CancelledError, {type(end) for end in ends[::2]})


class Readme(unittest.TestCase):
    def test_its_programs(self):
        text = (ROOT / "ffi" / "hosts" / "python" / "README.md").read_text(encoding="utf-8")
        programs = re.findall(r"^```python( no_run)?\n(.*?)^```", text, re.S | re.M)
        self.assertEqual([bool(no_run) for no_run, _ in programs], [False, True])
        for no_run, program in programs:
            code = compile(program, "README.md", "exec")
            if not no_run:
                exec(code, {"__name__": "__main__"})
