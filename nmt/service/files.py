"""Translation of files: read in a thread, translated in portions, written in a thread, and kept for a while.

Portions are so small that all files together never fill the queue, where they take turns with other requests
(batcher.py). Results are kept in memory only, under names that cannot be guessed.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from nmt.common.log_lines import place_of
from nmt.service import documents
from nmt.service.generations import Generation
from nmt.service.limits import KEPT_S, Limits
from nmt.service.pairs import LanguagePair
from nmt.service.tasks import Tasks
from nmt.service.wire import FileRequest, RefusedError

SHARE = 4  # files take 1/SHARE of the queue's room
FORM_BYTES = 65_536  # of a form, besides its file
MAX_ARRIVING = 32  # requests with a file in their body at a time, beyond max_files
THREADS = 2  # that read or write files: each takes time from the event loop's thread
ENTRY_BYTES = 1000  # memory of a file besides its content
OWED_S = 10.0  # at shutdown, how long a finished file may still be fetched: some clients poll every 5 s
LINES_A_SECOND = 100  # assumed until the first lines are translated
LOOK_S = 0.05  # between checks at shutdown

T = TypeVar("T")
Translate = Callable[[Generation, LanguagePair, Sequence[str], bool], Awaitable[list[str]]]

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Job:
    """A file that was accepted."""

    name: str  # under which it is requested
    key: str  # required with the name; "": none
    suffix: str
    characters: int
    lines: int  # to be translated
    begun: float
    translated: int = 0  # lines
    done: float | None = None  # time of success or failure
    content: bytes = b""
    refusal: RefusedError | None = None
    is_fetched: bool = False


class Kept:
    """Files by name, for KEPT_S after they were done; beyond `most` bytes in all the oldest are dropped."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self.most, self.clock = most, clock
        self.size = 0  # in bytes, of those that are done
        self._jobs: dict[str, Job] = {}
        self._done: OrderedDict[str, Job] = OrderedDict()  # in the order in which they were done

    def add(self, job: Job) -> None:
        self._jobs[job.name] = job

    def drop(self, job: Job) -> None:
        self._jobs.pop(job.name, None)
        if self._done.pop(job.name, None):
            self.size -= ENTRY_BYTES + len(job.content)

    def finish(self, job: Job) -> None:
        """Mark a file as done; its content is set, unless it failed."""
        if len(job.content) > self.most:
            job.content, job.refusal = b"", RefusedError(413, "the translated file is larger than what is kept here")
        job.done = self.clock()
        self._done[job.name] = job
        self.size += ENTRY_BYTES + len(job.content)
        self.tidy()
        while self.size > self.most and len(self._done) > 1:
            self.drop(next(iter(self._done.values())))

    def tidy(self) -> None:
        """Drop files that are too old."""
        for job in list(self._done.values()):
            if self._age(job) < KEPT_S:
                break
            self.drop(job)

    def _age(self, job: Job) -> float:
        assert job.done is not None
        return self.clock() - job.done

    def get(self, name: str, key: str) -> Job:
        """The file of this name. Raises RefusedError(404) if it is missing or has another key."""
        self.tidy()
        job = self._jobs.get(name)
        if job is None or not secrets.compare_digest(job.key.encode(), key.encode()):
            raise RefusedError(404, "there is no such file, or no longer")
        return job

    def owed(self) -> bool:
        """Whether a client may be about to fetch a file."""
        return any(not job.is_fetched and self._age(job) < OWED_S for job in self._done.values())


