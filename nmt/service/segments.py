"""A text divided into segments, with the blank space between: its lines, and the sentences of long lines.

A line that is not long is translated as a whole, as by nmt-translate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nmt.text.sentences import LONG, between, clauses, sentences

MAX_SENTENCE_CHARS = 600  # longer sentences are divided into clauses
MAX_SEGMENT_CHARS = 4 * MAX_SENTENCE_CHARS  # a longer segment, without clauses or blanks, is cut anywhere


@dataclass(frozen=True)
class Segments:
    """`blanks[0] texts[0] blanks[1] texts[1] ... blanks[-1]` is the whole text."""

    texts: tuple[str, ...]
    blanks: tuple[str, ...]
    inside: frozenset[int]  # the indices of blanks within a line
    target: str  # the language of the translation

    def joined(self, translations: Sequence[str]) -> str:
        """The whole text with translations."""
        parts = [self.blanks[0]]
        for number, (translation, blank) in enumerate(zip(translations, self.blanks[1:], strict=True), 1):
            parts += [translation, between(blank, self.target, translations) if number in self.inside else blank]
        return "".join(parts)


def cut(text: str, language: str, target: str) -> Segments:
    """The segments of a text in a language, to be translated into the target."""
    texts: list[str] = []
    blanks, inside = [""], set[int]()
    for line in re.split(r"(\n)", text):
        first = len(texts)
        for part in _parts(line, language):
            stripped = part.strip()
            before, _, after = part.partition(stripped) if stripped else (part, "", "")
            blanks[-1] += before
            if stripped:
                texts.append(stripped)
                blanks.append(after)
        inside.update(range(first + 1, len(texts)))
    return Segments(tuple(texts), tuple(blanks), frozenset(inside), target)


def _parts(line: str, language: str) -> Iterator[str]:
    if len(line) <= LONG:
        yield line
        return
    for sentence in sentences(line, language):
        for part in clauses(sentence, MAX_SENTENCE_CHARS, lambda texts: [len(text) for text in texts]):
            yield from (part[start : start + MAX_SEGMENT_CHARS] for start in range(0, len(part), MAX_SEGMENT_CHARS))
