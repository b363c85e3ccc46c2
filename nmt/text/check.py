"""Check that a translation keeps the parts of a text that are not translated."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from nmt.languages import digits
from nmt.text.markup import TAG
from nmt.text.protection import PATTERNS

KINDS = ("tags", "urls", "emails", "placeholders", "numbers")
_NAMED = re.compile(
    "|".join(
        f"(?P<{kind}>{re.sub('[(][?]P<[a-z]+>', '(?:', TAG.pattern) if kind == 'tags' else PATTERNS[kind]})"
        for kind in KINDS
    )
)
MAX_CHARS = 100_000  # characters of a text that are checked


def kept_parts(text: str) -> Counter[tuple[str, str]]:
    """The tags, URLs, e-mail addresses, placeholders and numbers of a text, each with its kind. Numbers are reduced
    to digits, because separators differ between languages."""
    return Counter(key for key, _ in _parts(text))


def _parts(text: str) -> Iterator[tuple[tuple[str, str], str]]:
    """The key by which each part is compared, and the part."""
    for match in _NAMED.finditer(text[:MAX_CHARS]):
        kind = match.lastgroup or ""
        yield (kind, digits(match[0]) if kind == "numbers" else match[0]), match[0]


def lost_parts(src: str, translation: str) -> list[tuple[str, str]]:
    """The parts that the translation lacks, each with its kind, as they are in the source."""
    lost, found = kept_parts(src) - kept_parts(translation), list[tuple[str, str]]()
    for key, part in _parts(src):
        if lost[key]:
            lost[key] -= 1
            found.append((key[0], part))
    return found


def told_of(lost: Sequence[tuple[str, str]]) -> str:
    """The report on a translation; "" if nothing is lost."""
    return f"lost: {', '.join(part for _, part in lost)}" if lost else ""


class Check:
    """Counts what translations lack, and reports it."""

    def __init__(self) -> None:
        self.lines = self.faulty = 0
        self.lost = Counter[str]()  # by kind

    def told(self, lost: Sequence[tuple[str, str]]) -> str:
        """Count one more translation and return the report on it; "" if nothing is lost."""
        self.lines += 1
        self.faulty += bool(lost)
        self.lost.update(kind for kind, _ in lost)
        return told_of(lost)

    @property
    def summary(self) -> str:
        if not self.faulty:
            return f"check: {self.lines} checked, nothing lost"
        kinds = ", ".join(f"{self.lost[kind]} of {kind}" for kind in KINDS if self.lost[kind])
        return f"check: {self.faulty} of {self.lines} lost something: {kinds}"
