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
# weight (O,I), bias (O,) -> x (N,I) to W x + b (N,O)
MakeProduct = Callable[[Tensor, Tensor], Product]


@dataclass(frozen=True)
class OutputLayer:
    product: Product  # features (N,F) -> logits (N,P), -inf for what no sentence may use
    pieces: Tensor | None = None  # (P,), ascending; None: all of them
    forbidden: Tensor | None = None  # (B,P): -inf for what a sentence may not use, else 0

    def __call__(self, features: Tensor) -> Tensor:
        logits = self.product(features)
        if self.forbidden is None:
            return logits
        return (logits.view(len(self.forbidden), -1, logits.shape[1]) + self.forbidden[:, None]).flatten(0, 1)

    def select(self, sentences: Tensor) -> OutputLayer:
        return self if self.forbidden is None else replace(self, forbidden=self.forbidden[sentences])

    def ids(self, chosen: Tensor) -> Tensor:
        """What a search calls a piece, its place in the list -> its id."""
        return chosen if self.pieces is None else self.pieces[chosen]


def plain_product(weight: Tensor, bias: Tensor) -> Product:
    """As it stands, in the weight's precision."""
    return lambda features: F.linear(features, weight, bias)


def without(bias: Tensor, banned: Sequence[int]) -> Tensor:
    """The output layer's bias (V,), with -inf for pieces that must never come."""
    bias = bias.detach().clone()
    bias[list(banned)] = -torch.inf
    return bias


def shortlisted(make: MakeProduct, weight: Tensor, bias: Tensor, allowed: Tensor) -> OutputLayer:
    """Of the layer's weight (V,F) and bias (V,) what the sentences need: `allowed` (B,V) says what each may use.

    Ids 0 to 3, which every sentence may use, keep their numbers.
    """
    pieces = allowed.any(0).nonzero()[:, 0]
    forbidden = torch.zeros(allowed.shape[0], len(pieces), device=allowed.device)
    forbidden.masked_fill_(~allowed[:, pieces], -torch.inf)
    return OutputLayer(make(weight[pieces], bias[pieces]), pieces, forbidden)
