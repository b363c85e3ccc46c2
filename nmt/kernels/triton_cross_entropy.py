"""Turns logits into the gradient of their cross-entropy on a GPU, in place, in one handwritten Triton kernel.

Dims: W passes over P positions, V pieces of the vocabulary.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 4096  # logits that a program holds in registers
LOWEST = tl.constexpr(-3.0e38)  # stands for -inf: the difference of two infinities would be NaN


@triton.jit
def _logits(row, i, pieces):
    return tl.where(i < pieces, tl.load(row + i, i < pieces, 0.0).to(tl.float32), LOWEST)


@triton.jit
def _partition(row, label, pieces, block: tl.constexpr):
    """The logarithm of the partition of one position's logits, and the label's logit."""
    highest = tl.full([block], LOWEST, tl.float32)
    total, chosen = tl.zeros([block], tl.float32), tl.zeros([block], tl.float32)
    for start in range(0, pieces, block):
        i = start + tl.arange(0, block)
        x = _logits(row, i, pieces)
        higher = tl.maximum(highest, x)
        total = total * tl.exp(highest - higher) + tl.exp(x - higher)
        chosen += tl.where(i == label, x, 0.0)
        highest = higher
    top = tl.max(highest, 0)
    return top + tl.log(tl.sum(total * tl.exp(highest - top), 0)), tl.sum(chosen, 0)


@triton.jit
def _of_one_pass(logits, targets, found, positions, padded, pieces, share, block: tl.constexpr):
    """A program handles a position. Positions with a negative target, and those from `positions` on, become 0."""
    program, position = tl.program_id(0), tl.program_id(0) % padded
    row = logits + program.to(tl.int64) * pieces
    label = tl.load(targets + position, position < positions, -1)
    is_real = label >= 0
    log_partition, chosen = _partition(row, label, pieces, block)
    for start in range(0, pieces, block):
        i = start + tl.arange(0, block)
        x = _logits(row, i, pieces)
        gradient = tl.exp(x - log_partition) - tl.where(i == label, share, 0.0)
        tl.store(row + i, tl.where(is_real, gradient, 0.0).to(row.dtype.element_ty), i < pieces)
    tl.store(found + program * 3, tl.where(is_real, log_partition, 0.0))
    tl.store(found + program * 3 + 1, tl.where(is_real, chosen, 0.0))
    tl.store(found + program * 3 + 2, 0.0)


@triton.jit
def _of_two_passes(logits, targets, found, positions, padded, pieces, share, r_drop, block: tl.constexpr):
    """The same for both passes over a position, with R-Drop between them (see nmt/model/loss.py)."""
    position = tl.program_id(0)
    first = logits + position.to(tl.int64) * pieces
    second = logits + (position + padded).to(tl.int64) * pieces
    label = tl.load(targets + position, position < positions, -1)
    is_real = label >= 0
    of_first, chosen_first = _partition(first, label, pieces, block)
    of_second, chosen_second = _partition(second, label, pieces, block)
    from_first, from_second = tl.zeros([block], tl.float32), tl.zeros([block], tl.float32)
    for start in range(0, pieces, block):
        i = start + tl.arange(0, block)
        x = _logits(first, i, pieces) - of_first
        y = _logits(second, i, pieces) - of_second
        d = tl.where(i < pieces, x - y, 0.0)
        from_first += tl.exp(x) * d
        from_second -= tl.exp(y) * d
    divergence_first, divergence_second = tl.sum(from_first, 0), tl.sum(from_second, 0)
    for start in range(0, pieces, block):
        i = start + tl.arange(0, block)
        x = _logits(first, i, pieces) - of_first
        y = _logits(second, i, pieces) - of_second
        p, q, d = tl.exp(x), tl.exp(y), x - y
        onehot = tl.where(i == label, share, 0.0)
        grad_first = p - onehot + 0.5 * r_drop * (p * (d - divergence_first) + p - q)
        grad_second = q - onehot + 0.5 * r_drop * (q * (-d - divergence_second) + q - p)
        tl.store(first + i, tl.where(is_real, grad_first, 0.0).to(first.dtype.element_ty), i < pieces)
        tl.store(second + i, tl.where(is_real, grad_second, 0.0).to(first.dtype.element_ty), i < pieces)
    tl.store(found + position * 3, tl.where(is_real, of_first + of_second, 0.0))
    tl.store(found + position * 3 + 1, tl.where(is_real, chosen_first + chosen_second, 0.0))
    tl.store(found + position * 3 + 2, tl.where(is_real, divergence_first + divergence_second, 0.0))


def to_gradient(logits: Tensor, targets: Tensor, share: float, r_drop: float) -> Tensor:
    """Contiguous logits (W,P',V) of targets (P,), where negative ones are ignored, become their gradient -> three
    sums over all positions (3,): the logarithms of the partitions, the labels' logits, and with `r_drop` (W = 2) the
    divergences."""
    passes, padded, pieces = logits.shape
    programs = padded if r_drop else passes * padded
    found = torch.zeros(programs, 3, device=logits.device)
    block = min(BLOCK, triton.next_power_of_2(pieces))
    sizes = logits, targets, found, len(targets), padded, pieces, share
    with torch.cuda.device_of(logits):
        if programs and r_drop:
            _of_two_passes[(programs,)](*sizes, r_drop, block=block, num_warps=8)
        elif programs:
            _of_one_pass[(programs,)](*sizes, block=block, num_warps=8)
    return found.sum(0)
