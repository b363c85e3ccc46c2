"""Tries a search on a toy model before it is used, so that the author of a faulty one gets a one-line error."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from nmt.common.own_parts import is_own
from nmt.common.shown import error_line
from nmt.kernels.trace import undisturbed
from nmt.search.base import Hypothesis, Search, SearchRequest

LENGTHS, PIECES = (3, 4), 7  # the most tokens of each sentence; pieces of the toy model
BOS, EOS = 1, 2
NEEDS = "find must give, for each sentence, a list of one Hypothesis or more"


@dataclass(frozen=True)
class _State:
    attended: Tensor  # (N,S)

    def select(self, rows: Tensor, sentences: Tensor | None = None) -> _State:
        return _State(self.attended[rows])


def _step(ids: Tensor, state: _State) -> tuple[Tensor, _State]:
    logits = torch.arange(PIECES * PIECES).sin().view(PIECES, PIECES)[ids]
    logits[:, :EOS] = -torch.inf  # padding and BOS
    return logits, state


@undisturbed()
def check_search(search: Search) -> None:
    """Raises ValueError for a search that fails or gives no hypotheses."""
    name = type(search).__name__
    with torch.device("cpu"):
        request = SearchRequest(torch.tensor(LENGTHS), BOS, EOS, keys=range(len(LENGTHS)))
        try:
            found = search(_step, _State(torch.full((len(LENGTHS), 2), 0.5)), request)
        except Exception as error:  # a user's code may raise anything
            raise ValueError(f"the search {name} fails ({error_line(error)}); {NEEDS}") from error
    if not isinstance(found, list) or len(found) != len(LENGTHS):
        told = f"{len(found)} results" if isinstance(found, list) else type(found).__name__
        raise ValueError(f"the search {name} gives {told} for {len(LENGTHS)} sentences; {NEEDS}")
    for one in found:
        if not isinstance(one, list) or not one or not all(isinstance(each, Hypothesis) for each in one):
            raise ValueError(f"the search {name} gives {type(one).__name__} for a sentence, {one!r}; {NEEDS}")


@cache
def _checked(search: Search) -> None:
    check_search(search)


def check_own(search: Search) -> None:
    """As `check_search`, once, for a search that is not nmt's."""
    if is_own(type(search)):
        _checked(search)
