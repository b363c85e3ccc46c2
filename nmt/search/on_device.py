"""Beam search whose state is tensors: for a GPU, which must not be asked for anything between two steps.

It finds what beam.py finds. What lives and what has ended stands in a BeamState, and is read back at the end.
Some steps are done as one piece of work, which may be a CUDA graph; then the device is asked whether all have ended,
and when half of the sentences have, the others go on without them.

Dims: B sentences, K hypotheses of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nmt.search.base import Hypothesis, Search, best_first
from nmt.search.beam import Beam
from nmt.search.beam_state import STEPS, BeamState, advance
from nmt.search.changed import as_kind
from nmt.search.greedy import Greedy
from nmt.search.step import Step

FEW = 8  # sentences, from which on none leave before the others
TENSORS = len(BeamState._fields)


class State(Protocol):
    """A state whose tensors can be exchanged: those that a step changes, and those that it only reads."""

    @property
    def attended(self) -> Tensor | None: ...
    def select(self, rows: Tensor, sentences: Tensor | None = None) -> Self: ...
    def parts(self) -> tuple[list[Tensor], list[Tensor]]:
        """Those read, and those changed."""
        ...

    def with_parts(self, read: Iterator[Tensor], changed: Iterator[Tensor]) -> Self: ...


S = TypeVar("S", bound=State)
Run = Callable[..., Sequence[Tensor]]  # key, work, tensors -> work(*tensors), good until the next run


def is_on_device(search: Search) -> bool:
    """Whether the search is one of those done here."""
    is_plain = not search.no_repeat_ngram and search.repetition_penalty == 1
    return is_plain and type(search) in (Beam, Greedy)


def as_beam(search: Search) -> Beam:
    return search if isinstance(search, Beam) else cast(Beam, as_kind(Beam, search, beam_size=1))


@dataclass(frozen=True)
class _Left:
    """Sentences that are searched no more: which, and their beams."""

    sentences: Tensor
    beams: BeamState


@torch.no_grad()
def find(search: Beam, step: Step[Any], state: S, beams: BeamState, eos_id: int, run: Run) -> list[list[Hypothesis]]:
    """As search.find, from the beams as they begin, of a decoding state that has K rows a sentence already."""
    sentences = len(beams.done)
    number = torch.arange(sentences, device=beams.done.device)
    left: list[_Left] = []

    def work(*tensors: Tensor) -> list[Tensor]:
        beams, read, changed = (
            BeamState(*tensors[:TENSORS]),
            tensors[TENSORS : TENSORS + fixed],
            tensors[TENSORS + fixed :],
        )
        now = state.with_parts(iter(read), iter(changed))
        for _ in range(STEPS):
            logits, after = step(beams.ids, now)
            beams, rows = advance(search, eos_id, logits, after.attended, beams)
            now = after.select(rows)
        return [*beams, *now.parts()[1]]

    while True:
        read, changed = state.parts()
        fixed = len(read)
        found = run(search, work, *beams, *read, *changed)
        beams, state = BeamState(*found[:TENSORS]), state.with_parts(iter(read), iter(found[TENSORS:]))
        searched = np.flatnonzero(~beams.done.cpu().numpy())
        if not len(searched):
            left.append(_Left(number, beams))
            break
        stays = FEW
        while stays < len(searched):
            stays *= 2
        if stays * 2 <= len(number):
            left.append(_Left(number, BeamState(*(part.clone() for part in beams))))
            stay = torch.from_numpy(_filled(searched, len(number), stays)).to(number.device)
            rows = (stay[:, None] * search.beam_size + torch.arange(search.beam_size, device=stay.device)).flatten()
            number, beams, state = number.index_select(0, stay), beams.select(stay), state.select(rows, stay)
    return _read(search, left, sentences, eos_id)


def _filled(searched: NDArray[np.int64], sentences: int, size: int) -> NDArray[np.int64]:
    """The places of those that stay: all that are searched, and of the others as many as make `size`."""
    others = np.setdiff1d(np.arange(sentences), searched)[: size - len(searched)]
    return np.sort(np.concatenate([searched, others]))


def _read(search: Beam, left: Sequence[_Left], sentences: int, eos_id: int) -> list[list[Hypothesis]]:
    """What has ended, best first. Who stayed on as filling is read where it left first."""
    found: list[list[Hypothesis]] = [[] for _ in range(sentences)]
    for part in left:
        numbers, done, *others = _on_host([part.sentences, part.beams.done, *part.beams[5:7], *part.beams[8:]])
        for number, is_done, hypotheses in zip(numbers, done, _hypotheses(search, others, eos_id), strict=True):
            if is_done and not found[number]:
                found[number] = hypotheses
    return found


def _on_host(parts: Sequence[Tensor]) -> list[NDArray[Any]]:
    """In one copy from the device."""
    packed, first = torch.cat([part.reshape(-1).view(torch.uint8) for part in parts]).cpu().numpy(), 0
    found = []
    for part in parts:
        last = first + part.numel() * part.itemsize
        dtype = np.dtype(str(part.dtype).removeprefix("torch."))
        found.append(np.frombuffer(packed[first:last].tobytes(), dtype).reshape(part.shape))
        first = last
    return found


def _hypotheses(search: Beam, parts: Sequence[NDArray[Any]], eos_id: int) -> Iterator[list[Hypothesis]]:
    """Of the history, and of what has ended."""
    tokens, parents, count, log_probs, terms, at, of, last = parts
    sentences = np.arange(len(count))[:, None]
    ids, row = np.zeros((*of.shape, int(at.max(initial=1))), np.int64), of
    for t in range(ids.shape[2] - 1, -1, -1):
        is_before = t < at - 1
        ids[..., t] = np.where(is_before, tokens[t, sentences, row], last)
        row = np.where(is_before, parents[t, sentences, row], row)
    for of_sentence in zip(
        count.tolist(), ids.tolist(), log_probs.tolist(), terms.tolist(), at.tolist(), strict=True
    ):
        number, *parts = of_sentence
        found = []
        for own, log_prob, term, length in list(zip(*parts, strict=True))[:number]:
            own = own[: length - (own[length - 1] == eos_id)]
            found.append(search.hypothesis(own, log_prob, length, term))
        yield best_first(found)
