"""The scores of additive attention on a GPU: one kernel forward and one backward, handwritten in Triton.

Nothing of size (T,S,D) is ever in memory. With r = 1 / (1 + exp(2q) exp(2k)), tanh(q + k) = 1 - 2r and its slope is
4 (r - r²): each query and key needs an exponential, each pair only a product and a reciprocal.

Dims: B sentences, T queries, S keys, A heads, D features of a head; all tensors contiguous.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

# A program holds a tile in registers.
FORWARD = {"tile_queries": 8, "tile_keys": 16, "tile_features": 32}
BACKWARD = {"tile_rows": 32, "tile_features": 32}


@triton.jit
def _exp2x(place, here, limit: tl.constexpr):
    """exp(2x) of the number x there, clamped to ±limit, and whether x is within."""
    x = tl.load(place, here, 0.0).to(tl.float32)
    return tl.exp(2.0 * tl.minimum(tl.maximum(x, -limit), limit)), (x >= -limit) & (x <= limit)


@triton.jit
def _scores(
    q,
    k,
    v,
    scores,
    queries,
    keys,
    heads,
    size,
    limit: tl.constexpr,
    tile_queries: tl.constexpr,
    tile_keys: tl.constexpr,
    tile_features: tl.constexpr,
):
    """A program computes a tile of queries and keys of one head of one sentence."""
    sentence, head = tl.program_id(0) // heads, tl.program_id(0) % heads
    t = tl.program_id(1) * tile_queries + tl.arange(0, tile_queries)
    s = tl.program_id(2) * tile_keys + tl.arange(0, tile_keys)
    q += (sentence * queries + t[:, None]).to(tl.int64) * (heads * size) + head * size
    k += (sentence * keys + s[:, None]).to(tl.int64) * (heads * size) + head * size
    found = tl.zeros([tile_queries, tile_keys, tile_features], tl.float32)
    for start in range(0, size, tile_features):
        d = start + tl.arange(0, tile_features)
        exp_q, _ = _exp2x(q + d[None], (t[:, None] < queries) & (d[None] < size), limit)
        exp_k, _ = _exp2x(k + d[None], (s[:, None] < keys) & (d[None] < size), limit)
        weight = tl.load(v + head * size + d, d < size, 0.0)
        found += weight[None, None] * (1.0 - 2.0 / (1.0 + exp_q[:, None] * exp_k[None]))
    place = (tl.program_id(0) * queries + t[:, None]).to(tl.int64) * keys + s[None]
    tl.store(scores + place, tl.sum(found, 2), (t[:, None] < queries) & (s[None] < keys))


@triton.jit
def _of_one_side(
    own,
    other,
    v,
    grad,
    grad_own,
    owns,
    others,
    grad_of_own,
    grad_of_other,
    row,
    size,
    d,
    limit: tl.constexpr,
    tile_rows: tl.constexpr,
    tile_features: tl.constexpr,
):
    """The gradients of queries (or keys) and of v, for some features of one sentence and head. `row` is the distance
    of two positions in memory, `grad_of_own` and `grad_of_other` in the gradient of the scores."""
    weight = tl.load(v + d, d < size, 0.0)[None]
    of_v = tl.zeros([tile_rows, tile_features], tl.float32)
    for start in range(0, owns, tile_rows):
        i = start + tl.arange(0, tile_rows)[:, None]
        here = (i < owns) & (d[None] < size)
        exp_own, is_within = _exp2x(own + i * row + d[None], here, limit)
        slopes = tl.zeros([tile_rows, tile_features], tl.float32)
        for j in range(others):
            exp_other, _ = _exp2x(other + j * row + d[None], d[None] < size, limit)
            of_score = tl.load(grad + i * grad_of_own + j * grad_of_other, i < owns, 0.0)
            r = 1.0 / (1.0 + exp_own * exp_other)
            slopes += of_score * (r - r * r)
            of_v += of_score * (1.0 - 2.0 * r)
        found = tl.where(is_within, 4.0 * weight * slopes, 0.0)
        tl.store(grad_own + i * row + d[None], found.to(grad_own.dtype.element_ty), here)
    return tl.sum(of_v, 0)


@triton.jit
def _gradients(
    q,
    k,
    v,
    grad,
    grad_q,
    grad_k,
    grad_v,
    queries,
    keys,
    heads,
    size,
    limit: tl.constexpr,
    tile_rows: tl.constexpr,
    tile_features: tl.constexpr,
):
    """A program computes some features of one head of one sentence, first for the queries, then for the keys, so no
    program adds to another's results. The gradient of v is separate for each sentence."""
    sentence, head, row = tl.program_id(0) // heads, tl.program_id(0) % heads, heads * size
    of_q = sentence.to(tl.int64) * queries * row + head * size
    of_k = sentence.to(tl.int64) * keys * row + head * size
    grad += tl.program_id(0).to(tl.int64) * queries * keys
    d = tl.program_id(1) * tile_features + tl.arange(0, tile_features)
    v += head * size
    q, k, grad_q, grad_k = q + of_q, k + of_k, grad_q + of_q, grad_k + of_k
    of_v = _of_one_side(q, k, v, grad, grad_q, queries, keys, keys, 1, row, size, d, limit, tile_rows, tile_features)
    _of_one_side(k, q, v, grad, grad_k, keys, queries, 1, keys, row, size, d, limit, tile_rows, tile_features)
    tl.store(grad_v + tl.program_id(0).to(tl.int64) * size + d, of_v, d < size)


def scores(q: Tensor, k: Tensor, v: Tensor, limit: float) -> Tensor:
    """q (B,T,A*D), k (B,S,A*D), v (A,D) in float32 -> (B,A,T,S)."""
    (batch, queries, _), keys = q.shape, k.shape[1]
    found = v.new_empty(batch, len(v), queries, keys)
    if found.numel():
        tiles = triton.cdiv(queries, FORWARD["tile_queries"]), triton.cdiv(keys, FORWARD["tile_keys"])
        sizes: Any = queries, keys, *v.shape
        with _on(q):
            _scores[(batch * len(v), *tiles)](q, k, v, found, *sizes, limit=limit, **FORWARD)
    return found


def gradients(q: Tensor, k: Tensor, v: Tensor, grad: Tensor, limit: float) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of q, k and v, from that of the scores."""
    grad_q, grad_k, grad_v = torch.zeros_like(q), torch.zeros_like(k), v.new_zeros(len(q), *v.shape)
    if grad.numel():
        programs = len(q) * len(v), triton.cdiv(v.shape[1], BACKWARD["tile_features"])
        sizes: Any = q.shape[1], k.shape[1], *v.shape
        with _on(q):
            _gradients[programs](q, k, v, grad, grad_q, grad_k, grad_v, *sizes, limit=limit, **BACKWARD)
    return grad_q, grad_k, grad_v.sum(0)


def _on(x: Tensor) -> Any:
    """Triton starts kernels on the current GPU."""
    return torch.cuda.device_of(x)
