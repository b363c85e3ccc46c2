"""Numbers and names as words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from nmt.cells import Cell
from nmt.plain_data import to_dict

Row = Mapping[str, Any]  # in an experiment's summary: a job, its label and its result


def cell_label(cell: Cell) -> str:
    """The cell's name, with the settings that differ from its defaults."""
    words = [to_dict(cell)["name"]]
    for field in fields(cell):
        value = getattr(cell, field.name)
        if value != field.default:
            words.append(f"{field.name}={value:g}" if isinstance(value, float) else f"{field.name}={value}")
    return " ".join(words)


def listed(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def numbers(found: Sequence[float | None]) -> list[float]:
    """The numbers, with infinity for None: the network diverged, which is worse than any other score."""
    return [math.inf if one is None else one for one in found]


def spread(found: Sequence[float | None]) -> str:
    """The smallest and the largest."""
    return f"{min(numbers(found)):.3g} to {max(numbers(found)):.3g}"


def solved_words(row: Row) -> str:
    """How many seeds solved the task."""
    return f"{sum(row['solved'])} of {len(row['solved'])}"


def check_different(**lists: Iterable[Any]) -> None:
    """Raises ValueError for a list with a repeated value, as its results would count twice."""
    for key, values in lists.items():
        twice = [value for value, count in Counter(values).items() if count > 1]
        if twice:
            raise ValueError(f"{key} has {twice[0]} twice")


def unique(rows: Iterable[Row], key: str) -> list[Any]:
    """The different values of a key, in order of appearance."""
    return list(dict.fromkeys(row[key] for row in rows))
