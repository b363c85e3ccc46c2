"""The gated mean c_t = a_t ⊙ c_{t-1} + (1 - a_t) ⊙ n_t over all steps at once, a_t = σ(keep_t).

It is linear in c, so its gradient is the like recurrence backwards. Nothing is divided and no logarithm taken, and c
stays between the smallest and the largest n, so it is safe at any length.

Dims: B sentences, T steps, H hidden units.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def gated_mean(keep: Tensor, n: Tensor, before: Tensor) -> Tensor:
    """keep, n (B,T,H) and c before the first step (B,H) -> c of every step (B,T,H)."""
    outputs: Tensor = _GatedMean.apply(keep, n, before)  # type: ignore[no-untyped-call]
    return outputs


class _GatedMean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, keep: Tensor, n: Tensor, before: Tensor) -> Tensor:
        a = torch.sigmoid(keep)
        if a.device.type == "cpu":
            outputs, c = torch.empty_like(a), before
            for t in range(a.shape[1]):
                c = torch.lerp(n[:, t], c, a[:, t], out=outputs[:, t])
        else:
            b = torch.addcmul(n, a, n, value=-1)
            b[:, 0].addcmul_(a[:, 0], before)
            outputs = doubling(a, b)
        ctx.save_for_backward(a, n, before, outputs)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a, n, before, outputs = ctx.saved_tensors
        # A step's c moves its own h and, through the next step's a, all that follows.
        if a.device.type == "cpu":
            total = torch.empty_like(outputs)
            total[:, -1] = grad[:, -1]
            for t in reversed(range(a.shape[1] - 1)):
                torch.addcmul(grad[:, t], a[:, t + 1], total[:, t + 1], out=total[:, t])
        else:
            following = torch.cat([a[:, 1:], torch.zeros_like(a[:, :1])], 1)
            total = doubling(following.flip(1), grad.flip(1)).flip(1)
        of_keep = torch.empty_like(outputs)
        torch.sub(before, n[:, 0], out=of_keep[:, 0])
        torch.sub(outputs[:, :-1], n[:, 1:], out=of_keep[:, 1:])
        of_keep = torch.ops.aten.sigmoid_backward.grad_input(of_keep.mul_(total), a, grad_input=of_keep)
        return of_keep, torch.addcmul(total, total, a, value=-1), a[:, 0] * total[:, 0]


def doubling(a: Tensor, b: Tensor) -> Tensor:
    """c_t = a_t ⊙ c_{t-1} + b_t from c_0 = b_0 (Hillis & Steele, 1986, "Data parallel algorithms").

    log T passes over memory where a step at a time would be one; but on a GPU the number of kernels counts.
    """
    reach = 1  # b is what the last `reach` steps add up to, a what is left after them of the c before
    while reach < b.shape[1]:
        b = torch.cat([b[:, :reach], torch.addcmul(b[:, reach:], a[:, reach:], b[:, :-reach])], 1)
        a = torch.cat([a[:, :reach], a[:, reach:] * a[:, :-reach]], 1)
        reach *= 2
    return b
