"""Dask: the workers of a scheduler's cluster, or of a local cluster that is started for this work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from nmt.distribution.parts import MAX_DEATHS, Run, next_parts

SETTINGS = {
    "distributed.scheduler.allowed-failures": MAX_DEATHS,
    # A local cluster drops a worker that takes longer to restart, and waits for ever when none is left.
    "distributed.deploy.lost-worker-timeout": "1 day",
}

logger = logging.getLogger(__name__)


@contextmanager
def dask(work: Callable[[int], Any], workers: int, address: str | None) -> Iterator[Run]:
    """Raises ModuleNotFoundError without the extra nmt[dask], and ChildProcessError if a part kills every worker or
    the scheduler is lost."""
    import dask as settings
    from distributed import Client, LocalCluster

    with ExitStack() as stack:
        stack.enter_context(settings.config.set(SETTINGS))
        if address is None:
            cluster = LocalCluster(
                n_workers=max(workers, 1),
                threads_per_worker=1,
                host="127.0.0.1",  # a scheduler runs any code that is sent to it
                dashboard_address="127.0.0.1:0",
                silence_logs=50,
            )
            stack.enter_context(cluster)
        try:
            client = stack.enter_context(Client(address or cluster))
        except OSError as error:
            raise ValueError(f"there is no scheduler at {address}: {error}") from None
        if not client.nthreads():
            logger.warning("the scheduler at %s has no worker yet; the work waits for one", address)
        yield lambda parts: _shared(client, work, parts)


def _shared(client: Any, work: Callable[[int], Any], parts: Iterable[int]) -> Iterator[Any]:
    from distributed import as_completed
    from distributed.client import FutureCancelledError
    from distributed.scheduler import KilledWorker

    left = iter(parts)

    def submitted(running: int) -> list[Any]:
        workers = len(client.nthreads())
        return [client.submit(work, number, pure=False) for number in next_parts(left, workers, running)]

    running = as_completed(submitted(0))
    for future in running:
        try:
            yield future.result()
        except KilledWorker as error:
            raise ChildProcessError(f"{MAX_DEATHS} workers ended over one part: {error}") from None
        except FutureCancelledError:
            # It goes on trying to reconnect, and would log with a traceback that it is closed.
            logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
            raise ChildProcessError("the scheduler cannot be reached any more; the same command goes on") from None
        future.release()
        for further in submitted(running.count()):
            running.add(further)
