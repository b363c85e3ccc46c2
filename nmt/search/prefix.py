"""Translations that must begin with given tokens: a step, made to prefer them above all others.

Any search then finds them by itself, and goes on freely where a sentence's prefix ends. To it a forced token is
certain; what the model thinks of the prefix is told to the search by its `start`.

Dims: N rows, P forced tokens of the longest prefix, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Self

import torch
from torch import Tensor

from nmt.search.step import S, SearchStep

FREE = -1  # in the place of a token: any may come


@dataclass(frozen=True)
class ForcedPrefix(Generic[S]):
    inner: S
    prefix: Tensor  # (N, P), what is still to come, FREE after its end

    @property
    def attended(self) -> Tensor | None:
        return self.inner.attended

    def select(self, rows: Tensor, sentences: Tensor | None = None) -> Self:
        return type(self)(self.inner.select(rows, sentences), self.prefix.index_select(0, rows))


def forced(step: SearchStep[S]) -> SearchStep[ForcedPrefix[S]]:
    """The step for states that know what must come."""

    def forced_step(ids: Tensor, state: ForcedPrefix[S]) -> tuple[Tensor, ForcedPrefix[S]]:
        logits, inner = step(ids, state.inner)
        token, rest = state.prefix[:, :1], state.prefix[:, 1:]  # (N, 1) or (N, 0), (N, P - 1) or (N, 0)
        if not token.numel():
            return logits, ForcedPrefix(inner, rest)
        only = torch.full_like(logits, -torch.inf).scatter_(1, token.clamp(min=0), 0.0)
        return torch.where(token == FREE, logits, only), ForcedPrefix(inner, rest)

    return forced_step
