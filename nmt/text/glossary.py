"""Terms with required translations, from a TSV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from unicodedata import is_normalized, normalize

from nmt.languages import is_inside_word, is_mark

MAX_BYTES = 50_000_000  # of a file


@dataclass(frozen=True)
class Glossary:
    """Source terms and target terms. A term matches its exact spelling, in NFC, unless that is part of a longer word.
    If it begins in lower case, it also matches with a capital at the beginning of a text. The longest match wins."""

    terms: dict[str, str]

    @cached_property
    def _terms(self) -> dict[str, str]:
        """The terms in NFC, as `find` compares them."""
        return {normalize("NFC", src): tgt for src, tgt in self.terms.items()}

    @cached_property
    def _lengths(self) -> dict[str, list[int]]:
        """First character -> lengths of its terms, the longest first."""
        lengths: dict[str, set[int]] = {}
        for term in self._terms:
            lengths.setdefault(term[0], set()).add(len(term))
        return {first: sorted(found, reverse=True) for first, found in lengths.items()}

    @classmethod
    def load(cls, path: Path) -> Glossary:
        """Raises ValueError for a file that cannot be read, or a line that is not a pair of terms."""
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
            src, tgt = normalize("NFC", parts[0]), parts[1]
            if terms.setdefault(src, tgt) != tgt:
                raise ValueError(f"{path}, line {number}: {src!r} is {terms[src]!r} already, and now {tgt!r}")
        if not terms:
            raise ValueError(f"{path} has no terms")
        return cls(terms)

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Start and end of each term in a text, and its translation."""
        place = 0
        text, places = _composed(text)
        beginning = len(text) - len(text.lstrip())
        while place < len(text):
            found = self._at(text, place, beginning)
            if found:
                yield places[place], places[found[0]], found[1]
            place = found[0] if found else place + 1

    def _at(self, text: str, place: int, beginning: int) -> tuple[int, str] | None:
        if place and is_inside_word(text[place - 1], text[place]):
            return None
        spellings = [text[place], text[place].lower()] if place <= beginning else [text[place]]
        for first in spellings:
            for length in self._lengths.get(first, ()):
                end = place + length
                tgt = self._terms.get(first + text[place + 1 : end])
                if tgt is None or end > len(text) or is_inside_word(text[end - 1], text[end : end + 1]):
                    continue
                return end, tgt if first == text[place] else tgt[0].upper() + tgt[1:]
        return None


def _composed(text: str) -> tuple[str, list[int]]:
    """The text in NFC, and for each of its characters, and the end, the position in the original text."""
    if is_normalized("NFC", text):
        return text, list(range(len(text) + 1))
    parts: list[str] = []
    places: list[int] = []
    # Marks belong to the character before them, as do the later letters of a syllable of Hangul.
    starts = [i for i, one in enumerate(text) if i == 0 or not (is_mark(one) or "\u1160" <= one <= "\u11ff")]
    for start, end in pairwise([*starts, len(text)]):
        part = normalize("NFC", text[start:end])
        parts.append(part)
        places += range(start, end) if len(part) == end - start else [start] * len(part)
    return "".join(parts), [*places, len(text)]
