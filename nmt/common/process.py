"""How the C libraries underneath are set, for the whole process."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from pathlib import Path

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
IN_SEARCH = 96  # shapes of products; those of a search are few (see products.filled)
# What one batch needs over and over. More would lie among the batches' tensors and leave gaps when these go, which
# costs as much time as making code anew (Tatoeba's lines joined: 0.3 GB less for 16 than for 256).
IN_TRAINING = 16


def tune_process(kernels: int) -> None:
    """Set what makes training and search on CPU faster and smaller; to be called before anything is computed.

    malloc gives large blocks back to the system at once; with each step taking them anew, a twelfth of the time goes
    into zeroing pages.

    oneDNN, and torch around it, keep the code that they make for each shape of a product, half a megabyte each, up to
    a thousand times, and lines of all lengths have so many shapes. They keep that of `kernels` shapes: IN_SEARCH or
    IN_TRAINING.
    """
    _glibc("mallopt", M_MMAP_THRESHOLD, 1 << 30)
    _glibc("mallopt", M_TRIM_THRESHOLD, (1 << 31) - 1)
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(name, str(kernels))


def trim_memory() -> None:
    """Give back what malloc holds without use."""
    _glibc("malloc_trim", 0)


@cache
def use_one_thread_in_forks() -> None:
    """Have what is forked off this process, by whatever library, compute in one thread. OpenMP's threads do not come
    along in a fork: a child that has work for several of them would wait for ever."""
    import torch

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


class MemoryTrimmer:
    """Batches differ in size, and the gaps that they leave in malloc's memory would grow to gigabytes. They are given
    back when what was taken since the last time is more than ROOM times what one batch has needed."""

    ROOM = 1.2

    def __init__(self) -> None:
        self.trimmed = resident_bytes()
        self.need = 0  # bytes, of the batch that needed most
        self.is_first = True  # since the last time

    def after_batch(self) -> None:
        taken = resident_bytes() - self.trimmed
        if self.is_first:
            self.need, self.is_first = max(self.need, taken), False
        elif taken > self.ROOM * self.need:
            trim_memory()
            self.trimmed, self.is_first = resident_bytes(), True


def resident_bytes() -> int:
    """The memory that this process has; 0 where Linux does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@cache
def has_amx() -> bool:
    """Whether the processor has units for products of matrices; one that has is Intel's."""
    import torch

    return bool(torch.cpu._is_amx_tile_supported())


def _glibc(name: str, *arguments: int) -> None:
    """Call a function that only glibc has; elsewhere nothing."""
    function = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if function is not None:
        function(*arguments)
