"""The input, the output and the settings of every search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from nmt.common.ranges import check_ranges
from nmt.search.repetition import unrepeated
from nmt.search.step import S, SearchStep


def sentences_to_keep(active: Sequence[bool]) -> list[int]:
    """The places of the sentences that stay in a batch: those still searched and some that are done, so that batches
    have few sizes. When a sentence leaves, the others' memory is copied; each new size needs its own kernels."""
    searched = sum(active)
    step = 1 << max(0, searched.bit_length() - 3)  # between sizes: 1, 2 ... 8, 10 ... 16, 20 ... 32, 40 ...
    return filled(active, -(-searched // step) * step)


def filled(active: Sequence[bool], size: int) -> list[int]:
    """The places of all active sentences, filled up to `size` with the first of the others."""
    waiting = size - sum(active)
    stay = []
    for place, is_active in enumerate(active):
        if is_active or waiting > 0:
            waiting -= not is_active
            stay.append(place)
    return stay


@dataclass(frozen=True)
class Hypothesis:
    ids: list[int]  # without BOS and EOS
    score: float  # ranks hypotheses; NaN when scores were not requested
    log_prob: float  # in nats, EOS included; NaN likewise
    length: int  # tokens, including EOS if the hypothesis has it
    coverage: float = 0.0  # of the source by the attention (see score.py); 0 where no score needs it


@dataclass(frozen=True)
class SearchRequest:
    """A request to any search, for B sentences."""

    max_length: Tensor  # (B,), the most target tokens, EOS included
    bos_id: int
    eos_id: int
    scored: bool = True  # False: log-probabilities are left out unless the ranking needs them
    start: Tensor | None = None  # (B,), the log-probability of the forced prefix (see prefix.py); None: no prefix
    # A number per sentence, from 0 to 2**64, that makes its random draws its own; None: all share theirs.
    keys: Sequence[int] | None = None


@dataclass(frozen=True)
class Search:
    """Settings that all searches share. A translation has at most `max_ratio` x source + `max_extra` tokens, EOS
    included. For the other settings see repetition.py."""

    is_random: ClassVar[bool] = False  # it needs the `keys` of a request
    ranks: ClassVar[bool] = False  # it always needs scores, requested or not

    max_ratio: float = 2.0  # a translation has at most this many tokens per source token ...
    max_extra: int = 10  # ... plus this many
    no_repeat_ngram: int = 0  # no sequence of this many tokens occurs twice; 0: any may
    repetition_penalty: float = 1.0  # multiplies the log-probability of a token that has occurred before

    def __post_init__(self) -> None:
        check_ranges(
            self, max_ratio=(0, 100), max_extra=(1, 10_000), no_repeat_ngram=(0, 1000), repetition_penalty=(1, 100)
        )

    @property
    def width(self) -> int:
        """The number of hypotheses per sentence."""
        return 1

    @property
    def sees_attention(self) -> bool:
        """Whether its scores need the state's `attended`."""
        return False

    def max_length(self, src_len: Tensor) -> Tensor:
        """Source tokens (B,) -> the most target tokens (B,), EOS included."""
        return (src_len * self.max_ratio).long() + self.max_extra

    def __call__(self, step: SearchStep[S], state: S, request: SearchRequest) -> list[list[Hypothesis]]:
        """`state` has one row per sentence -> the hypotheses of each sentence, best first."""
        return self.find(*self.unrepeated(step, state), request)

    def unrepeated(self, step: SearchStep[S], state: S) -> tuple[SearchStep[Any], Any]:
        """The step and its first state for `find`: the step suppresses what the search must not repeat."""
        if not self.no_repeat_ngram and self.repetition_penalty == 1:
            return step, state
        return unrepeated(step, state, self.no_repeat_ngram, self.repetition_penalty)

    def find(self, step: SearchStep[S], state: S, request: SearchRequest) -> list[list[Hypothesis]]:
        """As `__call__`, but uses the step as it is."""
        raise NotImplementedError


def best_first(hypotheses: Iterable[Hypothesis]) -> list[Hypothesis]:
    return sorted(hypotheses, key=lambda hypothesis: -hypothesis.score)
