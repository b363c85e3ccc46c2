"""Forked processes of this machine, which share the memory of the loaded model."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from nmt.distribution.parts import MAX_DEATHS, Run
from nmt.translation.forks import Worker, shared


@contextmanager
def processes(work: Callable[[int], Any], workers: int, address: str | None) -> Iterator[Run]:
    """Work stays in this process if the system cannot fork or `workers` is 0, as on a GPU. Raises ChildProcessError
    when a part kills every worker, or none can start."""
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
