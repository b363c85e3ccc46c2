"""What a beam search knows of its hypotheses, as tensors on a device, and how a step changes it.

It is what beam.py keeps in lists, by the rule that is written there. Every sentence has K rows from the first step to
the last, those that only fill the beam with a log-probability of -inf; what lives on is remembered by the hypothesis
that it extends.

Dims: B sentences, K hypotheses of each, N = B*K rows, T steps at most, V vocabulary, C candidates of a sentence,
S source tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from nmt.kernels.trial import is_trusted, wave
from nmt.search.beam import Beam
from nmt.search.score import coverage
from nmt.search.step import PADDING

STEPS = 4  # done at once, between two questions to the device


class BeamState(NamedTuple):
    """Of what lives, and of what has ended; there the last column is where goes what has not."""

    ids: Tensor  # (N,), the last tokens
    log_probs: Tensor  # (B, K), in float32; -inf where it only fills the beam
    done: Tensor  # (B,)
    max_length: Tensor  # (B,)
    step: Tensor  # (1,), tokens so far
    tokens: Tensor  # (T, B, K), of each step the token of what lived on,
    parents: Tensor  # (T, B, K), and which one it extended
    best: Tensor  # (B,), the greatest mean log-probability of those that have ended, in float64, as lists have it
    ended_count: Tensor  # (B,)
    ended_log_probs: Tensor  # (B, K + 1), in float32
    ended_coverage: Tensor  # (B, K + 1)
    ended_at: Tensor  # (B, K + 1), the step
    ended_parents: Tensor  # (B, K + 1), which one it extended
    ended_tokens: Tensor  # (B, K + 1), by which token

    def select(self, sentences: Tensor) -> BeamState:
        """(B',)"""
        beam = self.log_probs.shape[1]
        ids = self.ids.view(-1, beam).index_select(0, sentences).flatten()
        histories = (part.index_select(1, sentences) for part in (self.tokens, self.parents))
        others = (part.index_select(0, sentences) for part in self[7:])
        first = (part.index_select(0, sentences) for part in self[1:4])
        return BeamState(ids, *first, self.step, *histories, *others)  # type: ignore[call-arg]


def begun(max_length: Tensor, bos_id: int, beam: int, longest: int) -> BeamState:
    """Before the first of as many steps as the `longest` limit asks for; a sentence limited to 0 is done."""
    steps = -(-longest // STEPS) * STEPS
    sentences, device = len(max_length), max_length.device
    log_probs = torch.full((sentences, beam), -math.inf, dtype=torch.float, device=device)
    log_probs[:, :1].fill_(0.0)
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


def advance(
    search: Beam, eos_id: int, logits: Tensor, attended: Tensor | None, beams: BeamState
) -> tuple[BeamState, Tensor]:
    """Logits (N,V) of a step, and what its rows have attended to so far (N,S) -> the beams after it, and which row
    each row extends (N,). May change the beams before."""
    by_kernel = logits.device.type == "cuda" and _has_triton(logits.device)
    return (by_triton if by_kernel else by_torch)(search, eos_id, logits, attended, beams)


def by_triton(
    search: Beam, eos_id: int, logits: Tensor, attended: Tensor | None, beams: BeamState
) -> tuple[BeamState, Tensor]:
    """`advance` in two kernels."""
    from nmt.kernels import triton_beam

    each = min(search.beam_size, logits.shape[1])
    covered = coverage(attended) if search.coverage and attended is not None else None
    found = triton_beam.extensions(logits.contiguous(), beams.log_probs.view(-1), each, PADDING)
    beams = beams._replace(ids=torch.empty_like(beams.ids), step=beams.step + 1)  # the state may hold the ids before
    return beams, triton_beam.advance(*found, covered, beams, search.patience, eos_id)


@cache
def _has_triton(device: torch.device) -> bool:
    """Whether there are kernels in Triton, and they can be trusted."""
    try:
        from nmt.kernels import triton_beam  # noqa: F401
    except ImportError:
        return False
    search, logits = Beam(beam_size=3), wave(12, 50, device=device)

    def tried(way: Callable[..., tuple[BeamState, Tensor]]) -> list[Tensor]:
        beams = begun(torch.tensor([1, 5, 5, 5], device=device), 1, search.beam_size, 8)
        for _ in range(3):
            beams, rows = way(search, 2, logits.clone(), None, beams)
        ended = [part[:, :-1] for part in beams[9:]]
        return [part.double().nan_to_num(neginf=-99.0) + 1 for part in (*beams[:9], *ended, rows)]

    return is_trusted("a step of beam search", lambda: tried(by_triton), lambda: tried(by_torch), 1e-4)


def by_torch(
    search: Beam, eos_id: int, logits: Tensor, attended: Tensor | None, beams: BeamState
) -> tuple[BeamState, Tensor]:
    """`advance` on any device."""
    beam, length = search.beam_size, beams.step + 1  # tokens, EOS included
    log_probs, parents, tokens = _best(logits, beams.log_probs)  # (B, C) each
    terms = torch.zeros_like(log_probs)
    if search.coverage and attended is not None:
        terms = coverage(attended).view(-1, beam).gather(1, parents)
    free = beam - beams.ended_count[:, None]
    taken = (log_probs > -math.inf) & (torch.arange(log_probs.shape[1], device=length.device) < free)
    at_limit = length >= beams.max_length  # (B,)
    ends = (tokens == eos_id) | at_limit[:, None]

    ending = taken & ends
    place = torch.where(ending, beams.ended_count[:, None] + ending.cumsum(1) - 1, beam)
    of_ending: list[Tensor] = [log_probs, terms, length.expand_as(parents), parents, tokens]
    before: Sequence[Tensor] = beams[9:]
    ended = [old.scatter(1, place, new) for old, new in zip(before, of_ending, strict=True)]
    count = beams.ended_count + ending.sum(1)
    means = torch.where(ending, log_probs.double() / length, -math.inf)
    best = torch.maximum(beams.best, means.amax(1))

    living = taken & ~ends
    # Numbers of the model overflow, and nothing is likely: what there is ends, with no log-probability.
    lost = ~beams.done & (count == 0) & ~living.any(1)
    count = count + lost
    ended[2][:, 0] += lost * length
    ended[4][:, 0] += lost * eos_id

    living &= log_probs.double() >= (best * (length + search.patience))[:, None]
    place = torch.where(living, living.cumsum(1) - 1, beam)
    rest = torch.full_like(ended[0], -math.inf)
    live = rest.scatter(1, place, log_probs)[:, :beam].contiguous()
    zeros = torch.zeros_like(rest, dtype=torch.long)
    of_live = zeros.scatter(1, place, parents)[:, :beam]
    token = (zeros + eos_id).scatter(1, place, tokens)[:, :beam]
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
    gains = torch.where(gains > -math.inf, gains, -math.inf)  # nor where it is not a number
    found, place = gains.topk(min(beam, gains.shape[1]))
    return found, place // best.shape[1], token.view(sentences, -1).gather(1, place)
