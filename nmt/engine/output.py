"""The output layer of one search: from features to the scores of the pieces that may come next.

It may be cut to a shortlist, the pieces that a sentence may use. A search identifies a piece by its place in that
list. A piece without a place cannot come, whatever the batch's other sentences may use, so a translation is the same
in every batch. The total probability of the pieces without a place is estimated.

Dims: B sentences, N rows of one step (B*k, those of a sentence adjacent), F features, V vocabulary; P places, and U
pieces that are multiplied for a batch: those with a place in any of its lists, and maybe some others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
class OutputLayer:
    product: Product  # features (N,F) -> (N,U)
    pieces: Tensor | None = None  # the piece at each place (B,P), ascending, then padding; None: place = piece
    columns: Tensor | None = None  # the product's column of each place (B,P); None: column = place

    def __call__(self, features: Tensor) -> Tensor:
        """features (N,F) -> logits (N,P), -inf for what may not come; place 0 stands for all that is left out."""
        product = self.product(features)
        if self.columns is None:
            return product
        product = product.view(len(self.columns), -1, product.shape[1])  # (B, k, U)
        return product.gather(2, self.columns[:, None].expand(-1, product.shape[1], -1)).flatten(0, 1)

    def select(self, sentences: Tensor) -> OutputLayer:
        parts = self.pieces, self.columns
        return OutputLayer(
            self.product, *(part if part is None else part.index_select(0, sentences) for part in parts)
        )

    def ids(self, places: Tensor) -> Tensor:
        """Places (N,) -> their pieces (N,)."""
        if self.pieces is None:
            return places
        if len(self.pieces) == 1:
            return self.pieces[0].index_select(0, places)
        return self.pieces.gather(1, places.view(len(self.pieces), -1)).flatten()

    def places_of(self, ids: Tensor) -> Tensor:
        """The inverse of `ids`: pieces (B,T) that have a place -> places (B,T)."""
        if self.pieces is None:
            return ids
        places = torch.arange(self.pieces.shape[1], device=ids.device).expand_as(self.pieces)
        size = int(self.pieces.max()) + 1
        return ids.new_zeros(len(ids), size).scatter_(1, self.pieces, places).gather(1, ids)


def with_banned(bias: Tensor, banned: Sequence[int]) -> Tensor:
    """The output layer's bias (V,), with -inf for pieces that must never come."""
    bias = bias.detach().clone()
    bias[list(banned)] = -torch.inf
    return bias


class Rows:
    """The output layer's weight (V,F), from which a batch takes some rows."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight

    def product(self, pieces: Tensor, bias: Tensor, spread: float) -> Product:
        """features (N,F) -> logits (N,U) of these pieces (U,) with this bias (U,). `spread` times the squared length
        of the features is added to the first logit."""
        weight = self.weight.index_select(0, pieces)
        return lambda features: spread_first(F.linear(features, weight, bias), features, spread)

    def taken(self, asked: int) -> int:
        """The best number of rows to multiply for a batch that needs this many: as many or more."""
        return asked


def spread_first(logits: Tensor, features: Tensor, spread: float) -> Tensor:
    """Adds `spread` times the squared length of features (N,F) to the first of logits (N,U), in place."""
    if spread:
        norm = torch.linalg.vector_norm(features, dim=1).to(logits.dtype)
        logits.select(1, 0).addcmul_(norm, norm, value=spread)
    return logits


@dataclass(frozen=True)
class EstimatedOutputLayer:
    """An output layer, and an estimate of what shortlists leave out.

    A softmax over only the list would give the probability of omitted pieces to the others, most where the model is
    least sure, and so prefer hypotheses that lose their way. So the row of padding, which never comes, stands for all
    omitted pieces. If their logits were normally distributed, n of them would add up to

        Σ exp(logit) = n exp(mean + variance / 2)

    For rows with mean μ and variance s² of their numbers, and for features f, the mean is μ·f, the variance s² |f|².
    """

    rows: Rows
    bias: Tensor  # (V,)
    spread: float  # s² / 2
    common: Tensor  # (C,), the pieces that are never left out

    @classmethod
    def of(cls, make: Callable[[Tensor], Rows], weight: Tensor, bias: Tensor, common: Tensor) -> EstimatedOutputLayer:
        """For the layer with this weight (V,F) and bias (V,)."""
        left_out = torch.isfinite(bias)
        left_out[common] = False
        if not left_out.any():
            return cls(make(weight), bias, 0.0, common)
        weight, bias = weight.clone(), bias.clone()
        rows, biases = weight[left_out], bias[left_out]
        weight[0] = rows.mean(0)
        bias[0] = biases.mean() + biases.var(correction=0) / 2 + math.log(len(rows))
        return cls(make(weight), bias, rows.var(0, correction=0).mean().item() / 2, common)

    def product(self, pieces: Tensor) -> Product:
        return self.rows.product(pieces, self.bias.index_select(0, pieces), self.spread)

    def product_for_many(self, pieces: Tensor) -> Product:
        """As `product`, with one more column, for places that may not come."""
        bias = torch.cat([self.bias.index_select(0, pieces), self.bias.new_full((1,), -torch.inf)])
        return self.rows.product(torch.cat([pieces, pieces.new_zeros(1)]), bias, self.spread)

    @cached_property
    def product_of_all(self) -> Product:
        return self.product_for_many(torch.arange(len(self.bias), device=self.bias.device))

    def taken(self, allowed: Tensor) -> Tensor:
        """The pieces, ascending, that are multiplied: those that sentences may use (B,V), and maybe some others."""
        asked = allowed.view(torch.uint8).amax(0).bool()  # faster than `any`, which reads single bytes
        if len(allowed) > 1:
            count = int(asked.sum())
            others = (~asked).nonzero()[: self.rows.taken(count) - count, 0]
            asked[others] = True
        return asked.nonzero()[:, 0]

    def shortlisted(self, allowed: Tensor) -> OutputLayer:
        """For sentences that may use these pieces (B,V), bool."""
        taken = self.taken(allowed)  # (U,)
        if len(allowed) == 1:
            return OutputLayer(self.product(taken), taken[None])
        product = self.product_of_all if len(taken) == len(self.bias) else self.product_for_many(taken)
        _, column = allowed.index_select(1, taken).nonzero(as_tuple=True)  # (M,), list after list
        count = allowed.view(torch.uint8).sum(1, dtype=torch.int)
        real = torch.arange(int(count.max()), device=count.device) < count[:, None]  # (B, P)
        columns = torch.full_like(real, len(taken), dtype=torch.long).masked_scatter_(real, column)
        return OutputLayer(product, torch.cat([taken, taken.new_zeros(1)])[columns], columns)
