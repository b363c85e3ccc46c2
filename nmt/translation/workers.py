"""Translation by several processes: on a CPU two with one thread each are faster than one with two threads.

The batches are the same with any number of workers, so the translations are too.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from nmt.common.bars import Done, counted
from nmt.common.process import usable_cores
from nmt.translation.forks import Worker, shared
from nmt.translation.translator import Translator
from nmt.translation.values import Each, Translation, texts_like, texts_of

MAX_WORKERS = 1024
MAX_DEATHS = 3  # of workers over one batch: it would kill the next one too


def default_workers(translator: Translator) -> int:
    """One for each core, if processes can be forked and the model is on the CPU; else 1."""
    if translator.device.type != "cpu" or not hasattr(os, "fork"):
        return 1
    return min(usable_cores(), MAX_WORKERS)


class Workers:
    """Shares a translator's work among up to `number` processes, until its context ends. A single batch, and all work
    of one worker, stays in this process. Threads may share it and take turns.

    Raises ValueError for an impossible number of workers.
    """

    def __init__(self, translator: Translator, number: int | None = None, done: Done = lambda count: None) -> None:
        """`done` is called with the number of texts just done."""
        self.translator, self.done = translator, done
        self.number = default_workers(translator) if number is None else number
        what = f"workers is {self.number}; it must be"
        if not 1 <= self.number <= MAX_WORKERS:
            raise ValueError(f"{what} from 1 to {MAX_WORKERS}")
        if self.number > 1 and translator.device.type != "cpu":
            raise ValueError(f"{what} 1 for a model on {translator.device}")
        if self.number > 1 and not hasattr(os, "fork"):
            raise ValueError(f"{what} 1, because this system cannot fork")
        self.pool: list[Worker] = []  # started as needed
        self.has_ended = False
        self._turn = threading.Lock()

    def __enter__(self) -> Workers:
        self.has_ended = False
        return self

    def __exit__(self, *_: object) -> None:
        self.has_ended = True  # what would be started from now on nobody would end
        while self.pool:
            self.pool.pop().end()

    def translate(self, texts: str | Iterable[str], **options: Any) -> list[Translation]:
        """As Translator.translate. Raises ChildProcessError when a batch kills every worker, or none can start."""
        texts = texts_of("texts", texts)
        with self._turn, self._told(len(texts)) as each:
            return self.translator.translate(texts, each=each, **options)

    def score(self, srcs: str | Iterable[str], tgts: str | Iterable[str], **options: Any) -> list[Translation]:
        """As Translator.score. Raises ChildProcessError when a batch kills every worker, or none can start."""
        srcs = texts_of("srcs", srcs)
        tgts = texts_like("tgts", tgts, "srcs", len(srcs))
        with self._turn, self._told(len(srcs)) as each:
            return self.translator.score(srcs, tgts, each=each, **options)

    @contextmanager
    def _told(self, number: int) -> Iterator[Each]:
        """`_each`, which reports its batches to `done`; texts that need no model are reported at the end.
        Raises ValueError after the workers' context."""
        if self.has_ended:
            raise ValueError("these workers have ended with their `with` block; make new ones")
        left = number

        def count(more: int) -> None:
            nonlocal left
            left -= more
            self.done(more)

        yield lambda function, batches: counted(self._each(function, batches), count)
        self.done(left)

    def _each(self, function: Callable[[Any], Any], batches: Iterable[Any]) -> Iterator[Any]:
        batches = list(batches)
        if self.number == 1 or len(batches) < 2:
            return map(function, batches)
        return self._shared(function.__name__, batches)

    def _shared(self, method: str, batches: list[Any]) -> Iterator[Any]:
        """The results in order, each as soon as those before it are there."""
        most, tasks = min(self.number, len(batches)), enumerate(batches)
        found = shared(self.pool, most, self.translator, method, tasks, MAX_DEATHS, lambda _: "the same sentences")
        results: dict[int, Any] = {}
        for batch in range(len(batches)):
            while batch not in results:
                done, results[done] = next(found)
            yield results.pop(batch)
