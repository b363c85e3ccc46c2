"""Ray Core: tasks on a cluster, or on a local one that is started for this work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from nmt.distribution.parts import MAX_DEATHS, Run, next_parts


@contextmanager
def ray(work: Callable[[int], Any], workers: int, address: str | None) -> Iterator[Run]:
    """Raises ModuleNotFoundError without the extra nmt[ray], and ChildProcessError if a part kills every worker."""
    import ray as core

    here: dict[str, Any] = {} if address else {"num_cpus": max(workers, 1), "include_dashboard": False}
    try:
        core.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **here)
    except ConnectionError as error:
        raise ValueError(f"there is no Ray at {address}: {error}") from None
    try:
        task = core.remote(num_cpus=1, max_retries=MAX_DEATHS)(_call)
        yield lambda parts: _shared(core, task, work, parts)
    finally:
        core.shutdown()


def _call(work: Callable[[int], Any], number: int) -> Any:
    return work(number)


def _shared(core: Any, task: Any, work: Callable[[int], Any], parts: Iterable[int]) -> Iterator[Any]:
    left = iter(parts)

    def submitted(running: int) -> list[Any]:
        cores = int(core.cluster_resources().get("CPU", 1))
        return [task.remote(work, number) for number in next_parts(left, cores, running)]

    running = submitted(0)
    while running:
        (done, *_), running = core.wait(running)
        try:
            yield core.get(done)
        except core.exceptions.WorkerCrashedError:
            raise ChildProcessError(f"{MAX_DEATHS} workers ended over one part") from None
        running += submitted(len(running))
