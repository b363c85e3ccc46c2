"""What every search takes and gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from nmt.common.ranges import check_ranges
from nmt.search.repetition import unrepeated
from nmt.search.step import S, SearchStep


def sentences_to_keep(active: Sequence[bool]) -> list[int]:
    """The places of the sentences that stay in a batch: those still searched and, so that batches come in few sizes,
    some that are done. When one leaves, the memory of the others is copied; a new size needs kernels of its own."""
    searched = sum(active)
    step = 1 << max(0, searched.bit_length() - 3)  # of the sizes: 1, 2 ... 8, 10 ... 16, 20 ... 32, 40 ...
    return filled(active, -(-searched // step) * step)


def filled(active: Sequence[bool], size: int) -> list[int]:
    """The places of all that are active and, to make `size`, of the first others."""
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
    score: float  # what hypotheses are ranked by; NaN when scores were not asked for
    log_prob: float  # in nats, EOS included; NaN likewise
    length: int  # tokens, EOS included where it came
    coverage: float = 0.0  # of the source by the attention (see score.py); 0 where no score needs it


@dataclass(frozen=True)
class SearchRequest:
    """What is asked of a search, whichever it is, for B sentences."""

    max_length: Tensor  # (B,), the most target tokens, EOS included
    bos_id: int
    eos_id: int
    scored: bool = True  # else a search that does not need log-probabilities to rank leaves them out
    start: Tensor | None = None  # (B,), the log-probability of what is forced (see prefix.py); None: nothing is
    # A number a sentence, from 0 to 2**64, that tells its chance from another's; None: all have the same.
    keys: Sequence[int] | None = None


@dataclass(frozen=True)
class Search:
    """Settings that all searches share. A translation ends after `max_ratio` x source + `max_extra` tokens, EOS
    included, at the latest; for the others see repetition.py."""

    is_random: ClassVar[bool] = False  # it needs the `keys` of a request
    ranks: ClassVar[bool] = False  # it needs scores, asked for or not

    max_ratio: float = 2.0  # a translation has so many tokens a source token at most ...
    max_extra: int = 10  # ... and so many more
    no_repeat_ngram: int = 0  # no sequence of so many tokens comes twice; 0: any may
    repetition_penalty: float = 1.0  # the log-probability of a token that has come before is multiplied by it

    def __post_init__(self) -> None:
        check_ranges(
            self, max_ratio=(0, 100), max_extra=(1, 10_000), no_repeat_ngram=(0, 1000), repetition_penalty=(1, 100)
        )

    @property
    def width(self) -> int:
        """The hypotheses of a sentence."""
        return 1

    @property
    def sees_attention(self) -> bool:
        """Whether its scores need what a state has `attended`."""
        return False

    def max_length(self, src_len: Tensor) -> Tensor:
        """Source tokens (B,) -> the most target tokens (B,), EOS included."""
        return (src_len * self.max_ratio).long() + self.max_extra

    def __call__(self, step: SearchStep[S], state: S, request: SearchRequest) -> list[list[Hypothesis]]:
        """`state` has one row a sentence -> the hypotheses of each sentence, best first."""
        return self.find(*self.unrepeated(step, state), request)

    def unrepeated(self, step: SearchStep[S], state: S) -> tuple[SearchStep[Any], Any]:
        """The step and its first state as `find` shall have them: what the search may not repeat is left out."""
        if not self.no_repeat_ngram and self.repetition_penalty == 1:
            return step, state
        return unrepeated(step, state, self.no_repeat_ngram, self.repetition_penalty)

    def find(self, step: SearchStep[S], state: S, request: SearchRequest) -> list[list[Hypothesis]]:
        """As a call, but the step is taken as it is."""
        raise NotImplementedError


def best_first(hypotheses: Iterable[Hypothesis]) -> list[Hypothesis]:
    return sorted(hypotheses, key=lambda hypothesis: -hypothesis.score)
