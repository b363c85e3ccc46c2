"""The HTTP process's side of the processes that hold the models: start them, call them, replace them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from nmt.common.json_text import to_json
from nmt.service.tasks import Tasks

Spawned = tuple[subprocess.Popen[bytes], socket.socket]  # the process that loads models, and our end of its socket

BATCH_S = 120.0  # a worker that takes longer counts as hung
MAX_MESSAGE = 1 << 16

logger = logging.getLogger(__name__)


class WorkerGoneError(ConnectionError):
    """A worker has died during a batch, or there is none left."""


class _Worker:
    """A worker's pipe. `on_end` is called once, when it has ended."""

    def __init__(self, connection: Connection, pid: int, on_end: Callable[[_Worker], None]) -> None:
        self.connection = connection
        self.pid = pid
        self.has_ended = False
        self._on_end = on_end
        self._answer: asyncio.Future[Any] | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(connection.fileno(), self._read)
        os.set_blocking(connection.fileno(), True)  # uvloop made it non-blocking, but a long answer comes in parts

    def ask(self, method: str, batch: Any) -> asyncio.Future[Any]:
        """Send a batch -> a future of the answer. Does not block: a worker has one batch and reads it at once."""
        self._answer = self._loop.create_future()
        with suppress(OSError):  # it has died, which `_read` will notice
            self.connection.send((method, batch))
        return self._answer

    def _read(self) -> None:
        try:
            is_error, result = self.connection.recv()
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
        """Close the pipe, which ends the worker, whatever it is doing."""
        if self.has_ended:
            return
        self.has_ended = True
        self._loop.remove_reader(self.connection.fileno())
        self.connection.close()
        if self._answer and not self._answer.done():
            self._answer.set_exception(WorkerGoneError("a worker has ended"))
        self._on_end(self)


class WorkerPool:
    """Loaded models and the workers that share them. Created by `start`."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self.process = process
        self.deaths = 0  # of workers
        self.on_end: Callable[[], None] = lambda: None  # called when the process ends without being told to
        self.is_closed = False
        self._control = control
        self._workers: set[_Worker] = set()
        self._idle: list[_Worker] = []  # the last one is used first: its caches are warm
        self._changed = asyncio.Event()  # a worker is idle, or has ended
        self._received, self._descriptors = b"", list[int]()
        self._reply: asyncio.Future[tuple[Any, list[int]]] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._tasks = Tasks()
        asyncio.get_running_loop().add_reader(control.fileno(), self._read)

    @classmethod
    async def start(cls, spawned: Spawned, number: int) -> WorkerPool:
        """A pool of `number` workers in the process started by `spawn`. Raises ValueError for an invalid model or
        when a worker cannot start, and ChildProcessError when the process dies."""
        models = cls(*spawned)
        try:
            await models._ask(b"")  # until the models are loaded
            for _ in range(number):
                await models._fork(0)
        except BaseException:
            models.close()
            raise
        return models

    async def run(self, method: str, batch: Any) -> Any:
        """A worker's answer. Raises its error, or WorkerGoneError."""
        # The caller may be cancelled; the worker is busy until it has answered.
        return await asyncio.shield(self._tasks.begin(self._run(method, batch)))

    async def _run(self, method: str, batch: Any) -> Any:
        worker = await self._free_worker()
        answer = worker.ask(method, batch)
        done, _ = await asyncio.wait([answer], timeout=BATCH_S)
        if not done:
            logger.warning("a worker has not answered for %.0f s; it is ended", BATCH_S)
            with suppress(OSError):
                os.kill(worker.pid, signal.SIGKILL)
            worker.end()
        if not worker.has_ended:
            self._release(worker)
        return answer.result()

    async def _free_worker(self) -> _Worker:
        while not self._idle:
            if not self._workers and self.is_closed:
                raise WorkerGoneError("there is no worker any more")
            self._changed.clear()
            await self._changed.wait()
        return self._idle.pop()

    def _release(self, worker: _Worker) -> None:
        self._idle.append(worker)
        self._changed.set()

    def _ended(self, worker: _Worker) -> None:
        """Replace a worker that has died."""
        self._workers.discard(worker)
        self._changed.set()
        with suppress(ValueError):
            self._idle.remove(worker)
        if self.is_closed:
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
                self._lost()

    async def _fork(self, dead: int) -> str:
        """Add a worker -> what ended the one with pid `dead`, if not 0."""
        answer, descriptors = await self._ask(b"%d\n" % dead)
        worker = _Worker(Connection(descriptors[0]), answer["pid"], self._ended)
        self._workers.add(worker)
        self._release(worker)
        return str(answer["cause"])

    async def _ask(self, line: bytes) -> tuple[Any, list[int]]:
        async with self._one_at_a_time:
            if self.is_closed:
                raise ChildProcessError("the process that holds the models has ended")
            self._reply = asyncio.get_running_loop().create_future()
            with suppress(OSError):
                self._control.sendall(line)
            answer, descriptors = await self._reply
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer, descriptors

    def _read(self) -> None:
        try:
            content, descriptors, _, _ = socket.recv_fds(self._control, MAX_MESSAGE, 8)
        except OSError:
            content, descriptors = b"", []
        if not content:
            self._lost()
            return
        self._received += content
        self._descriptors += descriptors
        if self._received.endswith(b"\n") and self._reply and not self._reply.done():
            self._reply.set_result((json.loads(self._received), self._descriptors))
            self._received, self._descriptors = b"", []

    def _lost(self) -> None:
        """Called when the process has ended; its workers, if any, go on."""
        if self.is_closed:
            return
        self._close_control()
        if self._reply and not self._reply.done():
            self._reply.set_exception(ChildProcessError("the process that holds the models has ended"))
        self.on_end()

    def _close_control(self) -> None:
        self.is_closed = True
        self._changed.set()
        asyncio.get_running_loop().remove_reader(self._control.fileno())
        self._control.close()

    def close(self) -> None:
        """End all processes at once."""
        if not self.is_closed:
            self._close_control()
        for worker in list(self._workers):
            worker.end()
        asyncio.get_running_loop().run_in_executor(None, self.process.wait)


def spawn(settings: Mapping[str, Any]) -> Spawned:
    """Start a process that loads the models, without waiting for it."""
    own, its = socket.socketpair()
    with its:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nmt.service.models", str(its.fileno())],
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    own.sendall(to_json(settings).encode() + b"\n")
    return process, own
