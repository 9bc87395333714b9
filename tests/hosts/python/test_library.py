"""Libraries: found, described, side by side."""

import asyncio
import os
import unittest

import wharf
from harbour import Harbour
from support import LIBRARY, PATH, Case, answer
from wharf._exports import parse

PAGES = os.environ["WHARF_PAGES"]


class Libraries(unittest.TestCase):
    def test_one_that_is_not_there(self):
        with self.assertRaises(OSError):
            wharf.Library("./libnowhere.so")

    def test_one_that_is_not_built_on_wharf(self):
        with self.assertRaises(ImportError):
            wharf.Library("libc.so.6")

    def test_what_it_says_of_itself(self):
        self.assertEqual(LIBRARY.path, PATH)
        self.assertRegex(LIBRARY.version, r"^\d+\.\d+\.\d+")
        exports = {name: export.parameters for name, export in LIBRARY.exports.items()}
        self.assertEqual(exports, Harbour.FUNCTIONS)
        self.assertEqual(LIBRARY.exports["harbour_count"].names, ("count",))
        self.assertEqual(LIBRARY.exports["harbour_add"].doc, "A result at once.")

    def test_a_function_that_is_not_there(self):
        with self.assertRaises(AttributeError):
            LIBRARY.harbour_sink
        with self.assertRaises(AttributeError):
            LIBRARY.function("harbour_sink", ("text",))
        with self.assertRaises(ValueError):
            LIBRARY.function("harbour_add", ("complex",))

    def test_every_kind_of_parameter(self):
        text = """
        /*@F a.rs:1*/
        /**
         * One.
         *
         * Two.
         */
        wharf_status_t all(wharf_port_t port, uint64_t tag,
                           const char *text, const double *row, size_t row_length, size_t size,
                           ptrdiff_t diff, float f, bool b, const wharf_value_t *value, wharf_port_t to,
                           uint16_t small, wharf_task_t *task);
        wharf_status_t raw(int64_t dart_port, wharf_task_t *task);
        """
        (export,) = parse(text)
        kinds = ("text", "double[]", "size", "ptrdiff", "float", "bool", "value", "port", "uint16")
        self.assertEqual((export.name, export.parameters, export.doc), ("all", kinds, "One.\n\nTwo."))


class SideBySide(Case):
    async def test_two_libraries_each_with_its_own(self):
        pages = wharf.Library(PAGES)
        with wharf.Port(pages) as other:
            tasks = []
            for n in range(200):
                tasks += [self.harbour.add(n, 1), other.submit(pages.load_page, "gopher://quay/")]
            ends = await answer(asyncio.gather(*tasks, return_exceptions=True))
            self.assertEqual(ends[::2], list(range(1, 201)))
            self.assertEqual({end.code for end in ends[1::2]}, {2})
            # What belongs to one is nothing to the other.
            with self.assertRaises(wharf.WharfRefusedError):
                wharf.SendPort(LIBRARY, other.id).post(1)
            with self.assertRaises(wharf.WharfRefusedError):
                self.harbour.hail(other, "ahoy")

    async def test_the_packages_own(self):
        async with wharf.Port() as port:
            await answer(port.after(0))
            beats = port.every(0.001)
            self.assertGreaterEqual(await answer(beats.__anext__()), 1)
            await beats.aclose()
        self.assertNotEqual(port.library.path, LIBRARY.path)
        self.assertEqual(port.library.exports, {})
