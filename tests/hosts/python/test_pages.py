"""The Python example against a site that is up: `test_pages.py LIBRARY CA HTTP URL...`."""

import asyncio
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "examples" / "python"))
import pages as host  # noqa: E402

LIBRARY, CA, HTTP, *URLS = sys.argv[1:]
PATIENCE = 60  # seconds; reaching it is a failure


class Hosted(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.pages = host.Pages(LIBRARY)

    async def asyncTearDown(self):
        self.pages.close()

    async def end_of(self, awaitable):
        return await asyncio.wait_for(awaitable, PATIENCE)

    async def test_a_page_is_awaited(self):
        page = await self.end_of(self.pages.load(f"http://{HTTP}/"))
        self.assertEqual(page[host.PAGE_STATUS], 200)
        self.assertEqual(len(page), 5)
        self.assertGreater(page[host.PAGE_TIME_NS], 0)
        self.assertEqual(page[host.PAGE_BYTES], len(page[host.PAGE_BODY].encode()))

    async def test_all_at_once_and_each_its_own(self):
        with open(CA, "rb") as pem:
            self.assertEqual(await self.end_of(self.pages.trust(pem.read())), 1)
        urls = URLS + [f"http://{HTTP}/", f"http://{HTTP}/there/is/none/of/this/name"]
        loaded = await self.end_of(asyncio.gather(*(self.pages.load(url) for url in urls)))
        again = await self.end_of(asyncio.gather(*(self.pages.load(url) for url in urls)))
        for url, page, other in zip(urls, loaded, again):
            self.assertEqual(page[host.PAGE_BODY], other[host.PAGE_BODY], url)
        self.assertEqual(loaded[-1][host.PAGE_STATUS], 404)

    async def test_a_failure_is_an_exception_with_its_code(self):
        with self.assertRaises(host.Failed) as caught:
            await self.end_of(self.pages.load("gopher://quay/"))
        self.assertEqual(caught.exception.code, 2)
        self.assertIn("gopher", str(caught.exception))

    async def test_a_refused_call_raises_and_leaves_nothing(self):
        with self.assertRaises(host.Refused) as caught:
            self.pages.submit("load_page", None)
        self.assertEqual(caught.exception.status, 10)
        self.assertEqual(self.pages._futures, {})

    async def test_the_loop_goes_on_meanwhile(self):
        ticks, done = 0, asyncio.Event()

        async def tick():
            nonlocal ticks
            while not done.is_set():
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        await self.end_of(asyncio.gather(*(self.pages.load(f"http://{HTTP}/") for _ in range(300))))
        done.set()
        await ticking
        # More messages than go into a batch: the loop has come round between two.
        self.assertGreater(ticks, 300 // host.Port.BATCH)

    async def test_who_cancels_the_future_cancels_the_task(self):
        asked = []
        self.pages._give_up = lambda task: asked.append(self.pages._library.wharf_task_cancel(task))
        # Nobody answers there.
        silent = self.pages.submit("wharf_timer_after", host.c.c_uint64(3600 * 10**9))
        silent.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await silent
        await asyncio.sleep(0)
        self.assertEqual(asked, [host.OK])
        # The task's last word is taken out and does no harm.
        while self.pages._futures:
            await asyncio.sleep(0)
        await self.end_of(self.pages.load(f"http://{HTTP}/"))

    async def test_closing_ends_what_is_awaited(self):
        other = host.Pages(LIBRARY)
        forever = other.submit("wharf_timer_after", host.c.c_uint64(3600 * 10**9))
        other.close()
        with self.assertRaises(asyncio.CancelledError):
            await forever
        with self.assertRaises(host.Refused):
            other.load(f"http://{HTTP}/")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
