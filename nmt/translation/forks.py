"""Forks of this process that work for it.

A worker shares the memory of what it works with, such as a model's weights, so it starts at once. Each has a pipe of
its own, and workers share nothing else, above all no lock: one that dies, whatever it was doing, harms no other.
Another takes its place and does its work again.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, NoReturn

import torch

from nmt.common.process import trim_memory
from nmt.common.signals import OF_GROUPS, blocked

TRIM_S = 0.5  # of a worker's work; after every small batch it would cost as much as the batch

logger = logging.getLogger(__name__)
_forking = threading.Lock()  # a fork amid another one would hold its worker's end of the pipe, and hide its death


def shared(
    pool: list[Worker],
    most: int,
    target: Any,
    method: str,
    tasks: Iterable[tuple[int, Any]],
    most_deaths: int,
    named: Callable[[int], str],
) -> Iterator[tuple[int, Any]]:
    """Call a method of `target` with numbered tasks in up to `most` workers: the number and the result of each, as
    they come. The workers stay in `pool` for other tasks. `named` gives what a person calls a task.

    Raises the tasks' own errors, and ChildProcessError when one ends `most_deaths` workers or none can start.
    """
    for worker in [worker for worker in pool if worker.task is not None]:  # an error has ended what it works for
        pool.remove(worker)
        worker.end()
    left, again, deaths = iter(tasks), deque[tuple[int, Any]](), Counter[int]()
    while True:
        for i in range(most):
            if i < len(pool) and pool[i].task is not None:
                continue
            task = again.popleft() if again else next(left, None)
            if task is None:
                break
            if i == len(pool):
                pool.append(Worker(target))
            pool[i].begin(task, method)
        busy = {worker.connection: (worker, worker.task) for worker in pool if worker.task is not None}
        if not busy:
            return
        for connection in wait(list(busy)):
            worker, task = busy[connection]  # type: ignore[index]
            try:
                yield task[0], worker.finish()
            except WorkerDiedError:
                pool.remove(worker)
                again.append(task)
                deaths[task[0]] += 1
                _tell(worker.end(), named(task[0]), deaths[task[0]], most_deaths)


def _tell(cause: str, task: str, deaths: int, most_deaths: int) -> None:
    if deaths == most_deaths:
        raise ChildProcessError(
            f"{deaths} workers ended over {task}, the last by {cause}; if memory is short, try --workers 1"
        )
    logger.warning("a worker ended by %s; another one does %s again", cause, task)


class WorkerDiedError(Exception):
    """A worker has ended amid its task."""


class Worker:
    """A fork of this process, and the parent's end of a pipe to it; it calls methods of `target`. Raises
    ChildProcessError when none can start."""

    def __init__(self, target: Any) -> None:
        self.task: tuple[int, Any] | None = None  # the one at work
        with _forking:
            try:
                self.connection, own = Pipe()
                self.pid = _fork()
            except OSError as error:
                reason = f"no worker can be started: {error.strerror}; try fewer with --workers"
                raise ChildProcessError(reason) from None
            if self.pid == 0:
                _forking.release()  # a worker may have workers
                _serve(target, own, self.connection)
            own.close()

    def begin(self, task: tuple[int, Any], method: str) -> None:
        """Hand a numbered task over. A worker that is not there any more will not `finish` it."""
        self.task = task
        with suppress(OSError):
            self.connection.send((method, task[1]))

    def finish(self) -> Any:
        """The result of the task. Raises the task's own error, and WorkerDiedError."""
        try:
            is_error, result = self.connection.recv()
        except (EOFError, OSError):
            raise WorkerDiedError from None
        self.task = None
        if is_error:
            raise result
        return result

    def end(self) -> str:
        """End the process, if it has not ended by itself; what did."""
        self.connection.close()
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if not pid:
                os.kill(self.pid, signal.SIGKILL)  # it ignores what is less, and has nothing to lose
                _, status = os.waitpid(self.pid, 0)
        except ChildProcessError:  # somebody else has waited for all children
            return "an unknown cause"
        code = os.waitstatus_to_exitcode(status)
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def _fork() -> int:
    """As os.fork; signals of groups, whose handlers are the parent's business, do not reach the child any more."""
    with blocked():
        pid = os.fork()
        if pid == 0:
            for number in OF_GROUPS:
                signal.signal(number, signal.SIG_IGN)
    return pid


def _serve(target: Any, connection: Connection, parents: Connection) -> NoReturn:
    """What a worker does: task by task, until the parent has gone."""
    try:
        parents.close()
        torch.set_num_threads(1)
        threading.Thread(target=_end_with_parent, args=(connection.fileno(),), daemon=True).start()
        worked = 0.0  # s, since memory was given back
        while True:
            method, task = connection.recv()
            begun = time.monotonic()
            try:
                answer = False, getattr(target, method)(task)
            except Exception as error:
                error.add_note(traceback.format_exc())
                answer = True, error
            connection.send(answer)
            worked += time.monotonic() - begun
            if worked > TRIM_S:
                trim_memory()
                worked = 0.0
    finally:
        os._exit(1)


def _end_with_parent(descriptor: int) -> None:
    """A parent that is killed cannot end its workers: at work they would go on, to no purpose."""
    poll = select.poll()
    poll.register(descriptor, 0)  # only the end of the pipe
    poll.poll()
    os._exit(1)
