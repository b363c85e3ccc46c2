"""Attention: where the decoder looks in the source for each target token.

Every kind turns a query q into one weight a source position and the weighted mean of the encoder's values:

    α_s = softmax_s score(q, h_s)        context = Σ_s α_s h_s

Several heads split queries, keys and values into equal slices and attend independently
(Vaswani et al., 2017, arXiv:1706.03762, section 3.2.2); their contexts are concatenated.

Dims: B sentences, T queries of one sentence (target positions or hypotheses), S source tokens, D query features,
M memory features, A heads, F features of the additive score, N rows of one step (of B*k hypotheses), L positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nmt.common.parts import Parts, made
from nmt.common.ranges import check_ranges
from nmt.kernels.additive import additive_scores

POSITIONS = 256  # more than training sentences have pieces (data.cleaning.max_pieces)


@dataclass(frozen=True)
class Memory:
    """What the decoder sees of the source; `select` keeps the given sentences."""

    values: Tensor  # (B, S, M)
    keys: Tensor  # (B, S, *), projected once
    mask: Tensor  # (B, S), True = real token
    final: Tensor  # (B, M), the encoder's last output

    @cached_property
    def padding(self) -> Tensor:
        """(B,1,S), True on padding."""
        return ~self.mask[:, None]

    def select(self, sentences: Tensor) -> Memory:
        return Memory(*(part.index_select(0, sentences) for part in (self.values, self.keys, self.mask, self.final)))


@dataclass(frozen=True)
class AttentionConfig:
    name: Annotated[str, ATTENTIONS]  # the score; none: no attention
    heads: int = 1  # attending in parallel, each with an equal share of the size
    size: int | None = None  # width of the additive score's tanh, all heads together; None: the memory's
    dropout: float = 0.0  # of each attention weight independently (Vaswani et al., 2017)
    # The additive score also sees the weight each source token has received (Tu et al., 2016, arXiv:1601.04811):
    # v · tanh(W q + U h + w C), where C sums the heads' mean weight. Training then runs token by token.
    coverage: bool = False
    # Source positions that location attention distinguishes; later ones count as the last. None: 256.
    positions: int | None = None

    def __post_init__(self) -> None:
        own = ATTENTIONS[self.name].options
        check_ranges(self, heads=(1, 64), dropout=(0, 0.95), size=(1, 65536), positions=(1, 10_000))
        for option in sorted({name for kind in ATTENTIONS.values() for name in kind.options}):
            value = getattr(self, option)
            if value not in (None, False) and option not in own:
                kinds = " or ".join(repr(name) for name, kind in ATTENTIONS.items() if option in kind.options)
                raise ValueError(f"{option} is {str(value).lower()}, but only {kinds} attention has it")


def product(a: Tensor, b: Tensor) -> Tensor:
    """a @ b for each sentence; on CPU in full precision.

    These products are small, and nearly every batch has a new shape. For narrow types oneDNN would generate and cache
    code for each shape, at many times the cost of the product.
    """
    wide, on_cpu = torch.promote_types(a.dtype, b.dtype), a.device.type == "cpu"
    if on_cpu:
        wide = torch.promote_types(wide, torch.float32)
    a, b = a.to(wide), b.to(wide)
    if on_cpu and torch.is_autocast_enabled("cpu"):  # switching it off costs more than the product of a step
        with torch.autocast("cpu", enabled=False):
            return a @ b
    return a @ b


class Attention(nn.Module):
    """The common part: heads, masking, softmax, context. Subclasses define keys and scores."""

    options: ClassVar[tuple[str, ...]] = ()  # AttentionConfig settings of this kind only, passed by keyword

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
        """values (B,S,M) -> keys (B,S,*), which `score` compares with queries; once per sentence."""
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
        """One step: query (N,D), a sentence's hypotheses adjacent -> context (N,M), weights (N,A,S).

        `coverage` (N,S) is the weight each source token received in earlier steps, if attention uses it.
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
    """None: the decoder knows only its initial state (Sutskever et al., 2014, arXiv:1409.3215)."""

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

    options = ("size", "coverage")

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
        return additive_scores(self.query(query), keys, self.v)

    def score_covered(self, query: Tensor, memory: Memory, coverage: Tensor) -> Tensor:
        keys = memory.keys.repeat_interleave(len(query) // len(memory.keys), 0)
        return self.score(query[:, None], keys + coverage[..., None] * self.coverage)[:, :, 0]


class ProductAttention(Attention):
    """score(q, k) = q · k for each head; subclasses compute the keys. Search has a kernel for it."""

    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        return product(self.split(query), self.split(keys).transpose(2, 3))


class DotAttention(ProductAttention):
    """Luong, Pham & Manning (2015), arXiv:1508.04025, "dot": score(q, h) = q · h. q and h have the same size."""

    def __init__(self, query_size: int, memory_size: int, heads: int) -> None:
        if query_size != memory_size:
            raise ValueError(
                f"attention.name is 'dot', which needs one size on both sides, but the query has {query_size} "
                f"features and the memory {memory_size}; choose 'general'"
            )
        super().__init__(query_size, memory_size, heads)

    def keys(self, values: Tensor) -> Tensor:
        return values


class GeneralAttention(ProductAttention):
    """Luong, Pham & Manning (2015), arXiv:1508.04025, "general": score(q, h) = q · W h."""

    def __init__(self, query_size: int, memory_size: int, heads: int) -> None:
        super().__init__(query_size, memory_size, heads)
        self.key = nn.Linear(memory_size, query_size, bias=False)

    def keys(self, values: Tensor) -> Tensor:
        keys: Tensor = self.key(values)
        return keys


class LocationAttention(ProductAttention):
    """Luong, Pham & Manning (2015), arXiv:1508.04025, "location": α = softmax(W q), so score(q, h_s) = W_s · q. It
    sees the position of a source token, not its content."""

    options = ("positions",)

    def __init__(self, query_size: int, memory_size: int, heads: int, positions: int | None = None) -> None:
        super().__init__(query_size, memory_size, heads)
        self.position = nn.Parameter(torch.empty(positions or POSITIONS, query_size))
        nn.init.uniform_(self.position, -(query_size**-0.5), query_size**-0.5)  # as nn.Linear

    def keys(self, values: Tensor) -> Tensor:
        places = torch.arange(values.shape[1], device=values.device).clamp(max=len(self.position) - 1)
        return self.position[places].expand(len(values), -1, -1).contiguous()


ATTENTIONS: Parts[type[Attention]] = Parts(
    "nmt.attentions",
    type[Attention],
    {
        "none": NoAttention,
        "additive": AdditiveAttention,
        "dot": DotAttention,
        "general": GeneralAttention,
        "location": LocationAttention,
    },
)


def build_attention(config: AttentionConfig, query_size: int, memory_size: int) -> Attention:
    kind = ATTENTIONS[config.name]
    own = {name: getattr(config, name) for name in kind.options}
    attention = made(f"the attention {config.name!r}", kind, query_size, memory_size, config.heads, **own)
    attention.dropout = config.dropout
    return attention
