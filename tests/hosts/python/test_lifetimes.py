"""Ports, runtimes, loops, threads, processes: what becomes of tasks when one of them goes."""

import asyncio
import contextlib
import gc
import os
import pathlib
import sys
import threading
import unittest

import wharf
from harbour import Harbour
from support import LIBRARY, PATIENCE, Case, alive, answer, release, run, until


class Ports(Case):
    async def test_closing_ends_what_is_awaited_and_hands_out_what_has_come(self):
        port = wharf.Port(LIBRARY)
        harbour = Harbour(port)
        waits = [harbour.wait() for _ in range(50)]
        there = harbour.add(1, 2)
        while port.stats().waiting == 0:
            pass
        asked = harbour.wait()
        asked.cancel()
        await port.aclose()
        self.assertEqual(alive(), 0)
        self.assertEqual(await there, 3)
        self.assertTrue(asked.cancelled())
        for wait in waits:
            with self.assertRaises(wharf.WharfCancelledError) as caught:
                await wait
        self.assertEqual(caught.exception.kind, "cancelled")
        with self.assertRaises(wharf.WharfRefusedError) as caught:
            harbour.add(1, 2)
        self.assertEqual(caught.exception.code, 21)
        self.assertTrue(port.is_closed)
        port.close()
        await port.aclose()

    async def test_closing_at_once_hands_out_what_has_come(self):
        port = wharf.Port(LIBRARY)
        there = port.submit(LIBRARY.harbour_add, 1, 2)
        while port.stats().waiting == 0:
            pass
        port.close()
        self.assertEqual(await there, 3)

    async def test_closed_behind_its_back_with_messages_in_it(self):
        port = wharf.Port(LIBRARY)
        wait = port.submit(LIBRARY.harbour_wait)
        port.post("never read")
        LIBRARY._wharf_port_close(port.id, -1)
        with self.assertRaises(wharf.WharfCancelledError):
            await answer(wait)
        self.assertTrue(port.is_closed)

    async def test_closing_has_a_limit_and_can_be_repeated(self):
        release(False)
        port = wharf.Port(LIBRARY)
        hog = Harbour(port).hog()
        await until(lambda: alive() == 1)
        with self.assertRaises(wharf.WharfTimeoutError) as caught:
            await port.aclose(0.01)
        self.assertIsInstance(caught.exception, TimeoutError)
        with self.assertRaises(wharf.WharfTimeoutError):
            port.close(0.01)
        self.assertFalse(hog.done())
        release(True)
        await answer(port.aclose())
        with self.assertRaises(wharf.WharfCancelledError):
            await hog

    async def test_closed_by_another_thread(self):
        port = wharf.Port(LIBRARY)
        wait = port.submit(LIBRARY.harbour_wait)
        thread = threading.Thread(target=port.close)
        thread.start()
        with self.assertRaises(wharf.WharfCancelledError):
            await answer(wait)
        thread.join()
        self.assertTrue(port.is_closed)

    async def test_closed_by_another_thread_with_an_answer_there(self):
        port = wharf.Port(LIBRARY)
        there = port.submit(LIBRARY.harbour_add, 1, 2)
        while port.stats().waiting == 0:
            pass
        thread = threading.Thread(target=port.close)
        thread.start()
        # Without a turn of the loop: it may be this thread that waits.
        thread.join()
        with self.assertRaises(wharf.WharfCancelledError):
            await answer(there)

    async def test_closed_by_somebody_else_altogether(self):
        runtime = wharf.Runtime(LIBRARY, worker_threads=1)
        port = wharf.Port(runtime=runtime)
        wait = port.submit(LIBRARY.harbour_wait)
        await until(lambda: alive() == 1)
        LIBRARY._wharf_runtime_shutdown(runtime.id, -1)
        with self.assertRaises(wharf.WharfShutDownError):
            await answer(wait)
        LIBRARY._wharf_runtime_free(runtime.id)
        with self.assertRaises(wharf.WharfRefusedError):
            port.submit(LIBRARY.harbour_wait)
        await port.aclose()

    async def test_a_forgotten_one_is_closed(self):
        port = wharf.Port(LIBRARY)
        descriptor = port._queue.watched.number
        id = port.id
        await port.submit(LIBRARY.harbour_add, 1, 2)
        del port
        await asyncio.sleep(0)  # a task of asyncio's holds what it awaited last
        gc.collect()
        await asyncio.sleep(0)
        with self.assertRaises(wharf.WharfRefusedError) as caught:
            wharf.SendPort(LIBRARY, id).post(1)
        self.assertEqual(caught.exception.code, 21)
        with self.assertRaises(OSError):
            os.fstat(descriptor)

    async def test_one_with_a_task_under_way_is_not_forgotten(self):
        task = wharf.Port(LIBRARY).submit(LIBRARY.harbour_sleep, 5_000_000)
        gc.collect()
        self.assertEqual(await answer(task), 5_000_000)

    async def test_no_descriptor_is_left(self):
        def count():
            return len(os.listdir("/proc/self/fd"))

        await self.harbour.add(1, 2)
        before = count()
        for _ in range(50):
            async with wharf.Port(LIBRARY) as port:
                await port.submit(LIBRARY.harbour_add, 1, 2)
            [number async for number in wharf.stream(self.harbour.count, 2)]
        self.assertEqual(count(), before)

    async def test_side_by_side(self):
        ports = [wharf.Port(LIBRARY) for _ in range(20)]
        tasks = [port.submit(LIBRARY.harbour_add, n, 1) for n, port in enumerate(ports * 50)]
        self.assertEqual(await answer(asyncio.gather(*tasks)), [n + 1 for n in range(1000)])
        for port in ports:
            with port:
                pass


