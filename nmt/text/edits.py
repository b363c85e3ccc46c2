"""A text in which other characters take the place of some, and where what was in it is then."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

Edit = tuple[int, int, str]  # characters of a text, and what takes their place


@dataclass(frozen=True)
class Edited:
    """A text in which other characters have taken the place of some."""

    text: str
    edits: tuple[tuple[int, int, int, int], ...] = ()  # characters before, and characters now; in order

    def now(self, start: int, end: int) -> tuple[int, int]:
        """Where characters of the text before are; all of an edit for a part of it."""
        starts = [edit[0] for edit in self.edits]
        before, within = bisect_right(starts, start) - 1, bisect_left(starts, end) - 1
        if before >= 0:
            _, last, new, new_end = self.edits[before]
            start = new if start < last else start - last + new_end
        if within >= 0:
            _, last, _, new_end = self.edits[within]
            end = new_end if end <= last else end - last + new_end
        return start, end


def edited(text: str, edits: Sequence[Edit]) -> Edited:
    """The text with these edits; of what two of them take away the first has all."""
    parts: list[str] = []
    found: list[tuple[int, int, int, int]] = []
    place = size = 0
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
        start, end = max(start, place), max(end, place)
        size += start - place
        parts += [text[place:start], new]
        found.append((start, end, size, size + len(new)))
        size += len(new)
        place = end
    return Edited("".join([*parts, text[place:]]), tuple(found))
