"""Several processes that translate for one: on a CPU two of one thread each are faster than one of two threads.

A worker is a fork of the process that holds the model, so it starts at once and shares the weights' memory. The
batches are the same with any number of workers, so the translations are too.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from types import TracebackType
from typing import Any

import torch

from nmt.process import trim_memory
from nmt.translator import Translation, Translator

_translator: Translator | None = None  # what a worker was forked with
_batches = 0  # that a worker has done
TRIM_EVERY = 16  # batches


def default_workers(translator: Translator) -> int:
    """One a core, where processes can be forked and the model is on the CPU."""
    if translator.device.type != "cpu" or "fork" not in multiprocessing.get_all_start_methods():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """A translator's work, shared among `number` processes; little work, and that of one, stays in this process."""

    def __init__(self, translator: Translator, number: int | None = None) -> None:
        self.translator = translator
        self.number = number or default_workers(translator)
        self.pool: ProcessPoolExecutor | None = None  # started by the first work that is worth it

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pool:
            self.pool.shutdown(cancel_futures=True)

    def translate(self, texts: Sequence[str], **options: Any) -> list[Translation]:
        """As Translator.translate. Raises ChildProcessError when a worker was killed."""
        return self._shared(self.translator.translate, texts, **options)

    def score(self, srcs: Sequence[str], tgts: Sequence[str], **options: Any) -> list[Translation]:
        """As Translator.score. Raises ChildProcessError when a worker was killed."""
        return self._shared(self.translator.score, srcs, tgts, **options)

    def _shared(self, work: Callable[..., list[Translation]], *texts: Any, **options: Any) -> list[Translation]:
        try:
            return work(*texts, each=self._each, **options)
        except BrokenProcessPool:
            raise ChildProcessError("a worker ended before its work; if memory is short, try --workers 1") from None

    def _each(self, function: Callable[[Any], Any], batches: Iterable[Any]) -> Iterable[Any]:
        batches = list(batches)
        if self.number == 1 or len(batches) < 2:
            return map(function, batches)
        self.pool = self.pool or self._start()
        return self.pool.map(partial(_apply, function.__name__), batches)

    def _start(self) -> ProcessPoolExecutor:
        global _translator  # the one way into a fork that copies nothing
        _translator = self.translator
        return ProcessPoolExecutor(self.number, multiprocessing.get_context("fork"), _begin)


def _begin() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # may be sent to all of a group; the one who reads decides
        signal.signal(number, signal.SIG_IGN)
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed cannot end its workers, and they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _apply(method: str, batch: Any) -> Any:
    global _batches
    assert _translator is not None
    _batches += 1
    if _batches % TRIM_EVERY == 0:
        trim_memory()
    return getattr(_translator, method)(batch)
