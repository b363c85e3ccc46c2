"""Apply a translator's rules and glossary to a text before tokenizing, with or without symbols in the model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nmt.languages import is_inside_word
from nmt.text.glossary import Glossary
from nmt.text.markup import Markup, take_out
from nmt.text.protection import SYMBOLS, Masked, TextRules, found_in, masked, masked_like


@dataclass(frozen=True)
class Guard:
    """A translator's rules and glossary; `symbols` says whether its model has pieces for symbols."""

    rules: TextRules
    glossary: Glossary | None
    symbols: bool

    def taken_out(self, text: str, tags: bool) -> Markup:
        """Take out tags, and protected text that has no symbol; the alignment puts them back."""
        return take_out(text, tags, self.rules.pattern, len(SYMBOLS) if self.symbols else 0)

    def terms(self, text: str) -> list[tuple[int, int, str]]:
        """Start and end of the glossary's terms in a text, and their required translations."""
        return list(self.glossary.find(text)) if self.glossary else []

    def masked(self, text: str) -> Masked:
        """Replace protected text by symbols, and the glossary's terms as far as symbols are left, if the model has
        symbols. All that `taken_out` has left gets one; a term without one is forced by the alignment."""
        if not self.symbols:
            return Masked(text)
        kept = found_in(text, self.rules.pattern)
        values = [(start, end, text[start:end]) for start, end in kept]
        terms = [term for term in self.terms(text) if all(end <= term[0] or term[1] <= start for start, end in kept)]
        return masked(text, sorted([*values, *terms[: max(0, len(SYMBOLS) - len(values))]]))

    def masked_targets(self, sources: Sequence[Masked], targets: Sequence[str]) -> list[str]:
        """Targets with the symbols of their sources in place of protected text and glossary terms."""
        if not self.symbols:
            return list(targets)
        return [
            masked_like(source, target, self._spans(source, target))
            for source, target in zip(sources, targets, strict=True)
        ]

    def _spans(self, source: Masked, target: str) -> list[tuple[int, int]]:
        kept = found_in(target, self.rules.pattern)
        if not self.glossary or not source.kept:
            return kept
        values = "|".join(map(re.escape, sorted(set(source.kept), key=len, reverse=True)))
        found = (match.span() for match in re.finditer(values, target))
        terms = {(start, end) for start, end in found if _is_whole(target, start, end)}
        return sorted({*kept, *terms})


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether the span is not part of a longer word."""
    return not (is_inside_word(text[:start][-1:], text[start]) or is_inside_word(text[end - 1], text[end : end + 1]))
