"""A kernel's name, function and operands, on which its caller and its writers must agree."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

import nmt.cells
from nmt.cells import Cell
from nmt.kernels.trace import (
    NotTraceableError,
    RowFunction,
    matrix_names,
    smallest_sizes,
    trace,
    trace_phases,
    undisturbed,
)

Parts = Mapping[str, Tensor]  # operands by their names
StepCall = Callable[[int], None]  # a kernel with its operands: computes the step of this number

NARROW_OPERANDS = {"gates", "x", "grad_output", "grad_product", "hidden", "grad_gates", "grad_x"}
NOT_OF_A_STEP = {"depth", "forget_bias"}  # settings of a cell that change no step


class Access(NamedTuple):
    """How a kernel reads or writes one of its operands."""

    name: str
    is_written: bool = False
    is_sum: bool = False  # over all rows and steps: added to
    is_narrow: bool = False  # as products are, for example bfloat16; else float32


def written_as(operands: Iterable[Access]) -> str:
    """Operands as a kernel lists them: + before a sum, = before anything else that is written."""
    return " ".join("+="[not access.is_sum] * access.is_written + access.name for access in operands)


def accesses(text: str) -> tuple[Access, ...]:
    """The inverse of `written_as`."""
    return tuple(_access(word.lstrip("+="), word[0] in "+=", word[0] == "+") for word in text.split())


def _access(name: str, is_written: bool = False, is_sum: bool = False) -> Access:
    return Access(name, is_written, is_sum, is_narrow=name in NARROW_OPERANDS)


@dataclass(frozen=True)
class Kernel:
    name: str
    function: RowFunction
    operands: tuple[Access, ...]


class CellKernels(NamedTuple):
    forward: Kernel
    backward: Kernel


def kernel_name(cell: Cell) -> str:
    """A name made of the class and its non-default settings that change what a step computes."""
    own = [
        f"_{field.name}_{getattr(cell, field.name)}"
        for field in fields(cell)
        if field.name not in NOT_OF_A_STEP and getattr(cell, field.name) != field.default
    ]
    return re.sub(r"\W", "_", type(cell).__name__ + "".join(own), flags=re.ASCII)


@cache
@undisturbed()
def parameter_names(cell: Cell) -> tuple[str, ...]:
    """The names of the cell's own parameters."""
    return tuple(cell.own_parameters(smallest_sizes(cell)[0]))


@cache
def kernels_of(cell: Cell) -> CellKernels:
    """Raises NotTraceableError for a cell that has none."""
    traced, name = trace(cell), kernel_name(cell)
    sums = {f"grad_{part}" for part in parameter_names(cell)}
    return CellKernels(
        _kernel(f"{name}_forward", traced.forward, set()), _kernel(f"{name}_backward", traced.backward, sums)
    )


def kept_states(cell: Cell) -> tuple[str, ...]:
    """The parts of the state that a step needs."""
    written = kernels_of(cell).forward.function.outputs
    return tuple(name for name in cell.states if f"new_{name}" in written)


@cache
def has_kernels(cell: Cell) -> bool:
    try:
        return bool(kernels_of(cell))
    except NotTraceableError:
        return False


class StepKernels(NamedTuple):
    """A step of search: kernels with a product by one of the cell's own matrices between each two."""

    kernels: list[Kernel]
    matrices: list[str]


def vector_names(cell: Cell) -> tuple[str, ...]:
    """The names of the cell's own parameters that are vectors of the units."""
    matrices = matrix_names(cell)
    return tuple(name for name in parameter_names(cell) if name not in matrices)


@cache
def step_kernels_of(cell: Cell) -> StepKernels:
    """Raises NotTraceableError for a cell that has none."""
    name = kernel_name(cell)
    if not matrix_names(cell):
        return StepKernels([kernels_of(cell).forward], [])
    phases = trace_phases(cell)
    kernels = [_kernel(f"{name}_phase_{k}", phase.function, set()) for k, phase in enumerate(phases)]
    return StepKernels(kernels, [phase.matrix for phase in phases if phase.matrix])


def _kernel(name: str, function: RowFunction, sums: set[str]) -> Kernel:
    loads = function.loads
    read = [_access(part) for part in function.inputs if part in loads]
    written = [_access(part, is_written=True, is_sum=part in sums) for part in function.outputs]
    return Kernel(name, function, (*read, *written))


@cache
def digest() -> str:
    """A digest of the source of all cells, without comments."""
    sources = sorted(Path(nmt.cells.__file__).parent.glob("*.py"))
    code = (re.sub(rb"[ \t]*#.*", b"", path.read_bytes()) for path in sources)
    return hashlib.sha256(b"".join(code)).hexdigest()[:16]