class Runtimes(Case):
    async def test_a_shutdown_under_load(self):
        for threads in (1, 2):
            runtime = wharf.Runtime(LIBRARY, worker_threads=threads, thread_name="quay")
            port = wharf.Port(runtime=runtime)
            harbour = Harbour(port)
            tasks = [(harbour.wait, harbour.turn, lambda: harbour.shift(10**9))[n % 3]() for n in range(60)]
            tasks += [harbour.add(n, 1) for n in range(1000)]
            await runtime.ashutdown(PATIENCE)
            ends = await answer(asyncio.gather(*tasks, return_exceptions=True))
            self.assertEqual(len(ends), 1060)
            well = [end for end in ends if isinstance(end, int)]
            others = {type(end) for end in ends if not isinstance(end, int)}
            self.assertEqual(others, {wharf.WharfShutDownError})
            self.assertGreater(len(ends), len(well))
            self.assertEqual(alive(), 0)
            self.assertTrue(port.is_closed)
            with self.assertRaises(wharf.WharfRefusedError):
                wharf.Port(runtime=runtime)
            await runtime.ashutdown()

    async def test_a_limit_that_is_reached_and_a_second_try(self):
        release(False)
        runtime = wharf.Runtime(LIBRARY, worker_threads=1)
        port = wharf.Port(runtime=runtime)
        hog = port.submit(LIBRARY.harbour_hog)
        await until(lambda: alive() == 1)
        with self.assertRaises(wharf.WharfTimeoutError) as caught:
            await runtime.ashutdown(0.01)
        self.assertEqual(caught.exception.code, 1)
        with self.assertRaises(wharf.WharfTimeoutError):
            runtime.shutdown(0)
        with self.assertRaises(wharf.WharfRefusedError) as refused:
            port.submit(LIBRARY.harbour_add, 1, 2)
        self.assertEqual(refused.exception.code, 30)
        release(True)
        await runtime.ashutdown(PATIENCE)
        self.assertTrue(hog.done())
        hog.exception()

    async def test_with_a_name_for_its_threads_and_as_a_context(self):
        def names():
            found = []
            for task in pathlib.Path("/proc/self/task").iterdir():
                with contextlib.suppress(OSError):  # it has just ended
                    found.append((task / "comm").read_text().strip())
            return found

        with wharf.Runtime(LIBRARY, worker_threads=1, thread_name="pierhead") as runtime:
            with wharf.Port(runtime=runtime) as port:
                self.assertEqual(await answer(port.submit(LIBRARY.harbour_add, 1, 2)), 3)
                self.assertIn("pierhead", names())
        # The system lists a thread for a moment after it has been joined.
        await until(lambda: "pierhead" not in names())
        with self.assertRaises(OverflowError):
            wharf.Runtime(LIBRARY, worker_threads=2**32)

    async def test_a_forgotten_one_is_shut_down(self):
        runtime = wharf.Runtime(LIBRARY, worker_threads=1)
        id = runtime.id
        port = wharf.Port(runtime=runtime)
        await port.submit(LIBRARY.harbour_add, 1, 2)
        del runtime, port
        gc.collect()
        await asyncio.sleep(0)
        await until(lambda: LIBRARY._wharf_runtime_shutdown(id, 0) == 20)

    async def test_the_default_one_comes_again(self):
        await self.harbour.add(1, 2)
        await self.port.aclose()
        await LIBRARY.runtime.ashutdown(PATIENCE)
        self.port = wharf.Port(LIBRARY)
        self.harbour = Harbour(self.port)
        self.assertEqual(await answer(self.harbour.add(1, 2)), 3)

    async def test_ports_of_another_loop_stay_until_they_are_read(self):
        runtime = wharf.Runtime(LIBRARY, worker_threads=1)
        opened, over = threading.Event(), threading.Event()
        ends = []

        async def elsewhere():
            async with wharf.Port(runtime=runtime) as port:
                wait = port.submit(LIBRARY.harbour_wait)
                opened.set()
                over.wait()
                try:
                    await wait
                except wharf.WharfTaskError as error:
                    ends.append(error.kind)

        thread = threading.Thread(target=lambda: asyncio.run(elsewhere()))
        thread.start()
        opened.wait()
        await runtime.ashutdown(PATIENCE)
        over.set()
        thread.join()
        self.assertEqual(ends, ["shutdown"])
        self.assertEqual(LIBRARY._wharf_runtime_shutdown(runtime.id, 0), 20)


    async def test_shut_down_by_one_thread_while_others_close_ports(self):
        interval = sys.getswitchinterval()
        self.addCleanup(sys.setswitchinterval, interval)
        sys.setswitchinterval(1e-6)
        for _ in range(60):
            runtime, ready = wharf.Runtime(LIBRARY, worker_threads=1), threading.Barrier(4)

            async def work():
                ports = [wharf.Port(runtime=runtime) for _ in range(60)]
                ready.wait()
                for port in ports:
                    port.close()

            threads = [threading.Thread(target=lambda: asyncio.run(work())) for _ in range(3)]
            for thread in threads:
                thread.start()
            ready.wait()
            runtime.shutdown()
            for thread in threads:
                thread.join()
            # With the last port it has been freed.
            self.assertEqual(LIBRARY._wharf_runtime_shutdown(runtime.id, 0), 20)


