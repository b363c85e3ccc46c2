"""Suggestions of what a user may have meant by an unknown word."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path


def did_you_mean(word: str, known: Collection[str], before: str = "", cutoff: float = 0.6) -> str:
    """ "; did you mean X?" with the nearest known word, or the only one that begins with `word`; "" without any."""
    found = nearest(word, known, cutoff)
    return f"; did you mean {before}{found}?" if found else ""


def nearest(word: str, known: Collection[str], cutoff: float = 0.6) -> str:
    """The nearest known word, or the only one that begins with `word`; "" without any."""
    begun = [name for name in known if name.startswith(word)]
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=cutoff) or begun * (len(begun) == 1)
    return close[0] if close else ""


def near_file(path: Path) -> str:
    """The same for a missing file that exists with or without .gz."""
    other = path.with_suffix("") if path.suffix == ".gz" else path.with_name(f"{path.name}.gz")
    return f"; did you mean {other}?" if other.is_file() else ""


def near_folder(path: Path) -> str:
    """The same for a missing folder: an existing one whose path differs in one part."""
    wrong = path
    while not wrong.parent.is_dir() and wrong.parent != wrong:
        wrong = wrong.parent
    with suppress(OSError):
        beside = [entry.name for entry in wrong.parent.iterdir() if (entry / path.relative_to(wrong)).is_dir()]
        if close := difflib.get_close_matches(wrong.name, sorted(beside), n=1, cutoff=0.6):
            return f"; did you mean {wrong.parent / close[0] / path.relative_to(wrong)}?"
    return ""
