"""A request's way: limits, languages, segments, batches, and back. Knows no framework.

A generation is what was loaded together: models and their workers. A request belongs to the one it came in on, so its
answer is of one model; an old generation ends with its last request.
"""

from __future__ import annotations

import asyncio
import logging
import math
import subprocess
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import Any

from nmt.service import html
from nmt.service.batcher import Batcher
from nmt.service.detection import detect
from nmt.service.limits import INSPECTED, Keys, Limits, Rates
from nmt.service.metrics import Metrics
from nmt.service.pairs import Pair, Pairs, stamp
from nmt.service.processes import Models, spawn
from nmt.service.segments import Segments, cut
from nmt.service.wire import Answer, RefusedError, Wish

RELOAD_AGAIN_S = 5.0  # after the process with the models has ended by itself, and another could not start

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """What is served, and how."""

    pairs: tuple[Pair, ...]
    workers: int
    compute: str = "auto"
    keys: Path | None = None
    cache: int = 0  # segments whose translations are kept
    watch_s: float = 0.0  # how often the model directories are looked at; 0: never
    beam_size: int | None = None  # None: each model's own search

    def for_models(self) -> dict[str, Any]:
        pairs = {pair.name: list(pair.folders) for pair in self.pairs}
        return {"pairs": pairs, "compute": self.compute, "beam_size": self.beam_size}


@dataclass(eq=False)
class _Generation:
    models: Models
    pairs: Pairs
    in_use: int = 0  # by requests
    is_old: bool = False

    def __enter__(self) -> _Generation:
        self.in_use += 1
        return self

    def __exit__(self, *error: object) -> None:
        self.in_use -= 1
        self.end_if_idle()

    def end_if_idle(self) -> None:
        if self.is_old and not self.in_use:
            self.models.close()


@dataclass(frozen=True)
class _Kind:
    """Segments of one kind share batches."""

    generation: _Generation
    pair: str
    alternatives: int
    is_tagged: bool


@dataclass
class _Text:
    """One of a request's, on its way."""

    source: str
    confidence: float
    pair: Pair | None  # None: it stays as it is
    segments: Segments | html.Document | None = None
    results: list[Any] = field(default_factory=list)  # of all segments

    def answer(self, text: str, target: str) -> Answer:
        if self.pair is None:
            return Answer(text, self.source, self.confidence)
        most = max((len(one[1]) for one in self.results), default=0)
        best, *others = [
            self._joined([_chosen(one, rank) for one in self.results], target) for rank in range(most + 1)
        ]
        scores = [one[2] for one in self.results]
        return Answer(
            best,
            self.source,
            self.confidence,
            tuple(dict.fromkeys(other for other in others if other != best)),
            sum(scores) / len(scores) if scores else 0.0,
            any(one[4] for one in self.results),
        )

    def _joined(self, translations: Sequence[str], target: str) -> str:
        if isinstance(self.segments, Segments):
            return self.segments.joined(translations, target)
        assert self.segments
        return self.segments.joined(translations)


def _chosen(result: Any, rank: int) -> str:
    """The best translation of a segment, or of its alternatives the one of that rank where it has so many."""
    text: str = result[0] if not rank or rank > len(result[1]) else result[1][rank - 1]
    return text


