"""The results of a cell's steps on a few random numbers, to compare two ways to compute them.

Dims: T steps, D layers side by side, B sentences, H hidden units.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nmt.cells import Cell
from nmt.kernels.operands import parameter_names
from nmt.kernels.state_gradients import state_gradients
from nmt.kernels.trace import undisturbed

if TYPE_CHECKING:
    from nmt.kernels.steps import Steps

T, D, B = 2, 2, 3

TOLERANCE = {torch.float32: 1e-3, torch.float16: 1e-2, torch.bfloat16: 3e-2}  # relative to the largest number


@undisturbed()
def results(steps: Steps, cell: Cell, device: torch.device, narrow: torch.dtype, units: int) -> dict[str, Tensor]:
    """The results of T steps, forward and backward, by name. States are in float32, or in float64 if products are.
    The inputs are the same for every way to compute a cell."""
    generator, wide = torch.Generator().manual_seed(0), torch.promote_types(narrow, torch.float32)

    def random(*shape: int, dtype: torch.dtype = wide) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(device, dtype)

    parts = _inputs(cell, units, random, partial(random, dtype=narrow))
    sums = {
        f"grad_{name}": parts[name].new_zeros(steps.sums(T, D * B, units), D, 1, parts[name].shape[-1])
        for name in parameter_names(cell)
    }
    shapes = {name: parts[name].shape[1:] for name in cell.states}
    hidden = torch.empty(D, T + 1, B, units, device=device, dtype=narrow)
    arriving = state_gradients(steps.keeps_gradients, hidden, shapes, wide)
    of_last = arriving.parts[(T - 1) % len(arriving.parts)]
    for name in cell.states:
        of_last[f"grad_new_{name}"][-1].copy_(random(D, B, units) * (name != "h"))
    arriving.product.copy_(random(D, 1, B, units, dtype=narrow))

    forward = steps.forward(parts)
    for t in range(T):
        forward(t)
    for t in reversed(range(T)):
        steps.backward(parts | sums | arriving.parts[t % len(arriving.parts)])(t)
    steps.after_backward(parts | sums | arriving.parts[0], 0, 1)
    written = {name: parts[name] for name in ("hidden", "grad_gates", "grad_x")}
    written |= {f"new_{name}": parts[f"new_{name}"] for name in steps.states}
    written |= {f"grad_{name}": part for name, part in zip(cell.states, arriving.of_initial, strict=True)}
    return written | {name: part.sum(0) for name, part in sums.items()}


def _inputs(cell: Cell, units: int, wide: Callable[..., Tensor], narrow: Callable[..., Tensor]) -> dict[str, Tensor]:
    """What the steps read, as random wide and narrow numbers, and where they write, (T,D,B,F) by name."""
    rows = cell.gate_rows(units)
    hidden = narrow(D, T + 1, B, units)
    parts = {
        "gates": narrow(D, T, B, rows.recurrent),
        "x": narrow(D, T, B, rows.all - rows.summed),
        "hidden": hidden[:, 1:],
        "grad_output": narrow(D, T, B, units),
    }
    parts |= {f"grad_{name}": torch.zeros_like(parts[name]) for name in ("gates", "x")}
    start = cell.start(*wide(cell.num_initial_vectors, D, B, units))
    states = {name: torch.stack([part + 0.1] * (T + 1), 1) for name, part in zip(cell.states, start, strict=True)}
    parts |= states | {f"new_{name}": part[:, 1:] for name, part in states.items()}
    parts = {name: part.transpose(0, 1) for name, part in parts.items()}
    return parts | {name: wide(1, D, 1, own.numel()) for name, own in cell.own_parameters(units).items()}
