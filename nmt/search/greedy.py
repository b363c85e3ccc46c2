"""Greedy search: the likeliest token at every step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nmt.search.base import Hypothesis, S, Search, Step


@dataclass(frozen=True)
class Greedy(Search):
    """One hypothesis a sentence; its score is its log-probability."""

    def __call__(
        self, step: Step[S], state: S, max_length: Tensor, bos_id: int, eos_id: int
    ) -> list[list[Hypothesis]]:
        device = max_length.device
        sentence = torch.arange(len(max_length), device=device)  # which sentence a row is; finished ones leave
        ids = torch.full_like(sentence, bos_id)
        log_prob = torch.zeros(len(sentence), device=device)
        steps = int(max_length.max()) if len(max_length) else 0
        tokens = torch.full((len(sentence), steps), eos_id, device=device)
        total = torch.zeros(len(sentence), device=device)
        for t in range(steps):
            logits, state = step(ids, state)
            best, ids = logits.float().max(-1)
            log_prob = log_prob + best - logits.float().logsumexp(-1)
            tokens[sentence, t] = ids
            total[sentence] = log_prob
            alive = ((ids != eos_id) & (t + 1 < max_length[sentence])).nonzero()[:, 0]
            if not len(alive):
                break
            if len(alive) < len(ids):
                ids, log_prob, sentence = ids[alive], log_prob[alive], sentence[alive]
                state = state.select(alive, alive)
        return [
            [Hypothesis(row[: row.index(eos_id)] if eos_id in row else row, score, score)]
            for row, score in zip(tokens.tolist(), total.tolist(), strict=True)
        ]
