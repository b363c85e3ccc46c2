"""Process-wide settings of the underlying C libraries."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from pathlib import Path

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
IN_SEARCH = 96  # shapes of matrix products; a search has few (see products.filled)
# Those that one batch uses repeatedly. More would lie among the batches' tensors and leave gaps when these are freed,
# which costs as much time as generating the code again (Tatoeba's lines joined: 0.3 GB less for 16 than for 256).
IN_TRAINING = 16


def tune_process(kernels: int) -> None:
    """Make training and search on CPU faster and smaller. Call this before any computation.

    By default malloc returns large blocks to the system at once; each step then takes new ones and spends a twelfth
    of its time zeroing pages.

    oneDNN, and torch around it, cache the code generated for each shape of a matrix product: half a megabyte each, up
    to a thousand of them, which lines of all lengths do reach. This limits the cache to `kernels` shapes: IN_SEARCH
    or IN_TRAINING.
    """
    _glibc("mallopt", M_MMAP_THRESHOLD, 1 << 30)
    _glibc("mallopt", M_TRIM_THRESHOLD, (1 << 31) - 1)
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(name, str(kernels))


def trim_memory() -> None:
    """Return malloc's unused memory to the system."""
    _glibc("malloc_trim", 0)


@cache
def use_one_thread_in_forks() -> None:
    """Have what is forked off this process, by whatever library, compute in one thread. OpenMP's threads do not come
    along in a fork: a child that has work for several of them would wait for ever."""
    import torch

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


def is_memory_shortage(error: BaseException) -> bool:
    """Whether the processor's or a GPU's memory has run out. Torch says so in the message of a RuntimeError."""
    words = "can't allocate memory", "not enough memory", "out of memory"
    of_torch = isinstance(error, RuntimeError) and any(one in str(error) for one in words)
    return of_torch or isinstance(error, MemoryError)


def usable_cores() -> int:
    """How many cores this process may use; where the system does not tell it, as macOS, how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_on_cores() -> tuple[float, int]:
    """How many processes and threads, of all programs, wanted a core in the last minute on average, and how many
    cores there are; 0 of the first where the system does not tell it."""
    try:
        wanted = os.getloadavg()[0]
    except (AttributeError, OSError):
        wanted = 0.0
    return wanted, os.cpu_count() or 1


class MemoryTrimmer:
    """Batches differ in size, and the gaps that they leave in malloc's memory would grow to gigabytes. This returns
    them when memory has grown since the last time by more than ROOM times what one batch needs."""

    ROOM = 1.2

    def __init__(self) -> None:
        self.trimmed = resident_bytes()
        self.need = 0  # bytes, of the largest first batch after a trim
        self.is_first = True  # batch since the last trim

    def after_batch(self) -> None:
        taken = resident_bytes() - self.trimmed
        if self.is_first:
            self.need, self.is_first = max(self.need, taken), False
        elif taken > self.ROOM * self.need:
            trim_memory()
            self.trimmed, self.is_first = resident_bytes(), True


def resident_bytes() -> int:
    """The resident memory of this process; 0 where /proc does not tell it."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@cache
def has_amx() -> bool:
    """Whether the processor has AMX, Intel's units for matrix products."""
    import torch

    return bool(torch.cpu._is_amx_tile_supported())


def _glibc(name: str, *arguments: int) -> None:
    """Call a function of glibc; does nothing elsewhere."""
    function = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if function is not None:
        function(*arguments)
