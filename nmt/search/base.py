"""What every search takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self, TypeVar

from torch import Tensor

from nmt.ranges import check_ranges


def staying(active: Sequence[bool]) -> list[int]:
    """The places of the sentences that are computed on: those still searched and, so that batches come in few sizes,
    some that are done. Each leaving copies the memory of those who stay; each new size needs kernels of its own."""
    searched = sum(active)
    step = 1 << max(0, searched.bit_length() - 3)  # of the sizes: 1, 2 ... 8, 10 ... 16, 20 ... 32, 40 ...
    waiting = min(len(active), -(-searched // step) * step) - searched
    stay = []
    for place, is_active in enumerate(active):
        if is_active or waiting > 0:
            waiting -= not is_active
            stay.append(place)
    return stay


class SearchState(Protocol):
    """The model's side of a search, opaque to it. N rows, B sentences; the rows of a sentence stand together."""

    @property
    def attended(self) -> Tensor | None:
        """The weight that source tokens have had in all steps so far (N,S), padding 1; None when not asked for."""
        ...

    def select(self, rows: Tensor, sentences: Tensor | None = None) -> Self:
        """Keep and reorder `rows` (N',); `sentences` (B',) tells which ones stay, None that all do."""
        ...


S = TypeVar("S", bound=SearchState)
PADDING = 0  # its id, or its place in a list of ids
# The ids before (N,), the state -> logits (N,V) of what comes next, which may be overwritten, the state after. No
# search takes padding; where the logits leave something out, padding's is that of all that they leave out.
Step = Callable[[Tensor, S], tuple[Tensor, S]]


@dataclass(frozen=True)
class Hypothesis:
    ids: list[int]  # without BOS and EOS
    score: float  # what hypotheses are ranked by; NaN when scores were not asked for
    log_prob: float  # in nats, EOS included; NaN likewise
    length: int  # tokens, EOS included where it came
    coverage: float = 0.0  # of the source by the attention (see score.py); 0 when not asked for


@dataclass(frozen=True)
class Request:
    """What is asked of a search, whichever it is, for B sentences."""

    max_length: Tensor  # (B,), the most target tokens, EOS included
    bos_id: int
    eos_id: int
    scored: bool = True  # else a search that does not need log-probabilities to rank leaves them out
    start: Tensor | None = None  # (B,), the log-probability of what is forced (see prefix.py); None: nothing is
    # A number a sentence, from 0 to 2**64, that tells its chance from another's; None: all have the same.
    keys: Sequence[int] | None = None
    wanted: int | None = None  # so many hypotheses of a sentence are read, the best; None: all that the search has


@dataclass(frozen=True)
class Search:
    """Settings that all searches share. A translation ends after `max_ratio` x source + `max_extra` tokens, EOS
    included, at the latest."""

    is_random: ClassVar[bool] = False  # it needs the `keys` of a request

    max_ratio: float = 2.0
    max_extra: int = 10

    def __post_init__(self) -> None:
        check_ranges(self, max_ratio=(0, 100), max_extra=(1, 10_000))

    @property
    def width(self) -> int:
        """The hypotheses of a sentence."""
        return 1

    @property
    def sees_attention(self) -> bool:
        """Whether it reads what a state has `attended`."""
        return False

    def max_length(self, src_len: Tensor) -> Tensor:
        """Source tokens (B,) -> the most target tokens (B,), EOS included."""
        return (src_len * self.max_ratio).long() + self.max_extra

    def __call__(self, step: Step[S], state: S, request: Request) -> list[list[Hypothesis]]:
        """`state` has one row a sentence -> the hypotheses of each sentence, best first."""
        raise NotImplementedError
