"""The output layer and its loss, in one: cross-entropy over chunks of real target positions.

The logits of a whole batch never exist: a chunk's logits become its gradient in place while the loss is computed,
so memory does not grow with positions x vocabulary, and the backward pass is one multiplication. Products run a chunk
at a time, everything else in blocks of rows that stay in the processor's cache.

Dims: P real target positions, W passes over them (two for R-Drop), F features, V vocabulary.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from nmt.kernels import native
from nmt.kernels.memory import fitting
from nmt.kernels.trial import is_trusted, wave

CHUNK = 1024  # positions per product on CPU; 1024 x 8000 logits are 16 MB in bfloat16
BLOCK = 128  # positions per elementwise pass on CPU
SEEN = 1e-6  # added to every attention weight, so that no cost is infinite
IGNORED = -1  # the target of a position that does not count
FILL = 64  # on CPU a chunk's positions are padded to a multiple of this


class _Logits(ctypes.Structure):
    """As in nmt/native/cross_entropy.h"""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("logits", "targets", "totals")),
        ("pieces", ctypes.c_int64),
        ("share", ctypes.c_float),
    ]


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        weight: Tensor,
        bias: Tensor,
        targets: Tensor,
        smoothing: float,
        r_drop: float,
        has_ignored: bool,
    ) -> tuple[Tensor, Tensor]:
        device = features.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else features.dtype
        passes, positions, features_size = features.shape
        is_real = targets.ne(IGNORED) if has_ignored else None
        with torch.autocast(device, enabled=False):
            narrow_weight, narrow_bias = weight.to(dtype), bias.to(dtype)
            totals = weight.new_zeros(3)  # log-partition, logit of the label, divergence
            grad_features = torch.empty_like(features)
            grad_weight, grad_bias = torch.zeros_like(weight), torch.zeros_like(bias)
            uniform = smoothing / len(weight)
            counted = features if is_real is None else features * is_real[:, None]
            sum_features, sum_weight = counted.sum((0, 1), dtype=weight.dtype), weight.sum(0)
            shift = (-uniform * sum_weight).to(dtype)
            chunk = fitting(features.device, dtype.itemsize, CHUNK * len(weight)) // len(weight) // passes
            for start in range(0, positions, chunk):
                rows = slice(start, start + chunk)
                label, x = targets[rows], _filled(features[:, rows].to(dtype)).flatten(0, 1)
                grad = F.linear(x, narrow_weight, narrow_bias)  # (W * chunk, V), logits so far
                logits = grad.view(passes, -1, len(weight))
                _to_gradient(logits, label, 1 - smoothing, r_drop, has_ignored, totals)
                of_features = torch.addmm(shift, grad, narrow_weight).view(passes, -1, features_size)
                grad_features[:, rows] = of_features[:, : len(label)]
                grad_weight += grad.T @ x
                grad_bias += (grad.new_ones(1, len(grad)) @ grad)[0]  # a sum of narrow numbers is far slower
                del grad  # before the next chunk's logits are there
            log_partition, chosen, divergence = totals
            nll = (log_partition - chosen) / passes
            loss = log_partition.sub(chosen, alpha=1 - smoothing).add_(divergence, alpha=r_drop / 2)
            # The uniform part is the same in every row: loss and gradient need only the sums of both factors.
            count = passes * (positions if is_real is None else is_real.sum())
            loss.sub_(sum_features @ sum_weight + bias.sum() * count, alpha=uniform)
            grad_weight.sub_(sum_features, alpha=uniform)
            grad_bias -= uniform * count
            if is_real is not None:
                grad_features *= is_real[:, None]
        ctx.passes = passes
        ctx.save_for_backward(grad_features, grad_weight, grad_bias)
        ctx.mark_non_differentiable(nll)
        return loss / passes, nll

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_loss: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        scale = grad_loss / ctx.passes
        return *(grad * scale for grad in ctx.saved_tensors), None, None, None, None


def _filled(x: Tensor) -> Tensor:
    """Pads P' of (W,P',F) on CPU: oneDNN generates code for each shape, so products should have few."""
    return F.pad(x, (0, 0, 0, -x.shape[1] % FILL)) if x.device.type == "cpu" else x


def _to_gradient(
    logits: Tensor, targets: Tensor, share: float, r_drop: float, has_ignored: bool, totals: Tensor
) -> None:
    """Turn logits (W,P',V) of targets (P,) into softmax - share * onehot in place. With `r_drop` (W = 2) add the
    gradient of the two passes' divergence. Positions that are IGNORED or beyond P become 0. Adds to `totals`."""
    if len(logits) == 1 and native.takes(logits, totals):
        found = totals.new_empty(len(targets), 2)
        parts = _Logits(logits.data_ptr(), targets.data_ptr(), found.data_ptr(), logits.shape[-1], share)
        native.share("logits_gradient", logits.dtype, parts, len(targets))
        totals[:2] += found.sum(0)
        logits[:, len(targets) :].zero_()
    elif _takes_triton(logits, totals, bool(r_drop)):
        totals += _by_triton(logits, targets, share, r_drop)
    else:
        totals += _by_torch(logits, targets, share, r_drop, has_ignored)


def _takes_triton(logits: Tensor, totals: Tensor, has_r_drop: bool) -> bool:
    is_for_it = logits.device.type == "cuda" and totals.dtype == torch.float32
    return is_for_it and _has_triton(logits.device, logits.dtype, has_r_drop)


@cache
def _has_triton(device: torch.device, dtype: torch.dtype, has_r_drop: bool) -> bool:
    """Whether there is a Triton kernel, and it can be trusted."""
    targets = torch.arange(3, device=device) * 31
    settings = 0.9, 5.0 * has_r_drop

    def results(to_gradient: Callable[..., Tensor]) -> list[Tensor]:
        logits = wave(2, 4, 100, device=device, dtype=dtype)
        return [to_gradient(logits, targets, *settings), logits]

    return is_trusted("cross-entropy's gradient", results, _by_triton, _by_torch, 1e-2)


def _by_triton(logits: Tensor, targets: Tensor, share: float, r_drop: float) -> Tensor:
    """As `_by_torch`."""
    from nmt.kernels import triton_cross_entropy

    return triton_cross_entropy.to_gradient(logits, targets, share, r_drop)


def _by_torch(logits: Tensor, targets: Tensor, share: float, r_drop: float, has_ignored: bool = False) -> Tensor:
    """As `_to_gradient`, but returns what to add to the totals."""
    totals = logits.new_zeros(3, dtype=torch.promote_types(logits.dtype, torch.float32))
    size = BLOCK if logits.device.type == "cpu" else CHUNK
    for start in range(0, len(targets), size):
        label = targets[start : start + size]  # (block,)
        block = logits[:, start : start + len(label)]  # (W, block, V)
        if has_ignored:
            is_ignored = label.eq(IGNORED)[:, None]
            label = label.clamp(min=0)
            block.masked_fill_(is_ignored, 0)
        label = label.expand(len(block), -1)[..., None]  # (W, block, 1)
        probabilities = block.softmax(-1, dtype=totals.dtype)
        chosen = block.gather(-1, label).sum(dtype=totals.dtype)
        # Computed from a row's largest logit, whose probability is never too small for a logarithm.
        log_partition = block.amax(-1) - probabilities.amax(-1).log()  # (W, block)
        divergence = totals.new_zeros(())
        gradient = probabilities
        if r_drop:
            divergence, gradient = _together(block, log_partition, probabilities, r_drop)
        gradient.scatter_add_(-1, label, gradient.new_full(label.shape, -share))
        if has_ignored:
            log_partition = log_partition.masked_fill(is_ignored[:, 0], 0)
            gradient.masked_fill_(is_ignored, 0)
        totals += torch.stack([log_partition.sum(dtype=totals.dtype), chosen, divergence])
        block.copy_(gradient)
    logits[:, len(targets) :].zero_()
    return totals


def _together(logits: Tensor, log_partition: Tensor, p: Tensor, r_drop: float) -> tuple[Tensor, Tensor]:
    """D = KL(p_0 || p_1) + KL(p_1 || p_0), summed, and p + r_drop/2 · dD/dlogits, all (2,block,V).

    With d = log p_0 - log p_1: dD/dlogits_0 = p_0 (d - KL(p_0 || p_1)) + p_0 - p_1, and for the other the same with
    both exchanged.
    """
    d = (logits[0].to(p.dtype) - log_partition[0, :, None]) - (logits[1].to(p.dtype) - log_partition[1, :, None])
    signed = torch.stack([d, -d])
    divergence = (p * signed).sum(-1, keepdim=True)  # (2, block, 1)
    gradient = torch.addcmul(p, p, signed.sub_(divergence).add_(1), value=r_drop / 2)
    return divergence.sum(), gradient.sub_(p.flip(0), alpha=r_drop / 2)


def linear_cross_entropy(
    features: Tensor,
    weight: Tensor,
    bias: Tensor,
    targets: Tensor,
    smoothing: float = 0.0,
    r_drop: float = 0.0,
    has_ignored: bool = False,
) -> tuple[Tensor, Tensor]:
    """features (W,P,F), weight (V,F), bias (V,), targets (P,) -> loss and nll, means over W, summed over P, in nats.

    The loss is smoothed towards the uniform distribution (Szegedy et al., 2016, arXiv:1512.00567); the nll is
    not, and has no gradient. Both equal F.cross_entropy on F.linear(features, weight, bias).

    `r_drop` is the α of R-Drop (Liang et al., 2021, arXiv:2106.14448). W is then two: both passes read the same text
    under different dropout, and each position adds α/4 of KL(p_0 || p_1) + KL(p_1 || p_0).

    With `has_ignored`, positions whose target is IGNORED do not count.
    """
    loss, nll = _LinearCrossEntropy.apply(  # type: ignore[no-untyped-call]
        features, weight, bias, targets, smoothing, r_drop, has_ignored
    )
    return loss, nll


def attention_cross_entropy(weights: Tensor, alignment: Tensor) -> Tensor:
    """Attention weights (B,A,T,S), averaged over heads, and the weights they should have (B,T,S) -> cross-entropy in
    nats, summed over all target tokens."""
    mean = weights.mean(1, dtype=alignment.dtype)
    return -(alignment * (mean + SEEN).log()).sum()
