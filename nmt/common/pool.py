"""Long jobs in processes of their own, which end with the process that waits for them, however it ends."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for_end
from typing import TypeVar

from nmt.common.signals import blocked

Job = TypeVar("Job")
Result = TypeVar("Result")


def results(
    work: Callable[[Job], Result], jobs: Sequence[Job], processes: int, begin: Callable[[], object] = int
) -> Generator[tuple[Job, Result], None, None]:
    """Each job with its result, in order of completion. `work` and `begin`, which each process calls first, are
    module-level functions. However the iteration ends, it kills all running jobs at once.

    Raises the jobs' own errors, and ChildProcessError if a process was killed.
    """
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin, (begin,))
    try:
        # A new process inherits the blocked signals, from its first moment. multiprocessing's helper process, whose
        # start would unblock them, already runs once the pool exists.
        with blocked():
            futures = [pool.submit(work, job) for job in jobs]
            pool.submit(int)  # the pool does not watch a process started by the last submission
        yield from ((jobs[i], result) for i, result in finished(futures))
    except BrokenProcessPool:
        raise ChildProcessError(
            "a process was killed, perhaps for want of memory; the same command goes on with what is missing, and "
            "takes less memory with processes=1"
        ) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - others:
            process.kill()


def finished(futures: Sequence[Future[Result]]) -> Iterator[tuple[int, Result]]:
    """The number and result of each future, in order of completion. Of futures that end together, errors come last,
    so no result is lost."""
    left = {future: i for i, future in enumerate(futures)}
    while left:
        done, _ = wait(left, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=lambda one: one.exception() is not None):
            yield left.pop(future), future.result()


def _begin(begin: Callable[[], object]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    begin()


def _end_with_parent() -> None:
    """Ends this process with its parent: a killed parent cannot end its processes."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for_end([parent.sentinel])
    os._exit(1)
