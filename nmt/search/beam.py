"""Beam search, vectorised over sentences and hypotheses.

At each step a sentence's K live hypotheses are extended by every token. Of the best K extensions those that end
with EOS are finished; the best K that do not end live on. A sentence is done when it has K finished hypotheses, so
no sentence's result depends on the others.

The device ranks each hypothesis's extensions; what follows is a few numbers a sentence, and NumPy keeps their books:
its functions start in a third of the time of torch's, which is what a step costs when there is one sentence.

Dims: B sentences still searched, k live hypotheses of each (1 before the first token, then K), N = B*k rows,
V vocabulary, t tokens so far, C candidates of a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nmt.ranges import check_ranges
from nmt.search.base import LEAVE_AT, Hypothesis, S, Search, Step
from nmt.search.score import NORMALISATIONS, length_penalty
from nmt.search.top import top

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


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

    @torch.no_grad()
    def __call__(
        self, step: Step[S], state: S, max_length: Tensor, bos_id: int, eos_id: int, scored: bool = True
    ) -> list[list[Hypothesis]]:
        device = max_length.device
        finished: list[list[Hypothesis]] = [[] for _ in range(len(max_length))]
        if not finished:
            return finished
        live = _start(max_length, bos_id)
        while True:
            last = torch.from_numpy(live.ids[:, :, -1].reshape(-1))
            logits, state = step(last.to(device), state)
            candidates = _extend(logits, live, self.beam_size)
            self._collect(candidates, live, finished, eos_id)
            live, rows, sentences = _survive(candidates, live, finished, self.beam_size, eos_id)
            if not len(rows):
                break
            if len(rows) != len(logits) or (rows != np.arange(len(rows))).any():
                state = state.select(
                    torch.from_numpy(rows).to(device),
                    None if sentences is None else torch.from_numpy(sentences).to(device),
                )
        return [sorted(hypotheses, key=lambda h: -h.score)[: self.beam_size] for hypotheses in finished]

    def _collect(self, candidates: _Candidates, live: _Live, finished: list[list[Hypothesis]], eos_id: int) -> None:
        """Move what ended in this step to `finished`; at its length limit a sentence ends as it stands."""
        length = live.ids.shape[2]  # tokens made by now, this step's included: BOS stands for it
        best = slice(0, self.beam_size)
        at_limit = live.max_length <= length  # (B,)
        ends = (candidates.token[:, best] == eos_id) | at_limit[:, None]
        if not ends.any():
            return
        ends &= candidates.score[:, best] > -np.inf
        penalty = length_penalty(self.normalisation, length, self.alpha)
        for row, column in zip(*ends.nonzero(), strict=True):
            of_sentence = finished[live.sentence[row]]
            if len(of_sentence) < self.beam_size:
                ids = live.ids[row, candidates.parent[row, column], 1:].tolist()
                token, log_prob = int(candidates.token[row, column]), float(candidates.score[row, column])
                ids += [] if token == eos_id else [token]
                of_sentence.append(Hypothesis(ids, log_prob / penalty, log_prob))


class _Live(NamedTuple):
    """What is still being searched."""

    ids: Ints  # (B, k, t), BOS first
    score: Floats  # (B, k), sum of log-probabilities; -inf where there is no hypothesis
    sentence: Ints  # (B,), the place in the input
    max_length: Ints  # (B,)


class _Candidates(NamedTuple):
    """The best extensions of each sentence, best first; C is 2K or all there are."""

    score: Floats  # (B, C)
    parent: Ints  # (B, C), which hypothesis is extended
    token: Ints  # (B, C)


def _start(max_length: Tensor, bos_id: int) -> _Live:
    sentences = len(max_length)
    return _Live(
        np.full((sentences, 1, 1), bos_id),
        np.zeros((sentences, 1), np.float32),
        np.arange(sentences),
        max_length.cpu().numpy(),
    )


def _extend(logits: Tensor, live: _Live, beam_size: int) -> _Candidates:
    """Score the extensions. Of one hypothesis no more than the best K + 1 can matter: K to live on, and EOS."""
    sentences, width = live.score.shape
    best, token = top(logits.log_softmax(-1, dtype=torch.float32), min(beam_size + 1, logits.shape[1]))  # (N, K+1)
    log_prob, tokens = best.cpu().numpy(), token.cpu().numpy()
    each = log_prob.shape[1]
    total = (live.score.reshape(-1, 1) + log_prob).reshape(sentences, width * each)
    index = np.argsort(-total, 1, kind="stable")[:, : 2 * beam_size]  # (B, C)
    place = index + np.arange(0, total.size, width * each)[:, None]
    return _Candidates(total.take(place), index // each, tokens.take(place))


def _survive(
    candidates: _Candidates, live: _Live, finished: list[list[Hypothesis]], beam_size: int, eos_id: int
) -> tuple[_Live, Ints, Ints | None]:
    """The best K that do not end -> what lives on, the rows that it comes from (B'*K,), and the sentences that stay
    (B',), None for all of them."""
    width, length = live.ids.shape[1:]
    unfinished = np.where(candidates.token == eos_id, -np.inf, candidates.score)
    place = np.argsort(-unfinished, 1, kind="stable")[:, :beam_size]  # (B, K)
    place += np.arange(0, unfinished.size, unfinished.shape[1])[:, None]
    score = unfinished.take(place)
    done = np.array([len(finished[sentence]) >= beam_size for sentence in live.sentence.tolist()])
    done |= (live.max_length <= length) | (score[:, 0] == -np.inf)
    rows = candidates.parent.take(place) + np.arange(0, len(done) * width, width)[:, None]  # (B, K)
    ids = np.concatenate([live.ids.reshape(-1, length)[rows], candidates.token.take(place)[:, :, None]], 2)
    score[done] = -np.inf  # while a sentence waits for others to leave with, it has no hypothesis
    leaving = int(done.sum())
    if leaving < len(done) and leaving < LEAVE_AT * len(done):
        return _Live(ids, score, live.sentence, live.max_length), rows.ravel(), None
    keep = (~done).nonzero()[0]
    kept = _Live(ids[keep], score[keep], live.sentence[keep], live.max_length[keep])
    return kept, rows[keep].ravel(), keep if leaving else None
