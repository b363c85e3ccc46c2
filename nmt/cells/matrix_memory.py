"""The matrix memory of mLSTM over all steps, chunk by chunk (Beck et al., 2024, arXiv:2405.04517; 2025,
arXiv:2503.14376).

A memory is the sum of what the steps so far wrote, k_s [v_s, 1]ᵀ, each with a weight of its own; the column of ones
adds up to the normaliser. A query meets what the steps of its own chunk wrote by the products q_tᵀ k_s, as in an
attention, and all from before by one product with the memory. Weights are kept relative to the largest so far, whose
logarithm is m.

What is found does not depend on m, so no gradient goes through it. That of a gate needs no pass over pairs of steps:
what a gate multiplies is a row or a column of the weights, and the slope for the logarithm of such a factor is the
product of the row or column with its own gradient.

Dims: B sentences, A heads, T steps, C steps of a chunk, d units of a head, H = A d.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK = 128  # steps at most; the memory is updated only between chunks, which most sentences do not need


def matrix_memory(x: Tensor, memory: Tensor, m: Tensor) -> Tensor:
    """x (B,T,4H+2A) is q, k, v and the output gate (H each), log i and the forget gate (A each) -> h (B,T,H), as
    narrow as x. The memory (B,A,d,d+1) before the first step is e^m times what it is given as, m (B,A)."""
    outputs: Tensor = _MatrixMemory.apply(x, memory, m)  # type: ignore[no-untyped-call]
    return outputs


class _Chunk(NamedTuple):
    """What the gradient of a chunk needs; q, k, weights, left and right are as narrow as x."""

    q: Tensor  # (B, A, C, d)
    k: Tensor  # (B, A, C, d), over √d
    weights: Tensor  # (B, A, C, C), of what step s wrote, for step t
    left: Tensor  # (B, A, C, C+d), weights ⊙ qᵀ k, and q by the weight of the memory before
    right: Tensor  # (B, A, C+d, d+1), [v, 1], and the memory before
    first: Tensor  # (B, A, C, 1), the weight of the memory before, for step t
    last: Tensor  # (B, A, C, 1), of what step s wrote, for the memory after
    total: Tensor  # (B, A, C, 1), the normaliser before its bound
    normaliser: Tensor  # (B, A, C, 1)
    value: Tensor  # (B, C, A, d), h before its gate
    after: Tensor  # (B, A, d, d+1), the memory after; of the last chunk, whose nobody needs, the one before


class _MatrixMemory(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, memory: Tensor, m: Tensor) -> Tensor:
        h = x.new_empty(*x.shape[:2], memory.shape[1] * memory.shape[2])
        chunks, before = [], memory
        for steps in _chunks(x):
            chunk, m = _chunk(x[:, steps], before, m, steps.stop == x.shape[1])
            gate = torch.sigmoid(_parts(x[:, steps], *memory.shape[1:3])[3].to(m.dtype))
            h[:, steps] = (chunk.value * gate).flatten(-2)
            before = chunk.after
            chunks.append(chunk)
        ctx.save_for_backward(x, memory, *(part for chunk in chunks for part in chunk))
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, memory, *parts = ctx.saved_tensors
        size = len(_Chunk._fields)
        of_x, of_memory = torch.empty_like(x), None
        for number, steps in reversed(list(enumerate(_chunks(x)))):
            chunk = _Chunk(*parts[number * size : (number + 1) * size])
            of_memory = _backward(chunk, x[:, steps], grad[:, steps], of_memory, of_x[:, steps])
        assert of_memory is not None
        return of_x, of_memory, (of_memory * memory).sum((-2, -1))


def _chunks(x: Tensor) -> list[slice]:
    length = x.shape[1]
    size = -(-length // -(-length // CHUNK))  # about equal
    return [slice(first, min(first + size, length)) for first in range(0, length, size)]


def _parts(x: Tensor, heads: int, size: int) -> list[Tensor]:
    """Views of q, k, v, the output gate (B,C,A,d), log i and the forget gate (B,C,A)."""
    parts = x.split_with_sizes([heads * size] * 4 + [heads] * 2, -1)
    return [*(part.view(*part.shape[:-1], heads, size) for part in parts[:4]), *parts[4:]]


def _chunk(x: Tensor, memory: Tensor, m: Tensor, is_last: bool) -> tuple[_Chunk, Tensor]:
    """And m after it."""
    q, k, v, _, i, forget = (part.transpose(1, 2) for part in _parts(x, *memory.shape[1:3]))
    length, size = q.shape[-2:]
    q, k = q.contiguous(), k.contiguous().mul_(size**-0.5)
    kept = F.logsigmoid(forget.to(m.dtype)).cumsum(-1)  # log of what is left of the memory before
    i = i.to(m.dtype) - kept
    largest = torch.maximum(i.cummax(-1).values, m[..., None])
    weights = torch.exp(i[..., None, :] - largest[..., None]).tril_().to(x.dtype)
    first = torch.exp(m[..., None] - largest)[..., None]
    last = torch.exp(i - largest[..., -1:])[..., None]
    m = kept + largest
    left = q.new_empty(*q.shape[:-1], length + size)
    torch.mul(weights, q @ k.mT, out=left[..., :length])
    torch.mul(q, first.to(x.dtype), out=left[..., length:])
    right = F.pad(v, (0, 1, 0, size), value=1)
    right[..., length:, :] = memory
    sums = (left @ right).to(memory.dtype)
    total = sums[..., -1:].contiguous()
    normaliser = torch.maximum(total.abs(), torch.exp(-m)[..., None])
    value = (sums[..., :-1] / normaliser).transpose(1, 2).contiguous()
    after = memory
    if not is_last:
        written = (k * last.to(x.dtype)).mT @ right[..., :length, :]
        after = torch.addcmul(written.to(m.dtype), first[..., -1:, :], memory)
    return _Chunk(q, k, weights, left, right, first, last, total, normaliser, value, after), m[..., -1]


def _backward(chunk: _Chunk, x: Tensor, grad: Tensor, of_after: Tensor | None, of_x: Tensor) -> Tensor:
    """From the gradients of h and of the memory after it (None: zero), of x, which is written, and of the memory
    before."""
    q, k, weights, left, right, first, last, total, normaliser, value, after = chunk
    length, size = q.shape[-2:]
    *_, output, _, forget = _parts(x, *value.shape[2:])
    of_q, of_k, of_v, of_output, of_i, of_forget = (part.transpose(1, 2) for part in _parts(of_x, *value.shape[2:]))

    gate = torch.sigmoid(output.to(value.dtype))
    grad = grad.to(value.dtype).view_as(value)
    of_output.copy_(torch.ops.aten.sigmoid_backward(grad * value, gate).transpose(1, 2))
    grad = grad * gate
    slope = (grad * value).sum(-1).transpose(1, 2)[..., None]  # (B, A, C, 1), for the logarithm of the value
    bounded = total.abs() < normaliser
    of_sums = value.new_empty(*q.shape[:-1], size + 1)
    torch.div(grad.transpose(1, 2), normaliser, out=of_sums[..., :-1])
    of_sums[..., -1:] = (slope / total).neg_().masked_fill_(bounded, 0)
    narrow = of_sums.to(x.dtype)

    of_left, of_right = narrow @ right.mT, left.mT @ narrow
    of_products, of_v_and_one = weights * of_left[..., :length], of_right[..., :length, :]
    of_q.copy_((of_products @ k).addcmul_(of_left[..., length:], first.to(x.dtype)))
    of_scaled = of_products.mT @ q
    of_memory = of_right[..., length:, :].to(value.dtype)
    if of_after is not None:
        of_written, last = of_after.to(x.dtype), last.to(x.dtype)
        of_scaled.addcmul_(right[..., :length, :] @ of_written.mT, last)
        of_v_and_one.addcmul_(k @ of_written, last)
        of_memory.addcmul_(first[..., -1:, :], of_after)
    of_column = (k * of_scaled).sum(-1, dtype=value.dtype)
    of_kept = torch.where(bounded, slope, 0)[..., 0] - of_column
    if of_after is not None:
        of_kept[..., -1] += (after * of_after).sum((-2, -1))
    of_kept = of_kept.flip(-1).cumsum(-1).flip(-1)
    of_k.copy_(of_scaled.mul_(size**-0.5))
    of_v.copy_(of_v_and_one[..., :-1])
    of_i.copy_(of_column)
    of_forget.copy_(of_kept * torch.sigmoid(-forget.transpose(1, 2).to(value.dtype)))
    return of_memory
