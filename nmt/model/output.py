"""The output layer of one search: from features to the scores of the pieces that may come next.

It may be cut to a shortlist: the pieces that any of the batch's sentences may use. What another sentence may use
has no probability, so a sentence's translation is the same in every batch.

Dims: B sentences, N rows of one step (B*k, those of a sentence together), F features, V vocabulary, P pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

Product = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class OutputLayer:
    product: Product  # features (N,F) -> (N,P)
    bias: Tensor | None = None  # (B,P), to be added; -inf for what a sentence may not use
    scale: Tensor | None = None  # (P,), by which the product is to be multiplied
    pieces: Tensor | None = None  # (P,), ascending; None: all of them

    def __call__(self, features: Tensor) -> Tensor:
        """features (N,F) -> logits (N,P), -inf for what may not come."""
        logits = self.product(features)
        if self.bias is None:
            return logits
        logits = logits.view(len(self.bias), -1, logits.shape[1])  # (B, k, P)
        if self.scale is None:
            return logits.add_(self.bias[:, None]).flatten(0, 1)
        return torch.addcmul(self.bias[:, None], logits, self.scale).flatten(0, 1)

    def select(self, sentences: Tensor) -> OutputLayer:
        return self if self.bias is None else replace(self, bias=self.bias.index_select(0, sentences))

    def ids(self, chosen: Tensor) -> Tensor:
        """What a search calls a piece, its place in the list -> its id."""
        return chosen if self.pieces is None else self.pieces.index_select(0, chosen)


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


def shortlisted(rows: Rows, bias: Tensor, allowed: Tensor) -> OutputLayer:
    """Of the layer with this bias (V,) what the sentences need: `allowed` (B,V), bool, says what each may use.

    The special ids, which every sentence may use, keep their numbers, because they come first.
    """
    pieces = allowed.any(0).nonzero()[:, 0]
    own = bias.index_select(0, pieces).expand(len(allowed), -1)
    own = own.masked_fill(~allowed.index_select(1, pieces), -torch.inf)
    product, scale = rows.product(pieces)
    return OutputLayer(product, own, scale, pieces)
