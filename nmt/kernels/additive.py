"""The scores of additive attention, v · tanh(q + k), for every pair of a query and a key.

Nothing of size (T,S,D) is kept: it is computed piece by piece, and again for the gradient, which is faster than
keeping it.

Dims: B sentences, T queries, S keys, A heads, D features of a head.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nmt.kernels import native
from nmt.kernels.memory import fitting
from nmt.kernels.trial import is_trusted, wave

LIMIT = 20.0  # of q and k each: exp(2 * LIMIT)**2 is still finite in float32, and a tanh ±1 to the last digit before


def additive_scores(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """q (B,T,A*D), k (B,S,A*D), v (A,D) -> scores (B,A,T,S), of v's type. q and k are clamped to ±LIMIT."""
    if q.is_meta:  # nothing is computed: a tracer gets the plain formula
        of_q, of_k = (x.view(*x.shape[:2], *v.shape).transpose(1, 2) for x in (q, k))  # (B,A,·,D)
        return (torch.tanh(of_q.unsqueeze(3) + of_k.unsqueeze(2)) @ v[:, None, :, None]).squeeze(-1)
    with torch.autocast(q.device.type, enabled=False):
        if native.takes(q, v) and q.dtype == k.dtype:
            return _ByKernel.apply(q, k, v)  # type: ignore[no-untyped-call,no-any-return]
        is_for_triton = q.device.type == "cuda" and v.dtype == torch.float32 and q.dtype == k.dtype
        if is_for_triton and _has_triton(q.device, q.dtype):
            return _ByTriton.apply(q, k, v)  # type: ignore[no-untyped-call,no-any-return]
        return _in_chunks(q, k, v)


def _in_chunks(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k = (x.to(v.dtype).clamp(-LIMIT, LIMIT) for x in (q, k))
    size = v.shape[1]
    scores = [
        _InChunks.apply(*of_head, of_v)  # type: ignore[no-untyped-call]
        for *of_head, of_v in zip(q.split(size, -1), k.split(size, -1), v, strict=True)  # type: ignore[no-untyped-call]
    ]
    return torch.stack(scores, 1)


@cache
def _has_triton(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether there are Triton kernels, and they can be trusted."""
    q, k = (wave(2, length, 120, device=device, dtype=dtype) for length in (9, 17))
    parts = q, k, wave(3, 40, device=device)

    def results(scores: Callable[..., Tensor]) -> list[Tensor]:
        with torch.enable_grad():
            given = [part.clone().requires_grad_() for part in parts]
            found = scores(*given)
            return [found, *torch.autograd.grad(found, given, wave(*found.shape, device=device))]

    return is_trusted("additive attention", results, _ByTriton.apply, _in_chunks, 1e-2)


class _Scores(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("q", "k", "v", "scores", "grad", "grad_q", "grad_k", "grad_v")),
        *((name, ctypes.c_int64) for name in ("tokens", "sources", "heads", "size")),
    ]


class _ByKernel(torch.autograd.Function):
    """nmt/native/scores.h"""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
        scores = v.new_empty(len(q), len(v), q.shape[1], k.shape[1])
        native.share("scores", q.dtype, _scores(q, k, v, scores=scores), len(q))
        ctx.save_for_backward(q, k, v)
        return scores

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = ctx.saved_tensors
        grad, grad_q, grad_k = grad.contiguous(), torch.empty_like(q), torch.empty_like(k)
        grad_v = v.new_empty(len(q), *v.shape)
        parts = _scores(q, k, v, grad=grad, grad_q=grad_q, grad_k=grad_k, grad_v=grad_v)
        native.share("scores_gradient", q.dtype, parts, len(q))
        return grad_q, grad_k, grad_v.sum(0)


def _scores(q: Tensor, k: Tensor, v: Tensor, **others: Tensor) -> _Scores:
    sizes = dict(zip(("tokens", "sources", "heads", "size"), (q.shape[1], k.shape[1], *v.shape), strict=True))
    return _Scores(**{name: part.data_ptr() for name, part in {"q": q, "k": k, "v": v, **others}.items()}, **sizes)


class _ByTriton(torch.autograd.Function):
    """triton_additive.py"""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
        ctx.save_for_backward(q, k, v)
        from nmt.kernels import triton_additive

        return triton_additive.scores(q, k, v, LIMIT)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        from nmt.kernels import triton_additive

        q, k, v = ctx.saved_tensors
        return triton_additive.gradients(q, k, v, grad.contiguous(), LIMIT)


class _InChunks(torch.autograd.Function):
    """One head: q (B,T,D), k (B,S,D), v (D,) -> (B,T,S), for q and k within ±LIMIT.

    tanh(q + k) = 1 - 2r with r = 1 / (1 + exp(2q) exp(2k)): exponentials for each side alone, and only a product and
    a reciprocal for each pair, which is many times faster than a tanh. The inner (B,T,S,D) is computed chunk by chunk
    in one buffer, which fits a processor's cache or a small part of a GPU's memory.
    """

    CHUNK = 1 << 19  # numbers, on a CPU

    @staticmethod
    def reciprocals(q: Tensor, k: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Slices of the sentences, and r (b,T,S,D) of each; the next one overwrites it."""
        q, k = torch.exp(2 * q), torch.exp(2 * k)
        shape = (q.shape[1], k.shape[1], q.shape[2])
        size = min(len(q), max(1, fitting(q.device, q.itemsize, _InChunks.CHUNK) // max(1, math.prod(shape))))
        one, buffer = q.new_ones(()), q.new_empty(size, *shape)
        for start in range(0, len(q), size):
            rows = slice(start, start + size)
            r = buffer[: len(q[rows])]
            yield rows, torch.addcmul(one, q[rows, :, None], k[rows, None], out=r).reciprocal_()

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        weighted = q.new_empty(len(q), q.shape[1], k.shape[1])  # v · r
        for rows, r in _InChunks.reciprocals(q, k):
            torch.mv(r.view(-1, len(v)), v, out=weighted[rows].view(-1))
        ctx.save_for_backward(q, k, v)
        return v.sum() - 2 * weighted

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """1 - tanh² = 4 (r - r²)."""
        q, k, v = ctx.saved_tensors
        grad_q, grad_k, weighted = torch.empty_like(q), torch.empty_like(k), torch.zeros_like(v)
        for rows, r in _InChunks.reciprocals(q, k):
            weighted.addmv_(r.view(-1, len(v)).T, grad[rows].reshape(-1))
            r.addcmul_(r, r, value=-1).mul_(grad[rows, :, :, None])
            torch.sum(r, 2, out=grad_q[rows])
            torch.sum(r, 1, out=grad_k[rows])
        return grad_q.mul_(4 * v), grad_k.mul_(4 * v), grad.sum() - 2 * weighted