class Service:
    """Belongs to the event loop that `start` is awaited in."""

    def __init__(self, settings: Settings, limits: Limits, clock: Callable[[], float]) -> None:
        """Raises ValueError for keys that cannot be read."""
        self.settings = settings
        self.limits = limits
        self.keys = Keys(settings.keys) if settings.keys else None
        self.rates = Rates(clock)
        self.metrics = Metrics()
        self.is_draining = False
        self.characters = 0  # translated since the start
        self._cache: OrderedDict[tuple[_Kind, str], Any] = OrderedDict()
        self._reloading = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loaded: tuple[object, ...] = ()  # what the files were, when they were loaded
        self._deaths = 0  # of workers of old generations
        self._speed = 100.0  # segments a second, lately

    async def start(self, spawned: tuple[subprocess.Popen[bytes], socket] | None = None) -> None:
        """Raises ValueError for a model that is not sound, ChildProcessError where no process can live."""
        self._loaded = stamp(self.settings.pairs)
        self.batcher = Batcher(self._run, self.settings.workers, self._ran)
        self.current = await self._generation(spawned or spawn(self.settings.for_models()))
        self.metrics.now |= {
            "nmt_waiting_segments": lambda: self.batcher.waiting,
            "nmt_jobs": lambda: self.batcher.jobs,
            "nmt_dropped_segments_total": lambda: self.batcher.dropped,
            "nmt_worker_deaths_total": lambda: self._deaths + self.current.models.deaths,
        }
        if self.settings.watch_s:
            self._begin(self._watch())

    async def _generation(self, spawned: tuple[subprocess.Popen[bytes], socket]) -> _Generation:
        models = await Models.start(spawned, self.settings.workers)
        generation = _Generation(models, Pairs(self.settings.pairs))
        models.on_end = lambda: self._lost(generation)
        return generation

    @property
    def pairs(self) -> Pairs:
        return self.current.pairs

    # -- a request --

    def admit(self, key: str, client: str) -> None:
        """Raises RefusedError for a key that is missing or wrong, one request too many, and while the server ends."""
        if self.is_draining:
            raise RefusedError(503, "the server is about to end", 1)
        rate = self.keys.rate_of(key) if self.keys else None
        self.rates.take(f"key {key}" if self.keys else client, self.limits.rate if rate is None else rate)

    def detect(self, text: str) -> list[tuple[str, float]]:
        """The languages that are translated from, the likeliest first, each with how sure that is (0 to 100)."""
        return detect(text, self.pairs.sources)

    async def translate(self, wish: Wish) -> list[Answer]:
        """An answer a text, in order. Raises RefusedError. Cancelled, it leaves nothing in the queue."""
        self.limits.check(wish.texts)
        with self.current as generation:
            target = generation.pairs.served(wish.target)
            texts = [self._prepared(text, wish, target, generation.pairs) for text in wish.texts]
            by_kind: dict[_Kind, list[tuple[_Text, str]]] = {}
            for text in texts:
                if text.pair:
                    assert text.segments
                    kind = _Kind(generation, text.pair.name, wish.alternatives, wish.is_html)
                    by_kind.setdefault(kind, []).extend((text, segment) for segment in text.segments.texts)
            self._check_room(sum(map(len, by_kind.values())))
            await self._fill(by_kind)
            return [text.answer(given, target) for given, text in zip(wish.texts, texts, strict=True)]

    def _prepared(self, given: str, wish: Wish, target: str, pairs: Pairs) -> _Text:
        source, confidence = (pairs.served(wish.source), 100.0) if wish.source else detect(given, pairs.sources)[0]
        if not wish.source and not any(map(str.isalpha, given)):
            return _Text(source, confidence, None)  # it says nothing of its language, and nothing in any
        pair = pairs.between(source, target)
        if not pair:
            return _Text(source, confidence, pair)
        return _Text(source, confidence, pair, html.cut(given, source) if wish.is_html else cut(given, source))

    def _check_room(self, number: int) -> None:
        """Raises RefusedError(429) at once when too many segments wait; what comes alone is never too much."""
        if self.batcher.waiting and self.batcher.waiting + number > self.limits.max_waiting:
            wait_s = math.ceil(min(60.0, max(1.0, self.batcher.waiting / self._speed)))
            raise RefusedError(429, f"too many texts wait to be translated; try again in {wait_s} s", wait_s)

    async def _fill(self, by_kind: dict[_Kind, list[tuple[_Text, str]]]) -> None:
        """Translate the segments, and give each text its results, in order."""
        waits: list[tuple[_Kind, list[str], asyncio.Future[list[Any]]]] = []
        found: dict[tuple[_Kind, str], Any] = {}
        for kind, wanted in by_kind.items():
            missing = []
            for segment in dict.fromkeys(segment for _, segment in wanted):
                if (kind, segment) in self._cache:
                    found[kind, segment] = self._cache[kind, segment]
                    self._cache.move_to_end((kind, segment))
                    self.metrics.count("nmt_cached_total", kind.pair)
                else:
                    missing.append(segment)
            waits.append((kind, missing, self.batcher.submit(kind, missing)))
        try:
            async with self._in_time("translated"):
                for kind, missing, answer in waits:
                    found |= {(kind, one): result for one, result in zip(missing, await answer, strict=True)}
        finally:
            for *_, answer in waits:
                answer.cancel()
        for kind, wanted in by_kind.items():
            for text, segment in wanted:
                text.results.append(found[kind, segment])
        self._remember(found)

    def _remember(self, found: dict[tuple[_Kind, str], Any]) -> None:
        if not self.settings.cache:
            return
        self._cache |= found
        while len(self._cache) > self.settings.cache:
            self._cache.popitem(last=False)

    async def inspect(
        self,
        text: str,
        source: str,
        target: str,
        translation: str | None,
        parts: Sequence[str],
        piece: tuple[str, int] | None = None,
    ) -> str:
        """What the model does with a text, or with one piece of a side ("src" or "tgt"), as JSON; see nmt/inspection.
        Raises RefusedError."""
        if len(text) > INSPECTED or len(translation or "") > INSPECTED:
            raise RefusedError(400, f"a text of more than {INSPECTED} characters cannot be looked at")
        if not text.strip():
            raise RefusedError(400, "Invalid request: missing q parameter")
        self._check_room(1)
        with self.current as generation:
            pair = generation.pairs.between(generation.pairs.served(source), generation.pairs.served(target))
            if pair is None:
                raise RefusedError(400, "a language is not translated into itself")
            async with self._in_time("looked at"):
                wanted = pair.name, text, translation, list(parts), piece
                found: str = await generation.models.run("inspect", wanted)
                return found

    @asynccontextmanager
    async def _in_time(self, done: str) -> AsyncIterator[None]:
        """What workers are waited for in here, as what a client is told when it does not come."""
        try:
            async with asyncio.timeout(self.limits.request_s):
                yield
        except TimeoutError:
            raise RefusedError(503, f"not {done} within {self.limits.request_s:g} s", 1) from None
        except ConnectionError:
            raise RefusedError(503, "the workers have ended; others are being started", 5) from None
        except RuntimeError as error:
            logger.error("a text cannot be %s: %s", done, error)
            raise RefusedError(500, f"this text cannot be {done}") from None

    # -- batches --

    async def _run(self, kind: _Kind, texts: list[str]) -> Sequence[Any]:
        batch = kind.pair, texts, kind.alternatives, kind.is_tagged
        found: Sequence[Any] = await kind.generation.models.run("translate", batch)
        characters = sum(map(len, texts))
        self.characters += characters
        self.metrics.count("nmt_characters_total", kind.pair, by=characters)
        self.metrics.count("nmt_tokens_total", kind.pair, by=sum(one[3] for one in found))
        return found

    def _ran(self, kind: _Kind, number: int, seconds: float) -> None:
        self.metrics.observe("nmt_batch_segments", number, kind.pair)
        self.metrics.observe("nmt_batch_seconds", seconds, kind.pair)
        self._speed += 0.1 * (self.settings.workers * number / max(seconds, 1e-3) - self._speed)

    # -- its life --

    async def reload(self) -> bool:
        """Load the models and the keys again; requests go on meanwhile. Whether that worked: if not, what was there
        stays."""
        async with self._reloading:
            loaded = stamp(self.settings.pairs)
            try:
                keys = Keys(self.settings.keys) if self.settings.keys else None
                new = await self._generation(spawn(self.settings.for_models()))
            except (ValueError, OSError) as error:  # ChildProcessError too
                logger.error("the models are not loaded again, and those before stay: %s", error)
                self.metrics.count("nmt_reloads_total", "failed")
                self._loaded = loaded  # until they change once more
                return False
            old, self.current, self.keys, self._loaded = self.current, new, keys, loaded
            self._deaths += old.models.deaths
            self._cache.clear()
            old.is_old = True
            old.end_if_idle()
            self.metrics.count("nmt_reloads_total", "done")
            logger.info("the models are loaded again")
            return True

    def begin_reload(self) -> None:
        self._begin(self.reload())

    async def _watch(self) -> None:
        """Load models again when their files have changed, and then have not for as long as it takes to look."""
        before = self._loaded
        while True:
            await asyncio.sleep(self.settings.watch_s)
            now = await asyncio.to_thread(stamp, self.settings.pairs)
            if now == before and now != self._loaded:
                await self.reload()
            before = now

    def _lost(self, generation: _Generation) -> None:
        """The process that holds the models has ended; its workers go on until others are there."""
        if generation is self.current and not self.is_draining:
            logger.error("the process that holds the models has ended; another one is started")
            self._begin(self._restart())

    async def _restart(self) -> None:
        while not await self.reload():
            await asyncio.sleep(RELOAD_AGAIN_S)

    async def drain(self, bound_s: float) -> None:
        """Refuse what is new, and wait until what was accepted is answered, but no longer than that."""
        self.is_draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(bound_s):
                await self.batcher.drained()

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.current.models.close()

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # asyncio itself would let it go
        task.add_done_callback(self._tasks.discard)
