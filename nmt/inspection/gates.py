"""What a cell's gates come to, for any cell, by watching its equations at work.

A gate's value is the first thing that a nonlinearity makes of its own sums W x + R h. Which nonlinearity of
`Cell.pointwise` that is, a probe finds out once: by the gradient, which tells what depends on which gate. So a cell
need not say it, and what is shown is what it computes. A gate that no nonlinearity sees apart from others has none.

Dims: H hidden units, G gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from nmt.model.cells import Cell, Parameters, State

NONLINEAR = frozenset(["sigmoid", "tanh", "relu", "exp", "softplus", "elu", "silu"])

Call = tuple[Tensor, Tensor, State, Parameters]  # what Cell.pointwise takes, of one row


class Place(NamedTuple):
    gate: str
    call: int  # which nonlinearity, in the order of computing
    row: int  # which H numbers of it


class _Watch(TorchFunctionMode):
    """Keeps what nonlinearities make."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.__name__.rstrip("_") in NONLINEAR:
            self.made.append(result.clone())  # it may be overwritten
        return result


def watch(cell: Cell, call: Call) -> list[Tensor]:
    watching = _Watch()
    with watching:
        cell.pointwise(*call)
    return watching.made


@torch.enable_grad()
def places(cell: Cell, call: Call) -> list[Place]:
    """Where to find the gates among what `watch` returns, for any call of the sizes of this one."""
    gates, x, state, parameters = call
    size = gates.shape[-1] // len(cell.gates)
    # Near zero nothing is saturated, so that no gradient is zero by accident.
    generator = torch.Generator().manual_seed(0)
    gates, x, *parts = (
        (torch.randn(part.shape, generator=generator) * 0.3).to(part).requires_grad_() for part in (gates, x, *state)
    )
    made = watch(cell, (gates, x, tuple(parts), parameters))
    known: set[str] = set()
    found = []
    for k, result in enumerate(made):
        if result.numel() % size or not result.requires_grad:
            continue
        for row, values in enumerate(result.reshape(-1, size)):
            new = _depends_on(cell, values, gates, x) - known
            if len(new) == 1:
                found.append(Place(min(new), k, row))
                known |= new
    return sorted(found, key=lambda place: cell.gates.index(place.gate))


def _depends_on(cell: Cell, values: Tensor, gates: Tensor, x: Tensor) -> set[str]:
    of_gates, of_x = torch.autograd.grad(
        values.sum(), (gates, x), retain_graph=True, allow_unused=True, materialize_grads=True
    )
    blocks: list[tuple[str, Tensor]] = list(zip(cell.gates, of_gates.chunk(len(cell.gates), -1), strict=True))
    if cell.apart:
        blocks += zip(cell.gates[cell.joint_gates :], of_x.chunk(cell.apart, -1), strict=True)
    return {name for name, block in blocks if block.any()}


def read(cell: Cell, call: Call, found: Sequence[Place]) -> dict[str, Tensor]:
    """Gate -> its value (H,) in one call."""
    gates, x, state, parameters = call
    size = gates.shape[-1] // len(cell.gates)
    made = watch(cell, (gates.detach(), x.detach(), tuple(part.detach() for part in state), parameters))
    return {place.gate: made[place.call].reshape(-1, size)[place.row].detach() for place in found}
