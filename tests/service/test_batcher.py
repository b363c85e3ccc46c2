from __future__ import annotations

import asyncio

import pytest

from nmt.service.batcher import MAX_SEGMENTS, TURN, Batcher


class Workers:
    """Translates a segment to itself in capitals, one batch at a time, when the test says so."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gates: list[asyncio.Future[None]] = []
        self.fails = lambda texts: None

    async def run(self, kind, texts):
        self.batches.append(list(texts))
        self.gates.append(asyncio.get_running_loop().create_future())
        await self.gates[-1]
        if error := self.fails(texts):
            raise error
        return [text.upper() for text in texts]

    async def finish(self, number):
        """Let a batch end that has begun, or begins soon."""
        while len(self.gates) <= number:
            await asyncio.sleep(0)
        self.gates[number].set_result(None)


def scenario(function):
    def test():
        async def run():
            workers = Workers()
            await asyncio.wait_for(function(workers, Batcher(workers.run, 1)), 20)

        asyncio.run(run())

    test.__name__ = function.__name__
    return test


@scenario
async def test_what_came_while_a_batch_ran_is_the_next_batch(workers, batcher):
    first = batcher.submit("k", ["a"])
    while not workers.batches:
        await asyncio.sleep(0)
    others = [batcher.submit("k", [text]) for text in "bcd"]
    await workers.finish(0)
    assert await first == ["A"]
    await workers.finish(1)
    assert await asyncio.gather(*others) == [["B"], ["C"], ["D"]]
    assert workers.batches == [["a"], ["b", "c", "d"]]
    await batcher.drained()


@scenario
async def test_a_long_text_holds_up_no_short_one(workers, batcher):
    long = batcher.submit("k", [f"l{i}" for i in range(5 * MAX_SEGMENTS)])
    while not workers.batches:
        await asyncio.sleep(0)
    short = batcher.submit("k", ["s"])
    await workers.finish(0)
    await workers.finish(1)
    assert await short == ["S"]
    assert workers.batches[1].index("s") <= TURN
    for number in range(2, 6):
        await workers.finish(number)
    assert await long == [f"L{i}" for i in range(5 * MAX_SEGMENTS)]
    assert max(map(len, workers.batches)) == MAX_SEGMENTS


@scenario
async def test_kinds_do_not_mix_and_take_turns(workers, batcher):
    jobs = [batcher.submit(kind, [f"{kind}{i}" for i in range(MAX_SEGMENTS + 1)]) for kind in "ab"]
    for number in range(4):
        await workers.finish(number)
    await asyncio.gather(*jobs)
    assert ["".join(sorted({text[0] for text in batch})) for batch in workers.batches] == ["a", "b", "a", "b"]


@scenario
async def test_nobody_waits_for_a_text_so_it_is_not_translated(workers, batcher):
    first = batcher.submit("k", ["a"])
    while not workers.batches:
        await asyncio.sleep(0)
    gone, stays = batcher.submit("k", ["b", "c"]), batcher.submit("k", ["d"])
    assert batcher.waiting == 3
    gone.cancel()
    await workers.finish(0)
    await workers.finish(1)
    assert [await first, await stays] == [["A"], ["D"]]
    assert workers.batches == [["a"], ["d"]]
    assert (batcher.waiting, batcher.dropped) == (0, 2)


@scenario
async def test_one_text_fails_no_other(workers, batcher):
    workers.fails = lambda texts: RuntimeError("bad") if "bad" in texts else None
    jobs = [batcher.submit("k", [text]) for text in ("a", "bad", "c")]
    for number in range(4):
        await workers.finish(number)
    assert [await jobs[0], await jobs[2]] == [["A"], ["C"]]
    with pytest.raises(RuntimeError, match="bad"):
        await jobs[1]
    assert workers.batches == [["a", "bad", "c"], ["a"], ["bad"], ["c"]]
    await batcher.drained()


@scenario
async def test_a_worker_that_ends_costs_nothing(workers, batcher):
    workers.fails = lambda texts: ConnectionError() if len(workers.batches) == 1 else None
    job = batcher.submit("k", ["a", "b"])
    await workers.finish(0)
    await workers.finish(1)
    assert await job == ["A", "B"]
    assert workers.batches == [["a", "b"], ["a", "b"]]


def test_workers_share_what_is_there():
    """Else the first one would take all, and the others have batches of one or two again and again."""

    async def run():
        workers = Workers()
        batcher = Batcher(workers.run, 3)
        jobs = [batcher.submit("k", [f"{i}"]) for i in range(11)]
        for number in range(3):
            await workers.finish(number)
        await asyncio.gather(*jobs)
        return [len(batch) for batch in workers.batches]

    assert asyncio.run(asyncio.wait_for(run(), 20)) == [4, 4, 3]


@scenario
async def test_no_text_is_an_answer_too(workers, batcher):
    assert await batcher.submit("k", []) == []
    await batcher.drained()
