"""The gated mean c_t = a_t ⊙ c_{t-1} + (1 - a_t) ⊙ n_t, where a and n come from x only, over all steps.

It is linear in c, so its gradient is the like recurrence backwards. Nothing is divided and no logarithm taken, and c
stays between the smallest and the largest n, so it is safe at any length. The work is light and its limit the memory:
a CPU takes a few steps at a time, from first to last while they are in its cache, and what can be made again from
W x is not kept. A GPU takes them all.

Dims: B sentences, T steps, H hidden units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# W x of the gates (·,rows) -> a (·,H) and, of a gradient of a, that of the gates.
Keep = Callable[[Tensor], tuple[Tensor, Callable[[Tensor], Tensor]]]

IN_CACHE = 1 << 17  # numbers of one tensor; some five are at work at once


def gated_mean(keep: Keep, x: Tensor, before: Tensor) -> Tensor:
    """x (B,T,rows), whose last H are n and the others the gates, and c before the first step (B,H) -> c of every step
    (B,T,H), as narrow as x; in between numbers are as wide as `before`."""
    outputs: Tensor = _GatedMean.apply(keep, x, before)  # type: ignore[no-untyped-call]
    return outputs


class _GatedMean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, keep: Keep, x: Tensor, before: Tensor) -> Tensor:
        size = before.shape[-1]
        c = before.new_empty(x.shape[1] + 1, *before.shape)  # before and after every step
        c[0] = before
        outputs = x.new_empty(*x.shape[:2], size)
        for steps in _blocks(x, before):
            gates, n = _wide(x[:, steps], before).tensor_split([-size], -1)  # (steps, B, ·)
            (a, _), now = keep(gates), c[1:][steps]
            if in_turn(x):
                for a_t, n_t, c_t, now_t in zip(a, n, c[steps], now, strict=True):
                    torch.lerp(n_t, c_t, a_t, out=now_t)
            else:
                b = torch.addcmul(n, a, n, value=-1)
                b[0].addcmul_(a[0], before)
                now.copy_(doubling(a[1:], b))
            outputs[:, steps] = now.transpose(0, 1)
        ctx.keep = keep
        ctx.save_for_backward(x, c)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor]:
        x, c = ctx.saved_tensors
        size = c.shape[-1]
        of_x, of_before = torch.empty_like(x), torch.zeros_like(c[0])
        for steps in reversed(_blocks(x, c[0])):
            gates, n = _wide(x[:, steps], c).tensor_split([-size], -1)
            a, backward = ctx.keep(gates)
            # A step's c moves its own h and, through the next step's a, all that follows.
            total = _wide(grad[:, steps], c)
            total[-1] += of_before
            if in_turn(x):
                for t in reversed(range(len(a) - 1)):
                    total[t].addcmul_(a[t + 1], total[t + 1])
            else:
                total = doubling(a[1:].flip(0), total.flip(0)).flip(0)
            of_before = a[0] * total[0]
            of_x[:, steps, :-size] = backward((c[steps] - n).mul_(total)).transpose(0, 1)
            of_x[:, steps, -size:] = total.addcmul_(total, a, value=-1).transpose(0, 1)
        return None, of_x, of_before


def in_turn(x: Tensor) -> bool:
    """Whether a step follows the other: not on a GPU, where the number of kernels counts."""
    return x.device.type == "cpu"


def _blocks(x: Tensor, before: Tensor) -> list[slice]:
    """Steps that are done at once."""
    length = x.shape[1]
    size = max(1, IN_CACHE // before.numel()) if in_turn(x) else length
    return [slice(first, min(first + size, length)) for first in range(0, length, size)]


def _wide(x: Tensor, like: Tensor) -> Tensor:
    """A copy of x (B,T,·) as (T,B,·)."""
    x = x.transpose(0, 1)
    return like.new_empty(x.shape).copy_(x)


def doubling(a: Tensor, b: Tensor) -> Tensor:
    """c_t = a_{t-1} ⊙ c_{t-1} + b_t along the first dimension from c_0 = b_0, in log T passes over memory rather than
    in T steps (Hillis & Steele, 1986, "Data parallel algorithms"); between each two of b stands an a."""
    reach = 1  # b is what the last `reach` steps add up to, a what is left after them of the c before
    while reach < len(b):
        b = torch.cat([b[:reach], torch.addcmul(b[reach:], a, b[:-reach])])
        a = a[reach:] * a[:-reach]
        reach *= 2
    return b
