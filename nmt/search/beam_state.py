"""The hypotheses of a beam search, as tensors on a device, and how a step changes them.

beam.py describes the rule. Every sentence has K rows from the first step to the last; rows that only fill the beam
have a log-probability of -inf. The history of a live hypothesis is a chain of parents.

Dims: B sentences, K hypotheses of each, N = B*K rows, T steps at most, V vocabulary, C candidates of a sentence,
S source tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from nmt.kernels.trial import is_trusted, wave
from nmt.search.score import coverage
from nmt.search.step import PADDING, SearchState

STEPS = 4  # run together, between two queries to the device


class BeamRule(NamedTuple):
    """How hypotheses are kept, ended and given up (see beam.py)."""

    beam_size: int
    patience: float
    eos_id: int
    has_coverage: bool  # whether the score uses coverage

    def covered(self, state: SearchState) -> Tensor | None:
        """The coverage of each row (N,); None if the score does not use it or the state does not track it."""
        return coverage(state.attended) if self.has_coverage and state.attended is not None else None


class BeamState(NamedTuple):
    """The live and the ended hypotheses. The last column of `ended_*` takes the writes for those that have not."""

    ids: Tensor  # (N,), the last tokens
    log_probs: Tensor  # (B, K), in float32; -inf for rows that only fill the beam
    done: Tensor  # (B,)
    max_length: Tensor  # (B,)
    step: Tensor  # (1,), tokens so far
    tokens: Tensor  # (T, B, K), at each step the token of each live hypothesis,
    parents: Tensor  # (T, B, K), and which hypothesis it extended
    best: Tensor  # (B,), the greatest mean log-probability of the ended ones, in float64
    ended_count: Tensor  # (B,)
    ended_log_probs: Tensor  # (B, K + 1), in float32
    ended_coverage: Tensor  # (B, K + 1)
    ended_at: Tensor  # (B, K + 1), the step
    ended_parents: Tensor  # (B, K + 1), which hypothesis it extended
    ended_tokens: Tensor  # (B, K + 1), its last token

    @property
    def ended(self) -> list[Tensor]:
        """The parts about the ended hypotheses that are (B, K + 1)."""
        return [self.ended_log_probs, self.ended_coverage, self.ended_at, self.ended_parents, self.ended_tokens]

    def select(self, sentences: Tensor) -> BeamState:
        """(B',)"""
        not_first = "ids", "step", "tokens", "parents"  # whose first dimension is not B
        others = {name: part for name, part in self._asdict().items() if name not in not_first}
        return self._replace(
            ids=self.ids.view_as(self.log_probs).index_select(0, sentences).flatten(),
            tokens=self.tokens.index_select(1, sentences),
            parents=self.parents.index_select(1, sentences),
            **{name: part.index_select(0, sentences) for name, part in others.items()},
        )


def begun(max_length: Tensor, bos_id: int, beam: int, longest: int, start: Tensor | None = None) -> BeamState:
    """The state before the first step, with room for the `longest` limit; a sentence with limit 0 is done. `start`
    (B,) is the log-probability of the forced prefix; None: no prefix."""
    steps = -(-longest // STEPS) * STEPS
    sentences, device = len(max_length), max_length.device
    log_probs = torch.full((sentences, beam), -math.inf, dtype=torch.float, device=device)
    log_probs[:, 0] = 0.0 if start is None else start
    history = torch.zeros(2, steps, sentences, beam, dtype=torch.long, device=device)
    ended = torch.zeros(3, sentences, beam + 1, dtype=torch.long, device=device)
    none = torch.full((sentences, beam + 1), -math.inf, dtype=torch.float, device=device)
    return BeamState(
        ids=torch.full((sentences * beam,), bos_id, device=device),
        log_probs=log_probs,
        done=max_length <= 0,
        max_length=max_length,
        step=torch.zeros(1, dtype=torch.long, device=device),
        tokens=history[0],
        parents=history[1],
        best=none[:, 0].double(),
        ended_count=torch.zeros(sentences, dtype=torch.long, device=device),
        ended_log_probs=none,
        ended_coverage=torch.zeros_like(none),
        ended_at=ended[0],
        ended_parents=ended[1],
        ended_tokens=ended[2],
    )


def advance(rule: BeamRule, logits: Tensor, covered: Tensor | None, beams: BeamState) -> tuple[BeamState, Tensor]:
    """Logits (N,V) of a step and the coverage of its rows (N,) -> the new beams, and which row each row extends (N,).
    May change the old beams."""
    by_kernel = logits.device.type == "cuda" and _has_triton(logits.device)
    return (by_triton if by_kernel else by_torch)(rule, logits, covered, beams)


def by_triton(rule: BeamRule, logits: Tensor, covered: Tensor | None, beams: BeamState) -> tuple[BeamState, Tensor]:
    """`advance` in two kernels."""
    from nmt.kernels import triton_beam

    each = min(rule.beam_size, logits.shape[1])
    found = triton_beam.extensions(logits.contiguous(), beams.log_probs.view(-1), each, PADDING)
    beams = beams._replace(ids=torch.empty_like(beams.ids), step=beams.step + 1)  # the state may hold the old ids
    return beams, triton_beam.advance(*found, covered, beams, rule.patience, rule.eos_id)


@cache
def _has_triton(device: torch.device) -> bool:
    """Whether there are Triton kernels, and they can be trusted."""
    rule, logits = BeamRule(beam_size=3, patience=1.5, eos_id=2, has_coverage=False), wave(12, 50, device=device)

    def results(way: Callable[..., tuple[BeamState, Tensor]]) -> list[Tensor]:
        beams = begun(torch.tensor([1, 5, 5, 5], device=device), 1, rule.beam_size, 8)
        for _ in range(3):
            beams, rows = way(rule, logits.clone(), None, beams)
        written = [part[:, :-1] for part in beams.ended]
        return [part.double().nan_to_num(neginf=-99.0) + 1 for part in (*beams[: -len(written)], *written, rows)]

    return is_trusted("a step of beam search", results, by_triton, by_torch, 1e-4)


def by_torch(rule: BeamRule, logits: Tensor, covered: Tensor | None, beams: BeamState) -> tuple[BeamState, Tensor]:
    """`advance` on any device."""
    beam, length = rule.beam_size, beams.step + 1  # tokens, EOS included
    log_probs, parents, tokens = _best(logits, beams.log_probs)  # (B, C) each
    terms = torch.zeros_like(log_probs) if covered is None else covered.view(-1, beam).gather(1, parents)
    free = beam - beams.ended_count[:, None]
    taken = (log_probs > -math.inf) & (torch.arange(log_probs.shape[1], device=length.device) < free)
    at_limit = length >= beams.max_length  # (B,)
    ends = (tokens == rule.eos_id) | at_limit[:, None]

    ending = taken & ends
    place = torch.where(ending, beams.ended_count[:, None] + ending.cumsum(1) - 1, beam)
    of_ending: list[Tensor] = [log_probs, terms, length.expand_as(parents), parents, tokens]
    ended = [old.scatter(1, place, new) for old, new in zip(beams.ended, of_ending, strict=True)]
    _, _, ended_at, _, ended_tokens = ended
    count = beams.ended_count + ending.sum(1)
    means = torch.where(ending, log_probs.double() / length, -math.inf)
    best = torch.maximum(beams.best, means.amax(1))

    living = taken & ~ends
    # The model's numbers overflowed and nothing is likely: the sentence ends without a log-probability.
    lost = ~beams.done & (count == 0) & ~living.any(1)
    count = count + lost
    ended_at[:, 0] += lost * length
    ended_tokens[:, 0] += lost * rule.eos_id

    living &= log_probs.double() >= (best * (length + rule.patience))[:, None]
    place = torch.where(living, living.cumsum(1) - 1, beam)
    rest = torch.full_like(beams.ended_log_probs, -math.inf)
    live = rest.scatter(1, place, log_probs)[:, :beam].contiguous()
    zeros = torch.zeros_like(rest, dtype=torch.long)
    of_live = zeros.scatter(1, place, parents)[:, :beam]
    token = (zeros + rule.eos_id).scatter(1, place, tokens)[:, :beam]
    done = beams.done | ~living.any(1)
    beams.tokens.index_copy_(0, beams.step, token[None])
    beams.parents.index_copy_(0, beams.step, of_live[None])
    rows = torch.arange(len(done), device=done.device)[:, None] * beam + of_live
    history = beams.tokens, beams.parents
    return BeamState(
        token.flatten(), live, done, beams.max_length, length, *history, best, count, *ended
    ), rows.flatten()


def _best(logits: Tensor, log_probs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The K best extensions of each sentence (B,C): log-probability, hypothesis and token."""
    sentences, beam = log_probs.shape
    logits = logits.float()
    total = logits.logsumexp(-1, keepdim=True)
    logits.select(1, PADDING).fill_(-math.inf)
    best, token = logits.topk(min(beam, logits.shape[1]))  # (N, K)
    gains = (best - total + log_probs.view(-1, 1)).view(sentences, -1)
    gains = torch.where(gains > -math.inf, gains, -math.inf)  # NaN becomes -inf, too
    found, place = gains.topk(beam)
    return found, place // best.shape[1], token.view(sentences, -1).gather(1, place)
