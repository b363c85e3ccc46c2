"""Attention made ready for search: by nmt/native if available, else by torch.

Dims: N rows of one step, B sentences, k hypotheses of one, S source tokens, D query features, A heads, M memory
features.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nmt import native
from nmt.engine.products import Compute
from nmt.kernels.additive import LIMIT
from nmt.model.attention import AdditiveAttention, Attention, GeneralAttention, Memory, ProductAttention


def attention_of(trained: Attention, compute: Compute) -> PackedAttention:
    if "query" in linears_of(trained):
        assert isinstance(trained, AdditiveAttention)
        return PackedAdditive(trained, compute)
    return PackedAttention(trained, compute)


def linears_of(trained: Attention) -> tuple[str, ...]:
    """The names of its layers that are packed; the rest is computed as in training."""
    if is_weighted_mean(trained) and inherits(trained, AdditiveAttention, "keys", "score", "score_covered"):
        return "query", "key"
    if inherits(trained, GeneralAttention, "keys"):
        return ("key",)
    return ()


def is_weighted_mean(trained: Attention) -> bool:
    """Whether its context is the mean of the encoder's values, by the softmax of its score and nothing else."""
    return inherits(trained, Attention, "forward", "mean", "attend", "split")


def inherits(trained: Attention, kind: type[Attention], *methods: str) -> bool:
    """Whether it has these methods of a kind, and no subclass computes something else."""
    return isinstance(trained, kind) and all(getattr(type(trained), name) is getattr(kind, name) for name in methods)


class PackedAttention:
    """Uses the kernel for a weighted mean by a product, else computes as in training."""

    def __init__(self, trained: Attention, compute: Compute, factor: float = 1.0) -> None:
        """The packed weights are multiplied by the factor."""
        self.trained, self.heads, self.has_coverage = trained, trained.heads, trained.has_coverage
        self.key: Callable[[Tensor], Tensor] = trained.keys
        if "key" in linears_of(trained):
            assert isinstance(trained, AdditiveAttention | GeneralAttention)
            self.key = compute.linear(trained.key, "attention.key", factor)
        self.has_kernel = is_weighted_mean(trained) and inherits(trained, ProductAttention, "score")

    def keys(self, values: Tensor) -> Tensor:
        """As Attention.keys."""
        return self.key(values)

    def attend(self, query: Tensor, memory: Memory, coverage: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As Attention.attend."""
        if not self.has_kernel or not native.is_here():
            return self.trained.attend(query, memory, coverage)
        return native.attend(query, memory.keys, memory.values, memory.mask, self.heads)


class PackedAdditive(PackedAttention):
    """Keys are kept as exp(2 U h), so a step only multiplies them; see nmt/kernels/additive.py. The packed weights
    already contain the factor 2."""

    def __init__(self, trained: AdditiveAttention, compute: Compute) -> None:
        super().__init__(trained, compute, 2.0)
        self.query = compute.linear(trained.query, "attention.query", 2.0)
        self.weights = trained.v.detach() * -2  # (A, D/A)
        self.of_coverage = trained.coverage.detach() if trained.has_coverage else self.weights
        self.one = self.weights.new_ones(())

    def keys(self, values: Tensor) -> Tensor:
        return exponential(self.key(values))

    def attend(self, query: Tensor, memory: Memory, coverage: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As Attention.attend; the scores of a query may be shifted by a constant before the softmax."""
        query = self.query(query)
        if coverage is None and native.is_here():
            memory_parts = memory.keys, memory.values, memory.mask
            return native.attend(query, *memory_parts, self.heads, self.weights, 2 * LIMIT)
        sentences, (heads, size) = len(memory.mask), self.weights.shape
        q, keys = exponential(query).view(sentences, -1, 1, heads * size), memory.keys[:, None]
        if coverage is not None:
            covered = coverage.view(sentences, -1, coverage.shape[1], 1) * self.of_coverage
            keys = keys * covered.mul_(2).exp_()  # (B, k, S, D)
        r = torch.addcmul(self.one, q, keys).reciprocal_()
        if heads > 1:
            scores = (r.view(*r.shape[:3], heads, size) * self.weights).sum(-1).movedim(-1, 1)  # (B, A, k, S)
            context, weights = self.trained.mean(scores, memory)
            return context.flatten(0, 1), weights.transpose(1, 2).flatten(0, 1)
        weights = (r @ self.weights[0]).masked_fill_(memory.padding, -torch.inf).softmax(-1)  # (B, k, S)
        context = torch.bmm(weights, memory.values)
        return context.flatten(0, 1), weights.view(len(query), 1, -1)


def exponential(doubled: Tensor) -> Tensor:
    """exp of 2 x, in place, for x within ±LIMIT."""
    return doubled.clamp_(-2 * LIMIT, 2 * LIMIT).exp_()
