"""A model's own search with another beam, or as another kind."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from nmt.search.base import Search
from nmt.search.beam import Beam
from nmt.search.greedy import Greedy


def with_beam_size(own: Search, beam_size: int) -> Search:
    """With another beam; 1 is greedy search."""
    return as_kind(Greedy, own) if beam_size == 1 else as_kind(Beam, own, beam_size=beam_size)


def as_kind(kind: type[Search], own: Search, **changes: Any) -> Search:
    """A search of this kind with all of the own settings that it has, and these changes."""
    return kind(**{field.name: vars(own)[field.name] for field in fields(kind) if field.name in vars(own)} | changes)
