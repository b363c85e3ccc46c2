"""How the C libraries underneath are set, for the whole process."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


def tune_process() -> None:
    """Set what makes training and search on CPU faster.

    malloc gives large blocks back to the system at once; with each step taking them anew, a twelfth of the time goes
    into zeroing pages.
    """
    _glibc("mallopt", M_MMAP_THRESHOLD, 1 << 30)
    _glibc("mallopt", M_TRIM_THRESHOLD, (1 << 31) - 1)


def keep_few_kernels() -> None:
    """Before anything is computed: oneDNN, and torch around it, keep the code that they make for each shape, a
    thousand times each. Lines of all lengths have so many shapes that it takes some hundred megabytes. Where products
    have few of them (see products.filled) so much of it is kept that a batch finds that of the batches before."""
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(name, "96")


TRIM_EVERY = 100  # batches of training


def trim_memory() -> None:
    """Give back what malloc holds without use. Batches differ in size, and the gaps that they leave would grow to
    some hundred megabytes; called every TRIM_EVERY batches, this costs about 1 % of the time."""
    _glibc("malloc_trim", 0)


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
