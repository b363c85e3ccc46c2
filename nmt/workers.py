"""Several processes that translate for one: on a CPU two of one thread each are faster than one of two threads.

A worker is a fork of the process that holds the model, so it starts at once and shares the weights' memory. Its
translations are the same as the process's own: no sentence depends on the others.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType
from typing import Any

import torch

from nmt.translator import Translation, Translator

_translator: Translator | None = None  # what a worker was forked with


def available_workers(translator: Translator) -> int:
    """How many are worth having: one a core, where processes can be forked and the model is on the CPU."""
    if translator.device.type != "cpu" or "fork" not in multiprocessing.get_all_start_methods():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """A translator's work, shared among `number` processes; with one it stays in this process."""

    def __init__(self, translator: Translator, number: int) -> None:
        self.translator = translator
        self.number = number
        self.pool: ProcessPoolExecutor | None = None  # started by the first work that is worth it

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pool:
            self.pool.shutdown(cancel_futures=True)

    def translate(self, texts: Sequence[str], batch_size: int = 64, **options: Any) -> list[Translation]:
        """As Translator.translate. Neighbours in length go to one worker, and the longest are begun first."""
        if self.number == 1 or len(texts) <= batch_size:
            return self.translator.translate(texts, batch_size=batch_size, **options)
        pool = self.pool = self.pool or self._start()
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        shares = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        work = [pool.submit(_translate, [texts[i] for i in share], batch_size, options) for share in shares]
        results: list[Any] = [None] * len(texts)
        for share, done in zip(shares, work, strict=True):
            for i, translation in zip(share, done.result(), strict=True):
                results[i] = translation
        return results

    def _start(self) -> ProcessPoolExecutor:
        global _translator  # the one way into a fork that copies nothing
        _translator = self.translator
        return ProcessPoolExecutor(self.number, multiprocessing.get_context("fork"), _begin)


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the one who reads it decides
    torch.set_num_threads(1)


def _translate(texts: list[str], batch_size: int, options: dict[str, Any]) -> list[Translation]:
    assert _translator is not None
    return _translator.translate(texts, batch_size=batch_size, **options)
