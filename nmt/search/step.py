"""A model's step, and its state between two steps. N rows, B sentences, V vocabulary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self, TypeVar

from torch import Tensor

PADDING = 0  # its id, or its place in a list of ids


class SearchState(Protocol):
    """The model's state, opaque to the search. N rows, B sentences; the rows of a sentence are adjacent."""

    @property
    def attended(self) -> Tensor | None:
        """The weight that source tokens have received so far (N,S), 1 on padding; None if not requested."""
        ...

    def select(self, rows: Tensor, sentences: Tensor | None = None) -> Self:
        """Keep and reorder `rows` (N',); `sentences` (B',) are those that stay, None: all."""
        ...


S = TypeVar("S", bound=SearchState)
# The last ids (N,) and the state -> logits (N,V) of the next token, which may be overwritten, and the new state. No
# search takes padding; its logit stands for everything that the other logits leave out.
SearchStep = Callable[[Tensor, S], tuple[Tensor, S]]
