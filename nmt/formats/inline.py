"""Text with tags as one string, in which a translator can keep the tags.

A format cuts a text into pieces: strings, and tags that hold their form in the file (an element of XLIFF, `<i>` of a
subtitle, the formatting of a DOCX run). Tags before, after or around the whole text stay where they are. Of the
others, each pair becomes `<g id="1">…</g>`, and each single tag `<x id="2"/>`; text is escaped with `&amp;`, `&lt;`
and `&gt;`. Tags that the text spells out count as tags, and entities in it (`&nbsp;`) are decoded, as in a text
without other tags. Lines stay lines. Whatever comes back, every tag is there once and pairs are nested.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape

from nmt.formats.document import Document, Segment
from nmt.html.tokens import SOFT_HYPHEN, unescaped
from nmt.text.markup import ENTITY, TAG
from nmt.text.tags import HTML, Piece, Tag, core, cut_at_tags, partners

MARKUP = re.compile(r'</?g(?: id="[0-9]+")?>|<x id="[0-9]+"/>')


class Inline:
    """The pieces of a text, whose opening and closing tags are nested."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        inner = core(pieces, lambda text: not text.strip())
        self._before, self._after = list(pieces[: inner.start]), list(pieces[inner.stop :])
        self._core = list(pieces[inner.start : inner.stop])
        self._tagged = any(isinstance(piece, Tag) for piece in self._core)
        if self._tagged:
            self._core = [part for piece in self._core for part in _cut(piece)]
        self._spells = any(isinstance(piece, str) and ENTITY.search(piece) for piece in self._core)
        parts = _written(self._core, self._spells) if self._tagged else map(str, self._core)
        self.segment = Segment("".join(parts).replace(SOFT_HYPHEN, ""), markup=self._tagged)
        self.is_blank = not self.segment.text.strip()

    def target(self, text: str) -> list[Piece]:
        """The pieces of a translation of `segment.text`."""
        inner: list[Piece] = _read(text, self._core) if self._tagged else [text]
        if self._tagged and self._spells:
            inner = [escape(piece, quote=False) if isinstance(piece, str) else piece for piece in inner]
        return [*self._before, *inner, *self._after]


class InlineDocument(Document):
    """A document whose texts have tags. Each translation is stored in it before it is written."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self._slots: list[tuple[Sequence[Inline], Callable[..., None]]] = []

    def add(self, texts: Sequence[Inline], put: Callable[..., None]) -> None:
        """Add texts to be translated. `put` is called with the pieces of each translation, to store them."""
        self.segments += [text.segment for text in texts]
        self._slots.append((texts, put))

    def with_targets(self, targets: Sequence[str]) -> bytes:
        left = iter(targets)
        for texts, put in self._slots:
            put(*[text.target(next(left)) for text in texts])
        return self.written()

    @abstractmethod
    def written(self) -> bytes:
        """The file with the translations that are stored."""


def parts_of(segment: Segment) -> list[str]:
    """The lines of a segment, which are translated one by one, and the blank space between and around them; joined
    they are its text. `has_words` distinguishes both."""
    found: list[str] = []
    for number, line in enumerate(segment.text.split("\n")):
        inner = line.strip()
        start = line.find(inner)
        found += filter(None, ("\n" if number else "", line[:start], inner, line[start + len(inner) :]))
    return found


def has_words(part: str) -> bool:
    return bool(plain(part).strip())


def lines_of(segments: Sequence[Segment]) -> list[str]:
    """The lines of all segments that have words, each once."""
    return list(dict.fromkeys(part for segment in segments for part in parts_of(segment) if has_words(part)))


def with_lines(segments: Sequence[Segment], translations: Mapping[str, str]) -> list[str]:
    """The text of each segment with the translations of its lines."""
    return ["".join(translations.get(part, part) for part in parts_of(segment)) for segment in segments]


def plain(markup: str) -> str:
    """The text of a segment with markup, without its tags."""
    return unescaped(TAG.sub("", markup))


def without_tags(segment: Segment) -> str:
    return plain(segment.text) if segment.markup else segment.text


def _cut(piece: Piece) -> list[Piece]:
    return [piece] if isinstance(piece, Tag) else cut_at_tags(piece, HTML)


def _names(pieces: Sequence[Piece]) -> dict[int, str]:
    """Index of a tag that opens a pair or stands alone -> the tag that stands for it."""
    kinds = {i: piece.kind for i, piece in enumerate(pieces) if isinstance(piece, Tag) and piece.kind != "close"}
    return {
        i: f'<g id="{number}">' if kind == "open" else f'<x id="{number}"/>'
        for number, (i, kind) in enumerate(kinds.items(), 1)
    }


def _written(pieces: Sequence[Piece], spells: bool) -> Iterator[str]:
    names = _names(pieces)
    for i, piece in enumerate(pieces):
        if isinstance(piece, str):
            yield escape(unescaped(piece) if spells else piece, quote=False)
        else:
            yield names.get(i, "</g>")


def _read(markup: str, pieces: Sequence[Piece]) -> list[Piece]:
    """Parse a string as `_written` makes it from the pieces, but with other text. If tags are lost, doubled or
    crossed, all are put in source order instead: those before the first word before the text, the others after it."""
    left = {name: i for i, name in _names(pieces).items()}
    pairs = partners(pieces)
    found: list[Piece] = []
    opened: list[int] = []
    end = 0
    for match in MARKUP.finditer(markup):
        found += _text(markup[end : match.start()])
        end = match.end()
        if match[0] in left:
            i = left.pop(match[0])
        elif match[0].startswith("</") and opened:
            i = pairs[opened.pop()]
        else:
            return _beside(markup, pieces)
        found.append(pieces[i])
        if i in pairs:
            opened.append(i)
    if left or opened:
        return _beside(markup, pieces)
    return [*found, *_text(markup[end:])]


def _text(part: str) -> list[Piece]:
    return [unescaped(part)] if part else []


def _beside(markup: str, pieces: Sequence[Piece]) -> list[Piece]:
    first = next((i for i, piece in enumerate(pieces) if isinstance(piece, str) and piece.strip()), len(pieces))
    tags = [[piece for piece in part if isinstance(piece, Tag)] for part in (pieces[:first], pieces[first:])]
    return [*tags[0], *_text(plain(markup)), *tags[1]]
