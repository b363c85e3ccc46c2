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
    """The lists of several sentences; the shorter ones are filled up."""

    columns: Tensor  # (B,P), of the product (N,U)
    bias: Tensor  # (B,P), -inf where it is filled up
    scale: Tensor | None  # (B,P), by which the product is to be multiplied

    def logits(self, product: Tensor) -> Tensor:
        """(N,U) -> (N,P)"""
        bias = self.bias[:, None]
        product = product.view(len(bias), -1, product.shape[1])  # (B, k, U)
        own = product.gather(2, self.columns[:, None].expand(-1, product.shape[1], -1))
        return (own.add_(bias) if self.scale is None else torch.addcmul(bias, own, self.scale[:, None])).flatten(0, 1)

    def select(self, sentences: Tensor) -> Places:
        scale = None if self.scale is None else self.scale.index_select(0, sentences)
        return Places(self.columns.index_select(0, sentences), self.bias.index_select(0, sentences), scale)


@dataclass(frozen=True)
class OutputLayer:
    product: Product  # features (N,F) -> (N,U)
    pieces: Tensor | None = None  # of each place (B,P), ascending, then padding; None: each piece has its own
    places: Places | None = None  # None: the columns of the product
    spread: float = 0.0  # half the variance of the numbers of the rows left out (see Estimated)

    def __call__(self, features: Tensor) -> Tensor:
        """features (N,F) -> logits (N,P), -inf for what may not come; of all that is left out in place 0."""
        logits = self.product(features)
        return logits if self.places is None else estimated(self.places.logits(logits), features, self.spread)

    def select(self, sentences: Tensor) -> OutputLayer:
        if self.pieces is None:
            return self
        places = None if self.places is None else self.places.select(sentences)
        return replace(self, pieces=self.pieces.index_select(0, sentences), places=places)

    def ids(self, places: Tensor) -> Tensor:
        """(N,) -> the pieces there (N,)."""
        if self.pieces is None:
            return places
        if len(self.pieces) == 1:
            return self.pieces[0].index_select(0, places)
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


def estimated(logits: Tensor, features: Tensor, spread: float) -> Tensor:
    """logits (N,P), with what features (N,F) add to place 0."""
    if spread:
        norm = torch.linalg.vector_norm(features, dim=1).to(logits.dtype)
        logits.select(1, 0).addcmul_(norm, norm, value=spread)
    return logits


class Rows:
    """The output layer's weight (V,F), to take some rows of for a batch."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight

    def product(self, pieces: Tensor) -> tuple[Product, Tensor | None]:
        """The product with the rows of these pieces (P,), and what its results are to be multiplied by (P,)."""
        weight = self.weight.index_select(0, pieces)
        return lambda features: F.linear(features, weight), None

    def layer(self, pieces: Tensor, bias: Tensor, spread: float) -> Product:
        """Of these pieces (P,), with bias (P,), the logits as an OutputLayer has them."""
        product, scale = self.product(pieces)

        def logits(features: Tensor) -> Tensor:
            y = product(features)
            return estimated(y.add_(bias) if scale is None else torch.addcmul(bias, y, scale), features, spread)

        return logits

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
        bias = self.bias.index_select(0, taken)
        if len(allowed) == 1:
            return OutputLayer(self.rows.layer(taken, bias, self.spread), taken[None])
        product, scale = self.all_rows if len(taken) == len(self.bias) else self.rows.product(taken)
        sentence, column = allowed.index_select(1, taken).nonzero(as_tuple=True)  # (M,), of all that any list has
        count = allowed.sum(1)
        rank = torch.arange(len(column), device=column.device) - (count.cumsum(0) - count)[sentence]
        columns = column.new_zeros(len(allowed), int(count.max()))  # (B, P)
        columns[sentence, rank] = column
        filled = torch.arange(columns.shape[1], device=columns.device) >= count[:, None]
        pieces, own = taken[columns].masked_fill_(filled, 0), bias[columns].masked_fill_(filled, -torch.inf)
        places = Places(columns, own, None if scale is None else scale[columns])
        return OutputLayer(product, pieces, places, self.spread)
