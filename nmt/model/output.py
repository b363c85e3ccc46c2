"""The output layer of one search: from features to the scores of the pieces that may come next.

It may be cut to a shortlist, the pieces that a sentence may use. A search calls a piece by its place in that list.
What has no place cannot come, whatever other sentences of the batch may use, so a translation is the same in every
batch; how probable all that has no place is together is estimated.

Dims: B sentences, N rows of one step (B*k, those of a sentence together), F features, V vocabulary; P places, and U
pieces that are multiplied for a batch: those that have a place in any of its lists, and maybe some others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

Product = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Shortlist:
    """The pieces that sentences may use."""

    common: Tensor  # (C,), ascending, for all sentences; the special ids come first, so they keep their numbers
    allowed: Tensor  # (B,V), bool, for each sentence, whether or not it is common


@dataclass(frozen=True)
class Places:
    """The sentences' lists; the shorter ones are filled up."""

    pieces: Tensor  # (B,P), ascending, then padding
    columns: Tensor | None  # (B,P), of the product (N,U); None: the same ones
    bias: Tensor  # (B,P), -inf where it is filled up
    scale: Tensor | None  # (B,P), by which the product is to be multiplied

    def logits(self, product: Tensor) -> Tensor:
        """(N,U) -> (N,P)"""
        if self.columns is None:  # of one sentence: its bias and scale are for all rows
            return product.add_(self.bias) if self.scale is None else torch.addcmul(self.bias, product, self.scale)
        bias = self.bias[:, None]
        product = product.view(len(bias), -1, product.shape[1])  # (B, k, U)
        own = product.gather(2, self.columns[:, None].expand(-1, product.shape[1], -1))
        return (own.add_(bias) if self.scale is None else torch.addcmul(bias, own, self.scale[:, None])).flatten(0, 1)

    def select(self, sentences: Tensor) -> Places:
        parts = self.pieces, self.columns, self.bias, self.scale
        pieces, columns, bias, scale = (None if part is None else part.index_select(0, sentences) for part in parts)
        assert pieces is not None
        assert bias is not None
        return Places(pieces, columns, bias, scale)


@dataclass(frozen=True)
class OutputLayer:
    product: Product  # features (N,F) -> (N,U)
    places: Places | None = None  # None: each piece has its own
    spread: float = 0.0  # half the variance of the numbers of the rows left out (see Estimated)

    def __call__(self, features: Tensor) -> Tensor:
        """features (N,F) -> logits (N,P), -inf for what may not come; of all that is left out in place 0."""
        logits = self.product(features)
        if self.places is None:
            return logits
        logits = self.places.logits(logits)
        if self.spread:
            norm = torch.linalg.vector_norm(features, dim=1).to(logits.dtype)
            logits.select(1, 0).addcmul_(norm, norm, value=self.spread)
        return logits

    def select(self, sentences: Tensor) -> OutputLayer:
        return self if self.places is None else replace(self, places=self.places.select(sentences))

    @property
    def pieces(self) -> Tensor | None:
        """The piece of each place (B,P); None: the place itself."""
        return None if self.places is None else self.places.pieces

    def ids(self, places: Tensor) -> Tensor:
        """(N,) -> the pieces there (N,)."""
        if self.pieces is None:
            return places
        return self.pieces.gather(1, places.view(len(self.pieces), -1)).flatten()

    def places_of(self, ids: Tensor) -> Tensor:
        """(B,T) -> (B,T), the other way round, for ids that are there."""
        if self.pieces is None:
            return ids
        places = torch.arange(self.pieces.shape[1], device=ids.device).expand_as(self.pieces)
        size = int(self.pieces.max()) + 1
        return ids.new_zeros(len(ids), size).scatter_(1, self.pieces, places).gather(1, ids)


def without(bias: Tensor, banned: Sequence[int]) -> Tensor:
    """The output layer's bias (V,), with -inf for pieces that must never come."""
    bias = bias.detach().clone()
    bias[list(banned)] = -torch.inf
    return bias


class Rows:
    """The output layer's weight (V,F), to take some rows of for a batch."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight

    def product(self, pieces: Tensor) -> tuple[Product, Tensor | None]:
        """The product with the rows of these pieces (P,), and what its results are to be multiplied by (P,)."""
        weight = self.weight.index_select(0, pieces)
        return lambda features: F.linear(features, weight), None

    def taken(self, asked: int) -> int:
        """How many rows are best multiplied for a batch that needs this many: no fewer, maybe more."""
        return asked


@dataclass(frozen=True)
class Estimated:
    """An output layer, and an estimate of what shortlists leave out.

    A softmax over the list alone would give what is left out to what is not, most where the model is least sure, and
    so prefer hypotheses that lose their way. So the row of padding, which never comes, stands for all that is left
    out: were its logits normally distributed, n of them would add up to

        Σ exp(logit) = n exp(mean + variance / 2)

    With rows of mean μ, whose numbers have the variance s², and features f, the mean is μ·f, the variance s² |f|².
    """

    rows: Rows
    bias: Tensor  # (V,)
    spread: float  # s² / 2
    common: Tensor  # (C,), those that are never left out

    @classmethod
    def of(cls, make: Callable[[Tensor], Rows], weight: Tensor, bias: Tensor, common: Tensor) -> Estimated:
        """Of the layer with this weight (V,F) and bias (V,)."""
        left_out = torch.isfinite(bias)
        left_out[common] = False
        if common[0] != 0 or bias[0] > -torch.inf or not left_out.any():
            return cls(make(weight), bias, 0.0, common)
        weight, bias = weight.clone(), bias.clone()
        rows, biases = weight[left_out], bias[left_out]
        weight[0] = rows.mean(0)
        bias[0] = biases.mean() + biases.var(correction=0) / 2 + math.log(len(rows))
        return cls(make(weight), bias, rows.var(0, correction=0).mean().item() / 2, common)

    @cached_property
    def all_rows(self) -> tuple[Product, Tensor | None]:
        """As Rows.product, made once."""
        return self.rows.product(torch.arange(len(self.bias), device=self.bias.device))

    def taken(self, allowed: Tensor) -> Tensor:
        """The pieces, ascending, that are multiplied: those that sentences may use (B,V), and maybe some others."""
        asked = allowed.any(0)
        if len(allowed) > 1:
            count = int(asked.sum())
            others = (~asked).nonzero()[: self.rows.taken(count) - count, 0]
            asked[others] = True
        return asked.nonzero()[:, 0]

    def shortlisted(self, allowed: Tensor) -> OutputLayer:
        """For sentences that may use these pieces (B,V), bool."""
        taken = self.taken(allowed)  # (U,)
        product, scale = self.all_rows if len(taken) == len(self.bias) else self.rows.product(taken)
        bias = self.bias.index_select(0, taken)
        if len(allowed) == 1:
            places = Places(taken[None], None, bias[None], None if scale is None else scale[None])
            return OutputLayer(product, places, self.spread)
        sentence, column = allowed.index_select(1, taken).nonzero(as_tuple=True)  # (M,), of all that any list has
        count = allowed.sum(1)
        rank = torch.arange(len(column), device=column.device) - (count.cumsum(0) - count)[sentence]
        columns = column.new_zeros(len(allowed), int(count.max()))  # (B, P)
        columns[sentence, rank] = column
        filled = torch.arange(columns.shape[1], device=columns.device) >= count[:, None]
        pieces, own = taken[columns].masked_fill_(filled, 0), bias[columns].masked_fill_(filled, -torch.inf)
        return OutputLayer(
            product, Places(pieces, columns, own, None if scale is None else scale[columns]), self.spread
        )
