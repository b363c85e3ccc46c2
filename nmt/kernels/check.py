"""What steps of a cell make of a few random numbers, so that two ways to compute them can be compared.

Dims: T steps, D layers side by side, B sentences, H hidden units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nmt.cells import Cell
from nmt.kernels.trace import undisturbed

if TYPE_CHECKING:
    from nmt.kernels.steps import Steps

T, D, B = 2, 2, 3

TOLERANCE = {torch.float32: 1e-3, torch.float16: 1e-2, torch.bfloat16: 3e-2}  # of the largest number


@undisturbed()
def results(
    steps: Steps,
    cell: Cell,
    own: Sequence[str],
    device: torch.device,
    narrow: torch.dtype,
    wide: torch.dtype,
    units: int,
    rounded_to: torch.dtype | None = None,
) -> dict[str, Tensor]:
    """Of T steps, forward and backward, by name. The same inputs for all steps of a cell, narrow ones `rounded_to` a
    type narrower than they are."""
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int, dtype: torch.dtype) -> Tensor:
        numbers = torch.randn(shape, generator=generator, dtype=torch.float64)
        return (numbers if dtype == wide else numbers.to(rounded_to or narrow)).to(device, dtype)

    rows = cell.gate_rows(units)
    hidden = random(D, T + 1, B, units, dtype=narrow)
    parts = {
        "gates": random(D, T, B, rows.recurrent, dtype=narrow),
        "x": random(D, T, B, rows.all - rows.summed, dtype=narrow),
        "hidden": hidden[:, 1:],
        "grad_output": random(D, T, B, units, dtype=narrow),
    }
    parts |= {f"grad_{name}": torch.zeros_like(parts[name]) for name in ("gates", "x")}
    start = cell.start(*random(cell.num_initial_vectors, D, B, units, dtype=wide))
    states = {name: torch.stack([part + 0.1] * (T + 1), 1) for name, part in zip(cell.states, start, strict=True)}
    parts |= states | {f"new_{name}": part[:, 1:] for name, part in states.items()}
    parts = {name: part.transpose(0, 1) for name, part in parts.items()}
    for name, parameter in cell.own_parameters(units).items():
        parts[name] = random(1, D, 1, parameter.numel(), dtype=wide)
    sums = {
        f"grad_{name}": parts[name].new_zeros(steps.sums(T, D * B, units), D, 1, parts[name].shape[-1])
        for name in own
    }
    first = {f"grad_{name}": random(D, 1, B, units, dtype=wide) * (name != "h") for name in cell.states}
    first["grad_product"] = random(D, 1, B, units, dtype=narrow)

    forward = steps.forward(parts)
    for t in range(T):
        forward(t)
    arriving = {
        name: torch.cat([torch.zeros_like(part)] * T + [part], 1).transpose(0, 1) for name, part in first.items()
    }
    of_steps = _of_all_steps(arriving) if steps.keeps_gradients else _of_each_step(arriving)
    for t in reversed(range(T)):
        steps.backward(parts | sums | of_steps[t])(t)
    steps.after_backward(parts | sums | of_steps[0], 0, 1)
    written = {name: parts[name] for name in ("hidden", "grad_gates", "grad_x")}
    written |= {f"new_{name}": parts[f"new_{name}"] for name in steps.states}
    written |= {f"grad_{name}": of_steps[0][f"grad_{name}"][0] for name in cell.states}
    return written | {name: part.sum(0) for name, part in sums.items()}


def _of_all_steps(arriving: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    """(T+1,D,B,F) of each name -> what each step reads and writes, all kept in one place."""
    own = {name: part[1:] if name == "grad_product" else part[:-1] for name, part in arriving.items()}
    return [own | {_new(name): part[1:] for name, part in arriving.items() if name != "grad_product"}] * T


def _of_each_step(arriving: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    """(T+1,D,B,F) of each name -> the (1,D,B,F) that each step reads and writes."""
    kept = [{name: part[t][None].contiguous() for name, part in arriving.items()} for t in range(T + 1)]
    product = [{"grad_product": after["grad_product"]} for after in kept[1:]]
    return [
        before | {_new(name): part for name, part in after.items() if name != "grad_product"} | of_product
        for before, after, of_product in zip(kept, kept[1:], product, strict=False)
    ]


def _new(name: str) -> str:
    return name.replace("grad_", "grad_new_", 1)
