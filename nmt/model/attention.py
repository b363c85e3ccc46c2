"""Attention: where to look in the source while a target token is made.

Every kind turns a query q into one weight a source position and the weighted mean of the encoder's values:

    α_s = softmax_s score(q, h_s)        context = Σ_s α_s h_s

With several heads, queries, keys and values are cut into equal slices and each head attends on its own
(Vaswani et al., 2017, arXiv:1706.03762, section 3.2.2); the contexts are joined again.

Dims: B sentences, T queries of one sentence (target positions or hypotheses), S source tokens, D query features,
M memory features, A heads, K features of the additive score.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from nmt.ranges import check_ranges


@dataclass(frozen=True)
class Memory:
    """What the decoder knows of the source; `select` keeps the sentences of the given rows."""

    values: Tensor  # (B, S, M)
    keys: Tensor  # (B, S, *), projected once
    mask: Tensor  # (B, S), True = real token
    final: Tensor  # (B, M), the encoder's last output

    @cached_property
    def padding(self) -> Tensor:
        """(B,1,S), True where no token is."""
        return ~self.mask[:, None]

    def select(self, sentences: Tensor) -> Memory:
        return Memory(*(part.index_select(0, sentences) for part in (self.values, self.keys, self.mask, self.final)))


@dataclass(frozen=True)
class AttentionConfig:
    name: str
    heads: int = 1
    size: int | None = None  # how wide the additive score's tanh is, all heads together; None: as the memory
    dropout: float = 0.0  # of the weights, each by itself (Vaswani et al., 2017)
    # The additive score also sees how much weight a source token has had so far (Tu et al., 2016, arXiv:1601.04811):
    # v · tanh(W q + U h + w C), C the sum of the mean weight of the heads. Training then goes token by token.
    coverage: bool = False

    def __post_init__(self) -> None:
        if self.name not in ATTENTIONS:
            raise ValueError(f"name is {self.name!r}; choose one of: {', '.join(sorted(ATTENTIONS))}")
        check_ranges(self, heads=(1, 64), dropout=(0, 0.95), size=(1, 65536))
        if self.size is not None and self.name != "additive":
            raise ValueError(f"size is {self.size}, but only 'additive' attention has a size of its own")
        if self.coverage and self.name != "additive":
            raise ValueError("coverage is true, but only 'additive' attention can see it")


def product(a: Tensor, b: Tensor) -> Tensor:
    """a @ b, sentence by sentence; on CPU in full width.

    Such a product is small, and nearly every batch has a shape of its own: oneDNN, which makes the narrow ones, would
    make and keep new code for each, at many times the price of the product.
    """
    wide = torch.promote_types(a.dtype, torch.float32)
    if not torch.is_autocast_enabled("cpu"):  # and to switch it off would cost more than the product of a step
        return a.to(wide) @ b.to(wide)
    with torch.autocast("cpu", enabled=False):
        return a.to(wide) @ b.to(wide)


class Attention(nn.Module):
    """The common part: heads, masking, softmax, context. A subclass gives the keys and the scores."""

    def __init__(self, query_size: int, memory_size: int, heads: int) -> None:
        super().__init__()
        for name, size in (("query", query_size), ("memory", memory_size)):
            if size % heads:
                raise ValueError(f"attention.heads is {heads}; it must divide the {name} size {size}")
        self.heads = heads
        self.dropout = 0.0  # of the weights
        self.has_coverage = False
        self.context_size = memory_size

    def keys(self, values: Tensor) -> Tensor:
        """values (B,S,M) -> what `score` compares a query with (B,S,*); computed once a sentence."""
        raise NotImplementedError

    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        """query (B,T,D), keys (B,S,*) -> (B,A,T,S)."""
        raise NotImplementedError

    def split(self, x: Tensor) -> Tensor:
        """(B,L,F) -> (B,A,L,F/A)."""
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)

    def forward(self, query: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """query (B,T,D) -> context (B,T,M) and weights (B,A,T,S), which are zero on padding."""
        return self.mean(self.score(query, memory.keys), memory)

    def mean(self, scores: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """scores (B,A,T,S) -> context and weights, as `forward`."""
        weights = scores.masked_fill(memory.padding[:, None], -torch.inf).softmax(-1)
        kept = F.dropout(weights, self.dropout, self.training)
        context = product(kept, self.split(memory.values)).to(memory.values.dtype)  # (B, A, T, M/A)
        return context.transpose(1, 2).flatten(2), weights

    def attend(self, query: Tensor, memory: Memory, coverage: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """One step: query (N,D), the hypotheses of a sentence side by side -> context (N,M), weights (N,A,S).

        `coverage` (N,S) is the weight that each source token has had in the steps before, where attention sees it.
        """
        if coverage is None:
            context, weights = self(query.view(len(memory.mask), -1, query.shape[-1]), memory)
        else:
            scores = self.score_covered(query, memory, coverage)  # (N, A, S)
            scores = scores.view(len(memory.mask), -1, *scores.shape[1:]).transpose(1, 2)  # (B, A, k, S)
            context, weights = self.mean(scores, memory)
        return context.flatten(0, 1), weights.transpose(1, 2).flatten(0, 1)  # of (B, k, M), (B, A, k, S)

    def score_covered(self, query: Tensor, memory: Memory, coverage: Tensor) -> Tensor:
        """query (N,D), coverage (N,S) -> (N,A,S)."""
        raise NotImplementedError


class NoAttention(Attention):
    """None: all that the decoder knows is its initial state (Sutskever et al., 2014, arXiv:1409.3215)."""

    def __init__(self, query_size: int, memory_size: int, heads: int) -> None:
        super().__init__(query_size, memory_size, heads)
        self.context_size = 0

    def keys(self, values: Tensor) -> Tensor:
        return values[:, :, :0]

    def forward(self, query: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        context = query[:, :, :0]  # (B, T, 0)
        return context, query.new_zeros(len(query), self.heads, query.shape[1], memory.mask.shape[1])


class AdditiveAttention(Attention):
    """Bahdanau, Cho & Bengio (2015), arXiv:1409.0473: score(q, h) = v · tanh(W q + U h)."""

    def __init__(
        self, query_size: int, memory_size: int, heads: int, size: int | None = None, coverage: bool = False
    ) -> None:
        super().__init__(query_size, memory_size, heads)
        size = size or memory_size
        if size % heads:
            raise ValueError(f"attention.heads is {heads}; it must divide attention.size {size}")
        self.query = nn.Linear(query_size, size)
        self.key = nn.Linear(memory_size, size, bias=False)
        self.v = nn.Parameter(torch.empty(heads, size // heads))
        nn.init.normal_(self.v, std=(size // heads) ** -0.5)
        self.has_coverage = coverage
        if coverage:
            self.coverage = nn.Parameter(torch.zeros(size))

    def keys(self, values: Tensor) -> Tensor:
        keys: Tensor = self.key(values)
        return keys

    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        # A tanh is ±1 to the last digit long before LIMIT.
        q, k = (x.to(self.v.dtype).clamp(-LIMIT, LIMIT) for x in (self.query(query), keys))
        size = self.v.shape[1]
        with torch.autocast("cpu", enabled=False):
            scores = [
                _AdditiveScores.apply(*of_head, v)  # type: ignore[no-untyped-call]
                for *of_head, v in zip(q.split(size, -1), k.split(size, -1), self.v, strict=True)
            ]
        return torch.stack(scores, 1)

    def score_covered(self, query: Tensor, memory: Memory, coverage: Tensor) -> Tensor:
        keys = memory.keys.repeat_interleave(len(query) // len(memory.keys), 0)
        return self.score(query[:, None], keys + coverage[..., None] * self.coverage)[:, :, 0]


LIMIT = 20.0  # of W q and U h each: exp(2 * LIMIT)**2 is still finite in float32


class _AdditiveScores(torch.autograd.Function):
    """One head: q (B,T,D), k (B,S,D), v (D,) -> v · tanh(q_t + k_s) (B,T,S), for q and k within ±LIMIT.

    tanh(q + k) = 1 - 2r with r = 1 / (1 + exp(2q) exp(2k)): exponentials of each side alone, and then but a
    product and a reciprocal for each pair, which is many times faster than a tanh. The (B,T,S,D) inside is made in
    one buffer, chunk by chunk, small enough for the cache, and made once more for the gradient: faster than keeping
    it, and none of its memory.
    """

    CHUNK = 1 << 19  # numbers

    @staticmethod
    def reciprocals(q: Tensor, k: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Slices of the sentences, and r (b,T,S,D) of each; the next one overwrites it."""
        q, k = torch.exp(2 * q), torch.exp(2 * k)
        shape = (q.shape[1], k.shape[1], q.shape[2])
        size = min(len(q), max(1, _AdditiveScores.CHUNK // max(1, math.prod(shape))))
        one, buffer = q.new_ones(()), q.new_empty(size, *shape)
        for start in range(0, len(q), size):
            rows = slice(start, start + size)
            r = buffer[: len(q[rows])]
            yield rows, torch.addcmul(one, q[rows, :, None], k[rows, None], out=r).reciprocal_()

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        weighted = q.new_empty(len(q), q.shape[1], k.shape[1])  # v · r
        for rows, r in _AdditiveScores.reciprocals(q, k):
            torch.mv(r.view(-1, len(v)), v, out=weighted[rows].view(-1))
        ctx.save_for_backward(q, k, v)
        return v.sum() - 2 * weighted

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """1 - tanh² = 4 (r - r²)."""
        q, k, v = ctx.saved_tensors
        grad_q, grad_k, weighted = torch.empty_like(q), torch.empty_like(k), torch.zeros_like(v)
        for rows, r in _AdditiveScores.reciprocals(q, k):
            weighted.addmv_(r.view(-1, len(v)).T, grad[rows].reshape(-1))
            r.addcmul_(r, r, value=-1).mul_(grad[rows, :, :, None])
            torch.sum(r, 2, out=grad_q[rows])
            torch.sum(r, 1, out=grad_k[rows])
        return grad_q.mul_(4 * v), grad_k.mul_(4 * v), grad.sum() - 2 * weighted


class DotAttention(Attention):
    """Luong, Pham & Manning (2015), arXiv:1508.04025, "dot": score(q, h) = q · h. Both sides are of one size."""

    def __init__(self, query_size: int, memory_size: int, heads: int) -> None:
        if query_size != memory_size:
            raise ValueError(
                f"attention.name is 'dot', which needs one size on both sides, but the query has {query_size} "
                f"features and the memory {memory_size}; choose 'general'"
            )
        super().__init__(query_size, memory_size, heads)

    def keys(self, values: Tensor) -> Tensor:
        return values

    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        return product(self.split(query), self.split(keys).transpose(2, 3))


class GeneralAttention(Attention):
    """Luong, Pham & Manning (2015), arXiv:1508.04025, "general": score(q, h) = q · W h."""

    def __init__(self, query_size: int, memory_size: int, heads: int) -> None:
        super().__init__(query_size, memory_size, heads)
        self.key = nn.Linear(memory_size, query_size, bias=False)

    def keys(self, values: Tensor) -> Tensor:
        keys: Tensor = self.key(values)
        return keys

    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        return product(self.split(query), self.split(keys).transpose(2, 3))


ATTENTIONS: dict[str, type[Attention]] = {
    "none": NoAttention,
    "additive": AdditiveAttention,
    "dot": DotAttention,
    "general": GeneralAttention,
}


def build_attention(config: AttentionConfig, query_size: int, memory_size: int) -> Attention:
    own = {"size": config.size, "coverage": config.coverage} if config.name == "additive" else {}
    attention = ATTENTIONS[config.name](query_size, memory_size, config.heads, **own)
    attention.dropout = config.dropout
    return attention
