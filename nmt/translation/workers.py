"""Several processes that translate for one: on a CPU two of one thread each are faster than one of two threads.

A worker is a fork of the process that holds the model, so it starts at once and shares the weights' memory. The
batches are the same with any number of workers, so the translations are too.

Each worker has a pipe of its own, and workers share nothing else, above all no lock: one that dies, whatever it was
doing, harms no other. Another takes its place and does its batch again.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, Pipe, wait
from types import TracebackType
from typing import Any, NoReturn

import torch

from nmt.bars import Done, counted
from nmt.process import trim_memory
from nmt.translation.translator import Translator
from nmt.translation.values import Each, Translation, texts_like, texts_of

MAX_WORKERS = 1024
MAX_DEATHS = 3  # over one batch: it would kill the next worker too
TRIM_S = 0.5  # of a worker's work; after every small batch it would cost as much as the batch
SIGNALS = (signal.SIGINT, signal.SIGTERM)  # may be sent to all of a group; the one who reads decides

logger = logging.getLogger(__name__)
_forking = threading.Lock()  # a fork amid another one would hold its worker's end of the pipe, and hide its death


def default_workers(translator: Translator) -> int:
    """One a core, where processes can be forked and the model is on the CPU."""
    if translator.device.type != "cpu" or not hasattr(os, "fork"):
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MAX_WORKERS)


class Workers:
    """A translator's work, shared among up to `number` processes; little work, and that of one, stays in this
    process. Threads may use it in turns.

    Raises ValueError for a number of workers that cannot be.
    """

    def __init__(self, translator: Translator, number: int | None = None, done: Done | None = None) -> None:
        """`done` is told how many texts more are done."""
        self.translator, self.done = translator, done
        self.number = default_workers(translator) if number is None else number
        what = f"workers is {self.number}; it must be"
        if not 1 <= self.number <= MAX_WORKERS:
            raise ValueError(f"{what} from 1 to {MAX_WORKERS}")
        if self.number > 1 and translator.device.type != "cpu":
            raise ValueError(f"{what} 1 for a model on {translator.device}")
        if self.number > 1 and not hasattr(os, "fork"):
            raise ValueError(f"{what} 1, because this system cannot fork")
        self.pool: list[Worker] = []  # as many as there was work for
        self._turn = threading.Lock()

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self.pool:
            self.pool.pop().end()

    def translate(self, texts: str | Iterable[str], **options: Any) -> list[Translation]:
        """As Translator.translate. Raises ChildProcessError when a batch kills every worker, or none can start."""
        texts = texts_of("texts", texts)
        with self._turn, self._told(len(texts)) as each:
            return self.translator.translate(texts, each=each, **options)

    def score(self, srcs: str | Iterable[str], tgts: str | Iterable[str], **options: Any) -> list[Translation]:
        """As Translator.score. Raises ChildProcessError when a batch kills every worker, or none can start."""
        srcs = texts_of("srcs", srcs)
        tgts = texts_like("tgts", tgts, "srcs", len(srcs))
        with self._turn, self._told(len(srcs)) as each:
            return self.translator.score(srcs, tgts, each=each, **options)

    @contextmanager
    def _told(self, number: int) -> Iterator[Each]:
        """`_each`, of whose batches `done` is told; of what needs no model in the end."""
        if self.done is None:
            yield self._each
            return
        done, left = self.done, [number]

        def count(more: int) -> None:
            left[0] -= more
            done(more)

        yield lambda function, batches: counted(self._each(function, batches), count)
        done(left[0])

    def _each(self, function: Callable[[Any], Any], batches: Iterable[Any]) -> Iterator[Any]:
        batches = list(batches)
        if self.number == 1 or len(batches) < 2:
            return map(function, batches)
        return self._shared(function.__name__, batches)

    def _shared(self, method: str, batches: list[Any]) -> Iterator[Any]:
        """The results in order, each once those before it are there."""
        for worker in [worker for worker in self.pool if worker.batch is not None]:
            self._replace(worker)  # busy with work that an error has ended
        while len(self.pool) < min(self.number, len(batches)):
            self.pool.append(Worker(self.translator))
        left, deaths = deque(range(len(batches))), [0] * len(batches)
        results: dict[int, Any] = {}
        for number in range(len(batches)):
            while number not in results:
                for worker in self.pool:
                    if worker.batch is None and left:
                        worker.begin(batch := left.popleft(), method, batches[batch])
                for worker, batch in self._answering():
                    try:
                        results[batch] = worker.finish()
                    except WorkerDiedError:
                        deaths[batch] += 1
                        left.appendleft(batch)
                        self._replace(worker, deaths[batch])
            yield results.pop(number)

    def _answering(self) -> list[tuple[Worker, int]]:
        """Wait until some worker has done its batch, or has died: those, with their batches."""
        busy = {worker.connection: (worker, worker.batch) for worker in self.pool if worker.batch is not None}
        return [busy[connection] for connection in wait(list(busy))]  # type: ignore[index]

    def _replace(self, worker: Worker, deaths: int = 0) -> None:
        """End a worker and start another; `deaths` over its batch, this one included."""
        self.pool.remove(worker)
        cause = worker.end()
        if deaths == MAX_DEATHS:
            raise ChildProcessError(
                f"{deaths} workers ended over the same sentences, the last by {cause}; if memory is short, "
                "try --workers 1"
            )
        if deaths:
            logger.warning("a worker ended by %s; another one does its sentences again", cause)
        self.pool.append(Worker(self.translator))


class WorkerDiedError(Exception):
    """A worker has ended amid its batch."""


class Worker:
    """A fork of this process, and the parent's end of a pipe to it; it calls methods of `translator`, whatever that
    is. Raises ChildProcessError when none can start."""

    def __init__(self, translator: Any) -> None:
        self.batch: int | None = None  # the number of the one at work
        with _forking:
            try:
                self.connection, own = Pipe()
                self.pid = _fork()
            except OSError as error:
                reason = f"no worker can be started: {error.strerror}; try fewer with --workers"
                raise ChildProcessError(reason) from None
            if self.pid == 0:
                _forking.release()  # a worker may have workers
                _serve(translator, own, self.connection)
            own.close()

    def begin(self, number: int, method: str, batch: Any) -> None:
        """Hand a batch over. A worker that is not there any more will not `finish` it."""
        self.batch = number
        with suppress(OSError):
            self.connection.send((method, batch))

    def finish(self) -> Any:
        """The result of the batch. Raises the batch's own error, and WorkerDiedError."""
        try:
            is_error, result = self.connection.recv()
        except (EOFError, OSError):
            raise WorkerDiedError from None
        self.batch = None
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
    """As os.fork; SIGNALS, whose handlers are the parent's business, do not reach the child any more."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        pid = os.fork()
        if pid == 0:
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def _serve(translator: Any, connection: Connection, parents: Connection) -> NoReturn:
    """What a worker does: batch by batch, until the parent has gone."""
    try:
        parents.close()
        torch.set_num_threads(1)
        threading.Thread(target=_end_with_parent, args=(connection.fileno(),), daemon=True).start()
        worked = 0.0  # s, since memory was given back
        while True:
            method, batch = connection.recv()
            begun = time.monotonic()
            try:
                answer = False, getattr(translator, method)(batch)
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
