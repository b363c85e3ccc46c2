"""Forked processes of this machine, which share the memory of the model that was loaded before."""

from __future__ import annotations

import logging
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any

from nmt.translation.workers import Worker, WorkerDiedError

MAX_DEATHS = 5  # over one part, which from the third on does itself line by line in processes of its own

logger = logging.getLogger(__name__)


@contextmanager
def processes(
    work: Callable[[int], Any], workers: int, address: str | None
) -> Iterator[Callable[[Iterable[int]], Iterator[Any]]]:
    """Raises ChildProcessError when a part ends every worker, or none can start. Work stays in this process where
    there is none to fork, or it must not be: on a GPU."""
    if workers == 0 or not hasattr(os, "fork"):
        yield lambda parts: map(work, parts)
        return
    pool: list[Worker] = []
    try:
        yield lambda parts: _shared(work, workers, pool, parts)
    finally:
        while pool:
            pool.pop().end()


def _shared(work: Callable[[int], Any], workers: int, pool: list[Worker], parts: Iterable[int]) -> Iterator[Any]:
    left, again, deaths = iter(parts), deque[int](), Counter[int]()
    while True:
        for i in range(workers):
            if i < len(pool) and pool[i].batch is not None:
                continue
            number = again.popleft() if again else next(left, None)
            if number is None:
                break
            if i == len(pool):
                pool.append(Worker(work))
            pool[i].begin(number, "__call__", number)
        busy = {worker.connection: worker for worker in pool if worker.batch is not None}
        if not busy:
            return
        for connection in wait(list(busy)):
            worker = busy[connection]  # type: ignore[index]
            number = worker.batch
            assert number is not None
            try:
                yield worker.finish()
            except WorkerDiedError:
                pool.remove(worker)
                cause = worker.end()
                deaths[number] += 1
                if deaths[number] == MAX_DEATHS:
                    message = f"{MAX_DEATHS} workers ended over part {number}, the last by {cause}"
                    raise ChildProcessError(message) from None
                logger.warning("a worker ended by %s; another one does part %d again", cause, number)
                again.append(number)
