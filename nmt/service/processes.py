"""The HTTP process's side of the processes that hold the models: start them, call them, replace them."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from multiprocessing.reduction import recv_handle
from typing import Any

from nmt.service.tasks import Tasks

Spawned = tuple[subprocess.Popen[bytes], Connection]  # the process that loads models, and our end of its pipe

BATCH_S = 120.0  # a worker that takes longer counts as hung

logger = logging.getLogger(__name__)


class WorkerGoneError(ConnectionError):
    """A worker has died during a batch, or there is none left."""


class _Process:
    """A process at the other end of a pipe, which answers one message at a time. `on_end` is called once, when the
    pipe is closed."""

    def __init__(self, connection: Connection, pid: int, on_end: Callable[[_Process], None]) -> None:
        self.pid = pid
        self.has_ended = False
        self._connection = connection
        self._on_end = on_end
        self._answer: asyncio.Future[Any] | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(connection.fileno(), self._read)
        os.set_blocking(connection.fileno(), True)  # uvloop made it non-blocking, but a long answer comes in parts

    def ask(self, message: Any) -> asyncio.Future[Any]:
        """Send a message -> a future of the answer. Does not block: the process waits for it."""
        self._answer = self._loop.create_future()
        if self.has_ended:
            self._answer.set_exception(WorkerGoneError("the process has ended"))
        with suppress(OSError):  # it has died, which `_read` will notice
            self._connection.send(message)
        return self._answer

    def _received(self) -> tuple[bool, Any]:
        """Whether the answer is an error, and the answer."""
        is_error, result = self._connection.recv()
        return is_error, result

    def _read(self) -> None:
        try:
            is_error, result = self._received()
        except (EOFError, OSError):
            self.end()
            return
        answer, self._answer = self._answer, None
        if answer is None or answer.done():
            return
        if is_error:
            answer.set_exception(result)
        else:
            answer.set_result(result)

    def end(self) -> None:
        """Close the pipe, which ends the process, whatever it is doing."""
        if self.has_ended:
            return
        self.has_ended = True
        self._loop.remove_reader(self._connection.fileno())
        self._connection.close()
        if self._answer and not self._answer.done():
            self._answer.set_exception(WorkerGoneError("the process has ended"))
        self._on_end(self)


class _ModelHolder(_Process):
    """The process that holds the models. Its answers are new workers: pid, what ended the one before, pipe."""

    def _received(self) -> tuple[bool, Any]:
        is_error, result = super()._received()
        return is_error, result if is_error else (*result, Connection(recv_handle(self._connection)))


class WorkerPool:
    """Loaded models and the workers that share them. Created by `start`."""

    def __init__(self, process: subprocess.Popen[bytes], control: Connection) -> None:
        self.process = process
        self.deaths = 0  # of workers
        self.on_end: Callable[[], None] = lambda: None  # called when the process ends without being told to
        self._holder = _ModelHolder(control, process.pid, self._lost)
        self._one_at_a_time = asyncio.Lock()  # for questions to it
        self._workers: set[_Process] = set()
        self._idle: list[_Process] = []  # the last one is used first: its caches are warm
        self._changed = asyncio.Event()  # a worker is idle, or has ended
        self._tasks = Tasks()

    @classmethod
    async def start(cls, spawned: Spawned, number: int) -> WorkerPool:
        """A pool of `number` workers in the process started by `spawn`. Raises ValueError for an invalid model, and
        ChildProcessError when the process dies or a worker cannot start."""
        pool = cls(*spawned)
        try:
            for _ in range(number):
                await pool._fork(0)
        except BaseException:
            pool.close()
            raise
        return pool

    async def run(self, method: str, batch: Any) -> Any:
        """A worker's answer. Raises its error, or WorkerGoneError."""
        # The caller may be cancelled; the worker is busy until it has answered.
        return await asyncio.shield(self._tasks.begin(self._run(method, batch)))

    async def _run(self, method: str, batch: Any) -> Any:
        worker = await self._free_worker()
        answer = worker.ask((method, batch))
        done, _ = await asyncio.wait([answer], timeout=BATCH_S)
        if not done:
            logger.warning("a worker has not answered for %.0f s; it is ended", BATCH_S)
            with suppress(OSError):
                os.kill(worker.pid, signal.SIGKILL)
            worker.end()
        if not worker.has_ended:
            self._release(worker)
        return answer.result()

    async def _free_worker(self) -> _Process:
        while not self._idle:
            if not self._workers and self._holder.has_ended:
                raise WorkerGoneError("there is no worker any more")
            self._changed.clear()
            await self._changed.wait()
        return self._idle.pop()

    def _release(self, worker: _Process) -> None:
        self._idle.append(worker)
        self._changed.set()

    def _ended(self, worker: _Process) -> None:
        """Replace a worker that has died."""
        self._workers.discard(worker)
        self._changed.set()
        with suppress(ValueError):
            self._idle.remove(worker)
        if self._holder.has_ended:
            return
        self.deaths += 1
        self._tasks.begin(self._replace(worker.pid))

    async def _replace(self, pid: int) -> None:
        try:
            cause = await self._fork(pid)
            logger.warning("a worker ended by %s; another one has taken its place", cause)
        except (ChildProcessError, ValueError) as error:
            logger.error("a worker ended, and no other one can start: %s", error)
            if not self._workers:
                self._holder.end()

    async def _fork(self, dead: int) -> str:
        """Add a worker, the first one when the models are loaded -> what ended the one with pid `dead`, if not 0."""
        try:
            async with self._one_at_a_time:
                pid, cause, connection = await self._holder.ask(dead)
        except WorkerGoneError:
            raise ChildProcessError("the process that holds the models has ended") from None
        worker = _Process(connection, pid, self._ended)
        self._workers.add(worker)
        self._release(worker)
        return str(cause)

    def _lost(self, _: _Process) -> None:
        """Called when the process with the models has ended; its workers, if any, go on."""
        self._changed.set()
        self.on_end()

    def close(self) -> None:
        """End all processes at once."""
        self.on_end = lambda: None
        self._holder.end()
        for worker in list(self._workers):
            worker.end()
        asyncio.get_running_loop().run_in_executor(None, self.process.wait)


def spawn(settings: Mapping[str, Any]) -> Spawned:
    """Start a process that loads the models, without waiting for it."""
    own, its = Pipe()
    with its:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nmt.service.models", str(its.fileno())],
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    own.send(settings)
    return process, own
