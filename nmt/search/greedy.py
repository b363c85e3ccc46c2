"""Greedy search: the likeliest token at every step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nmt.search.base import Hypothesis, SearchRequest
from nmt.search.score import RankedSearch
from nmt.search.step import S, SearchStep
from nmt.search.walk import walk


@dataclass(frozen=True)
class Greedy(RankedSearch):
    """One hypothesis per sentence, with the same score as from a beam of one."""

    def find(self, step: SearchStep[S], state: S, request: SearchRequest) -> list[list[Hypothesis]]:
        return walk(step, state, request, lambda logits, walks, t: argmax(logits), ranked=self)


def argmax(x: Tensor) -> Tensor:
    """x (N,V) -> where each row is largest (N,). On a CPU NumPy does this ten times as fast as torch."""
    return x.argmax(1) if x.is_cuda else torch.from_numpy(x.float().numpy().argmax(1))
