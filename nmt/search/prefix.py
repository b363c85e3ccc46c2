"""Translations that must begin with given tokens: a wrapped step that makes these tokens certain.

Any search then finds them by itself, and goes on freely after a sentence's prefix. The search learns the prefix's
log-probability under the model from `SearchRequest.start`.

Dims: N rows, P forced tokens of the longest prefix, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Self

import torch
from torch import Tensor

from nmt.search.step import S, SearchStep

FREE = -1  # instead of a token: any may come


@dataclass(frozen=True)
class ForcedPrefix(Generic[S]):
    inner: S
    prefix: Tensor  # (N, P), the tokens still to come, FREE after its end

    @property
    def attended(self) -> Tensor | None:
        return self.inner.attended

    def select(self, rows: Tensor, sentences: Tensor | None = None) -> Self:
        return type(self)(self.inner.select(rows, sentences), self.prefix.index_select(0, rows))


def forced(step: SearchStep[S]) -> SearchStep[ForcedPrefix[S]]:
    """The step for states with a forced prefix."""

    def forced_step(ids: Tensor, state: ForcedPrefix[S]) -> tuple[Tensor, ForcedPrefix[S]]:
        logits, inner = step(ids, state.inner)
        token, rest = state.prefix[:, :1], state.prefix[:, 1:]  # (N, 1) or (N, 0), (N, P - 1) or (N, 0)
        if not token.numel():
            return logits, ForcedPrefix(inner, rest)
        only = torch.full_like(logits, -torch.inf).scatter_(1, token.clamp(min=0), 0.0)
        return torch.where(token == FREE, logits, only), ForcedPrefix(inner, rest)

    return forced_step
