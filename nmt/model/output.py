"""The output layer of one search: from features to the scores of the pieces that may come next.

It may be cut to a shortlist: the pieces that all sentences may use, whose product is the same in every batch, and
those that some of the batch's may use besides. What another sentence may use has no probability, so a sentence's
translation is the same in every batch. The probability of what is left out is estimated.

Dims: B sentences, N rows of one step (B*k, those of a sentence together), F features, V vocabulary, P pieces: C
common ones and R others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

Product = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Shortlist:
    """The pieces that sentences may use."""

    common: Tensor  # (C,), ascending, for all sentences; the special ids come first, so they keep their numbers
    allowed: Tensor  # (B,V), bool, for each sentence, whether or not it is common

    def others(self) -> Tensor:
        """(R,), those that some sentences may use, but not all."""
        others = self.allowed.any(0)
        others[self.common] = False
        return others.nonzero()[:, 0]


@dataclass(frozen=True)
class Others:
    """The part of a layer that each sentence has its own share of."""

    product: Product  # features (N,F) -> (N,R)
    bias: Tensor  # (B,R), -inf for what a sentence may not use
    scale: Tensor | None  # (R,), by which the product is to be multiplied

    def __call__(self, features: Tensor) -> Tensor:
        bias = self.bias[:, None]
        logits = self.product(features).view(len(bias), -1, bias.shape[-1])  # (B, k, R)
        logits = logits.add_(bias) if self.scale is None else torch.addcmul(bias, logits, self.scale)
        return logits.flatten(0, 1)


@dataclass(frozen=True)
class OutputLayer:
    product: Product  # features (N,F) -> (N,C)
    others: Others | None = None
    pieces: Tensor | None = None  # (P,), the common ones first; None: all of the vocabulary, in its order
    spread: float = 0.0  # half the variance of the numbers of the rows left out (see common_layer)

    def __call__(self, features: Tensor) -> Tensor:
        """features (N,F) -> logits (N,P), -inf for what may not come; of all that is left out in place 0."""
        logits = self.product(features)
        if self.spread:
            norm = torch.linalg.vector_norm(features, dim=1).to(logits.dtype)
            logits.select(1, 0).addcmul_(norm, norm, value=self.spread)
        return logits if self.others is None else torch.cat([logits, self.others(features)], 1)

    def select(self, sentences: Tensor) -> OutputLayer:
        if self.others is None:
            return self
        return replace(self, others=replace(self.others, bias=self.others.bias.index_select(0, sentences)))

    def ids(self, places: Tensor) -> Tensor:
        """What a search calls a piece, its place in the list -> its id."""
        return places if self.pieces is None else self.pieces.index_select(0, places)

    def places(self, ids: Tensor) -> Tensor:
        """The other way round, for ids that are there."""
        if self.pieces is None:
            return ids
        place = ids.new_zeros(int(self.pieces.max()) + 1)
        place[self.pieces] = torch.arange(len(self.pieces), device=ids.device)
        return place[ids]


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


def linear(weight: Tensor, bias: Tensor) -> Product:
    return lambda features: F.linear(features, weight, bias)


def common_layer(
    product: Callable[[Tensor, Tensor], Product], weight: Tensor, bias: Tensor, pieces: Tensor
) -> OutputLayer:
    """Of the layer with this weight (V,F) and bias (V,) the part for the common pieces, and an estimate of the rest.

    A softmax over the list alone would give what is left out to what is not, most where the model is least sure, and
    so prefer hypotheses that lose their way. So place 0, that of padding, which never comes, stands for all that is
    left out: were its logits normally distributed, n of them would add up to

        Σ exp(logit) = n exp(mean + variance / 2)

    With rows of mean μ, whose numbers have the variance s², and features f, the mean is μ·f, the variance s² |f|².
    """
    left_out = torch.isfinite(bias)
    left_out[pieces] = False
    own, offset = weight[pieces], bias[pieces]
    if pieces[0] != 0 or offset[0] > -torch.inf or not left_out.any():
        return OutputLayer(product(own, offset), None, pieces)
    rows, biases = weight[left_out], bias[left_out]
    own[0] = rows.mean(0)
    offset[0] = biases.mean() + biases.var(correction=0) / 2 + math.log(len(rows))
    spread = rows.var(0, correction=0).mean().item() / 2
    return OutputLayer(product(own, offset), None, pieces, spread)


def shortlisted(common: OutputLayer, rows: Rows, bias: Tensor, shortlist: Shortlist) -> OutputLayer:
    """The common part with what the sentences need besides, of the layer with this bias (V,)."""
    others = shortlist.others()
    if not len(others):
        return common
    own = bias.index_select(0, others).expand(len(shortlist.allowed), -1)
    own = own.masked_fill(~shortlist.allowed.index_select(1, others), -torch.inf)
    product, scale = rows.product(others)
    pieces = torch.cat([shortlist.common, others])
    return replace(common, others=Others(product, own, scale), pieces=pieces)
