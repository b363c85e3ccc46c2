"""Beam search, vectorised over sentences and hypotheses.

At each step a sentence's K live hypotheses are extended by every token. Of the best K extensions those that end
with EOS are finished; the best K that do not end live on. A sentence is done when it has K finished hypotheses,
and then leaves the batch, so no sentence's result depends on the others.

Dims: B sentences still searched, K beam, N = B*K rows, V vocabulary, t tokens so far.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, NamedTuple

import torch
from torch import Tensor

from nmt.ranges import check_ranges
from nmt.search.base import Hypothesis, S, Search, Step
from nmt.search.score import NORMALISATIONS, length_penalty


@dataclass(frozen=True)
class Beam(Search):
    """K hypotheses a sentence, ranked by log-probability over a penalty of the length (see score.py)."""

    beam_size: int = 5
    normalisation: str = "average"
    alpha: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, beam_size=(1, 1000), alpha=(0, 10))
        if self.normalisation not in NORMALISATIONS:
            choices = ", ".join(sorted(NORMALISATIONS))
            raise ValueError(f"normalisation is {self.normalisation!r}; choose one of: {choices}")

    def __call__(
        self, step: Step[S], state: S, max_length: Tensor, bos_id: int, eos_id: int
    ) -> list[list[Hypothesis]]:
        finished: list[list[Hypothesis]] = [[] for _ in range(len(max_length))]
        if not finished:
            return finished
        live = _start(state, max_length, bos_id, self.beam_size)
        while len(live.sentence):
            logits, state = step(live.ids[:, :, -1].flatten(), live.state)
            candidates = _extend(logits, live)
            self._collect(candidates, live, finished, eos_id)
            live = _survive(candidates, live, state, finished, eos_id)
        return [sorted(hypotheses, key=lambda h: -h.score)[: self.beam_size] for hypotheses in finished]

    def _collect(
        self, candidates: _Candidates, live: _Live[S], finished: list[list[Hypothesis]], eos_id: int
    ) -> None:
        """Move what ended in this step to `finished`; at its length limit a sentence ends as it stands."""
        length = live.ids.shape[2]  # tokens made by now, this step's included: BOS stands for it
        penalty = length_penalty(self.normalisation, length, self.alpha)
        best = slice(0, self.beam_size)
        at_limit = live.max_length <= length  # (B,)
        ends = (candidates.token[:, best] == eos_id) | at_limit[:, None]
        ends &= candidates.score[:, best].isfinite()
        where = ends.nonzero()
        if not len(where):
            return
        row, column = where.unbind(1)
        prefixes = live.ids[row, candidates.parent[row, column], 1:].tolist()
        for sentence, prefix, token, log_prob in zip(
            live.sentence[row].tolist(),
            prefixes,
            candidates.token[row, column].tolist(),
            candidates.score[row, column].tolist(),
            strict=True,
        ):
            if len(finished[sentence]) < self.beam_size:
                ids = prefix if token == eos_id else [*prefix, token]
                finished[sentence].append(Hypothesis(ids, log_prob / penalty, log_prob))


@dataclass(frozen=True)
class _Live(Generic[S]):
    """What is still being searched."""

    state: S
    ids: Tensor  # (B, K, t), BOS first
    score: Tensor  # (B, K), sum of log-probabilities; -inf where there is no hypothesis
    sentence: Tensor  # (B,), the place in the input
    max_length: Tensor  # (B,)


class _Candidates(NamedTuple):
    """The best extensions of each sentence, best first; C is 2K or all there are."""

    score: Tensor  # (B, C)
    parent: Tensor  # (B, C), which hypothesis is extended
    token: Tensor  # (B, C)


def _start(state: S, max_length: Tensor, bos_id: int, beam_size: int) -> _Live[S]:
    sentence = torch.arange(len(max_length), device=max_length.device)
    score = torch.full((len(sentence), beam_size), -torch.inf, device=max_length.device)
    score[:, 0] = 0  # all K are alike before the first token, so only one of them counts
    ids = torch.full((len(sentence), beam_size, 1), bos_id, device=max_length.device)
    return _Live(state.select(sentence.repeat_interleave(beam_size)), ids, score, sentence, max_length)


def _extend(logits: Tensor, live: _Live[S]) -> _Candidates:
    """Score the extensions. Of one hypothesis no more than the best K + 1 can matter: K to live on, and EOS."""
    beam_size = live.ids.shape[1]
    logits = logits.float()
    best, token = logits.topk(min(beam_size + 1, logits.shape[1]))  # (N, K+1)
    log_prob = (best - logits.logsumexp(-1, keepdim=True)).view(-1, beam_size, best.shape[1])  # (B, K, K+1)
    total = (live.score[:, :, None] + log_prob).flatten(1)  # (B, K * (K+1))
    score, index = total.topk(min(2 * beam_size, total.shape[1]))
    parent = index // log_prob.shape[2]
    return _Candidates(score, parent, token.view(len(total), -1).gather(1, index))


def _survive(
    candidates: _Candidates, live: _Live[S], state: S, finished: list[list[Hypothesis]], eos_id: int
) -> _Live[S]:
    """Keep the best K that do not end, of the sentences that are not done; reorder the state to match."""
    beam_size, length = live.ids.shape[1:]
    unfinished = candidates.score.masked_fill(candidates.token == eos_id, -torch.inf)
    score, column = unfinished.topk(beam_size)  # (B, K)
    done = torch.tensor([len(finished[s]) >= beam_size for s in live.sentence.tolist()], device=score.device)
    done |= (live.max_length <= length) | (score[:, 0] == -torch.inf)
    parent = candidates.parent.gather(1, column)
    ids = torch.cat(
        [
            live.ids.gather(1, parent[:, :, None].expand(-1, -1, length)),
            candidates.token.gather(1, column)[:, :, None],
        ],
        -1,
    )
    rows = torch.arange(len(done), device=score.device)[:, None] * beam_size + parent  # (B, K)
    keep = (~done).nonzero()[:, 0]
    sentences = None if len(keep) == len(done) else keep
    return _Live(
        state.select(rows[keep].flatten(), sentences),
        ids[keep],
        score[keep],
        live.sentence[keep],
        live.max_length[keep],
    )
