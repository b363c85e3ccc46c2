"""A step of the recurrence for all rows, forward and backward: by a kernel if there is one, else by torch.

All implementations work on the same tensors, named as in trace.py. They are (T,D,B,F) for T steps, D layers and B
rows, with size 1 where all share one. The new state of a step is the state of the next, so `new_c` is `c` shifted by
one step.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Protocol

import torch
from torch import Tensor

from nmt.cells import MASK, Cell, Parameters
from nmt.kernels import check, native, triton_steps
from nmt.kernels.operands import NARROW_OPERANDS, Parts, StepCall, kernels_of, parameter_names
from nmt.kernels.trial import is_trusted

MANY_UNITS = 512  # in a layer, from which on the loop is faster than oneDNN on a CPU


class Steps(Protocol):
    """A way to compute a cell's steps."""

    states: tuple[str, ...]  # the parts of the state that must be kept
    # Whether the state's gradients must be kept for all steps, because the parameters' gradients are computed from
    # them after the loop; else `backward` adds these up as it goes.
    keeps_gradients: bool = False

    def forward(self, parts: Parts) -> StepCall:
        """Reads gates, x, the state and the parameters; writes hidden and the new state."""

    def backward(self, parts: Parts) -> StepCall:
        """Reads these and the gradients of what `forward` wrote. Writes the gradients of what it read, and adds to
        those of the parameters."""

    def sums(self, steps: int, rows: int, units: int) -> int:
        """The number of partial sums that make up the gradients of the parameters."""

    def after_backward(self, parts: Parts, first: int, every: int) -> None:
        """Writes the gradients of the parameters of the steps `first`, `first` + `every` and so on, if `backward` did
        not."""
        return


def steps_of(cell: Cell, device: torch.device, narrow: torch.dtype, wide: torch.dtype, units: int) -> Steps:
    """The fastest way for products in `narrow` and states in `wide`."""
    if triton_steps.can_compute(cell, device, narrow, wide, units) and agrees(cell, device, narrow, units):
        return triton_steps.TritonSteps(cell)
    if device.type == "cpu" and wide == torch.float32 and narrow in native.C_TYPES:
        functions = native.functions_of(cell)
        if functions is not None:
            return NativeSteps(cell, functions)
    return TorchSteps(cell)


@cache
def agrees(cell: Cell, device: torch.device, narrow: torch.dtype, units: int) -> bool:
    """Whether the kernels agree with torch here: tried once, on a few small numbers."""

    def results(kind: Callable[[Cell], Steps]) -> list[Tensor]:
        found = check.results(kind(cell), cell, device, narrow, units)
        names = (name for kernel in kernels_of(cell) for name in kernel.function.outputs)
        return [part for part in (found[name] for name in names) if part.any()]

    what, tolerance = f"{type(cell).__name__} on {device}", check.TOLERANCE[narrow]
    return is_trusted(what, results, triton_steps.TritonSteps, TorchSteps, tolerance)


def replaces_torch(cell: Cell, device: torch.device, narrow: torch.dtype, wide: torch.dtype, units: int) -> bool:
    """Whether to loop over steps although torch has a kernel for the cell: if products are narrower than states. On
    an H100 a layer of 512 or 1,024 units then took 0.15 to 0.75 of cuDNN's time; wider ones were not measured. On a
    CPU (AMD Zen 4) an `lstm` of 512 or 1,024 took 0.6 to 1.0 of oneDNN's time, of 256 up to 1.2; and a third of the
    memory, because oneDNN keeps 43 bytes a unit and step for the gradient, the loop 14."""
    if narrow == wide or (device.type == "cpu" and units < MANY_UNITS):
        return False
    return not isinstance(steps_of(cell, device, narrow, wide, units), TorchSteps)


class NativeSteps(Steps):
    """Steps by the kernels in C."""

    def __init__(self, cell: Cell, functions: native.CellFunctions) -> None:
        self.functions = functions
        names = {access.name for access in functions.forward.operands}
        self.states = tuple(name for name in cell.states if f"new_{name}" in names)

    def forward(self, parts: Parts) -> StepCall:
        return native.step_call(self.functions.forward, parts)

    def backward(self, parts: Parts) -> StepCall:
        return native.step_call(self.functions.backward, parts)

    def sums(self, steps: int, rows: int, units: int) -> int:
        return native.chunks(rows, units)


class TorchSteps(Steps):
    """Steps by `Cell.pointwise` and autograd: for any cell, device and precision."""

    def __init__(self, cell: Cell) -> None:
        self.cell, self.own = cell, parameter_names(cell)
        self.states = cell.states

    def forward(self, parts: Parts) -> StepCall:
        own = self._parameters(parts)

        def step(t: int) -> None:
            state = tuple(parts[name][t] for name in self.states)
            gates, x = (parts[name][t].to(state[0].dtype) for name in ("gates", "x"))
            new = self.cell.pointwise(gates, x, state, own)
            parts["hidden"][t] = new[0]
            for name, part in zip(self.states, new, strict=True):
                parts[f"new_{name}"][t] = part

        return step

    def backward(self, parts: Parts) -> StepCall:
        own = self._parameters(parts)
        read = ["gates", "x", *self.states]

        def step(t: int) -> None:
            wide = parts[self.states[0]].dtype
            wanted = [parts[name][t].detach().to(wide).requires_grad_() for name in read]
            wanted += [own[name].detach().requires_grad_() for name in self.own]
            gates, x, *state = wanted[: len(read)]
            parameters = {**own, **dict(zip(self.own, wanted[len(read) :], strict=True))}
            grads = [parts[f"grad_new_{name}"][0] for name in self.states]
            grads[0] = grads[0] + parts["grad_output"][t] + parts["grad_product"][0]
            with torch.enable_grad():
                new = self.cell.pointwise(gates, x, tuple(state), parameters)
            pairs = zip(new, grads, strict=True)
            outputs, of_outputs = zip(*((part, grad) for part, grad in pairs if part.requires_grad), strict=True)
            found = torch.autograd.grad(outputs, wanted, of_outputs, allow_unused=True, materialize_grads=True)
            for name, grad in zip(read, found, strict=False):
                parts[f"grad_{name}"][t if name in NARROW_OPERANDS else 0] = grad
            for name, grad in zip(self.own, found[len(read) :], strict=True):  # (n,D,1,H)
                parts[f"grad_{name}"][0] += grad.permute(1, 2, 0, 3).flatten(2)

        return step

    def sums(self, steps: int, rows: int, units: int) -> int:
        return 1

    def _parameters(self, parts: Parts) -> Parameters:
        """The parameters of D layers, each (n,D,1,H), as `pointwise` needs them."""
        units = parts["hidden"].shape[-1]
        own = {name: parts[name][0].view(len(parts[name][0]), 1, -1, units).permute(2, 0, 1, 3) for name in self.own}
        return own | ({MASK: parts[MASK][0]} if MASK in parts else {})
