"""A step of the recurrence, forward and backward, of all rows: by a kernel where there is one, else by torch.

All work on the same tensors, by the names of trace.py: of T steps, D layers and B rows each they are (T,D,B,F), with
1 for what is the same in all. The new state of a step is the next one's state, so `new_c` is `c` from the second step
on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor

from nmt.cells import MASK, Cell, Parameters
from nmt.kernels import native
from nmt.kernels.operands import NARROW

Parts = Mapping[str, Tensor]
Step = Callable[[int], None]  # of its number


class Steps(Protocol):
    """How a cell's steps are computed."""

    @property
    def states(self) -> tuple[str, ...]:
        """The parts of the state that must be kept."""

    def forward(self, parts: Parts) -> Step:
        """Reads gates, x, the state and the parameters; writes hidden and the new state."""

    def backward(self, parts: Parts) -> Step:
        """Reads these and the gradients of what was written; writes those of what was read, and adds to those of the
        parameters."""

    def sums(self, rows: int, units: int) -> int:
        """How many parts the gradients of the parameters have, which are to be added up."""


def steps_of(cell: Cell, own: Sequence[str], device: torch.device, narrow: torch.dtype, wide: torch.dtype) -> Steps:
    """The fastest for products in `narrow` and states in `wide` numbers; `own` are the cell's parameters."""
    if device.type == "cpu" and wide == torch.float32 and narrow in native.NARROW:
        functions = native.functions_of(cell)
        if functions is not None:
            return NativeSteps(cell, functions)
    return TorchSteps(cell, own)


class NativeSteps:
    """By the kernels in C."""

    def __init__(self, cell: Cell, functions: native.CellFunctions) -> None:
        self.functions = functions
        names = {access.name for access in functions.forward.operands}
        self.states = tuple(name for name in cell.states if f"new_{name}" in names)

    def forward(self, parts: Parts) -> Step:
        return native.Call(self.functions.forward, parts)

    def backward(self, parts: Parts) -> Step:
        return native.Call(self.functions.backward, parts)

    def sums(self, rows: int, units: int) -> int:
        return native.chunks(rows, units)


class TorchSteps:
    """By `Cell.pointwise`, and its gradient by autograd: for any cell, device and precision."""

    def __init__(self, cell: Cell, own: Sequence[str]) -> None:
        self.cell, self.own = cell, own
        self.states = cell.states

    def forward(self, parts: Parts) -> Step:
        own = self._parameters(parts)

        def step(t: int) -> None:
            state = tuple(parts[name][t] for name in self.states)
            gates, x = (parts[name][t].to(state[0].dtype) for name in ("gates", "x"))
            new = self.cell.pointwise(gates, x, state, own)
            parts["hidden"][t] = new[0]
            for name, part in zip(self.states, new, strict=True):
                parts[f"new_{name}"][t] = part

        return step

    def backward(self, parts: Parts) -> Step:
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
            found = torch.autograd.grad(new, wanted, grads, allow_unused=True, materialize_grads=True)
            for name, grad in zip(read, found, strict=False):
                parts[f"grad_{name}"][t if name in NARROW else 0] = grad
            for name, grad in zip(self.own, found[len(read) :], strict=True):  # (n,D,1,H)
                parts[f"grad_{name}"][0] += grad.permute(1, 2, 0, 3).flatten(2)

        return step

    def sums(self, rows: int, units: int) -> int:
        return 1

    def _parameters(self, parts: Parts) -> Parameters:
        """Of D layers, each (n,D,1,H), as `pointwise` wants them."""
        units = parts["hidden"].shape[-1]
        own = {name: parts[name][0].view(len(parts[name][0]), 1, -1, units).permute(2, 0, 1, 3) for name in self.own}
        return own | ({MASK: parts[MASK][0]} if MASK in parts else {})
