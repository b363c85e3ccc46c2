"""The linear recurrence c_t = a_t ⊙ c_{t-1} + b_t over all steps at once.

Its gradient is the same recurrence backwards. Nothing is divided and no logarithm taken, so with |a| ≤ 1 no number
grows beyond the sum of the b.

Dims: B sentences, T steps, H hidden units.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def scan(a: Tensor, b: Tensor, before: Tensor) -> Tensor:
    """a, b (B,T,H) and c before the first step (B,H) -> c of every step (B,T,H)."""
    outputs: Tensor = _Scan.apply(a, b, before)  # type: ignore[no-untyped-call]
    return outputs


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, before: Tensor) -> Tensor:
        outputs = _recurrence(a, b, before)
        ctx.save_for_backward(a, before, outputs)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a, before, outputs = ctx.saved_tensors
        # What a step's c gets from its own h and, through the next step's a, from all that follows.
        total = torch.empty_like(outputs)
        total[:, -1] = grad[:, -1]
        if grad.shape[1] > 1:
            total[:, :-1] = _recurrence(a[:, 1:].flip(1), grad[:, :-1].flip(1), grad[:, -1]).flip(1)
        of_a = torch.cat([before[:, None], outputs[:, :-1]], 1).mul_(total)
        return of_a, total, a[:, 0] * total[:, 0]


def _recurrence(a: Tensor, b: Tensor, before: Tensor) -> Tensor:
    """On a CPU a step at a time: that is one pass over memory, and a step has numbers enough to fill a kernel.
    Elsewhere in log T doublings (Hillis & Steele, 1986, "Data parallel algorithms"), which starts fewer kernels."""
    if b.device.type == "cpu":
        outputs = torch.empty_like(b)
        for t in range(b.shape[1]):
            before = torch.addcmul(b[:, t], a[:, t], before, out=outputs[:, t])
        return outputs
    b = torch.cat([torch.addcmul(b[:, :1], a[:, :1], before[:, None]), b[:, 1:]], 1)
    reach = 1  # b is what the last `reach` steps add up to, a what they make of the c before them
    while reach < b.shape[1]:
        b = torch.cat([b[:, :reach], torch.addcmul(b[:, reach:], a[:, reach:], b[:, :-reach])], 1)
        a = torch.cat([a[:, :reach], a[:, reach:] * a[:, :-reach]], 1)
        reach *= 2
    return b
