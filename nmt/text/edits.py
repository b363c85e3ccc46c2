"""Replace spans of a text, and map old positions to new ones."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

Edit = tuple[int, int, str]  # start and end of a span, and its replacement


@dataclass(frozen=True)
class Edited:
    """A text after replacements."""

    text: str
    edits: tuple[tuple[int, int, int, int], ...] = ()  # span in the old text, span in the new text; in order

    def now(self, start: int, end: int) -> tuple[int, int]:
        """The new position of a span of the old text; a part of an edit becomes the whole edit."""
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
    """The text with these edits; where two overlap, the first replaces the shared part."""
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
