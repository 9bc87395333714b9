"""Values of every kind, both ways; bytes without a copy, and their finalizers."""

import array
import asyncio
import gc
import struct

import wharf
from support import LIBRARY, Case, answer, lent, until
from wharf._lend import leases


class Values(Case):
    async def back(self, value):
        return await answer(self.harbour.mirror(value))

    async def test_of_every_type_there_and_back(self):
        for value in (
            None, True, False, 0, -1, 2**63 - 1, -(2**63), 0.0, -1.5, float("inf"), "", "ahoy", "Größe 🚢", [],
            [None, [1, [2.5, ["x", [True]]]], b"bytes"], list(range(1000)), b"", b"\0bytes\xff",
        ):
            got = await self.back(value)
            self.assertEqual(got, value)
            self.assertIs(type(got), type(value))
        self.assertTrue(struct.pack("d", await self.back(float("nan"))) == struct.pack("d", float("nan")))
        self.assertEqual(await self.back((1, (2, 3))), [1, [2, 3]])

    async def test_typed_elements(self):
        for code in "bhiqHIQfd":
            value = array.array(code, [1, 2, 3])
            self.assertEqual(await self.back(value), value)
            self.assertEqual(await self.back(memoryview(value)), value)
            self.assertEqual((await self.back(value)).typecode, code)
        # What C calls long is as wide as something else.
        self.assertEqual(list(await self.back(array.array("l", [1, -2]))), [1, -2])
        self.assertEqual(await self.back(array.array("B", [1, 2])), b"\1\2")
        self.assertEqual(await self.back(bytearray(b"abc")), b"abc")
        self.assertEqual(await self.back(memoryview(b"abcdef")[1:5]), b"bcde")
        self.assertEqual(await self.back(memoryview(b"abcdef")[::2]), b"ace")
        self.assertEqual(await self.back(array.array("d")), array.array("d"))

    async def test_rows(self):
        codes = array.array("i", [0, 5, -1])
        for row in (codes, memoryview(codes), [0, 5, -1], (0, 5, -1), codes.tobytes()):
            self.assertEqual(len(await answer(self.harbour.verdicts(row))), 3)
        self.assertEqual(await answer(self.harbour.verdicts([])), [])
        total, same = await answer(self.harbour.sum(bytearray(b"\1\2\3")))
        self.assertEqual((total, bytes(same)), (6, b"\1\2\3"))

    async def test_optional_text(self):
        self.assertIsNone(await answer(self.harbour.length(None)))
        self.assertEqual(await answer(self.harbour.length("vier")), 4)

    async def test_ports(self):
        self.assertEqual(await self.back(self.port), self.port.send_port)
        self.assertEqual(await self.back([self.port.send_port]), [self.port.send_port])

    async def test_as_deep_as_allowed_and_one_deeper(self):
        def nested(depth):
            value = []
            for _ in range(depth - 1):
                value = [value]
            return value

        depth = 64
        self.assertEqual(await self.back(nested(depth)), nested(depth))
        with self.assertRaises(wharf.WharfRefusedError) as caught:
            self.harbour.mirror(nested(depth + 1))
        self.assertEqual(caught.exception.code, 13)
        endless = []
        endless.append(endless)
        with self.assertRaises(ValueError):
            self.harbour.mirror(endless)

    async def test_text_with_a_nul_inside(self):
        for value in ("a\0", ["a", "\0"]):
            with self.assertRaises(ValueError):
                self.harbour.mirror(value)


