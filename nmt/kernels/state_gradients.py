"""The gradients of the state that pass from step to step on the way back.

Dims: T steps, D layers side by side, B rows, H hidden units.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor


class StateGradients(NamedTuple):
    """A step reads those of the next step and writes those for the previous one."""

    product: Tensor  # from R h: (D,T+1,B,H), or (D,1,B,H) if only one step's are kept
    parts: list[dict[str, Tensor]]  # by name; if only one step's are kept: for even and for odd steps
    of_initial: list[Tensor]  # what the first step writes, without the product


def state_gradients(
    all_steps: bool, hidden: Tensor, shapes: Mapping[str, torch.Size], wide: torch.dtype
) -> StateGradients:
    """Zeros, which the last step reads. `hidden` is (D,T+1,B,H), and a part of the state (D,...)."""
    if all_steps:
        sizes = hidden.shape[:2]
        grads = {name: hidden.new_zeros(*sizes, *shape[1:], dtype=wide) for name, shape in shapes.items()}
        product = torch.zeros_like(hidden)
        parts = {f"grad_new_{name}": part[:, 1:].transpose(0, 1) for name, part in grads.items()}
        parts |= {f"grad_{name}": part[:, :-1].transpose(0, 1) for name, part in grads.items()}
        parts["grad_product"] = product[:, 1:].transpose(0, 1)
        return StateGradients(product, [parts], [part[:, 0] for part in grads.values()])
    # A step writes into one half, from which the previous step reads.
    grads = {name: hidden.new_zeros(2, 1, *shape, dtype=wide) for name, shape in shapes.items()}
    product = hidden.new_zeros(hidden[:, :1].shape)
    halves = [
        {f"grad_new_{name}": part[half] for name, part in grads.items()}
        | {f"grad_{name}": part[1 - half] for name, part in grads.items()}
        | {"grad_product": product.transpose(0, 1)}
        for half in (0, 1)
    ]
    return StateGradients(product, halves, [part[1, 0] for part in grads.values()])  # t = 0 writes the second half