class Loops(unittest.TestCase):
    def test_several_in_several_threads(self):
        results = {}

        async def work(name):
            async with wharf.Port(LIBRARY) as port:
                tasks = [port.submit(LIBRARY.harbour_add, name, n) for n in range(3000)]
                results[name] = await asyncio.gather(*tasks) == [name + n for n in range(3000)]
                results[name] &= [n async for n in port.stream(LIBRARY.harbour_countdown, 300)] == list(range(300, 0, -1))

        threads = [threading.Thread(target=lambda n=n: asyncio.run(work(n))) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        self.assertEqual(results, {n: True for n in range(4)})

    def test_a_port_after_its_loop(self):
        kept = []

        async def begin():
            port = wharf.Port(LIBRARY)
            stream = port.every(3600)
            kept.extend([port, stream, port.submit(LIBRARY.harbour_wait)])

        asyncio.run(begin())
        port, stream, task = kept
        self.assertFalse(task.done())
        port.close()
        stream.close()
        self.assertEqual(alive(), 0)
        self.assertTrue(port.is_closed)

    def test_a_port_forgotten_after_its_loop(self):
        async def begin():
            wharf.Port(LIBRARY).submit(LIBRARY.harbour_wait)

        asyncio.run(begin())
        while alive():
            gc.collect()

    def test_without_a_loop(self):
        with self.assertRaises(RuntimeError):
            wharf.Port(LIBRARY)


    def test_a_callback_that_ends_the_program_takes_no_other_tasks_answer_with_it(self):
        def leave(number):
            raise SystemExit(3)

        async def begin():
            # What `asyncio.run` does after the exit: it waits for the tasks that are left.
            nonlocal others, stream
            port = wharf.Port(LIBRARY)
            stream = port.submit(LIBRARY.harbour_count, 2, on_data=leave)
            others = [port.submit(LIBRARY.harbour_add, n, 1) for n in range(20)]
            # All of it in one batch.
            while port.stats().waiting < 23:
                pass
            await asyncio.gather(*others)

        async def rest():
            return await answer(asyncio.gather(stream, *others))

        stream, others = None, []
        loop = asyncio.new_event_loop()
        with self.assertRaises(SystemExit) as caught:
            loop.run_until_complete(begin())
        self.assertEqual(caught.exception.code, 3)
        self.assertEqual(loop.run_until_complete(rest()), [2, *range(1, 21)])
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


class Processes(unittest.TestCase):
    def test_a_forked_child_is_refused_and_leaves_the_parents_alone(self):
        out = run(
            """
            import gc, warnings

            async def main():
                port = wharf.Port(LIBRARY)
                stream = port.every(0.001)
                await stream.__anext__()
                view = await port.submit(LIBRARY.harbour_lend, 5)
                child = os.fork()
                if child == 0:
                    codes = []
                    for call in (lambda: port.submit(LIBRARY.harbour_add, 1, 2), lambda: port.post(1)):
                        try:
                            call()
                        except wharf.WharfRefusedError as error:
                            codes.append(error.code)
                    # None of these may reach the parent's loop.
                    port.close()
                    stream.close()
                    del port, stream, view
                    gc.collect()
                    os._exit(0 if codes == [33, 33] else 1)
                assert os.waitpid(child, 0)[1] == 0
                assert await asyncio.wait_for(port.submit(LIBRARY.harbour_add, 1, 2), PATIENCE) == 3
                await asyncio.wait_for(stream.__anext__(), PATIENCE)
                print(lent(), "lent")

            asyncio.run(main())
            """
        )
        self.assertEqual(out, "1 lent\n")

    def ends(self, program):
        self.assertEqual(run(program), "over\n")

    def test_the_interpreter_ends_with_tasks_under_way(self):
        self.ends(
            """
            async def main():
                port = wharf.Port(LIBRARY)
                for name in ("wait", "turn", "hog"):
                    port.submit(LIBRARY.function("harbour_" + name))
                port.submit(LIBRARY.harbour_shift, 10**9)
                stream = port.stream(LIBRARY.harbour_count, 10**9)
                await stream.__anext__()
                port.submit(LIBRARY.harbour_keep, wharf.External(bytearray(10**6)))
                globals().update(locals())
                print("over")

            asyncio.run(main())
            """
        )

    def test_the_interpreter_ends_with_bytes_of_both_sides_out(self):
        self.ends(
            """
            async def main():
                port = wharf.Port(LIBRARY)
                global view, task
                view = await port.submit(LIBRARY.harbour_lend, 1000)
                task = port.submit(LIBRARY.harbour_ferry, wharf.External(bytearray(10**6)))
                # Comes to its end while the interpreter does.
                LIBRARY._wharf_task_cancel(task._id)
                print("over")

            asyncio.run(main())
            """
        )

    def test_the_interpreter_ends_with_loops_in_other_threads(self):
        self.ends(
            """
            started = threading.Barrier(3)

            async def work():
                port = wharf.Port(LIBRARY)
                started.wait()
                while True:
                    await asyncio.gather(*(port.submit(LIBRARY.harbour_add, n, 1) for n in range(100)))

            for _ in range(2):
                threading.Thread(target=lambda: asyncio.run(work()), daemon=True).start()
            started.wait()
            print("over")
            """
        )

    def test_the_interpreter_ends_in_an_error_of_the_program(self):
        with self.assertRaisesRegex(AssertionError, "(?s)ended with 1: .*ZeroDivisionError"):
            run(
                """
                async def main():
                    async with wharf.Port(LIBRARY) as port:
                        port.submit(LIBRARY.harbour_wait)
                        1 / 0

                asyncio.run(main())
                """
            )

    def test_uvloop(self):
        where = os.environ.get("WHARF_UVLOOP")
        if not where:
            self.assertNotEqual(os.environ.get("CI"), "true", "uvloop is not there")
            return
        out = run(
            """
            sys.path.append(os.environ["WHARF_UVLOOP"])
            import uvloop

            async def main():
                async with wharf.Port(LIBRARY) as port:
                    assert "uvloop" in type(asyncio.get_running_loop()).__module__
                    tasks = [port.submit(LIBRARY.harbour_add, n, 1) for n in range(2000)]
                    assert await asyncio.gather(*tasks) == [n + 1 for n in range(2000)]
                    async with port.stream(LIBRARY.harbour_count, 10**9) as stream:
                        async for number in stream:
                            if number == 1000:
                                break
                    try:
                        await asyncio.wait_for(port.submit(LIBRARY.harbour_wait), 0.01)
                    except asyncio.TimeoutError:
                        print("timed out", alive())
                    port.submit(LIBRARY.harbour_wait)

            uvloop.install()
            asyncio.set_event_loop_policy(asyncio.get_event_loop_policy())
            loop = uvloop.new_event_loop()
            loop.run_until_complete(main())
            loop.close()
            """
        )
        self.assertEqual(out, "timed out 0\n")
