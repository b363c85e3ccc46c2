"""Greedy search: the likeliest token at every step."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from nmt.search.base import LEAVE_AT, Hypothesis, S, Search, Step
from nmt.search.top import argmax


@dataclass(frozen=True)
class Greedy(Search):
    """One hypothesis a sentence; its score is its log-probability."""

    @torch.no_grad()
    def __call__(
        self, step: Step[S], state: S, max_length: Tensor, bos_id: int, eos_id: int, scored: bool = True
    ) -> list[list[Hypothesis]]:
        limits = max_length.tolist()
        tokens: list[list[int]] = [[] for _ in limits]
        log_probs = [0.0 if scored else math.nan for _ in limits]
        done = [False for _ in limits]
        searched = list(range(len(limits)))  # which sentence a row is
        ids = torch.full_like(max_length, bos_id)
        while searched:
            logits, state = step(ids, state)
            ids = argmax(logits)
            gains = _log_probs(logits, ids).tolist() if scored else log_probs
            for sentence, token, gain in zip(searched, ids.tolist(), gains, strict=False):
                if not done[sentence]:
                    log_probs[sentence] += gain
                    if token != eos_id:
                        tokens[sentence].append(token)
                    done[sentence] = token == eos_id or len(tokens[sentence]) == limits[sentence]
            stay = [row for row, sentence in enumerate(searched) if not done[sentence]]
            if not stay:
                break
            if len(searched) - len(stay) >= max(1, LEAVE_AT * len(searched)):
                rows = torch.tensor(stay, device=max_length.device)
                searched, ids = [searched[row] for row in stay], ids[rows]
                state = state.select(rows, rows)
        return [[Hypothesis(*parts)] for parts in zip(tokens, log_probs, log_probs, strict=True)]


def _log_probs(logits: Tensor, ids: Tensor) -> Tensor:
    """logits (N,V), ids (N,) -> (N,)."""
    logits = logits.float()
    return logits.gather(1, ids[:, None])[:, 0] - logits.logsumexp(-1)
