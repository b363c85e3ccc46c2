"""Greedy search: the likeliest token at every step."""

from __future__ import annotations

from dataclasses import dataclass

from nmt.search.base import Hypothesis, Request, S, Search, Step
from nmt.search.top import argmax
from nmt.search.walk import walk


@dataclass(frozen=True)
class Greedy(Search):
    """One hypothesis a sentence; its score is its log-probability."""

    def __call__(self, step: Step[S], state: S, request: Request) -> list[list[Hypothesis]]:
        return walk(step, state, request, lambda logits, walks, t: argmax(logits))
