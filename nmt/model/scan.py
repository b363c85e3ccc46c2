"""The gated mean c_t = a_t ⊙ c_{t-1} + (1 - a_t) ⊙ n_t, where a and n come from x alone, over all steps.

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
            torch.addcmul(n, a, n, value=-1, out=now)
            now[0].addcmul_(a[0], c[steps.start])
            now = accumulate(a[1:], now)
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
            total = accumulate(a[1:], total, backwards=True)
            of_before = a[0] * total[0]
            of_x[:, steps, :-size] = backward((c[steps] - n).mul_(total)).transpose(0, 1)
            of_x[:, steps, -size:] = total.addcmul_(total, a, value=-1).transpose(0, 1)
        return None, of_x, of_before


def _blocks(x: Tensor, before: Tensor) -> list[slice]:
    """Steps that are done at once."""
    length = x.shape[1]
    size = max(1, IN_CACHE // before.numel()) if x.device.type == "cpu" else length
    return [slice(first, min(first + size, length)) for first in range(0, length, size)]


def _wide(x: Tensor, like: Tensor) -> Tensor:
    """A copy of x (B,T,·) as (T,B,·)."""
    x = x.transpose(0, 1)
    return like.new_empty(x.shape).copy_(x)


def accumulate(factors: Tensor, values: Tensor, backwards: bool = False) -> Tensor:
    """c_t = factor_{t-1} ⊙ c_{t-1} + value_t along the first dimension from c_0 = value_0, or from the last one on,
    c_t = factor_t ⊙ c_{t+1} + value_t: between each two values stands a factor. On a CPU `values` become c."""
    if values.device.type != "cpu":
        if backwards:
            return accumulate(factors.flip(0), values.flip(0)).flip(0)
        return doubling(factors, values)
    order = slice(None, None, -1 if backwards else 1)
    factors_of, values_of = factors.unbind()[order], values.unbind()[order]
    for factor, before, value in zip(factors_of, values_of, values_of[1:], strict=False):
        value.addcmul_(factor, before)
    return values


def doubling(a: Tensor, b: Tensor) -> Tensor:
    """`accumulate` in log T passes over memory rather than in T steps (Hillis & Steele, 1986, "Data parallel
    algorithms"): on a GPU the number of kernels counts."""
    reach = 1  # b is what the last `reach` steps add up to, a what is left after them of the c before
    while reach < len(b):
        b = torch.cat([b[:reach], torch.addcmul(b[reach:], a, b[:-reach])])
        a = a[reach:] * a[:-reach]
        reach *= 2
    return b
