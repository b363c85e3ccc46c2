"""What came while the last batch ran is the next batch.

A worker takes its share of what is there, as many segments as each would have if all took as many. No timer makes a
lone request wait. Jobs of one kind (a pair of languages and what is asked of it) share batches: in turns, oldest
first, a few segments each, so that a long text holds up no short one. A job whose client has gone is dropped before
it is in a batch. A batch that fails is tried again, and then one segment at a time, so that one text fails no other.

Knows no model and no framework: `run` translates a batch, on one of `slots` workers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nmt.service.tasks import Tasks

MAX_SEGMENTS = 64  # of a batch: more are no faster
MAX_CHARS = 6000  # of a batch: so long the next one waits
TURN = 8  # segments of a job before it is the next one's turn
GATHER_SHARE, GATHER_S = 0.5, 0.02  # of the last batch's time, and at most: see Batcher._gathered

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
    parts: list[tuple[_Job, int]] = field(default_factory=list)  # of each segment its job and its place there
    chars: int = 0

    def texts(self) -> list[str]:
        return [job.segments[place] for job, place in self.parts]

    @property
    def jobs(self) -> int:
        return len({id(job) for job, _ in self.parts})


class Batcher:
    """Jobs in, results out. Belongs to the event loop that it is used in."""

    def __init__(self, run: Run, slots: int) -> None:
        self.run = run
        self.slots = self.free = slots
        self.running = 0  # segments that are in a batch
        self.waiting = 0  # segments that are in no batch yet
        self.dropped = 0  # segments that were never in a batch, because nobody waits for them any more
        self.jobs = 0  # not answered yet
        self._queues: dict[Hashable, deque[_Job]] = {}  # the kind whose turn it is first
        self._tasks = Tasks()
        self._enough: tuple[int, asyncio.Future[None]] | None = None
        self._idle: list[asyncio.Future[None]] = []

    def submit(self, kind: Hashable, segments: Sequence[str]) -> asyncio.Future[list[Any]]:
        """The results in order, once they are there; cancel it when nobody waits for them any more. It may raise
        what `run` raises for one of the segments alone."""
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
        if self.jobs:
            self._idle.append(asyncio.get_running_loop().create_future())
            await self._idle[-1]

    def _over(self, job: _Job) -> None:
        if not job.answer.cancelled():
            job.answer.exception()  # who asked may have gone, and asyncio would complain that nobody looks
        unseen = len(job.segments) - job.taken
        self.jobs -= 1
        self.waiting -= unseen
        self.dropped += unseen
        if not self.jobs:
            for idle in self._idle:
                if not idle.done():
                    idle.set_result(None)
            self._idle.clear()

    def _start(self) -> None:
        if self.free and self.waiting:
            self.free -= 1
            self._tasks.begin(self._work())

    async def _work(self) -> None:
        """One worker's batches, until there are no more."""
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
        """Clients who were answered together soon ask together: wait for them for a moment that is short beside the
        batch's own time, else the first of them would be a batch alone, again and again. Nobody waits after a batch
        of one job."""
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
                self._queues[kind] = queue  # at the end: the others' turn first
            if batch.parts:
                return batch
        return None

    def _take(self, batch: _Batch, queue: deque[_Job], most: int) -> bool:
        """A turn of the first job; whether there may be room for another one."""
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
            results = await self._twice(batch.kind, batch.texts())
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
        """What fails may have met a worker that was killed for another reason."""
        try:
            return await self.run(kind, texts)
        except ConnectionError:
            return await self.run(kind, texts)
