"""Forked processes of this machine, which share the memory of the model that was loaded before."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from nmt.distribution.parts import Run
from nmt.translation.forks import Worker, shared

MAX_DEATHS = 5  # over one part, which from the third on does itself line by line in processes of its own


@contextmanager
def processes(work: Callable[[int], Any], workers: int, address: str | None) -> Iterator[Run]:
    """Raises ChildProcessError when a part ends every worker, or none can start. Work stays in this process where
    there is none to fork, or it must not be: on a GPU."""
    if workers == 0 or not hasattr(os, "fork"):
        yield lambda parts: map(work, parts)
        return
    pool: list[Worker] = []

    def run(parts: Iterable[int]) -> Iterator[Any]:
        tasks = ((part, part) for part in parts)
        for _, outcome in shared(pool, workers, work, "__call__", tasks, MAX_DEATHS, "part {}".format):
            yield outcome

    try:
        yield run
    finally:
        while pool:
            pool.pop().end()