class FromTheLibrary(Case):
    async def gone(self):
        """What a future has brought is held by it until the loop has gone round."""
        gc.collect()
        await asyncio.sleep(0)

    async def test_a_finalizer_runs_once_when_the_last_view_goes(self):
        view = await answer(self.harbour.lend(1000))
        self.assertEqual((len(view), bytes(view[:2]), lent()), (1000, b"\7\7", 1))
        part, copy = view[500:], bytes(view)
        await self.gone()
        self.assertEqual(lent(), 1)
        del view
        await self.gone()
        self.assertEqual((lent(), part[0]), (1, 7))
        del part
        await self.gone()
        self.assertEqual((lent(), len(copy)), (0, 1000))

    async def test_many_and_in_any_order(self):
        views = await answer(asyncio.gather(*(self.harbour.lend(1 + n % 7) for n in range(500))))
        self.assertEqual(lent(), 500)
        del views[::2]
        await self.gone()
        self.assertEqual(lent(), 250)
        views.clear()
        await self.gone()
        self.assertEqual(lent(), 0)

    async def test_nothing_at_all_is_given_back_too(self):
        view = await answer(self.harbour.lend(0))
        self.assertEqual(len(view), 0)
        await self.gone()
        self.assertEqual(lent(), 0)

    async def test_what_nobody_takes_is_given_back(self):
        port = wharf.Port(LIBRARY)
        for _ in range(10):
            port.submit(LIBRARY.harbour_lend, 10)
        while port.stats().waiting < 10:
            pass
        self.assertEqual(lent(), 10)
        port._queue.library._wharf_port_close(port.id, -1)
        self.assertEqual(lent(), 0)
        port.close()

    async def test_it_can_be_written_to(self):
        view = await answer(self.harbour.lend(4))
        view[1] = 9
        self.assertEqual(bytes(view), b"\7\x09\7\7")


class FromPython(Case):
    async def test_a_buffer_is_held_until_the_library_lets_go(self):
        buffer = bytearray(b"12345")
        task = self.harbour.keep(wharf.External(buffer))
        self.assertEqual(len(leases), 1)
        with self.assertRaises(BufferError):
            buffer.append(6)
        await self.harbour.add(1, 2)
        with self.assertRaises(BufferError):
            buffer.append(6)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertEqual(len(leases), 0)
        buffer.append(6)

    async def test_by_the_time_of_the_answer_it_is_free(self):
        for _ in range(300):
            buffer = bytearray(100)
            self.assertEqual(await answer(self.harbour.measure(wharf.External(buffer))), 100)
            self.assertEqual(len(leases), 0)
            buffer.append(1)

    async def test_there_and_back_it_is_the_same_memory(self):
        buffer = array.array("i", [1, 2, 3])
        view = await answer(self.harbour.mirror([wharf.External(buffer), "beside it"]))
        view = view[0]
        self.assertEqual((view.format, view.tolist(), view.readonly), ("i", [1, 2, 3], False))
        view[1] = 20
        self.assertEqual(buffer[1], 20)
        self.assertEqual(len(leases), 1)
        del view
        await asyncio.sleep(0)
        await self.harbour.add(1, 2)
        self.assertEqual(len(leases), 0)
        buffer.append(4)

    async def test_what_may_not_be_written_to(self):
        view = await answer(self.harbour.mirror(wharf.External(b"constant")))
        self.assertEqual((bytes(view), view.readonly), (b"constant", True))

    async def test_a_refused_call_lets_go_at_once(self):
        buffer = bytearray(5)
        for value in ([wharf.External(buffer), object()], [object(), wharf.External(buffer)]):
            with self.assertRaises(TypeError):
                self.harbour.mirror(value)
        self.assertEqual(len(leases), 0)
        buffer.append(1)
        closed = wharf.Port(LIBRARY)
        closed.close()
        with self.assertRaises(wharf.WharfRefusedError):
            closed.submit(LIBRARY.harbour_measure, wharf.External(buffer))
        with self.assertRaises(wharf.WharfRefusedError):
            closed.post(wharf.External(buffer))
        self.assertEqual(len(leases), 0)
        buffer.append(1)

    async def test_what_can_not_be_lent(self):
        with self.assertRaises(BufferError):
            wharf.External(memoryview(b"abcdef")[::2])
        with self.assertRaises(TypeError):
            wharf.External(5)

    async def test_flags_are_used_again(self):
        await answer(self.harbour.measure(wharf.External(b"12345")))
        free = len(leases._free)
        for _ in range(50):
            await answer(asyncio.gather(*(self.harbour.measure(wharf.External(b"1")) for _ in range(10))))
        self.assertEqual((len(leases), len(leases._free)), (0, free))
