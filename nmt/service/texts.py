"""A client's text: its language, its segments, and its translation joined from theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nmt.html import segments as html
from nmt.service.detection import detect
from nmt.service.messages import SegmentResult
from nmt.service.pairs import LanguagePair
from nmt.service.segments import Segments, cut
from nmt.service.wire import TranslatedText, TranslationRequest


@dataclass(frozen=True)
class SourceText:
    """A text of a request. Without a pair it stays as it is."""

    text: str
    source: str  # the code of its language
    confidence: float  # 0 to 100, in that language
    pair: LanguagePair | None = None
    parts: Segments | html.HtmlSegments | None = None  # if it has a pair

    @property
    def segments(self) -> Sequence[str]:
        return self.parts.texts if self.parts else ()

    def translated(self, results: Sequence[SegmentResult]) -> TranslatedText:
        """The translation, joined from those of the segments."""
        if self.parts is None:
            return TranslatedText(self.text, self.source, self.confidence)
        most = max((len(one.alternatives) for one in results), default=0)
        best, *others = [self.parts.joined([_ranked(one, rank) for one in results]) for rank in range(most + 1)]
        alternatives = tuple(dict.fromkeys(other for other in others if other != best))
        score = sum(one.score for one in results) / max(1, len(results))
        return TranslatedText(best, self.source, self.confidence, alternatives, score)


def source_text(text: str, wanted: TranslationRequest, ways: Mapping[str, LanguagePair | None]) -> SourceText:
    """A text of a request, with the pair that translates its language (see Pairs.ways)."""
    if wanted.source:
        source, confidence = next(iter(ways)), 100.0
    else:
        seen = html.cut(text).plain if wanted.is_html else text  # tags would count as English
        source, confidence = detect(seen, list(ways))[0]
        if not any(map(str.isalpha, seen)):
            return SourceText(text, source, confidence)  # no letters: no language, and nothing to translate
    pair = ways[source]
    if pair is None:
        return SourceText(text, source, confidence)
    parts = html.cut(text, source) if wanted.is_html else cut(text, source, pair.target)
    return SourceText(text, source, confidence, pair, parts)


def _ranked(result: SegmentResult, rank: int) -> str:
    """The translation of a rank, from 0; the best one if there are fewer."""
    ranked = [result.text, *result.alternatives]
    return ranked[rank if rank < len(ranked) else 0]
