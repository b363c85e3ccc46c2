"""Long jobs in processes of their own, which end with the one that waits for them, however that ends."""

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
    """Each job with its result, as they come. `work`, and what each process is to `begin` with, are functions of a
    module. Whatever ends the iteration ends all that is still at work, at once.

    Raises the jobs' own errors, and ChildProcessError where a process was killed."""
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin, (begin,))
    try:
        # A process has from its first moment on what is blocked when it is started. multiprocessing's own process,
        # whose start would let signals through, runs once there is a pool.
        with blocked():
            futures = [pool.submit(work, job) for job in jobs]
            pool.submit(int)  # the pool does not watch a process that was started by the last that is submitted
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
    """The number and the result of each, as they come. Of those that end together an error comes last, so that it
    takes no result along."""
    left = {future: i for i, future in enumerate(futures)}
    while left:
        done, _ = wait(left, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=lambda one: one.exception() is not None):
            yield left.pop(future), future.result()


def _begin(begin: Callable[[], object]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    begin()


def _end_with_parent() -> None:
    """A parent that is killed cannot end its processes: they would go on, to no purpose."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for_end([parent.sentinel])
    os._exit(1)
