"""The gradients of a recurrent layer's weights, after the loop over time: one product each over all steps.

Dims: B sentences, T steps, K transitions a step, E input features, H hidden units, D layers side by side, G rows of
gates, P positions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nmt.cells import Cell


def stack(parts: Sequence[Tensor], dim: int = 0) -> Tensor:
    """torch.stack; a view if there is only one part."""
    return torch.stack(tuple(parts), dim) if len(parts) > 1 else parts[0].unsqueeze(dim)


def weight_gradients(
    cell: Cell,
    mask: Tensor | None,
    rows: Tensor,
    hidden: Tensor,
    weight_ih: Tensor,
    grad_gates: Tensor,
    grad_x: Tensor,
) -> tuple[Tensor, ...]:
    """The gradients of the inputs (D,T,B,E), W, R and their biases."""
    narrow, wide, depth = grad_gates.dtype, weight_ih.dtype, cell.depth
    h = hidden[:, :-1] if mask is None else (hidden[:, :-1] * mask[:, None]).to(narrow)
    grad_gates, grad_x, h = (_by_weight(part, depth) for part in (grad_gates, grad_x, h))
    grad_weight_hh = _weight_gradient(grad_gates, h, wide)
    grad_bias_hh = _sum(grad_gates, wide)
    grad_bias_ih = grad_bias_hh.clone()  # two gradients must not share memory
    if grad_x.shape[-1]:  # from here on the gradient of W x
        summed = weight_ih.shape[1] - grad_x.shape[-1]
        grad_gates = torch.cat([grad_gates[..., :summed], grad_x], -1)
        grad_bias_ih = torch.cat([grad_bias_hh[..., :summed], _sum(grad_x, wide)], -1)
    grad_weight_ih = _weight_gradient(grad_gates[:, :1], rows.flatten(1, 2)[:, None], wide)
    grad_inputs = (grad_gates[:, 0] @ weight_ih.to(narrow)).view(rows.shape)
    weights = (grad_weight_ih, grad_weight_hh, grad_bias_ih, grad_bias_hh)
    return grad_inputs, *(part.flatten(1, 2) for part in weights)


def _by_weight(x: Tensor, depth: int) -> Tensor:
    """(D,T*K,B,F) -> (D,K,T*B,F)."""
    return x.view(len(x), x.shape[1] // depth, depth, *x.shape[2:]).transpose(1, 2).flatten(2, 3)


def _weight_gradient(grad: Tensor, inputs: Tensor, dtype: torch.dtype) -> Tensor:
    """From the gradient of the outputs (D,K,P,G) and the inputs (D,K,P,E) -> (D,K,G,E); a batched product would
    be far slower."""
    shape = grad.shape[-1], inputs.shape[-1]
    pairs = zip(grad.flatten(0, 1), inputs.flatten(0, 1), strict=True)
    return stack([of_one.T @ x for of_one, x in pairs]).view(*grad.shape[:2], *shape).to(dtype)


def _sum(x: Tensor, dtype: torch.dtype) -> Tensor:
    """(D,K,P,F) -> (D,K,F): as a product, because a sum of narrow numbers is many times slower."""
    flat = x.flatten(0, 1)
    return (x.new_ones(len(flat), 1, x.shape[2]) @ flat).view(*x.shape[:2], x.shape[-1]).to(dtype)
