"""Greedy search: the likeliest token at every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from nmt.search.base import Hypothesis, S, Search, Step
from nmt.search.top import argmax
from nmt.search.walk import Ends, walk


@dataclass(frozen=True)
class Greedy(Search):
    """One hypothesis a sentence; its score is its log-probability."""

    def __call__(
        self,
        step: Step[S],
        state: S,
        max_length: Tensor,
        bos_id: int,
        eos_id: int,
        scored: bool = True,
        start: Tensor | None = None,
        keys: Sequence[int] | None = None,
    ) -> list[list[Hypothesis]]:
        ends = Ends(max_length, bos_id, eos_id)
        return walk(step, state, ends, lambda logits, walks, t: argmax(logits), scored, start)
