"""Beam search with its bookkeeping in tensors (beam_state.py): on a GPU, and on a CPU without the kernels in C.

Reading from a GPU between two steps would make it wait. So `find` runs several steps as one piece of work, which may
be a CUDA graph, and then asks the device which sentences have ended. Once half of them have, the others go on without
them. `find_step_by_step` asks after each step, and takes any state and any step.

Dims: B sentences, K hypotheses of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nmt.search.base import SearchRequest, filled, sentences_to_keep
from nmt.search.beam_state import STEPS, BeamRule, BeamState, advance, begun
from nmt.search.step import S, SearchState, SearchStep

FEW = 8  # sentences; no batch is reduced to fewer
TENSORS = len(BeamState._fields)


class ExchangeableState(SearchState, Protocol):
    """A state whose tensors can be exchanged: those that a step changes, and those that it only reads."""

    def parts(self) -> tuple[list[Tensor], list[Tensor]]:
        """The tensors read, and those changed."""
        ...

    def with_parts(self, read: Iterator[Tensor], changed: Iterator[Tensor]) -> Self: ...


E = TypeVar("E", bound=ExchangeableState)
Run = Callable[..., Sequence[Tensor]]  # key, work, tensors -> work(*tensors), valid until the next run


class Ended(NamedTuple):
    """A finished hypothesis (see base.Hypothesis)."""

    ids: list[int]
    log_prob: float
    length: int
    coverage: float


class _Left(NamedTuple):
    """Sentences that have left the search: their numbers and beams."""

    sentences: Tensor
    beams: BeamState


@torch.no_grad()
def find_step_by_step(rule: BeamRule, step: SearchStep[S], state: S, request: SearchRequest) -> list[list[Ended]]:
    """The ended hypotheses of each sentence, from a state with one row per sentence."""
    limits = request.max_length.clamp(min=1)
    if not len(limits):
        return []
    beams = begun(limits, request.bos_id, rule.beam_size, int(limits.max()), request.start)
    state = state.select(torch.arange(len(limits), device=limits.device).repeat_interleave(rule.beam_size))

    def advanced(beams: BeamState, state: S) -> tuple[BeamState, S]:
        logits, after = step(beams.ids, state)
        beams, rows = advance(rule, logits, rule.covered(after), beams)
        return beams, after.select(rows)

    return _find(rule, beams, state, advanced, sentences_to_keep)


@torch.no_grad()
def find(rule: BeamRule, step: SearchStep[Any], state: E, beams: BeamState, run: Run) -> list[list[Ended]]:
    """As `find_step_by_step`, but from initial beams and a state that already has K rows per sentence."""

    def advanced(beams: BeamState, state: E) -> tuple[BeamState, E]:
        read, changed = state.parts()
        last_read = TENSORS + len(read)

        def work(*tensors: Tensor) -> list[Tensor]:
            beams, read = BeamState(*tensors[:TENSORS]), tensors[TENSORS:last_read]
            now = state.with_parts(iter(read), iter(tensors[last_read:]))
            for _ in range(STEPS):
                logits, after = step(beams.ids, now)
                beams, rows = advance(rule, logits, rule.covered(after), beams)
                now = after.select(rows)
            return [*beams, *now.parts()[1]]

        found = run(rule, work, *beams, *read, *changed)
        return BeamState(*found[:TENSORS]), state.with_parts(iter(read), iter(found[TENSORS:]))

    return _find(rule, beams, state, advanced, _half_to_keep)


def _find(
    rule: BeamRule,
    beams: BeamState,
    state: S,
    advanced: Callable[[BeamState, S], tuple[BeamState, S]],
    to_keep: Callable[[Sequence[bool]], list[int]],
) -> list[list[Ended]]:
    """Calls `advanced` until all have ended; `to_keep` chooses the sentences that go on."""
    sentences, device = len(beams.done), beams.done.device
    number = torch.arange(sentences, device=device)
    left: list[_Left] = []
    while True:
        beams, state = advanced(beams, state)
        is_searched = (~beams.done).tolist()
        if not any(is_searched):
            return _read(rule, [*left, _Left(number, beams)], sentences)
        places = to_keep(is_searched)
        if len(places) < len(is_searched):
            left.append(_Left(number, BeamState(*(part.clone() for part in beams))))
            stay = torch.tensor(places, device=device)
            rows = (stay[:, None] * rule.beam_size + torch.arange(rule.beam_size, device=device)).flatten()
            number, beams, state = number.index_select(0, stay), beams.select(stay), state.select(rows, stay)


def _half_to_keep(is_searched: Sequence[bool]) -> list[int]:
    """All, until a size of FEW times a power of two, at most half of the batch, is enough."""
    size = FEW
    while size < sum(is_searched):
        size *= 2
    return filled(is_searched, size if size * 2 <= len(is_searched) else len(is_searched))


def _read(rule: BeamRule, left: Sequence[_Left], sentences: int) -> list[list[Ended]]:
    """The ended hypotheses. A sentence that stayed is read again; the last time counts, when it is finished."""
    found: list[list[Ended]] = [[] for _ in range(sentences)]
    for part in left:
        numbers, *others = _on_host([part.sentences, *part.beams[5:7], *part.beams[8:]])
        for number, ended in zip(numbers, _ended(others, rule.eos_id), strict=True):
            found[number] = ended
    return found


def _on_host(parts: Sequence[Tensor]) -> list[NDArray[Any]]:
    """Fetch all parts in one copy from the device."""
    packed, first = torch.cat([part.reshape(-1).view(torch.uint8) for part in parts]).cpu().numpy(), 0
    found = []
    for part in parts:
        last = first + part.numel() * part.itemsize
        dtype = np.dtype(str(part.dtype).removeprefix("torch."))
        found.append(np.frombuffer(packed[first:last].tobytes(), dtype).reshape(part.shape))
        first = last
    return found


def _ended(parts: Sequence[NDArray[Any]], eos_id: int) -> Iterator[list[Ended]]:
    """The ended hypotheses of each sentence, traced back through the history."""
    tokens, parents, count, log_probs, coverage, at, of, last = parts
    sentences = np.arange(len(count))[:, None]
    ids, row = np.zeros((*of.shape, int(at.max())), np.int64), of
    for t in range(ids.shape[2] - 1, -1, -1):
        is_before = t < at - 1
        ids[..., t] = np.where(is_before, tokens[t, sentences, row], last)
        row = np.where(is_before, parents[t, sentences, row], row)
    of_each = (part.tolist() for part in (count, ids, log_probs, at, coverage))
    for number, *of_sentence in zip(*of_each, strict=True):
        ended = list(zip(*of_sentence, strict=True))[:number]
        yield [
            Ended(own[: length - (own[length - 1] == eos_id)], log_prob, length, term)
            for own, log_prob, length, term in ended
        ]
