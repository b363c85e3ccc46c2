"""The output layer and its loss, in one: cross-entropy over chunks of real target positions.

The logits of a whole batch never exist: a chunk's logits become its gradient in place while the loss is computed,
so memory does not grow with positions x vocabulary, and the backward pass is one multiplication.

Dims: P real target positions, F features, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK = 512  # positions; 512 x 8000 logits are 16 MB in float32


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, features: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float
    ) -> tuple[Tensor, Tensor]:
        device = features.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else features.dtype
        narrow_weight = weight.to(dtype)  # (V, F)
        uniform = smoothing / len(weight)
        loss = torch.zeros((), dtype=weight.dtype, device=weight.device)
        nll = torch.zeros_like(loss)
        grad_features = torch.empty_like(features)
        grad_weight, grad_bias = torch.zeros_like(weight), torch.zeros_like(bias)
        with torch.autocast(device, enabled=False):
            for start in range(0, len(features), CHUNK):
                rows = slice(start, start + CHUNK)
                x = features[rows].to(dtype)
                label = targets[rows, None]  # (chunk, 1)
                logits = (x @ narrow_weight.T).to(weight.dtype).add_(bias)  # (chunk, V)
                total = logits.logsumexp(-1, keepdim=True)
                chunk_nll = (total - logits.gather(1, label)).sum()
                nll += chunk_nll
                loss += (1 - smoothing) * chunk_nll
                if smoothing:
                    loss += smoothing * (total.sum() - logits.mean(-1).sum())
                # d loss / d logits = softmax - (1 - smoothing) onehot - smoothing / V
                grad = logits.sub_(total).exp_().sub_(uniform)
                grad.scatter_add_(1, label, torch.full_like(total, smoothing - 1))
                grad_bias += grad.sum(0)
                grad = grad.to(dtype)
                grad_features[rows] = grad @ narrow_weight
                grad_weight += grad.T @ x
        ctx.save_for_backward(grad_features, grad_weight, grad_bias)
        ctx.mark_non_differentiable(nll)
        return loss, nll

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_loss: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        grad_features, grad_weight, grad_bias = ctx.saved_tensors
        return grad_features * grad_loss, grad_weight * grad_loss, grad_bias * grad_loss, None, None


def linear_cross_entropy(
    features: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float = 0.0
) -> tuple[Tensor, Tensor]:
    """features (P,F), weight (V,F), bias (V,), targets (P,) -> loss and nll, both summed over P, in nats.

    The loss is smoothed towards the uniform distribution (Szegedy et al., 2016, arXiv:1512.00567); the nll is
    not, and has no gradient. Both equal F.cross_entropy on F.linear(features, weight, bias).
    """
    loss, nll = _LinearCrossEntropy.apply(features, weight, bias, targets, smoothing)  # type: ignore[no-untyped-call]
    return loss, nll
