"""A model's own search with another beam, or as another kind."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, cast

from nmt.search.base import Search
from nmt.search.beam import Beam
from nmt.search.greedy import Greedy


def with_beam_size(own: Search, beam_size: int) -> Search:
    """The search with another beam size; 1 is greedy search."""
    return as_kind(Greedy, own) if beam_size == 1 else as_kind(Beam, own, beam_size=beam_size)


def as_kind(kind: type[Search], own: Search, **changes: Any) -> Search:
    """A search of this kind with those of `own`'s settings that it has, and with these changes."""
    return kind(**{field.name: vars(own)[field.name] for field in fields(kind) if field.name in vars(own)} | changes)


def is_plain_beam(search: Search) -> bool:
    """Whether the search is a beam search, possibly of beam size 1, over the model's unchanged step."""
    is_plain = not search.no_repeat_ngram and search.repetition_penalty == 1
    return is_plain and type(search) in (Beam, Greedy)


def as_beam(search: Search) -> Beam:
    """A beam search as it is, greedy search as a beam of one."""
    return search if isinstance(search, Beam) else cast(Beam, as_kind(Beam, search, beam_size=1))
