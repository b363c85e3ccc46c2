"""Terms and the translations that they must have, from a TSV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nmt.languages import is_word

MAX_BYTES = 50_000_000  # of a file


@dataclass(frozen=True)
class Glossary:
    """Source terms and target terms. A term is found as it is spelled, where it is no part of a longer word; or, if
    it begins in lower case, with a capital at the beginning of a text. Of several the longest counts."""

    terms: dict[str, str]

    @cached_property
    def _lengths(self) -> dict[str, list[int]]:
        """Of the terms, by their first character, the longest first."""
        lengths: dict[str, set[int]] = {}
        for term in self.terms:
            lengths.setdefault(term[0], set()).add(len(term))
        return {first: sorted(found, reverse=True) for first, found in lengths.items()}

    @classmethod
    def load(cls, path: Path) -> Glossary:
        """Raises ValueError for a file that cannot be read, or a line that is no pair of terms."""
        try:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise ValueError(f"{path} cannot be read: {error.strerror}") from None
        if len(content) > MAX_BYTES:
            raise ValueError(f"{path} is longer than {MAX_BYTES} bytes")
        try:
            lines = content.decode("utf-8-sig").split("\n")
        except UnicodeDecodeError:
            raise ValueError(f"{path} is not UTF-8") from None
        terms: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            parts = [part.strip() for part in line.split("\t")]
            if len(parts) != 2 or not all(parts):
                raise ValueError(f"{path}, line {number}: a term is `source TAB target`, with both of them")
            src, tgt = parts
            if terms.setdefault(src, tgt) != tgt:
                raise ValueError(f"{path}, line {number}: {src!r} is {terms[src]!r} already, and now {tgt!r}")
        if not terms:
            raise ValueError(f"{path} has no terms")
        return cls(terms)

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """The characters of each term of a text, and its translation."""
        place = 0
        while place < len(text):
            found = self._at(text, place)
            if found:
                yield place, *found
            place = found[0] if found else place + 1

    def _at(self, text: str, place: int) -> tuple[int, str] | None:
        if place and _inside(text[place - 1], text[place]):
            return None
        spellings = [text[place], text[place].lower()] if not text[:place].strip() else [text[place]]
        for first in spellings:
            for length in self._lengths.get(first, ()):
                end = place + length
                tgt = self.terms.get(first + text[place + 1 : end])
                if tgt is None or end > len(text) or (end < len(text) and _inside(text[end - 1], text[end])):
                    continue
                return end, tgt if first == text[place] else tgt[0].upper() + tgt[1:]
        return None


def _inside(left: str, right: str) -> bool:
    """Whether no word ends between two characters."""
    return left.isalnum() and right.isalnum() and not is_word(left) and not is_word(right)
