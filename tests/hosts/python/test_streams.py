"""Streams with slow and fast readers, and receivers."""

import asyncio
import gc

import wharf
from support import LIBRARY, Case, alive, answer, until


class Streams(Case):
    async def test_all_values_in_order_then_the_end(self):
        stream = wharf.stream(self.harbour.count, 5000)
        self.assertEqual([number async for number in stream], list(range(5000)))
        self.assertEqual(stream.result, 5000)
        self.assertTrue(stream.is_closed)
        self.assertEqual([number async for number in stream], [])
        self.assertEqual([number async for number in wharf.stream(self.harbour.count, 0)], [])

    async def test_a_function_that_returns_a_stream_gives_one(self):
        stream = self.harbour.countdown(3)
        self.assertIsInstance(stream, wharf.Stream)
        self.assertEqual([number async for number in stream], [3, 2, 1])
        self.assertEqual(stream.result, 3)
        self.assertEqual([number async for number in wharf.stream(self.harbour.countdown, 2)], [2, 1])

    async def test_a_slow_reader_makes_the_task_wait(self):
        for limit in (1, 2, 8, 200):
            async with self.port.stream(LIBRARY.harbour_count, 100_000, limit=limit) as stream:
                await until(lambda: stream.stats().waiting == limit)
                for _ in range(50):
                    await self.harbour.add(1, 2)
                self.assertEqual(stream.stats().posted, limit)
                taken, most = 0, 0
                async for number in stream:
                    self.assertEqual(number, taken)
                    taken += 1
                    most = max(most, stream.stats().posted - taken)
                    if taken == 1000:
                        break
                # As many in the library's queue as the limit says, and as many in the batch taken out.
                self.assertLessEqual(most, 2 * limit)
            self.assertEqual(alive(), 0)

    async def test_leaving_early_is_acknowledged(self):
        for _ in range(20):
            async with wharf.stream(self.harbour.count, 10**9) as stream:
                async for number in stream:
                    if number == 3:
                        break
            self.assertEqual(alive(), 0)
            self.assertEqual([number async for number in stream], [])

    async def test_a_stream_that_is_dropped_cancels_its_task(self):
        async for number in wharf.stream(self.harbour.count, 10**9):
            break
        gc.collect()
        await until(lambda: alive() == 0)

    async def test_an_end_in_error_comes_after_the_values(self):
        runtime = wharf.Runtime(LIBRARY, worker_threads=1)
        port = wharf.Port(runtime=runtime)
        stream = port.stream(LIBRARY.harbour_count, 10**9, limit=4)
        await until(lambda: stream.stats().waiting == 4)
        await runtime.ashutdown()
        got = []
        with self.assertRaises(wharf.WharfShutDownError):
            async for number in stream:
                got.append(number)
        self.assertEqual(got, [0, 1, 2, 3])
        self.assertEqual([number async for number in stream], [])

    async def test_one_waits_at_a_time_and_a_wait_can_be_given_up(self):
        receiver = wharf.Receiver(LIBRARY)
        first = asyncio.ensure_future(receiver.receive())
        await asyncio.sleep(0)
        with self.assertRaises(RuntimeError):
            await receiver.receive()
        first.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await first
        receiver.send_port.post("still there")
        self.assertEqual((await answer(receiver.receive())).value, "still there")
        await receiver.aclose()

    async def test_refused_before_it_begins(self):
        with self.assertRaises(OverflowError):
            wharf.stream(self.harbour.count, -1)
        with self.assertRaises(ValueError):
            self.port.stream(LIBRARY.harbour_count, 1, limit=0)
        with self.assertRaises(TypeError):
            wharf.stream(len, "x")
        self.assertEqual(len(self.port._runtime._ports), 1)

    async def test_newer_ones_for_older_ones(self):
        stream = self.port.stream(LIBRARY.harbour_count, 1000, limit=4, policy=wharf.Policy.DROP_OLDEST)
        await until(lambda: stream.stats().tasks == 0)
        self.assertEqual([number async for number in stream], [996, 997, 998, 999])
        stream = self.port.stream(LIBRARY.harbour_count, 1000, limit=4, policy=wharf.Policy.KEEP_LATEST)
        await until(lambda: stream.stats().tasks == 0)
        got = [number async for number in stream]
        self.assertEqual(got[-1], 999)
        self.assertLessEqual(len(got), 4)

    async def test_closed_while_somebody_waits(self):
        stream = self.port.every(3600)
        waiting = asyncio.ensure_future(stream.__anext__())
        await asyncio.sleep(0)
        stream.close()
        with self.assertRaises(StopAsyncIteration):
            await answer(waiting)

    async def test_pausing(self):
        stream = self.port.every(0.001)
        stream.pause()
        await asyncio.sleep(0)
        while stream._take():  # what came before the pause
            pass
        stream.resume()
        await answer(stream.__anext__())
        await stream.aclose()


class Receivers(Case):
    async def test_what_a_task_posts_and_control_first(self):
        receiver = wharf.Receiver(LIBRARY)
        self.assertEqual(await answer(self.harbour.hail(receiver, "ahoy")), receiver.send_port)
        first, second = await answer(receiver.receive()), await answer(receiver.receive())
        self.assertEqual(first, wharf.Message(None, 2, True))
        self.assertEqual(second, wharf.Message("ahoy", 1, False))
        self.assertIsNone(receiver.try_receive())
        await receiver.aclose()

    async def test_two_ways(self):
        receiver = wharf.Receiver(LIBRARY)
        told = asyncio.get_running_loop().create_future()
        parley = self.port.submit(LIBRARY.harbour_parley, on_data=told.set_result)
        to = await answer(told)
        for number in range(100):
            to.post([number, receiver], tag=number)
        got = [await answer(receiver.receive()) for _ in range(100)]
        self.assertEqual(got, [wharf.Message(2 * n, n, False) for n in range(100)])
        to.post_control()
        self.assertEqual(await answer(parley), 100)
        receiver.close()

    async def test_as_many_as_there_is_room_for_and_one_more(self):
        with wharf.Receiver(LIBRARY, capacity=3) as receiver:
            for number in range(3):
                receiver.send_port.post(number)
            with self.assertRaises(wharf.WharfRefusedError) as caught:
                receiver.send_port.post(3)
            self.assertEqual(caught.exception.code, 3)
            self.assertEqual((await receiver.receive()).value, 0)
            receiver.send_port.post(4)
            self.assertEqual([receiver.try_receive().value for _ in range(3)], [1, 2, 4])

    async def test_credit(self):
        with wharf.Receiver(LIBRARY, needs_credit=True) as receiver:
            with self.assertRaises(wharf.WharfRefusedError):
                receiver.send_port.post(0)
            receiver.grant(2)
            receiver.send_port.post(1)
            receiver.send_port.post(2)
            with self.assertRaises(wharf.WharfRefusedError):
                receiver.send_port.post(3)

    async def test_an_end_by_closing(self):
        receiver = wharf.Receiver(LIBRARY)
        receiver.send_port.post(1)

        async def all_of_it():
            return [message.value async for message in receiver]

        reading = asyncio.ensure_future(all_of_it())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await receiver.aclose()
        self.assertEqual(await answer(reading), [1])
