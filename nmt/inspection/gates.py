"""Gate values of any cell, found by watching its equations at work.

A gate's value is the first output of a nonlinearity applied to the gate's own sums W x + R h. A probe finds that
nonlinearity in `Cell.pointwise` once, using gradients, which show what depends on which gate. Cells therefore need
not declare it, and the values shown are those computed. A gate has no value if another gate weighs it before any
nonlinearity.

Dims: H hidden units, G gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from nmt.cells import Cell, Parameters, State

LOG_SIGMOID = "log_sigmoid"
NONLINEAR = frozenset(["sigmoid", "tanh", "relu", "exp", "softplus", "elu", "silu", LOG_SIGMOID])
PRODUCTS = frozenset(["matmul", "mm", "bmm", "addmm", "baddbmm", "linear", "einsum"])

Call = tuple[Tensor, Tensor, State, Parameters]  # arguments of Cell.pointwise, for one row


class Place(NamedTuple):
    gate: str
    call: int  # the nonlinearity's number, in order of computation
    row: int  # which part, of `size` numbers, of its output
    size: int
    is_rest: bool  # whether it is 1 minus the gate: σ(-a) for σ(a)


class Made(NamedTuple):
    by: str  # the name of the nonlinearity
    of: Tensor
    value: Tensor


class _Watch(TorchFunctionMode):
    """Records the outputs of nonlinearities."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[Made] = []
        self.last: Tensor | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.__name__.rstrip("_")
        if name not in NONLINEAR:
            result = func(*args, **(kwargs or {}))
            if name == "rsub" and args[0] is self.last:  # tanh a = 1 - 2 σ(-2a): cells compute it so for many numbers
                self.made[-1] = Made("tanh", self.made[-1].of, result.clone())
            # A maximum is a scale. Without its gradient each gate is seen alone.
            return result.detach() if name == "maximum" else result
        of = args[0].clone()  # argument and result may be overwritten
        result = func(*args, **(kwargs or {}))
        self.made.append(Made(name, of, result.exp() if name == LOG_SIGMOID else result.clone()))
        self.last = result
        return result


class HeldFixed(TorchFunctionMode):
    """Stops gradients through gates and matrix products. A rectifier is not a gate: it passes a value or does not."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.__name__.strip("_")
        return result.detach() if name in PRODUCTS | NONLINEAR - {"relu"} else result


def watch(cell: Cell, call: Call) -> list[Made]:
    watching = _Watch()
    with watching:
        cell.pointwise(*call)
    return watching.made


@torch.enable_grad()
def gate_places(cell: Cell, call: Call) -> list[Place]:
    """Where the gates are in the result of `watch`, for any call with the sizes of this one."""
    gates, x, state, parameters = call
    sizes = gate_sizes(cell, call)
    # Nothing is saturated near zero, so no gradient is zero by accident.
    generator = torch.Generator().manual_seed(0)
    gates, x, *parts = (
        (torch.randn(part.shape, generator=generator) * 0.3).to(part).requires_grad_() for part in (gates, x, *state)
    )
    near_zero = gates, x, tuple(parts), parameters
    known: set[str] = set()
    found = []
    for k, (by, argument, result) in enumerate(watch(cell, near_zero)):
        size = max((one for one in sizes.values() if result.numel() % one == 0), default=0)
        if not size or not result.requires_grad:
            continue
        for row, (values, sums) in enumerate(zip(result.reshape(-1, size), argument.reshape(-1, size), strict=True)):
            new = [
                gate
                for gate, slope in _slopes(cell, near_zero, values).items()
                if slope.any() and gate not in known and not _is_weighed(cell, near_zero, sums, gate)
            ]
            if len(new) == 1:
                (gate,) = new
                slope = _slopes(cell, near_zero, sums)[gate]
                found.append(Place(gate, k, row, size, by == "sigmoid" and bool((slope == -1).all())))
                known.add(gate)
    return sorted(found, key=lambda place: cell.gates.index(place.gate))


def gate_sizes(cell: Cell, call: Call) -> dict[str, int]:
    """The number of values of each gate."""
    _, _, (h, *_), _ = call
    return dict(zip(cell.gates, cell.gate_sizes(h.shape[-1]), strict=True))


def _slopes(cell: Cell, call: Call, values: Tensor, create_graph: bool = False) -> dict[str, Tensor]:
    """Gate -> the gradient of `values` with respect to the gate's sum. For a gate that needs W x and R h separately,
    it is with respect to W x, or to R h if that of W x is zero."""
    gates, x, *_ = call
    sizes = gate_sizes(cell, call)
    of_gates, of_x = torch.autograd.grad(
        values.sum(), (gates, x), None, True, create_graph, allow_unused=True, materialize_grads=True
    )
    recurrent_rows = len(cell.gates) - cell.input_only  # gates that see h are in `gates`,
    summed = recurrent_rows - cell.separate  # and those that need W x separately are in `x`
    slopes: dict[str, Tensor] = {}
    for grad, names in ((of_gates, cell.gates[:recurrent_rows]), (of_x, cell.gates[summed:])):
        blocks = grad.split_with_sizes([sizes[name] for name in names], -1)
        slopes |= {
            name: block for name, block in zip(names, blocks, strict=True) if block.any() or name not in slopes
        }
    return slopes


def _is_weighed(cell: Cell, call: Call, sums: Tensor, gate: str) -> bool:
    """Whether other gates affect how much of a gate's own sum is in `sums`, as in f c + (1 - f) n."""
    slope = _slopes(cell, call, sums, create_graph=True)[gate]
    if not slope.requires_grad:
        return False
    others = _slopes(cell, call, slope)
    return any(bool(other.any()) for name, other in others.items() if name != gate)


def gate_values(cell: Cell, call: Call, found: Sequence[Place]) -> dict[str, Tensor]:
    """Gate -> its values in one call."""
    gates, x, state, parameters = call
    made = watch(cell, (gates.detach(), x.detach(), tuple(part.detach() for part in state), parameters))
    values = {place: made[place.call].value.reshape(-1, place.size)[place.row].detach() for place in found}
    return {place.gate: 1 - value if place.is_rest else value for place, value in values.items()}
