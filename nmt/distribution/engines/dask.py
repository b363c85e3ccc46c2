"""Dask: workers of a cluster that a scheduler knows, or of one that is started here for this work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any

from nmt.distribution.parts import Run

AHEAD = 2  # parts a worker, at it or waiting for it: a million futures are gigabytes in the scheduler
MAX_DEATHS = 5  # over one part
SETTINGS = {
    "distributed.scheduler.allowed-failures": MAX_DEATHS,
    # A local cluster forgets a worker that takes longer to start again, and waits for ever when it has none.
    "distributed.deploy.lost-worker-timeout": "1 day",
}


@contextmanager
def dask(work: Callable[[int], Any], workers: int, address: str | None) -> Iterator[Run]:
    """Raises ModuleNotFoundError without the extra nmt[dask], and ChildProcessError when a part ends every worker."""
    import dask as settings
    from distributed import Client, LocalCluster

    with ExitStack() as stack:
        stack.enter_context(settings.config.set(SETTINGS))
        if address is None:
            cluster = LocalCluster(
                n_workers=max(workers, 1),
                threads_per_worker=1,
                host="127.0.0.1",  # a scheduler runs whatever is sent to it
                dashboard_address="127.0.0.1:0",
                silence_logs=50,
            )
            stack.enter_context(cluster)
        try:
            client = stack.enter_context(Client(address or cluster))
        except OSError as error:
            raise ValueError(f"there is no scheduler at {address}: {error}") from None
        yield lambda parts: _shared(client, work, parts)


def _shared(client: Any, work: Callable[[int], Any], parts: Iterable[int]) -> Iterator[Any]:
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    left = iter(parts)
    ahead = AHEAD * max(len(client.scheduler_info(n_workers=-1)["workers"]), 1)

    def submitted(count: int) -> list[Any]:
        return [client.submit(work, number, pure=False) for number in islice(left, count)]

    running = as_completed(submitted(ahead))
    for future in running:
        try:
            yield future.result()
        except KilledWorker as error:
            raise ChildProcessError(f"{MAX_DEATHS} workers ended over one part: {error}") from None
        future.release()
        for further in submitted(1):
            running.add(further)
