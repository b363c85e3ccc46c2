"""Greedy search: the likeliest token at every step."""

from __future__ import annotations

from dataclasses import dataclass

from nmt.search.base import Hypothesis, Request
from nmt.search.score import RankedSearch
from nmt.search.step import S, Step
from nmt.search.topk import argmax
from nmt.search.walk import walk


@dataclass(frozen=True)
class Greedy(RankedSearch):
    """One hypothesis a sentence, that of a beam of one, with the score that it would have there."""

    def find(self, step: Step[S], state: S, request: Request) -> list[list[Hypothesis]]:
        return walk(step, state, request, lambda logits, walks, t: argmax(logits), ranked=self)
