"""Several models searched as one: the next token's probability is the mean of theirs.

Independently trained models err in different places, so their mean is better than each of them (Sutskever et al.,
2014, arXiv:1409.3215, section 3.6).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from nmt.engine.network import DecodingState, SearchedNetwork
from nmt.engine.output import OutputLayer, Shortlist


@dataclass(frozen=True)
class EnsembleState:
    members: tuple[DecodingState, ...]

    @property
    def output(self) -> OutputLayer:
        """The first member's: all have the same pieces."""
        return self.members[0].output

    @property
    def attended(self) -> Tensor | None:
        """The mean of the members'."""
        of_each = [member.attended for member in self.members if member.attended is not None]
        return torch.stack(of_each).mean(0) if of_each else None

    def select(self, rows: Tensor, sentences: Tensor | None = None) -> Self:
        return type(self)(tuple(member.select(rows, sentences) for member in self.members))

    def parts(self) -> tuple[list[Tensor], list[Tensor]]:
        """As DecodingState.parts, member after member."""
        read, changed = zip(*(member.parts() for member in self.members), strict=True)
        return [part for parts in read for part in parts], [part for parts in changed for part in parts]

    def with_parts(self, read: Iterator[Tensor], changed: Iterator[Tensor]) -> Self:
        return type(self)(tuple(member.with_parts(read, changed) for member in self.members))


class Ensemble:
    """`start` and `step` as in SearchedNetwork, over networks with the same vocabulary."""

    def __init__(self, models: Sequence[SearchedNetwork]) -> None:
        self.models = models

    def start(
        self, src: Tensor, src_len: Tensor, shortlist: Shortlist | None = None, attended: bool = False
    ) -> EnsembleState:
        return EnsembleState(tuple(model.start(src, src_len, shortlist, attended) for model in self.models))

    def step(self, ids: Tensor, state: EnsembleState) -> tuple[Tensor, EnsembleState]:
        """Log-probabilities (N,V), or (N,P) with a shortlist, up to a constant."""
        steps = [model.step(ids, member) for model, member in zip(self.models, state.members, strict=True)]
        log_probs = torch.stack([logits.log_softmax(-1, dtype=torch.float32) for logits, _ in steps])
        return log_probs.logsumexp(0), EnsembleState(tuple(member for _, member in steps))
