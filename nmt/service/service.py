"""The path of a request: limits, languages, segments, batches, and back. Independent of HTTP."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from nmt.service.batcher import Batcher
from nmt.service.files import Files
from nmt.service.generations import Generation, Generations, Settings
from nmt.service.limits import MAX_INSPECTED_CHARS, Keys, Limits, Rates
from nmt.service.messages import Batch, Inspection, Markup, SegmentResult
from nmt.service.metrics import Metrics
from nmt.service.pairs import LanguagePair, Pairs
from nmt.service.processes import Spawned
from nmt.service.texts import source_text
from nmt.service.wire import RefusedError, TranslatedText, TranslationRequest

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Kind:
    """Segments of one kind share batches."""

    generation: Generation
    pair: str
    alternatives: int
    markup: Markup


class Service:
    """Use it only in the event loop that awaits `start`."""

    def __init__(self, settings: Settings, limits: Limits, clock: Callable[[], float]) -> None:
        self.settings = settings
        self.limits = limits
        self.rates = Rates(clock)
        self.metrics = Metrics()
        self.generations = Generations(settings, self.metrics)
        self.characters = 0  # translated since the start
        self.files = Files(limits, clock, lambda: self.generations.current, self.lines)
        self._cache: OrderedDict[tuple[_Kind, str], SegmentResult] = OrderedDict()  # the most recently used is last
        self._speed = 100.0  # recent segments per second

    async def start(self, spawned: Spawned) -> None:
        """Raises ValueError for an invalid model or keys, and ChildProcessError when no process can run."""
        self.batcher = Batcher(self._run, self.settings.workers)
        await self.generations.start(spawned)
        self.metrics.now |= {
            "nmt_waiting_segments": lambda: self.batcher.waiting,
            "nmt_jobs": lambda: self.batcher.jobs,
            "nmt_files": lambda: self.files.at_work,
            "nmt_kept_bytes": lambda: self.files.kept.size,
            "nmt_dropped_segments_total": lambda: self.batcher.dropped,
            "nmt_worker_deaths_total": lambda: self.generations.deaths,
        }

    @property
    def is_draining(self) -> bool:
        return self.generations.is_draining

    @property
    def pairs(self) -> Pairs:
        return self.generations.current.pairs

    @property
    def keys(self) -> Keys | None:
        return self.generations.current.keys

    # -- a request --

    def admit(self, key: str, client: str) -> None:
        """Raises RefusedError for a missing or wrong key, above the rate limit, and while the server shuts down."""
        if self.is_draining:
            raise RefusedError(503, "the server is about to end", 1)
        rate = self.rate_of(key)
        self.rates.take(f"key {key}" if self.keys else client, self.limits.rate if rate is None else rate)

    def rate_of(self, key: str) -> int | None:
        """A key's own rate, if it has one. Raises RefusedError for a missing or wrong key."""
        return self.keys.rate_of(key) if self.keys else None

    async def translate(self, wanted: TranslationRequest) -> list[TranslatedText]:
        """One answer for each text, in order. Raises RefusedError. If cancelled, it leaves nothing in the queue."""
        self.limits.check(wanted.texts)
        with self.generations.current as generation:
            ways = generation.pairs.ways(wanted.source, wanted.target)
            texts = [source_text(text, wanted, ways) for text in wanted.texts]
            markup: Markup = "html" if wanted.is_html else ""
            kinds: dict[LanguagePair | None, _Kind] = {
                pair: _Kind(generation, pair.name, wanted.alternatives, markup) for pair in ways.values() if pair
            }
            segments = {
                kind: [segment for text in texts if text.pair == pair for segment in text.segments]
                for pair, kind in kinds.items()
            }
            self.check_room(sum(map(len, segments.values())))
            found = await self._results(segments, self.limits.request_s)
            return [text.translated([found[kinds[text.pair], one] for one in text.segments]) for text in texts]

    def check_room(self, number: int = 1) -> None:
        """Raises RefusedError(429) at once when too many segments wait; an empty queue accepts any number."""
        if self.batcher.waiting and self.batcher.waiting + number > self.limits.max_waiting:
            wait_s = math.ceil(min(60.0, max(1.0, self.batcher.waiting / self._speed)))
            raise RefusedError(429, f"too many texts wait to be translated; try again in {wait_s} s", wait_s)

    async def lines(
        self, generation: Generation, pair: LanguagePair, lines: Sequence[str], is_tagged: bool
    ) -> list[str]:
        """The translations of lines of a file. Raises RefusedError. If cancelled, it leaves nothing in the queue."""
        kind = _Kind(generation, pair.name, 0, "file" if is_tagged else "")
        found = await self._results({kind: lines}, self.limits.file_s)
        return [found[kind, line].text for line in lines]

    async def _results(
        self, wanted: Mapping[_Kind, Sequence[str]], seconds: float
    ) -> dict[tuple[_Kind, str], SegmentResult]:
        """The result of each segment, from the cache or from workers. Raises RefusedError."""
        waits: list[tuple[_Kind, list[str], asyncio.Future[list[SegmentResult]]]] = []
        found: dict[tuple[_Kind, str], SegmentResult] = {}
        for kind, segments in wanted.items():
            missing = []
            for segment in dict.fromkeys(segments):
                if (kind, segment) in self._cache:
                    found[kind, segment] = self._cache[kind, segment]
                    self._cache.move_to_end((kind, segment))
                    self.metrics.count("nmt_cached_total", kind.pair)
                else:
                    missing.append(segment)
            waits.append((kind, missing, self.batcher.submit(kind, missing)))
        try:
            async with self._in_time("translated", seconds):
                for kind, missing, answer in waits:
                    found |= {(kind, one): result for one, result in zip(missing, await answer, strict=True)}
        finally:
            for *_, answer in waits:
                answer.cancel()
        if self.settings.cache:
            self._cache |= found
        while len(self._cache) > self.settings.cache:
            self._cache.popitem(last=False)
        return found

    async def inspect(self, wanted: Inspection, source: str, target: str) -> str:
        """An inspection, by the pair that these codes mean, as JSON; see nmt/inspection. Raises RefusedError."""
        if max(len(wanted.text), len(wanted.translation or "")) > MAX_INSPECTED_CHARS:
            raise RefusedError(400, f"a text of more than {MAX_INSPECTED_CHARS} characters cannot be looked at")
        if not wanted.text.strip():
            raise RefusedError(400, "Invalid request: missing q parameter")
        self.check_room()
        with self.generations.current as generation:
            (pair,) = generation.pairs.ways(source, target).values()
            if pair is None:
                raise RefusedError(400, "a language is not translated into itself")
            async with self._in_time("looked at", self.limits.request_s):
                found: str = await generation.models.run("inspect", wanted._replace(pair=pair.name))
            if not found:
                raise RefusedError(400, "there is nothing in this text that the model reads")
            return found

    @asynccontextmanager
    async def _in_time(self, done: str, seconds: float) -> AsyncIterator[None]:
        """Limit the time to wait for workers in this context, and turn their errors into RefusedError."""
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            raise RefusedError(503, f"not {done} within {seconds:g} s", 1) from None
        except ConnectionError:
            raise RefusedError(503, "the workers have ended; others are being started", 5) from None
        except RuntimeError as error:
            logger.error("a text cannot be %s: %s", done, error)
            raise RefusedError(500, f"this text cannot be {done}") from None

    # -- batches --

    async def _run(self, kind: _Kind, texts: list[str]) -> Sequence[SegmentResult]:
        begun = time.perf_counter()
        batch = Batch(kind.pair, texts, kind.alternatives, kind.markup)
        found: Sequence[SegmentResult] = await kind.generation.models.run("translate", batch)
        seconds = time.perf_counter() - begun
        self._speed += 0.1 * (self.settings.workers * len(texts) / max(seconds, 1e-3) - self._speed)
        self.metrics.observe("nmt_batch_segments", len(texts), kind.pair)
        self.metrics.observe("nmt_batch_seconds", seconds, kind.pair)
        characters = sum(map(len, texts))
        self.characters += characters
        self.metrics.count("nmt_characters_total", kind.pair, by=characters)
        self.metrics.count("nmt_tokens_total", kind.pair, by=sum(one.pieces for one in found))
        return found

    # -- its life --

    async def drain(self, bound_s: float) -> None:
        """Refuse new requests, and wait at most `bound_s` seconds until the accepted ones are answered."""
        self.generations.is_draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(bound_s):
                await self.files.drained()
                await self.batcher.drained()

    def close(self) -> None:
        self.files.close()
        self.generations.close()
