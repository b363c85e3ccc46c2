"""The output layer and its loss, in one: cross-entropy over chunks of real target positions.

The logits of a whole batch never exist: a chunk's logits become its gradient in place while the loss is computed,
so memory does not grow with positions x vocabulary, and the backward pass is one multiplication. Products are made
a chunk at a time, everything else in blocks of rows that stay in the processor's cache.

Dims: P real target positions, F features, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK = 1024  # positions of a product; 1024 x 8000 logits are 16 MB in bfloat16
BLOCK = 128  # positions of an elementwise pass on CPU
FILL = 64  # a chunk's positions are filled up to a multiple of this


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, features: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float
    ) -> tuple[Tensor, Tensor]:
        device = features.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else features.dtype
        with torch.autocast(device, enabled=False):
            narrow_weight, narrow_bias = weight.to(dtype), bias.to(dtype)
            totals = weight.new_zeros(2)  # log-partition, logit of the label
            grad_features = torch.empty_like(features)
            grad_weight, grad_bias = torch.zeros_like(weight), torch.zeros_like(bias)
            uniform = smoothing / len(weight)
            sum_features, sum_weight = features.sum(0, dtype=weight.dtype), weight.sum(0)
            for start in range(0, len(features), CHUNK):
                rows = slice(start, start + CHUNK)
                # Products of few different shapes, for each of which oneDNN makes new code.
                x = F.pad(features[rows].to(dtype), (0, 0, 0, -len(features[rows]) % FILL))
                grad = F.linear(x, narrow_weight, narrow_bias)  # (chunk, V), logits so far
                _to_gradient(grad, targets[rows], 1 - smoothing, totals)
                shift = (-uniform * sum_weight).to(dtype)
                grad_features[rows] = torch.addmm(shift, grad, narrow_weight)[: len(features[rows])]
                grad_weight += grad.T @ x
                grad_bias += (grad.new_ones(1, len(grad)) @ grad)[0]  # a sum of narrow numbers is far slower
            nll = totals[0] - totals[1]
            loss = (1 - smoothing) * nll
            # The uniform part is the same in every row: loss and gradient need only the sums of both factors.
            loss += smoothing * totals[0] - uniform * (sum_features @ sum_weight + len(features) * bias.sum())
            grad_weight -= uniform * sum_features
            grad_bias -= uniform * len(features)
        ctx.save_for_backward(grad_features, grad_weight, grad_bias)
        ctx.mark_non_differentiable(nll)
        return loss, nll

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_loss: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        grad_features, grad_weight, grad_bias = ctx.saved_tensors
        return grad_features * grad_loss, grad_weight * grad_loss, grad_bias * grad_loss, None, None


def _to_gradient(logits: Tensor, targets: Tensor, share: float, totals: Tensor) -> None:
    """Turn logits (P',V) of targets (P,) into softmax - share * onehot in place, and into 0 from row P on; add to
    `totals`."""
    size = BLOCK if logits.device.type == "cpu" else CHUNK
    for start in range(0, len(targets), size):
        label = targets[start : start + size, None]  # (block, 1)
        block = logits[start : start + len(label)]  # (block, V)
        probabilities = block.softmax(-1, dtype=totals.dtype)
        chosen = block.gather(1, label).sum(dtype=totals.dtype)
        # The largest of a row tells its partition: its probability is never too small for a logarithm.
        log_partition = block.amax(-1).sum(dtype=totals.dtype) - probabilities.amax(-1).log().sum()
        totals += torch.stack([log_partition, chosen])
        probabilities.scatter_add_(1, label, probabilities.new_full(label.shape, -share))
        block.copy_(probabilities)
    logits[len(targets) :] = 0


def linear_cross_entropy(
    features: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float = 0.0
) -> tuple[Tensor, Tensor]:
    """features (P,F), weight (V,F), bias (V,), targets (P,) -> loss and nll, both summed over P, in nats.

    The loss is smoothed towards the uniform distribution (Szegedy et al., 2016, arXiv:1512.00567); the nll is
    not, and has no gradient. Both equal F.cross_entropy on F.linear(features, weight, bias).
    """
    loss, nll = _LinearCrossEntropy.apply(features, weight, bias, targets, smoothing)  # type: ignore[no-untyped-call]
    return loss, nll
