"""A worker's answer comes whole, however long it is, on the event loop that the server has."""

from __future__ import annotations

import asyncio
from multiprocessing import Pipe
from threading import Thread

import uvloop

from nmt.service.processes import _Process


def test_a_long_answer_comes_whole():
    async def asked():
        own, its = Pipe()
        worker = _Process(own, 0, lambda worker: None)

        def answer():
            method, batch = its.recv()
            for text in batch:
                its.send((False, method + text))

        thread = Thread(target=answer)
        thread.start()
        found = await asyncio.wait_for(worker.ask(("x", ["a" * 10_000_000])), 20)
        await asyncio.to_thread(thread.join)
        worker.end()
        return found

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert len(runner.run(asked())) == 10_000_001
