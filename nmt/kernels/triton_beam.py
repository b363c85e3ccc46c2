"""A step of beam search on a GPU in two handwritten Triton kernels: the best extensions of each hypothesis, and the
beams of each sentence (nmt/search/beam_state.py does the same in torch).

Dims: B sentences, K hypotheses of each, N = B*K rows, V vocabulary, E extensions of a hypothesis.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 4096  # logits that a program holds in registers
NONE = tl.constexpr(float("-inf"))
LOWEST = tl.constexpr(-3.0e38)  # the difference of two infinities would be NaN


@triton.jit
def _put(to, place, i, value):
    """`to` with the value in lane i, if there is one."""
    return tl.where(place == i, value, to)


@triton.jit
def _taken(x, lanes):
    """The largest of x, its lane, and x without it."""
    largest, i = tl.max(x, 0), tl.argmax(x, 0)
    return largest, i, tl.where(lanes == i, NONE, x)


@triton.jit
def _extensions(logits, log_probs, gains, tokens, pieces, padding, each, block: tl.constexpr, most: tl.constexpr):
    """A program computes the `each` best extensions of a hypothesis, best first, with their whole log-probability."""
    row = tl.program_id(0)
    logits += row.to(tl.int64) * pieces
    lanes, places = tl.arange(0, block), tl.arange(0, most)
    best, ids = tl.full([most], NONE, tl.float32), tl.zeros([most], tl.int64)
    highest, total = tl.full([block], LOWEST, tl.float32), tl.zeros([block], tl.float32)
    for start in range(0, pieces, block):
        i = start + lanes
        x = tl.load(logits + i, i < pieces, NONE).to(tl.float32)
        higher = tl.where(x > highest, x, highest)
        total = total * tl.exp(highest - higher) + tl.exp(x - higher)
        highest = higher
        x = tl.where((x > NONE) & (i != padding), x, NONE)
        before, before_ids = best, ids
        for e in range(each):  # merge those of the previous blocks and of this one
            here = tl.max(x, 0)
            there, k, without = _taken(before, places)
            found = tl.argmax(x, 0)
            is_here = here > there
            id_there = tl.sum(tl.where(places == k, before_ids, 0), 0)
            best = _put(best, places, e, tl.where(is_here, here, there))
            ids = _put(ids, places, e, tl.where(is_here, start + found, id_there))
            x = tl.where(lanes == tl.where(is_here, found, block), NONE, x)
            before = tl.where(is_here, before, without)
    top = tl.max(highest, 0)
    partition = top + tl.log(tl.sum(total * tl.exp(highest - top), 0))
    gain = best - partition + tl.load(log_probs + row)
    here = places < each
    tl.store(gains + row * each + places, tl.where(gain > NONE, gain, NONE), here)  # NaN becomes -inf, too
    tl.store(tokens + row * each + places, ids, here)


@triton.jit
def _advance(
    gains,
    tokens,
    covered,
    ids,
    log_probs,
    done,
    max_length,
    step,
    history_tokens,
    history_parents,
    best,
    ended_count,
    ended_log_probs,
    ended_coverage,
    ended_at,
    ended_parents,
    ended_tokens,
    rows,
    sentences,
    each,
    eos,
    patience,
    beam: tl.constexpr,
    has_coverage: tl.constexpr,
    lanes: tl.constexpr,
    places: tl.constexpr,
):
    """A program handles a sentence. It writes the ended hypotheses at once, the live ones after giving up some."""
    b = tl.program_id(0)
    lane, place = tl.arange(0, lanes), tl.arange(0, places)
    first, first_ended = b * beam, b * (beam + 1)
    gain = tl.load(gains + first * each + lane, lane < beam * each, NONE)
    length = tl.load(step)
    at_limit = length >= tl.load(max_length + b)
    was_done = tl.load(done + b) != 0
    count, greatest = tl.load(ended_count + b), tl.load(best + b)
    free = beam - count
    live = tl.full([places], NONE, tl.float32)
    live_parent, live_token = tl.zeros([places], tl.int64), tl.zeros([places], tl.int64) + eos
    living = count * 0
    for rank in range(beam):
        log_prob, i, gain = _taken(gain, lane)
        is_taken = (log_prob > NONE) & (rank < free)
        parent = (i // each).to(tl.int64)
        token = tl.load(tokens + first * each + i)
        ends = (token == eos) | at_limit
        has_ended = is_taken & ends
        slot = first_ended + count
        tl.store(ended_log_probs + slot, log_prob, has_ended)
        if has_coverage:
            tl.store(ended_coverage + slot, tl.load(covered + first + parent), has_ended)
        else:
            tl.store(ended_coverage + slot, 0.0, has_ended)
        tl.store(ended_at + slot, length, has_ended)
        tl.store(ended_parents + slot, parent, has_ended)
        tl.store(ended_tokens + slot, token, has_ended)
        mean = log_prob.to(tl.float64) / length.to(tl.float64)
        greatest = tl.where(has_ended & (mean > greatest), mean, greatest)
        count += has_ended.to(tl.int64)
        lives = is_taken & (ends == 0)
        own = tl.where(lives, living, places)
        live = _put(live, place, own, log_prob)
        live_parent = _put(live_parent, place, own, parent)
        live_token = _put(live_token, place, own, token)
        living += lives.to(tl.int64)
    lost = (count == 0) & (living == 0) & (was_done == 0)
    tl.store(ended_at + first_ended, length, lost)
    tl.store(ended_tokens + first_ended, eos, lost)
    count = tl.where(lost, 1, count)

    # The hypotheses given up are the last of the live ones.
    is_hopeful = live.to(tl.float64) >= greatest * (length.to(tl.float64) + patience)
    live = tl.where(is_hopeful, live, NONE)
    live_parent = tl.where(live > NONE, live_parent, 0)
    live_token = tl.where(live > NONE, live_token, eos)

    to, of_beam = first + place, place < beam
    history = (length - 1) * sentences * beam + to
    tl.store(ids + to, live_token, of_beam)
    tl.store(log_probs + to, live, of_beam)
    tl.store(rows + to, first + live_parent, of_beam)
    tl.store(history_tokens + history, live_token, of_beam)
    tl.store(history_parents + history, live_parent, of_beam)
    tl.store(done + b, was_done | (tl.max(live, 0) == NONE))
    tl.store(best + b, greatest)
    tl.store(ended_count + b, count)


def extensions(logits: Tensor, log_probs: Tensor, each: int, padding: int) -> tuple[Tensor, Tensor]:
    """Contiguous logits (N,V) of hypotheses (N,) -> log-probabilities (N,E) and tokens (N,E) of their best
    extensions, best first; -inf where there are no more."""
    rows, pieces = logits.shape
    gains = torch.empty(rows, each, device=logits.device)
    tokens = torch.empty(rows, each, dtype=torch.long, device=logits.device)
    block = min(BLOCK, triton.next_power_of_2(pieces))
    sizes: Any = pieces, padding, each
    with torch.cuda.device_of(logits):
        _extensions[(rows,)](
            logits, log_probs, gains, tokens, *sizes, block=block, most=triton.next_power_of_2(each), num_warps=8
        )
    return gains, tokens


def advance(gains: Tensor, tokens: Tensor, covered: Tensor | None, beams: Any, patience: float, eos: int) -> Tensor:
    """Updates `beams` (beam_state.BeamState) in place for a step; its `step` and the space for `ids` are new already.
    Extensions (N,E) of the hypotheses and their coverage (N,) -> which row each row extends (N,)."""
    sentences, beam = beams.log_probs.shape
    each = gains.shape[1]
    rows = torch.empty(sentences * beam, dtype=torch.long, device=gains.device)
    sizes: Any = sentences, each, eos, float(patience)
    with torch.cuda.device_of(gains):
        _advance[(sentences,)](
            *(gains, tokens, gains if covered is None else covered),
            *beams,
            rows,
            *sizes,
            beam=beam,
            has_coverage=covered is not None,
            lanes=triton.next_power_of_2(beam * each),
            places=triton.next_power_of_2(beam),
            num_warps=1 if beam * each <= 128 else 4,
        )
    return rows
