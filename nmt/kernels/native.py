"""The kernels in C (c.py), as nmt/native compiles them, called on tensors."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from nmt.kernels.operands import Access, accesses
from nmt.native.build import cells_library

MOST_OPERANDS = 40  # as in rows.h
NARROW = {torch.float32: "float", torch.bfloat16: "bfloat16"}
SHARED_FROM = 1 << 13  # numbers of a state from which threads share a step


class _Operand(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), *((name, ctypes.c_int64) for name in ("step", "layer", "row"))]


class _Plan(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in ("rows", "rows_per_layer", "units", "chunks")),
        ("operands", _Operand * MOST_OPERANDS),
    ]


@cache
def library() -> ctypes.CDLL | None:
    """For the best instruction set of this processor; None where none was compiled."""
    try:
        found = ctypes.CDLL(str(cells_library(torch.backends.cpu.get_cpu_capability())))
    except OSError:
        return None
    for path in (Path(torch.__file__).parent / "lib").glob("lib[gi]*omp*"):
        # torch's own threads: others would wait for theirs, and for the processor.
        call = ctypes.CDLL(str(path)).GOMP_parallel
        found.nmt_threads(ctypes.cast(call, ctypes.c_void_p))
    return found


@cache
def operands(kernel: str) -> tuple[Access, ...] | None:
    """Of the kernel of that name; None where there is none."""
    found = library()
    if found is None or not hasattr(found, f"nmt_{kernel}_operands"):
        return None
    return accesses(ctypes.string_at(getattr(found, f"nmt_{kernel}_operands")).decode())


def takes(narrow: Tensor, wide: Tensor) -> bool:
    """Whether there are kernels for numbers as narrow and as wide as these, where they are."""
    is_known = narrow.dtype in NARROW and wide.dtype == torch.float32
    return is_known and narrow.device.type == "cpu" and library() is not None


def share(kernel: str, narrow: torch.dtype, work: ctypes.Structure, count: int) -> None:
    """Do `count` pieces of work, which threads share."""
    function = getattr(library(), f"nmt_{kernel}_{NARROW[narrow]}")
    function(ctypes.byref(work), ctypes.c_int64(count), ctypes.c_int64(torch.get_num_threads()))


def chunks(rows: int, units: int) -> int:
    """Into how many parts the rows of a step are divided."""
    return min(rows, torch.get_num_threads()) if rows * units >= SHARED_FROM else 1


class Call:
    """A kernel with its operands: of T steps, D layers and B rows each (T,D,B,F), with 1 for what is the same in all;
    of a sum (chunks,D,1,F). They must live as long as this does."""

    def __init__(self, kernel: str, parts: Mapping[str, Tensor]) -> None:
        own = operands(kernel)
        assert own is not None
        units = parts["hidden"].shape[-1]
        layers, rows = (max(parts[access.name].shape[dim] for access in own) for dim in (1, 2))
        narrow = next(parts[access.name].dtype for access in own if access.is_narrow)
        self._function = getattr(library(), f"nmt_{kernel}_{NARROW[narrow]}")
        self._plan = _Plan(layers * rows, rows, units, chunks(layers * rows, units))
        for place, access in enumerate(own):
            self._plan.operands[place] = _operand(parts[access.name], narrow if access.is_narrow else torch.float32)
        self._address = ctypes.byref(self._plan)

    def __call__(self, step: int) -> None:
        self._function(self._address, ctypes.c_int64(step))


def _operand(x: Tensor, dtype: torch.dtype) -> _Operand:
    assert x.dtype == dtype
    assert x.stride(3) == 1 or x.shape[3] == 1
    strides = [0 if size == 1 else stride * x.itemsize for size, stride in zip(x.shape[:3], x.stride(), strict=False)]
    return _Operand(x.data_ptr(), *strides)
