"""Calls the kernels in C (c.py), which nmt/native compiles, on tensors."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

import nmt.native
from nmt.cells import Cell
from nmt.kernels import on_demand
from nmt.kernels.operands import Access, Parts, StepCall, accesses, digest, kernel_name
from nmt.native.build import cells_library

MOST_OPERANDS = 40  # as in rows.h
C_TYPES = {torch.float32: "float", torch.bfloat16: "bfloat16"}
SHARED_FROM = 1 << 13  # numbers in a state from which on threads share a step


class _Operand(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), *((name, ctypes.c_int64) for name in ("step", "layer", "row"))]


class _Plan(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in ("rows", "rows_per_layer", "units", "chunks")),
        ("operands", _Operand * MOST_OPERANDS),
    ]


def instructions() -> str:
    """The best instruction set of this processor, as torch names it."""
    return torch.backends.cpu.get_cpu_capability()


def library() -> ctypes.CDLL | None:
    """The library for the best instruction set of this processor; None if none was compiled."""
    return _library(instructions())


@cache
def _library(instructions: str) -> ctypes.CDLL | None:
    return load(cells_library(instructions))


@cache
def load(path: Path) -> ctypes.CDLL | None:
    try:
        found = ctypes.CDLL(str(path))
    except OSError:
        return None
    for runtime in openmp_runtimes(Path(torch.__file__).parent / "lib"):
        # Use torch's own threads: a second pool would compete with them for the processor.
        call = getattr(ctypes.CDLL(str(runtime)), "GOMP_parallel", None)
        if call is not None:
            found.nmt_threads(ctypes.cast(call, ctypes.c_void_p))
    return found


def openmp_runtimes(folder: Path) -> list[Path]:
    """GCC's on Linux, LLVM's on macOS, Intel's in some builds."""
    return [path for name in ("libgomp*", "libomp*", "libiomp*") for path in folder.glob(name)]


class Function:
    """A kernel of a library. Raises AttributeError if the library has none of that name."""

    def __init__(self, library: ctypes.CDLL, kernel: str) -> None:
        self.of = {dtype: getattr(library, f"nmt_{kernel}_{name}") for dtype, name in C_TYPES.items()}
        text = ctypes.string_at(getattr(library, f"nmt_{kernel}_operands"))
        self.operands: tuple[Access, ...] = accesses(text.decode())


class CellFunctions(NamedTuple):
    forward: Function
    backward: Function


class StepFunctions(NamedTuple):
    """The functions that search calls for a step of one row (see layer.h), by address, and the names of the cell's
    own matrices, each of which multiplies between two of them."""

    addresses: list[int]
    matrices: list[str]


def step_functions(cell: Cell) -> StepFunctions | None:
    """The functions of a step of search; None if there are none."""
    name = f"nmt_step_{kernel_name(cell)}"
    found = _library_with(name, cell, nmt.native.kernels())
    if found is None:
        return None
    matrices = ctypes.string_at(getattr(found, name)).decode().split()
    functions = (getattr(found, f"{name}_{k}") for k in range(len(matrices) + 1))
    return StepFunctions(list(map(address_of, functions)), matrices)


def address_of(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def functions_of(cell: Cell) -> CellFunctions | None:
    """The functions of a cell's steps; None if there are none. Those not in the library are compiled on demand."""
    return _functions_of(cell, instructions())


@cache
def _functions_of(cell: Cell, instructions: str) -> CellFunctions | None:
    forward, backward = f"{kernel_name(cell)}_forward", f"{kernel_name(cell)}_backward"
    found = _library_with(f"nmt_{backward}_operands", cell, library())
    return None if found is None else CellFunctions(Function(found, forward), Function(found, backward))


def _library_with(symbol: str, cell: Cell, compiled: ctypes.CDLL | None) -> ctypes.CDLL | None:
    """The library with a kernel of the cell, compiled before or on demand; None if there is none."""
    if compiled is not None and _is_written_from(cell, compiled) and hasattr(compiled, symbol):
        return compiled
    path = on_demand.library_of(cell, instructions())
    found = None if path is None else load(path)
    return found if hasattr(found, symbol) else None


def _is_written_from(cell: Cell, library: ctypes.CDLL) -> bool:
    """Whether the library was written from the current cells; a changed cell must not get its old kernel."""
    is_ours = type(cell).__module__.startswith("nmt.cells.")
    return is_ours and ctypes.string_at(library.nmt_cells) == digest().encode()


def takes(narrow: Tensor, wide: Tensor) -> bool:
    """Whether there are kernels for the types and the device of these tensors."""
    is_known = narrow.dtype in C_TYPES and wide.dtype == torch.float32
    return is_known and narrow.device.type == "cpu" and library() is not None


def share(kernel: str, narrow: torch.dtype, work: ctypes.Structure, count: int) -> None:
    """Do `count` pieces of work, shared by threads."""
    function = getattr(library(), f"nmt_{kernel}_{C_TYPES[narrow]}")
    function(ctypes.byref(work), ctypes.c_int64(count), ctypes.c_int64(torch.get_num_threads()))


def chunks(rows: int, units: int) -> int:
    """The number of parts into which the rows of a step are divided."""
    return min(rows, torch.get_num_threads()) if rows * units >= SHARED_FROM else 1


def step_call(function: Function, parts: Parts) -> StepCall:
    """A kernel with its operands, (T,D,B,F) for T steps, D layers and B rows, with size 1 where all share one; for a
    sum (chunks,D,1,F). The operands must live as long as the call."""
    own = function.operands
    units = parts["hidden"].shape[-1]
    layers, rows = (max(parts[access.name].shape[dim] for access in own) for dim in (1, 2))
    narrow = next(parts[access.name].dtype for access in own if access.is_narrow)
    plan = _Plan(layers * rows, rows, units, chunks(layers * rows, units))
    for place, access in enumerate(own):
        plan.operands[place] = _operand(parts[access.name], narrow if access.is_narrow else torch.float32)
    kernel, address = function.of[narrow], ctypes.byref(plan)  # which keeps the plan
    return lambda step: kernel(address, ctypes.c_int64(step))


def _operand(x: Tensor, dtype: torch.dtype) -> _Operand:
    assert x.dtype == dtype
    assert x.stride(3) == 1 or x.shape[3] == 1
    strides = [0 if size == 1 else stride * x.itemsize for size, stride in zip(x.shape[:3], x.stride(), strict=False)]
    return _Operand(x.data_ptr(), *strides)
