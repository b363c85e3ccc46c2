"""What a search moves by: a model's step, and its state between two steps. N rows, B sentences, V vocabulary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self, TypeVar

from torch import Tensor

PADDING = 0  # its id, or its place in a list of ids


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
# The ids before (N,), the state -> logits (N,V) of what comes next, which may be overwritten, the state after. No
# search takes padding; where the logits leave something out, padding's is that of all that they leave out.
SearchStep = Callable[[Tensor, S], tuple[Tensor, S]]
