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
    row: int  # which part of what it made, of `size` numbers
    size: int


class _Watch(TorchFunctionMode):
    """Keeps what nonlinearities make."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.__name__.rstrip("_") in NONLINEAR:
            self.made.append(result.clone())  # it may be overwritten
        elif func.__name__ == "log_sigmoid":
            self.made.append(result.exp())
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
    sizes = sizes_of(cell, state[0].shape[-1])
    # Near zero nothing is saturated, so that no gradient is zero by accident.
    generator = torch.Generator().manual_seed(0)
    gates, x, *parts = (
        (torch.randn(part.shape, generator=generator) * 0.3).to(part).requires_grad_() for part in (gates, x, *state)
    )
    made = watch(cell, (gates, x, tuple(parts), parameters))
    known: set[str] = set()
    found = []
    for k, result in enumerate(made):
        size = max((one for one in sizes.values() if result.numel() % one == 0), default=0)
        if not size or not result.requires_grad:
            continue
        for row, values in enumerate(result.reshape(-1, size)):
            new = _depends_on(cell, sizes, values, gates, x) - known
            if len(new) == 1:
                found.append(Place(min(new), k, row, size))
                known |= new
    return sorted(found, key=lambda place: cell.gates.index(place.gate))


def sizes_of(cell: Cell, hidden_size: int) -> dict[str, int]:
    """How many numbers each gate has."""
    return dict(zip(cell.gates, cell.gate_sizes(hidden_size), strict=True))


def _depends_on(cell: Cell, sizes: dict[str, int], values: Tensor, gates: Tensor, x: Tensor) -> set[str]:
    of_gates, of_x = torch.autograd.grad(
        values.sum(), (gates, x), retain_graph=True, allow_unused=True, materialize_grads=True
    )
    seeing = len(cell.gates) - cell.alone  # gates that see h stand in `gates`,
    joint = seeing - cell.apart  # and those that need W x by itself in `x`
    names = cell.gates[:seeing], cell.gates[joint:]
    return {
        name
        for grad, of_part in zip((of_gates, of_x), names, strict=True)
        for name, block in zip(of_part, grad.split_with_sizes([sizes[one] for one in of_part], -1), strict=True)
        if block.any()
    }


def read(cell: Cell, call: Call, found: Sequence[Place]) -> dict[str, Tensor]:
    """Gate -> its values in one call."""
    gates, x, state, parameters = call
    made = watch(cell, (gates.detach(), x.detach(), tuple(part.detach() for part in state), parameters))
    return {place.gate: made[place.call].reshape(-1, place.size)[place.row].detach() for place in found}
