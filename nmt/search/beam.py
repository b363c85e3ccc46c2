"""Beam search, vectorised over sentences and hypotheses.

At each step a sentence's K live hypotheses are extended by every token. Of the best K extensions those that end
with EOS are finished; the best K that do not end live on. A sentence is done when it has K finished hypotheses, so
no sentence's result depends on the others.

Once as many are finished as are wanted, the question is which live ones could still come before the last of them,
even if they ended with the next token for nothing. Without length normalisation a score can only fall: when there is
none, the sentence is done, and the wanted ones are the first of those that the whole search would find (Huang et al.,
2017, "When to Finish?", arXiv:1809.00069). With it a score can rise as a hypothesis grows, and no short search can
promise that. Those that could not are given up nevertheless, which saves a tenth of the steps; so the best of one
wanted is not always the best of several. Now and then it is worse and, since others take the place of what is given
up, now and then better. The whole search is the one that wants as many as the beam is wide.

The device ranks the extensions. What follows is a few numbers a sentence, and lists keep their books: to start an
operation of torch's or NumPy's takes as long as a loop over them, and that is what one sentence's step would cost.

Dims: B sentences still searched, k live hypotheses of each (1 before the first token, then K), N = B*k rows,
V vocabulary, C candidates of a sentence: 2K, or all there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from nmt import native
from nmt.ranges import check_ranges
from nmt.search.base import Hypothesis, Request, staying
from nmt.search.score import Ranked, coverage
from nmt.search.step import PADDING, S, Step
from nmt.search.top import tensor, top

# What lives on: which of the sentence's hypotheses before it extends, its ids, and its log-probability, which is -inf
# where it only fills the beam. (A plain tuple: there are a hundred thousand of them a second.)
_Live = tuple[int, list[int], float]


@dataclass
class _Sentence:
    """One sentence while it is searched."""

    max_length: int
    wanted: int  # of its hypotheses
    live: list[_Live] = field(default_factory=lambda: [(0, [], 0.0)])
    finished: list[Hypothesis] = field(default_factory=list)
    done: bool = False


@dataclass(frozen=True)
class Beam(Ranked):
    """K hypotheses a sentence. Log-probability alone tells what lives on; the score (see score.py) ranks what has
    ended and, where fewer than K are wanted, ends the search."""

    ranks: ClassVar[bool] = True

    beam_size: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, beam_size=(1, 1000))

    @property
    def width(self) -> int:
        return self.beam_size

    @torch.no_grad()
    def find(self, step: Step[S], state: S, request: Request) -> list[list[Hypothesis]]:
        device, start, eos_id = request.max_length.device, request.start, request.eos_id
        wanted = min(request.wanted or self.beam_size, self.beam_size)
        sentences = searched = [_Sentence(limit, wanted) for limit in request.max_length.tolist()]
        ids = torch.full((len(sentences),), request.bos_id, device=device)
        log_probs = torch.zeros(len(sentences), device=device) if start is None else start.float()
        while searched:
            logits, state = step(ids, state)
            count, pieces = logits.shape
            width = count // len(searched)
            extensions = zip(*_extend(logits, log_probs, len(searched), self.beam_size), strict=True)
            covered = coverage(state.attended).tolist() if self.coverage and state.attended is not None else None
            for i, (sentence, candidates) in enumerate(zip(searched, extensions, strict=True)):
                if not sentence.done:
                    of_parents = covered and covered[i * width : (i + 1) * width]
                    self._advance(sentence, zip(*candidates, strict=True), pieces, eos_id, of_parents)
            stay = staying([not sentence.done for sentence in searched])
            rows = [i * width + parent for i in stay for parent, _, _ in searched[i].live]
            if rows and rows != list(range(count)):
                leaving = len(stay) < len(searched)
                state = state.select(
                    tensor(rows, np.int64, device), tensor(stay, np.int64, device) if leaving else None
                )
            searched = [searched[i] for i in stay]
            ids = tensor([ids[-1] for sentence in searched for _, ids, _ in sentence.live], np.int64, device)
            log_probs = tensor([one for sentence in searched for _, _, one in sentence.live], np.float32, device)
        return [sorted(sentence.finished, key=lambda h: -h.score) for sentence in sentences]

    def _advance(
        self,
        sentence: _Sentence,
        candidates: Iterable[tuple[float, int]],
        pieces: int,
        eos_id: int,
        covered: list[float] | None,
    ) -> None:
        """Take a step's candidates (log-probability, place in all hypotheses' `pieces` joined), best first; `covered`
        is the coverage of the hypotheses before. At its length limit a sentence ends as it stands."""
        size, before = self.beam_size, sentence.live
        length = len(before[0][1]) + 1  # tokens, EOS included
        at_limit = length >= sentence.max_length
        live: list[_Live] = []
        for rank, (log_prob, place) in enumerate(candidates):
            if not log_prob > -math.inf:  # nor where it is not a number
                break
            parent, token = divmod(place, pieces)
            ids = before[parent][1]
            if token != eos_id and not at_limit:
                live.append((parent, [*ids, token], log_prob))
                if len(live) == size:
                    break
            elif rank < size and len(sentence.finished) < size:
                ids = ids if token == eos_id else [*ids, token]
                term = covered[parent] if covered else 0.0
                score = self.score(log_prob, length, term)
                sentence.finished.append(Hypothesis(ids, score, log_prob, length, term))
        if not live and not sentence.finished:  # numbers of the model overflow, and nothing is likely
            ids = before[0][1]
            sentence.finished.append(Hypothesis(ids, -math.inf, -math.inf, len(ids)))
        if len(sentence.finished) >= sentence.wanted:
            last = sorted(h.score for h in sentence.finished)[-sentence.wanted]
            hopeful = [one for one in live if self.score(one[2], length + 1, 0.0) > last]
            # What lives on tells how many more may end, so that without length normalisation all do or none.
            live = live if hopeful and not self.favours_length else hopeful
        sentence.done = at_limit or len(sentence.finished) == size or not live
        if sentence.done:  # while it waits for others to leave with
            live = []
        sentence.live = live + [(0, [eos_id], -math.inf)] * (size - len(live))


def _extend(
    logits: Tensor, log_probs: Tensor, sentences: int, beam_size: int
) -> tuple[list[list[float]], list[list[int]]]:
    """For each sentence the log-probabilities of its best extensions, and their places in its rows joined. Of one
    hypothesis no more than the best K + 1 can matter: K to live on, and EOS."""
    if logits.is_cpu and logits.dtype == torch.float32 and native.is_here():
        totals, places = native.extend(logits, log_probs, sentences, 2 * beam_size)
    else:
        each = min(beam_size + 1, logits.shape[1])
        log_softmax = logits.log_softmax(-1, dtype=torch.float32)
        log_softmax.select(1, PADDING).fill_(-math.inf)
        totals, places = top(log_softmax.add_(log_probs[:, None]), sentences, 2 * beam_size, each)  # (B, C)
    return totals.tolist(), places.tolist()
