"""Beam search, vectorised over sentences and hypotheses.

A sentence has K places. Each step extends its live hypotheses by every token, and the likeliest extensions take the
free places. A hypothesis that ends keeps its place; one that is unlikely to win is given up and loses its place. This
is the whole rule; it uses log-probabilities only, and `length` counts an extension's tokens, EOS included:

    before      live = the empty hypothesis, free = K, best = -inf
    each step   taken = the `free` likeliest of all extensions of `live`
                ended = those of `taken` that end in EOS; all of them if `length` is the sentence's limit
                free -= the number of `ended`
                best = the maximum of `best` and of log-probability / length of each of `ended`
                live = the rest of `taken` whose log-probability is at least best x (length + patience)
    the end     when `live` is empty; all that ended are ranked by score (see score.py)

So neither the score nor the number of requested hypotheses affects what is found: the first of many is also the first
when only one is requested, and another score ranks the same hypotheses. No sentence's result depends on the others. A
sentence gets one to K hypotheses; the more clearly one is the best, the fewer.

A hypothesis that is given up has a lower mean than the best ended one, even with `patience` more tokens at no cost.
As log-probabilities only fall, it could come first only by growing by more tokens than that. This holds for every
score without coverage that divides by the length to the power of 1 or less. Without length normalisation it could
never come first (Huang et al., 2017, "When to Finish?", arXiv:1809.00069).

On a CPU each step is one call of C (nmt/native/beam.h). Where that is not compiled, and on other devices, it runs in
tensors (on_device.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch

from nmt import native
from nmt.common.ranges import check_ranges
from nmt.native.beam import NativeBeams
from nmt.search.base import Hypothesis, SearchRequest, best_first, sentences_to_keep
from nmt.search.beam_state import BeamRule
from nmt.search.on_device import Ended, find_step_by_step
from nmt.search.score import RankedSearch
from nmt.search.step import S, SearchStep

PATIENT = 10_000  # tokens; with this much patience nothing is given up, and there are K hypotheses


@dataclass(frozen=True)
class Beam(RankedSearch):
    """Up to K hypotheses per sentence."""

    ranks: ClassVar[bool] = True

    beam_size: int = 5  # hypotheses a sentence
    # A hypothesis is given up if its mean log-probability would be lower than that of the best ended one even with so
    # many more tokens for free. More: a longer search.
    patience: float = 1.5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, beam_size=(1, 1000), patience=(0, PATIENT))

    @property
    def width(self) -> int:
        return self.beam_size

    def rule(self, eos_id: int) -> BeamRule:
        return BeamRule(self.beam_size, self.patience, eos_id, self.sees_attention)

    @torch.no_grad()
    def find(self, step: SearchStep[S], state: S, request: SearchRequest) -> list[list[Hypothesis]]:
        in_c = request.max_length.device.type == "cpu" and native.is_here()
        find = find_in_c if in_c else find_step_by_step
        return self.sorted_hypotheses(find(self.rule(request.eos_id), step, state, request))

    def sorted_hypotheses(self, found: Iterable[Iterable[Ended]]) -> list[list[Hypothesis]]:
        """The ended hypotheses of each sentence, best first."""
        return [best_first(self._hypothesis(*ended) for ended in of_sentence) for of_sentence in found]

    def _hypothesis(self, ids: list[int], log_prob: float, length: int, coverage: float) -> Hypothesis:
        return Hypothesis(ids, self.score(log_prob, length, coverage), log_prob, length, coverage)


def find_in_c(rule: BeamRule, step: SearchStep[S], state: S, request: SearchRequest) -> list[list[Ended]]:
    """As find_step_by_step, on a CPU."""
    limits = request.max_length
    beams = NativeBeams(limits, rule.beam_size, rule.eos_id, rule.patience, request.start)
    searched = len(limits)
    numbers = torch.arange(searched)  # of the sentences still searched
    ids = torch.full((searched,), request.bos_id)
    while searched:
        logits, state = step(ids, state)
        ids, rows, living = beams.advance(logits, numbers, searched, rule.covered(state))
        if not living:
            break
        leaving = None
        if living < searched and len(stay := sentences_to_keep(beams.lives[:searched].tolist())) < searched:
            searched, leaving = len(stay), torch.tensor(stay)
            numbers = numbers.index_select(0, leaving)
            ids, rows = (part.view(-1, rule.beam_size).index_select(0, leaving).view(-1) for part in (ids, rows))
        beams.keep(ids, rows)
        if rule.beam_size > 1 or leaving is not None:
            state = state.select(rows, leaving)
    found: list[list[Ended]] = [[] for _ in range(len(limits))]
    for number, ended in beams.ended():
        found[number].append(Ended(*ended))
    return found
