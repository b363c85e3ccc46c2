"""Beam search, vectorised over sentences and hypotheses.

A sentence has K places. At each step its live hypotheses are extended by every token, and the likeliest extensions
take the places that are free. What ends keeps its place; what is hardly going to win any more is given up, and loses
it. This is the whole rule, by nothing but log-probabilities; `length` counts an extension's tokens, EOS included:

    before      live = the empty hypothesis, free = K, best = -inf
    each step   taken = of all extensions of what is live the `free` likeliest
                ended = of `taken` those by EOS; all of them where `length` is the sentence's limit
                free -= how many ended
                best = the greatest of `best` and of log-probability / length of each that ended
                live = the rest of `taken` whose log-probability is at least best x (length + patience)
    the end     when nothing is live; what has ended is ranked by its score (see score.py)

So neither the score nor how many hypotheses are asked for has a say in what is found: what is first of many is first
alone, and another score ranks the same ones. No sentence's result depends on the others. There are from one to K
hypotheses, the fewer the more clearly one is the best.

What is given up has a lower mean than the best of those that have ended, even if it got `patience` more tokens for
nothing. As log-probabilities only fall, it could come first only by growing by more tokens than that, whichever score
ranks, if it has no coverage and divides by the length to the power of 1 or less; without length normalisation it
could not at all (Huang et al., 2017, "When to Finish?", arXiv:1809.00069).

On a CPU a step of it all is one call of C (nmt/native/beam.h). Where that is not compiled, and on other devices, the
device ranks the extensions, and lists keep what follows: it is a few numbers a sentence, and to start an operation of
torch's or NumPy's takes as long as a loop over them. beam_state.py keeps them in tensors.

Dims: B sentences still searched, k rows of each (1 before the first token, then K), N = B*k rows, V vocabulary, C
candidates of a sentence: K, or all there are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from nmt import native
from nmt.native.beam import NativeBeams
from nmt.ranges import check_ranges
from nmt.search.base import Hypothesis, Request, best_first, sentences_to_keep
from nmt.search.score import RankedSearch, coverage
from nmt.search.step import PADDING, S, Step
from nmt.search.topk import tensor, top

PATIENT = 10_000  # tokens: with so much patience nothing is given up, and there are K hypotheses

# What lives on: which of the sentence's hypotheses before it extends, its ids, and its log-probability, which is -inf
# where it only fills the beam. (A plain tuple: there are a hundred thousand of them a second.)
_Live = tuple[int, list[int], float]


@dataclass
class _Sentence:
    """One sentence while it is searched."""

    limit: int  # of its length
    free: int  # places
    best: float = -math.inf  # the greatest mean log-probability of those that have ended
    live: list[_Live] = field(default_factory=lambda: [(0, [], 0.0)])
    ended: list[Hypothesis] = field(default_factory=list)
    done: bool = False


@dataclass(frozen=True)
class Beam(RankedSearch):
    """Up to K hypotheses per sentence."""

    ranks: ClassVar[bool] = True

    beam_size: int = 5  # hypotheses a sentence
    patience: float = 1.5  # tokens; with more, fewer hypotheses are given up, and the search takes longer

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, beam_size=(1, 1000), patience=(0, PATIENT))

    @property
    def width(self) -> int:
        return self.beam_size

    @torch.no_grad()
    def find(self, step: Step[S], state: S, request: Request) -> list[list[Hypothesis]]:
        device, start, eos_id = request.max_length.device, request.start, request.eos_id
        if device.type == "cpu" and native.is_here():
            return self._find_in_c(step, state, request)
        sentences = searched = [_Sentence(limit, self.beam_size) for limit in request.max_length.tolist()]
        ids = torch.full((len(sentences),), request.bos_id, device=device)
        log_probs = torch.zeros(len(sentences), dtype=torch.float, device=device) if start is None else start.float()
        while searched:
            logits, state = step(ids, state)
            count, pieces = logits.shape
            width = count // len(searched)
            extensions = _extend(logits, log_probs, len(searched), self.beam_size)
            covered = coverage(state.attended).tolist() if self.coverage and state.attended is not None else None
            for i, (sentence, totals, places) in enumerate(zip(searched, *extensions, strict=True)):
                if not sentence.done:
                    parent_coverage = covered and covered[i * width : (i + 1) * width]
                    self._advance(sentence, totals, places, pieces, eos_id, parent_coverage)
            stay = sentences_to_keep([not sentence.done for sentence in searched])
            rows = [i * width + parent for i in stay for parent, _, _ in searched[i].live]
            if rows and rows != list(range(count)):
                leaving = len(stay) < len(searched)
                state = state.select(
                    tensor(rows, np.int64, device), tensor(stay, np.int64, device) if leaving else None
                )
            searched = [searched[i] for i in stay]
            live = [hypothesis for sentence in searched for hypothesis in sentence.live]
            ids = tensor([ids[-1] for _, ids, _ in live], np.int64, device)
            log_probs = tensor([log_prob for _, _, log_prob in live], np.float32, device)
        return [best_first(sentence.ended) for sentence in sentences]

    def _find_in_c(self, step: Step[S], state: S, request: Request) -> list[list[Hypothesis]]:
        limits = request.max_length
        beams = NativeBeams(limits, self.beam_size, request.eos_id, self.patience, request.start)
        searched = len(limits)
        numbers = torch.arange(searched)  # of those searched
        ids = torch.full((searched,), request.bos_id)
        while searched:
            logits, state = step(ids, state)
            covered = coverage(state.attended) if self.coverage and state.attended is not None else None
            ids, rows, living = beams.advance(logits, numbers, searched, covered)
            if not living:
                break
            leaving = None
            if living < searched and len(stay := sentences_to_keep(beams.lives[:searched].tolist())) < searched:
                searched, leaving = len(stay), tensor(stay, np.int64, limits.device)
                numbers = numbers.index_select(0, leaving)
                ids, rows = (part.view(-1, self.beam_size).index_select(0, leaving).view(-1) for part in (ids, rows))
            beams.keep(ids, rows)
            if self.beam_size > 1 or leaving is not None:
                state = state.select(rows, leaving)
        found: list[list[Hypothesis]] = [[] for _ in range(len(limits))]
        for number, length, log_prob, term, own in beams.ended():
            found[number].append(self.hypothesis(own, log_prob, length, term))
        return [best_first(hypotheses) for hypotheses in found]

    def hypothesis(self, ids: list[int], log_prob: float, length: int, term: float) -> Hypothesis:
        if log_prob > -math.inf:
            return Hypothesis(ids, self.score(log_prob, length, term), log_prob, length, term)
        return Hypothesis(ids, -math.inf, -math.inf, len(ids))  # numbers of the model overflowed

    def _advance(
        self,
        sentence: _Sentence,
        totals: list[float],
        places: list[int],
        pieces: int,
        eos_id: int,
        covered: list[float] | None,
    ) -> None:
        """Take a step's candidates, best first: their log-probabilities, and their places in all hypotheses' `pieces`
        joined; `covered` is the coverage of the hypotheses before."""
        before = sentence.live
        length = len(before[0][1]) + 1  # tokens, EOS included
        at_limit = length >= sentence.limit
        live: list[_Live] = []
        for log_prob, place in zip(totals[: sentence.free], places, strict=False):
            if not log_prob > -math.inf:  # nor where it is not a number
                break
            parent, token = divmod(place, pieces)
            ids = before[parent][1]
            if token != eos_id and not at_limit:
                live.append((parent, [*ids, token], log_prob))
                continue
            ids = ids if token == eos_id else [*ids, token]
            term = covered[parent] if covered else 0.0
            sentence.ended.append(self.hypothesis(ids, log_prob, length, term))
            sentence.best = max(sentence.best, log_prob / length)
            sentence.free -= 1
        if sentence.ended:
            least = sentence.best * (length + self.patience)
            while live and live[-1][2] < least:
                live.pop()
        elif not live:  # numbers of the model overflow, and nothing is likely
            ids = before[0][1]
            sentence.ended.append(self.hypothesis(ids, -math.inf, len(ids), 0.0))
        sentence.done = not live  # and it may have to wait for others to leave with
        sentence.live = live + [(0, [eos_id], -math.inf)] * (self.beam_size - len(live))


def _extend(
    logits: Tensor, log_probs: Tensor, sentences: int, beam_size: int
) -> tuple[list[list[float]], list[list[int]]]:
    """For each sentence the log-probabilities of its K likeliest extensions, or all there are, best first, and their
    places in its rows joined."""
    each = min(beam_size, logits.shape[1])
    log_softmax = logits.log_softmax(-1, dtype=torch.float32)
    log_softmax.select(1, PADDING).fill_(-math.inf)
    totals, places = top(log_softmax.add_(log_probs[:, None]), sentences, beam_size, each)  # (B, C)
    return totals.tolist(), places.tolist()
