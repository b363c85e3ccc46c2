"""What the tests of kernels share: a row function computed by torch, and a step's inputs and gradients."""

from __future__ import annotations

from functools import cache

import torch
import toy
from torch import Tensor

from nmt.cells import MASK, Cell
from nmt.kernels.expressions import CONSTANT, LOAD, NUMBER_OF_UNITS, SUM
from nmt.kernels.operands import kernels_of
from nmt.kernels.trace import NotTraceableError, RowFunction, TracedCell

FUNCTIONS = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "neg": torch.neg,
    "exp": torch.exp,
    "log1p": torch.log1p,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "abs": torch.abs,
    "rsqrt": torch.rsqrt,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "greater": lambda a, b: (a > b).to(a.dtype),
    "at_least": lambda a, b: (a >= b).to(a.dtype),
    "equal": lambda a, b: (a == b).to(a.dtype),
    "where": lambda truth, a, b: torch.where(truth != 0, a, b),
}


@cache
def traced(cell: Cell) -> TracedCell | None:
    """None where it has no kernel."""
    try:
        return TracedCell(*(kernel.function for kernel in kernels_of(cell)))
    except NotTraceableError:
        return None


# With a product of their own, or chunks.
NOT_TRACEABLE = {"gru_reset_before", "gru_reset_before, depth 2", "lstm_fgr", "mlstm"}
TRACEABLE = sorted(set(toy.CELL_KINDS) - NOT_TRACEABLE)
FEW = ["gru_ln", "lstm_ln", "rnn_relu", "slstm", "sru"]  # together they have all functions of vectors.h


def computed(function: RowFunction, inputs: dict[str, Tensor], units: int) -> dict[str, Tensor]:
    """Inputs (B,n*H) or (1,n*H) by their names -> outputs (B,n*H)."""
    values: list[Tensor] = []
    for node in function.expressions.nodes:
        if node.function == LOAD:
            k = int(node.value)
            values.append(inputs[node.name][:, k * units : (k + 1) * units])
        elif node.function == CONSTANT:
            values.append(torch.full((1, 1), node.value, dtype=torch.double))
        elif node.function == NUMBER_OF_UNITS:
            values.append(torch.full((1, 1), float(units), dtype=torch.double))
        elif node.function == SUM:
            values.append(values[node.arguments[0]].sum(-1, keepdim=True))
        else:
            values.append(FUNCTIONS[node.function](*(values[x] for x in node.arguments)))
    batch = max(len(part) for part in inputs.values())
    return {
        name: torch.cat([values[x].expand(batch, units) for x in nodes], -1)
        for name, nodes in function.outputs.items()
    }


def step_inputs(cell: Cell, batch: int, units: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Of one step in double precision: gates, x and the state (B,n*H), and the cell's parameters (n,H)."""
    rows = cell.gate_rows(units)
    inputs = {"gates": torch.randn(batch, rows.recurrent), "x": torch.randn(batch, rows.all - rows.summed)}
    started = cell.start(*torch.randn(cell.num_initial_vectors, batch, units))
    inputs |= {name: part + torch.rand_like(part) for name, part in zip(cell.states, started, strict=True)}
    own = {name: torch.randn_like(part) for name, part in cell.own_parameters(units).items()}
    return {k: x.double() for k, x in inputs.items()}, {k: x.double() for k, x in own.items()}


def by_torch(
    cell: Cell,
    inputs: dict[str, Tensor],
    own: dict[str, Tensor],
    grads: dict[str, Tensor],
    mask: Tensor | None = None,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A step by `pointwise` and autograd -> the new state by name, and the gradients by the names of trace.py."""
    inputs, own = ({k: x.clone().requires_grad_() for k, x in parts.items()} for parts in (inputs, own))
    gates, x, *state = inputs.values()
    new = cell.pointwise(gates, x, tuple(state), own if mask is None else {**own, MASK: mask})
    of_new = [grads[f"grad_new_{name}"] for name in cell.states]
    of_new[0] = of_new[0] + grads["grad_output"] + grads["grad_product"]
    wanted = {**inputs, **own}
    found = torch.autograd.grad(new, list(wanted.values()), of_new, allow_unused=True, materialize_grads=True)
    outputs = {"hidden": new[0], **{f"new_{name}": part for name, part in zip(cell.states, new, strict=True)}}
    return (
        {name: part.detach() for name, part in outputs.items()},
        {f"grad_{name}": grad for name, grad in zip(wanted, found, strict=True)},
    )


def step_gradients(cell: Cell, batch: int, units: int) -> dict[str, Tensor]:
    names = ["grad_output", "grad_product", *(f"grad_new_{name}" for name in cell.states)]
    return {name: torch.randn(batch, units, dtype=torch.double) for name in names}
