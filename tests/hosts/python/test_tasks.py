"""Tasks: one answer each, errors, cancelling, and turns of the loop."""

import asyncio
import contextvars
import threading

import wharf
from support import LIBRARY, Case, alive, answer, lent, release, until


class Answers(Case):
    async def test_each_task_has_one_answer_and_its_own(self):
        numbers = range(20_000)
        answers = await answer(asyncio.gather(*(self.harbour.add(n, 1) for n in numbers)))
        self.assertEqual(answers, [n + 1 for n in numbers])
        self.assertEqual(self.port.pending, 0)
        stats = self.port.stats()
        self.assertEqual((stats.posted, stats.waiting, stats.tasks), (len(numbers), 0, 0))

    async def test_many_ways_to_end_at_once(self):
        ways = [lambda: self.harbour.add(1, 1), lambda: self.harbour.fail(7), lambda: self.harbour.panic("oh"),
                lambda: self.harbour.sleep(1000)]
        ends = await answer(asyncio.gather(*(ways[i % 4]() for i in range(400)), return_exceptions=True))
        self.assertEqual([ends[i] for i in range(0, 400, 4)], [2] * 100)
        self.assertEqual({type(ends[i]) for i in range(1, 400, 4)}, {wharf.WharfTaskError})
        self.assertEqual({type(ends[i]) for i in range(2, 400, 4)}, {wharf.WharfPanicError})
        self.assertEqual([ends[i] for i in range(3, 400, 4)], [1000] * 100)

    async def test_an_error_has_code_text_and_causes(self):
        with self.assertRaises(wharf.WharfTaskError) as caught:
            await answer(self.harbour.fail(7))
        error = caught.exception
        self.assertEqual((error.kind, error.code, error.message), ("error", 7, "the harbour is closed"))
        self.assertIn("os error 2", error.causes[0])
        self.assertIsInstance(error, wharf.WharfError)

    async def test_a_panic_is_its_own_kind_and_others_go_on(self):
        with self.assertRaises(wharf.WharfPanicError) as caught:
            await answer(self.harbour.panic("man overboard"))
        self.assertEqual((caught.exception.kind, str(caught.exception)), ("panic", "man overboard"))
        self.assertEqual(await answer(self.harbour.add(1, 2)), 3)

    async def test_an_error_of_wharfs_own_has_a_code_below_0(self):
        with self.assertRaises(wharf.WharfTaskError) as caught:
            await answer(self.harbour.unsendable())
        self.assertEqual(caught.exception.code, -13)

    async def test_progress_is_told_in_order(self):
        told = []
        count = self.port.submit(LIBRARY.harbour_count, 1000, on_data=told.append)
        self.assertEqual(await answer(count), 1000)
        self.assertEqual(told, list(range(1000)))
        self.assertEqual(self.port._queue.on_data, {})

    async def test_progress_that_fails_harms_nobody(self):
        def fail(number):
            raise ZeroDivisionError

        self.assertEqual(await answer(self.port.submit(LIBRARY.harbour_count, 3, on_data=fail)), 3)
        self.assertEqual([type(one["exception"]) for one in self.unheard], [ZeroDivisionError] * 3)
        self.unheard.clear()

    async def test_progress_is_told_in_the_context_of_its_submit(self):
        about = contextvars.ContextVar("about", default="nobody")
        told, tasks = [], []
        for name in ("a", "b"):
            about.set(name)
            tasks.append(
                self.port.submit(LIBRARY.harbour_count, 2, on_data=lambda number: told.append(about.get()))
            )
        about.set("later")
        await answer(asyncio.gather(*tasks))
        self.assertEqual(sorted(told), ["a", "a", "b", "b"])

    async def test_credit_bounds_what_is_under_way(self):
        port = wharf.Port(LIBRARY, credit=4)
        seen, most = [], []

        def look(number):
            seen.append(number)
            most.append(port.stats().posted - len(seen))

        self.assertEqual(await answer(port.submit(LIBRARY.harbour_count, 500, on_data=look)), 500)
        self.assertEqual(seen, list(range(500)))
        self.assertLess(max(most), 4)
        port.close()

    async def test_the_loop_comes_round_between_batches(self):
        tasks = [self.harbour.add(n, 1) for n in range(2000)]
        # Not by the loop's turns, which would take them out.
        while self.port.stats().waiting < 2000:
            pass
        turns, most, done = 0, 0, 0
        while done < len(tasks):
            await asyncio.sleep(0)
            now = sum(task.done() for task in tasks)
            turns, most, done = turns + (now > done), max(most, now - done), now
        self.assertLessEqual(most, 128)
        self.assertGreaterEqual(turns, 2000 // 128)

    async def test_timers(self):
        loop = asyncio.get_running_loop()
        start = loop.time()
        self.assertIsNone(await answer(self.port.after(0.005)))
        self.assertGreaterEqual(loop.time() - start, 0.005)
        beats = []
        async with self.port.every(0.001) as every:
            async for beat in every:
                beats.append(beat)
                if len(beats) == 5:
                    break
        self.assertEqual(beats, sorted(set(beats)))
        # Those that come too late are left out.
        self.assertGreaterEqual(beats[0], 1)


class Refusals(Case):
    async def refused(self, kind, call):
        """Nothing is left of a call that is refused."""
        before = (alive(), lent(), self.port.stats().posted)
        with self.assertRaises(kind) as caught:
            call()
        self.assertEqual(self.port.pending, 0)
        self.assertEqual(self.port.stats().tasks, 0)
        self.assertEqual((alive(), lent(), self.port.stats().posted), before)
        return caught.exception

    async def test_what_can_not_be_passed(self):
        add, echo = self.harbour.add, self.harbour.echo
        for number in (2**63, -(2**63) - 1):
            await self.refused(OverflowError, lambda: add(number, 0))
            await self.refused(OverflowError, lambda: self.harbour.mirror(number))
            await self.refused(OverflowError, lambda: self.harbour.mirror([1, [number]]))
        await self.refused(OverflowError, lambda: self.harbour.fail(2**31))
        await self.refused(OverflowError, lambda: self.harbour.lend(-1))
        await self.refused(TypeError, lambda: add(1.5, 0))
        await self.refused(TypeError, lambda: add("1", 0))
        await self.refused(TypeError, lambda: echo(b"bytes"))
        await self.refused(ValueError, lambda: echo("a\0b"))
        await self.refused(UnicodeEncodeError, lambda: echo("\ud800"))
        await self.refused(TypeError, lambda: self.harbour.mirror(object()))
        for function, count in (("wait", 0), ("echo", 1), ("add", 2), ("nest", 3), ("mirror", 1)):
            function = LIBRARY.function("harbour_" + function)
            for wrong in {count - 1, count + 1} - {-1}:
                await self.refused(TypeError, lambda: self.port.submit(function, *[1] * wrong))
        await self.refused(TypeError, lambda: self.harbour.verdicts(b"12345"))
        await self.refused(OverflowError, lambda: self.harbour.verdicts([2**31]))

    async def test_what_the_library_refuses(self):
        error = await self.refused(wharf.WharfRefusedError, lambda: self.harbour.echo(None))
        self.assertEqual(error.code, 10)
        self.assertIn("text", error.message)
        error = await self.refused(wharf.WharfRefusedError, lambda: self.harbour.measure(5))
        self.assertEqual(error.code, 13)

    async def test_limits_at_n_and_one_above(self):
        for number in (2**63 - 1, -(2**63)):
            self.assertEqual(await answer(self.harbour.mirror(number)), number)
        port = wharf.Port(LIBRARY, max_tasks=3)
        tasks = [port.submit(LIBRARY.harbour_wait) for _ in range(3)]
        with self.assertRaises(wharf.WharfRefusedError) as caught:
            port.submit(LIBRARY.harbour_wait)
        self.assertEqual(caught.exception.code, 40)
        tasks[0].cancel()
        await until(tasks[0].done)
        port.submit(LIBRARY.harbour_wait)
        self.assertEqual(port.pending, 3)
        port.close()

    async def test_a_foreign_thread_may_not_submit(self):
        caught = []

        def submit():
            try:
                self.harbour.add(1, 2)
            except RuntimeError as error:
                caught.append(error)

        thread = threading.Thread(target=submit)
        thread.start()
        thread.join()
        self.assertEqual(len(caught), 1)
        self.assertEqual(self.port.stats().tasks, 0)


class Cancelling(Case):
    async def test_acknowledged_when_what_it_held_is_free(self):
        for _ in range(50):
            task = self.harbour.wait()
            await until(lambda: alive() == 1)
            self.assertTrue(task.cancel())
            self.assertFalse(task.done())
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual(alive(), 0)
            self.assertFalse(task.cancel())

    async def test_at_many_points(self):
        ends = []
        for turns in range(40):
            for yields in (0, 1, 10, 1000):
                task = self.harbour.shift(yields)
                for _ in range(turns):
                    await asyncio.sleep(0)
                asked = task.cancel()
                try:
                    ends.append(await answer(task))
                    # Too late to ask, then.
                    self.assertFalse(asked)
                    self.assertEqual(ends[-1], yields)
                except asyncio.CancelledError:
                    self.assertTrue(asked)
                    ends.append("cancelled")
                self.assertEqual(alive(), 0)
        self.assertEqual(len(ends), 160)
        self.assertIn("cancelled", ends)
        self.assertEqual(self.port.pending, 0)

    async def test_whoever_awaits_is_cancelled_with_it(self):
        async def wait():
            await self.harbour.wait()

        waiter = asyncio.ensure_future(wait())
        await until(lambda: alive() == 1)
        waiter.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await waiter
        self.assertEqual(alive(), 0)

    async def test_a_time_limit_waits_for_the_end(self):
        for _ in range(10):
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(self.harbour.wait(), 0.001)
            self.assertEqual(alive(), 0)

    async def test_all_of_a_crowd(self):
        tasks = [self.harbour.wait() for _ in range(2000)]
        gathered = asyncio.gather(*tasks)
        gathered.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await answer(gathered)
        await until(lambda: all(task.cancelled() for task in tasks))
        self.assertEqual(alive(), 0)

    async def test_a_cancel_beside_an_answer_is_not_lost(self):
        rounds = 0

        async def for_ever():
            nonlocal rounds
            while True:
                await self.harbour.add(1, 2)
                rounds += 1

        for _ in range(100):
            endless = asyncio.ensure_future(for_ever())
            before = rounds
            while rounds == before:
                await asyncio.sleep(0)
            endless.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await answer(endless)

    async def test_a_result_that_waits_already_is_dropped_and_freed(self):
        task = self.harbour.lend(10)
        # Not by the loop's turns, which would take it out.
        while self.port.stats().waiting == 0:
            pass
        self.assertEqual(lent(), 1)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertEqual(lent(), 0)

    async def test_one_that_panics_at_it_is_cancelled_all_the_same(self):
        task = self.harbour.trap()
        await until(lambda: alive() == 1)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await answer(task)
        self.assertEqual(await answer(self.harbour.add(1, 2)), 3)

    async def test_a_function_that_looks_for_itself(self):
        task = self.harbour.turn()
        await until(lambda: alive() == 1)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await answer(task)
        self.assertEqual(alive(), 0)

    async def test_one_that_does_not_look_holds_nobody_up_but_who_waits_for_it(self):
        release(False)
        task = self.harbour.hog()
        await until(lambda: alive() == 1)
        task.cancel()
        self.assertEqual(await answer(self.harbour.add(1, 2)), 3)
        self.assertFalse(task.done())
        release(True)
        with self.assertRaises(asyncio.CancelledError):
            await answer(task)

    async def test_pausing(self):
        receiver = wharf.Receiver(LIBRARY)
        told = asyncio.get_running_loop().create_future()
        parley = self.port.submit(LIBRARY.harbour_parley, on_data=told.set_result)
        to = await answer(told)
        parley.pause()
        to.post([1, receiver])
        for _ in range(50):
            await self.harbour.sleep(10_000)
        self.assertIsNone(receiver.try_receive())
        parley.resume()
        self.assertEqual((await answer(receiver.receive())).value, 2)
        to.post_control()
        self.assertEqual(await answer(parley), 1)
        receiver.close()
