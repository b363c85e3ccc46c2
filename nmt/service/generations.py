"""The models that are served, and how they are reloaded while requests go on.

A generation is loaded together: models, their workers, and keys. A request stays with the generation in which it
came, so one model answers all of it; an old generation ends with its last request.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nmt.service.limits import Keys
from nmt.service.metrics import Metrics
from nmt.service.pairs import LanguagePair, Pairs, stamp
from nmt.service.processes import Spawned, WorkerPool, spawn
from nmt.service.tasks import Tasks

RELOAD_AGAIN_S = 5.0  # between attempts to replace a process with the models that has died

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """The models to serve, and how."""

    pairs: tuple[LanguagePair, ...]
    workers: int
    compute: str = "auto"
    keys: Path | None = None
    cache: int = 0  # segments whose translations are kept
    watch_s: float = 0.0  # interval of checks of the model directories; 0: never
    beam_size: int | None = None  # None: each model's own search

    def for_models(self) -> dict[str, Any]:
        pairs = {pair.name: list(pair.folders) for pair in self.pairs}
        return {"pairs": pairs, "compute": self.compute, "beam_size": self.beam_size}


@dataclass(eq=False)
class Generation:
    """Models, pairs and keys loaded together. A request uses it as a context manager."""

    models: WorkerPool
    pairs: Pairs
    keys: Keys | None  # None: no key is needed
    in_use: int = 0  # by requests
    is_old: bool = False

    def __enter__(self) -> Generation:
        self.in_use += 1
        return self

    def __exit__(self, *error: object) -> None:
        self.in_use -= 1
        self.end_if_idle()

    def end_if_idle(self) -> None:
        if self.is_old and not self.in_use:
            self.models.close()


class Generations:
    """The current generation, for new requests, and its replacement. Use it only in the event loop that awaits
    `start`."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.current: Generation
        self.is_draining = False
        self._reloading = asyncio.Lock()
        self._tasks = Tasks()
        self._loaded: tuple[object, ...] = ()  # the stamp of the files when they were loaded
        self._old_deaths = 0  # of workers of old generations

    @property
    def deaths(self) -> int:
        """The number of workers that died since the start."""
        return self._old_deaths + self.current.models.deaths

    async def start(self, spawned: Spawned) -> None:
        """Raises ValueError for an invalid model or keys, and ChildProcessError when no process can run."""
        self._loaded = stamp(self.settings.pairs)
        self.current = await self._generation(spawned)
        if self.settings.watch_s:
            self._tasks.begin(self._watch())

    async def _generation(self, spawned: Spawned | None = None) -> Generation:
        keys = Keys(self.settings.keys) if self.settings.keys else None
        models = await WorkerPool.start(spawned or spawn(self.settings.for_models()), self.settings.workers)
        generation = Generation(models, Pairs(self.settings.pairs), keys)
        models.on_end = lambda: self._lost(generation)
        return generation

    async def reload(self) -> bool:
        """Load the models again while requests go on -> whether that worked; if not, the old ones stay."""
        async with self._reloading:
            loaded = stamp(self.settings.pairs)
            try:
                new = await self._generation()
            except (ValueError, OSError) as error:  # ChildProcessError too
                logger.error("the models are not loaded again, and those before stay: %s", error)
                self.metrics.count("nmt_reloads_total", "failed")
                self._loaded = loaded  # try again only after another change
                return False
            old, self.current, self._loaded = self.current, new, loaded
            self._old_deaths += old.models.deaths
            old.is_old = True
            old.end_if_idle()
            self.metrics.count("nmt_reloads_total", "done")
            logger.info("the models are loaded again")
            return True

    def begin_reload(self) -> None:
        self._tasks.begin(self.reload())

    async def _watch(self) -> None:
        """Reload models when their files have changed and are the same at the next check."""
        before = self._loaded
        while True:
            await asyncio.sleep(self.settings.watch_s)
            now = await asyncio.to_thread(stamp, self.settings.pairs)
            if now == before and now != self._loaded:
                await self.reload()
            before = now

    def _lost(self, generation: Generation) -> None:
        """The process that holds the models has died: start another; its workers go on meanwhile."""
        if generation is self.current and not self.is_draining:
            logger.error("the process that holds the models has ended; another one is started")
            self._tasks.begin(self._restart())

    async def _restart(self) -> None:
        while not await self.reload():
            await asyncio.sleep(RELOAD_AGAIN_S)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.current.models.close()
