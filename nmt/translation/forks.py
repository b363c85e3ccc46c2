"""Worker processes, forked from this one.

A worker shares its parent's memory, such as a model's weights, so it starts at once. Each has its own pipe; workers
share nothing else, above all no lock, so one that dies in the middle of anything harms no other. Another takes its
place and repeats its work.
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

TRIM_S = 0.5  # of work between trims: a trim after every small batch would cost as much as the batch

logger = logging.getLogger(__name__)
_forking = threading.Lock()  # a concurrent fork would inherit the other worker's end of its pipe and hide its death


def shared(
    pool: list[Worker],
    most: int,
    target: Any,
    method: str,
    tasks: Iterable[tuple[int, Any]],
    most_deaths: int,
    named: Callable[[int], str],
    option: str = "--workers ",
) -> Iterator[tuple[int, Any]]:
    """Call a method of `target` with numbered tasks in up to `most` workers; yields the number and the result of each
    in order of completion. The workers stay in `pool` for later calls. For messages, `named` gives a task's name,
    and `option` is what a user types before the number of workers.

    Raises the tasks' own errors, and ChildProcessError when a task kills `most_deaths` workers or none can start.
    """
    for worker in [worker for worker in pool if worker.task is not None]:  # an error ended the call they worked for
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
                pool.append(Worker(target, option))
            pool[i].begin(task, method)
        busy = {worker.connection: (worker, worker.task) for worker in pool if worker.task is not None}
        if not busy:
            return
        failed: Exception | None = None  # raised after the results that are there, so that none is lost
        for connection in wait(list(busy)):
            worker, task = busy[connection]  # type: ignore[index]
            try:
                result = worker.finish()
            except WorkerDiedError:
                pool.remove(worker)
                again.append(task)
                deaths[task[0]] += 1
                failed = failed or _told(worker.end(), named(task[0]), deaths[task[0]], most_deaths, option)
            except Exception as error:
                failed = failed or error
            else:
                yield task[0], result
        if failed is not None:
            raise failed


def _told(cause: str, task: str, deaths: int, most_deaths: int, option: str) -> ChildProcessError | None:
    """Warn of a worker's death, or, after the last that a task may cause, the error."""
    if deaths == most_deaths:
        return ChildProcessError(
            f"{deaths} workers ended over {task}, the last by {cause}; if memory is short, try {option}1"
        )
    logger.warning("a worker ended by %s; another one does %s again", cause, task)
    return None


class WorkerDiedError(Exception):
    """A worker has died during its task."""


class Worker:
    """A fork of this process that calls methods of `target`, and the parent's end of a pipe to it. Raises
    ChildProcessError when it cannot start."""

    def __init__(self, target: Any, option: str = "--workers ") -> None:
        self.task: tuple[int, Any] | None = None  # the current one
        with _forking:
            try:
                self.connection, own = Pipe()
                self.pid = _fork()
            except OSError as error:
                reason = f"no worker can be started: {error.strerror}; try fewer with {option.rstrip(' =')}"
                raise ChildProcessError(reason) from None
            if self.pid == 0:
                _forking.release()  # a worker may have workers
                _serve(target, own, self.connection)
            own.close()

    def begin(self, task: tuple[int, Any], method: str) -> None:
        """Send a numbered task. If the worker has died, only `finish` raises."""
        self.task = task
        with suppress(OSError):
            self.connection.send((method, task[1]))

    def finish(self) -> Any:
        """The result of the task. Raises the task's own error, or WorkerDiedError."""
        try:
            is_error, result = self.connection.recv()
        except (EOFError, OSError):
            raise WorkerDiedError from None
        self.task = None
        if is_error:
            raise result
        return result

    def end(self) -> str:
        """End the process, if it is still alive -> what ended it."""
        self.connection.close()
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if not pid:
                os.kill(self.pid, signal.SIGKILL)  # it ignores milder signals, and has no state to lose
                _, status = os.waitpid(self.pid, 0)
        except ChildProcessError:  # other code has already waited for all children
            return "an unknown cause"
        code = os.waitstatus_to_exitcode(status)
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def _fork() -> int:
    """As os.fork, but the child ignores the signals of OF_GROUPS: the parent handles them."""
    with blocked():
        pid = os.fork()
        if pid == 0:
            for number in OF_GROUPS:
                signal.signal(number, signal.SIG_IGN)
    return pid


def _serve(target: Any, connection: Connection, parents: Connection) -> NoReturn:
    """A worker's main loop: task by task, until the parent closes the pipe."""
    try:
        parents.close()
        torch.set_num_threads(1)
        threading.Thread(target=_end_with_parent, args=(connection.fileno(),), daemon=True).start()
        worked = 0.0  # s, since the last trim
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
    """End this worker when the parent dies: otherwise it would go on for nothing."""
    poll = select.poll()
    poll.register(descriptor, 0)  # only the end of the pipe
    poll.poll()
    os._exit(1)