class Files:
    """Accepts and translates files. Use it in one event loop only."""

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float],
        current: Callable[[], Generation],
        translate: Translate,
    ) -> None:
        self.limits = limits
        self.kept = Kept(limits.max_kept_bytes, clock)
        self.at_work = self.arriving = 0
        self._clock, self._current, self._translate = clock, current, translate
        self._threads = asyncio.Semaphore(THREADS)
        self._tasks = Tasks()

    @contextmanager
    def arrival(self) -> Iterator[tuple[int, RefusedError]]:
        """A context for a request with a file; yields the maximum size of its body, and the error for a larger one.
        Where there is no room for it, any body is too large."""
        if self.arriving >= self.limits.max_files + MAX_ARRIVING:
            yield -1, RefusedError(429, "too many files are on their way; try again in 5 s", 5)
            return
        self.arriving += 1
        try:
            yield self.limits.max_file_bytes + FORM_BYTES, _too_long(self.limits)
        finally:
            self.arriving -= 1

    async def accept(self, wanted: FileRequest) -> Job:
        """Read a file and begin to translate it, even if its client goes; the job has a key. Raises RefusedError: 413
        or 429 for too much, 400 for a file that cannot be read."""
        job, _ = await self._accepted(wanted, secrets.token_urlsafe())
        return job

    async def translated(self, wanted: FileRequest) -> Job:
        """Translate a file and wait for it. Raises RefusedError. If cancelled, it leaves nothing in the queue."""
        job, task = await self._accepted(wanted, "")
        try:
            await task
        except asyncio.CancelledError:
            task.cancel()
            self.kept.drop(job)
            raise
        if job.refusal:
            self.kept.drop(job)
            raise job.refusal
        return job

    async def _accepted(self, wanted: FileRequest, key: str) -> tuple[Job, asyncio.Task[None]]:
        limits, suffix = self.limits, documents.suffix_of(wanted.upload.name)
        if len(wanted.upload.content) > limits.max_file_bytes:
            raise _too_long(limits)
        with ExitStack() as held:
            held.enter_context(self._place())
            generation = held.enter_context(self._current())
            ways = generation.pairs.ways(wanted.source, wanted.target)
            async with self._threads:
                file = await in_thread(documents.read, wanted.upload.content, suffix, ways, limits)
            name = secrets.token_urlsafe() + ("" if key else suffix)
            job = Job(name, key, suffix, file.characters, len(file.lines), self._clock())
            self.kept.add(job)
            task = self._tasks.begin(self._work(job, file, generation))
            until_done = held.pop_all()
            task.add_done_callback(lambda _: until_done.close())
        return job, task

    def seconds_left(self, job: Job) -> int:
        """An estimate of the time until it is done."""
        left = job.lines - job.translated
        so_far = self._clock() - job.begun
        return max(1, math.ceil(so_far * left / job.translated if job.translated else left / LINES_A_SECOND))

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Raises RefusedError(429) at once when too many files are at work."""
        if self.at_work >= self.limits.max_files:
            raise RefusedError(429, f"{self.at_work} files are being translated; try again in 5 s", 5)
        self.at_work += 1
        try:
            yield
        finally:
            self.at_work -= 1

    async def _work(self, job: Job, file: documents.FileText, generation: Generation) -> None:
        try:
            job.content = await self._content(job, file, generation)
        except RefusedError as refusal:
            job.refusal = refusal
        except Exception as error:
            # Without its message or its causes: they may quote a text.
            logger.error("a file: %s", place_of(error))
            job.refusal = RefusedError(500, "an error of the server")
        self.kept.finish(job)
        asyncio.get_running_loop().call_later(KEPT_S + 1, self.kept.tidy)

    async def _content(self, job: Job, file: documents.FileText, generation: Generation) -> bytes:
        known: dict[str, str] = {}
        try:
            async with asyncio.timeout(self.limits.file_s):
                while file.pair and job.translated < job.lines:
                    size = max(1, self.limits.max_waiting // (SHARE * self.at_work))
                    portion = file.lines[job.translated : job.translated + size]
                    found = await self._translate(generation, file.pair, portion, file.is_tagged)
                    known |= zip(portion, found, strict=True)
                    job.translated += len(portion)
        except TimeoutError:
            raise RefusedError(503, f"not translated within {self.limits.file_s:g} s", 1) from None
        async with self._threads:
            return await in_thread(documents.written, file, known)

    async def drained(self) -> None:
        """Wait until all accepted files are done, and fetched if a client may be about to."""
        while self.at_work or self.kept.owed():
            await asyncio.sleep(LOOK_S)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()


def _too_long(limits: Limits) -> RefusedError:
    return RefusedError(413, f"the file is longer than {limits.max_file_bytes} bytes")


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """The result of a function, run in a thread. If cancelled, it waits for the thread, so limits on threads hold."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        with suppress(Exception):
            await work
        raise
