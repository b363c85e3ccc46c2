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
        limit = max_length
        sentence = torch.arange(len(limit), device=limit.device)  # which sentence a row is
        ids = torch.full_like(sentence, bos_id)
        ended = torch.zeros_like(sentence, dtype=torch.bool)
        log_prob = torch.zeros(len(limit), device=limit.device)
        steps = int(limit.max()) if len(limit) else 0
        tokens = torch.full((len(limit), steps), eos_id, device=limit.device)
        total = torch.full((len(limit),), 0.0 if scored else math.nan, device=limit.device)
        for t in range(steps):
            logits, state = step(ids, state)
            ids = argmax(logits).masked_fill_(ended, eos_id)
            tokens[sentence, t] = ids
            if scored:
                logits = logits.float()
                gain = logits.gather(1, ids[:, None])[:, 0] - logits.logsumexp(-1)
                log_prob = torch.where(ended, log_prob, log_prob + gain)
                total[sentence] = log_prob
            ended = ended | (ids == eos_id) | (limit <= t + 1)
            gone = int(ended.sum())
            if gone == len(ids):
                break
            if gone >= LEAVE_AT * len(ids):
                rows = (~ended).nonzero()[:, 0]
                sentence, ids, limit, log_prob = sentence[rows], ids[rows], limit[rows], log_prob[rows]
                ended = ended[rows]
                state = state.select(rows, rows)
        return [
            [Hypothesis(row[: row.index(eos_id)] if eos_id in row else row, score, score)]
            for row, score in zip(tokens.tolist(), total.tolist(), strict=True)
        ]
