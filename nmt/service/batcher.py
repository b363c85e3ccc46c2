"""Dynamic batching: the segments that arrive while a batch runs form the next batch.

A free worker takes an equal share of all segments that wait or run. No timer delays a lone request. Jobs of one kind
(a language pair and its options) share batches: they take turns, oldest first, a few segments each, so a long text
does not hold up short ones. A job whose client has gone is dropped before it is in a batch. When a worker dies, its
batch is retried; a batch that fails is retried one segment at a time, so one bad text does not fail others.

Independent of models and frameworks: `run` translates a batch on one of `slots` workers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nmt.service.tasks import Tasks

MAX_SEGMENTS = 64  # in a batch: more are no faster
MAX_CHARS = 6000  # in a batch: limits how long the next one waits
TURN = 8  # segments of a job before the next job's turn
GATHER_SHARE, GATHER_S = 0.5, 0.02  # share of the last batch's time, and the maximum: see Batcher._gathered

Run = Callable[[Any, list[str]], Awaitable[Sequence[Any]]]


@dataclass(eq=False)
class _Job:
    kind: Hashable
    segments: Sequence[str]
    answer: asyncio.Future[list[Any]]
    results: list[Any]
    taken: int = 0  # segments that are or were in a batch
    done: int = 0

    @property
    def left(self) -> int:
        return 0 if self.answer.done() else len(self.segments) - self.taken


@dataclass
class _Batch:
    kind: Any
    parts: list[tuple[_Job, int]] = field(default_factory=list)  # each segment's job and its index there
    chars: int = 0

    @property
    def jobs(self) -> int:
        return len({id(job) for job, _ in self.parts})


class Batcher:
    """Jobs in, results out. Use it in one event loop only."""

    def __init__(self, run: Run, slots: int) -> None:
        self.run = run
        self.slots = self.free = slots
        self.running = 0  # segments in a batch
        self.waiting = 0  # segments not yet in a batch
        self.dropped = 0  # segments that were cancelled before they were in a batch
        self.jobs = 0  # not answered yet
        self._queues: dict[Hashable, deque[_Job]] = {}  # in the order of their turns
        self._tasks = Tasks()
        self._enough: tuple[int, asyncio.Future[None]] | None = None
        self._answered = asyncio.Event()

    def submit(self, kind: Hashable, segments: Sequence[str]) -> asyncio.Future[list[Any]]:
        """A future of the results, in order; cancel it when they are no longer needed. It may raise the error that
        `run` raises for one of the segments alone."""
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        if not segments:
            answer.set_result([])
            return answer
        job = _Job(kind, segments, answer, [None] * len(segments))
        self.jobs += 1
        self.waiting += len(segments)
        answer.add_done_callback(lambda _: self._over(job))
        self._queues.setdefault(kind, deque()).append(job)
        if self._enough and self.waiting >= self._enough[0] and not self._enough[1].done():
            self._enough[1].set_result(None)
        self._start()
        return answer

    async def drained(self) -> None:
        """Wait until all jobs are answered."""
        while self.jobs:
            self._answered.clear()
            await self._answered.wait()

    def _over(self, job: _Job) -> None:
        if not job.answer.cancelled():
            job.answer.exception()  # mark it as retrieved: the caller may have gone, and asyncio would complain
        unseen = len(job.segments) - job.taken
        self.jobs -= 1
        self.waiting -= unseen
        self.dropped += unseen
        if not self.jobs:
            self._answered.set()

    def _start(self) -> None:
        if self.free and self.waiting:
            self.free -= 1
            self._tasks.begin(self._work())

    async def _work(self) -> None:
        """Run batches on one worker until there are no more."""
        loop = asyncio.get_running_loop()
        try:
            while batch := self._next():
                self._start()
                begun = loop.time()
                self.running += len(batch.parts)
                try:
                    await self._finish(batch)
                finally:
                    self.running -= len(batch.parts)
                await self._gathered(batch, loop.time() - begun)
        finally:
            self.free += 1
            self._start()

    async def _gathered(self, batch: _Batch, seconds: float) -> None:
        """Wait for the next requests of clients that were answered together, for a moment that is short compared with
        the batch: otherwise the first of them would be a batch by itself, again and again. There is no wait after a
        batch of one job."""
        if batch.jobs < 2 or self.waiting >= batch.jobs or self._enough:
            return
        enough: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._enough = batch.jobs, enough
        await asyncio.wait([enough], timeout=min(GATHER_SHARE * seconds, GATHER_S))
        self._enough = None

    def _next(self) -> _Batch | None:
        most = min(MAX_SEGMENTS, -(-(self.waiting + self.running) // self.slots))
        while self._queues:
            kind = next(iter(self._queues))
            queue = self._queues.pop(kind)
            batch = _Batch(kind)
            while queue and self._take(batch, queue, most):
                pass
            if queue:
                self._queues[kind] = queue  # at the end: other kinds come first
            if batch.parts:
                return batch
        return None

    def _take(self, batch: _Batch, queue: deque[_Job], most: int) -> bool:
        """Add a turn of the first job -> whether there may be room for another one."""
        job = queue.popleft()
        for _ in range(min(TURN, job.left)):
            size = len(job.segments[job.taken])
            if batch.parts and (len(batch.parts) >= most or batch.chars + size > MAX_CHARS):
                queue.appendleft(job)
                return False
            batch.parts.append((job, job.taken))
            batch.chars += size
            job.taken += 1
            self.waiting -= 1
        if job.left:
            queue.append(job)
        return True

    async def _finish(self, batch: _Batch) -> None:
        """Translate a batch and hand out its results."""
        try:
            results = await self._twice(batch.kind, [job.segments[place] for job, place in batch.parts])
        except Exception as error:
            if len(batch.parts) == 1:
                job = batch.parts[0][0]
                if not job.answer.done():
                    job.answer.set_exception(error)
                return
            for part in batch.parts:
                if not part[0].answer.done():
                    await self._finish(_Batch(batch.kind, [part]))
            return
        for (job, place), result in zip(batch.parts, results, strict=True):
            job.results[place] = result
            job.done += 1
            if job.done == len(job.segments) and not job.answer.done():
                job.answer.set_result(job.results)

    async def _twice(self, kind: Any, texts: list[str]) -> Sequence[Any]:
        """Translate a batch; retry once if the worker died, which may have had another cause."""
        try:
            return await self.run(kind, texts)
        except ConnectionError:
            return await self.run(kind, texts)
