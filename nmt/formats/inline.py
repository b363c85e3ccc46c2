"""Text with tags as one string, in which a translator can keep the tags.

A format cuts a text into pieces: strings, and tags that hold their form in the file (an element of XLIFF, `<i>` of a
subtitle, the formatting of a DOCX run). Tags before, after or around the whole text stay where they are. Of the
others become numbered tags (text/numbered.py). Tags that the text spells out count as tags, and entities in it
(`&nbsp;`) are decoded, as in a text without other tags. Lines stay lines.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from itertools import chain

from nmt.formats.document import Document, Segment
from nmt.text.markup import ENTITY
from nmt.text.numbered import SOFT_HYPHEN, numbered, plain, restored
from nmt.text.tags import HTML, Piece, Tag, core, cut_at_tags, text_of_pieces


class Inline:
    """The pieces of a text, whose opening and closing tags are nested."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        inner = core(pieces, lambda text: not text.strip())
        self._before, self._after = list(pieces[: inner.start]), list(pieces[inner.stop :])
        self._core = list(pieces[inner.start : inner.stop])
        self._tagged = any(isinstance(piece, Tag) for piece in self._core)
        if self._tagged:
            cut = ([piece] if isinstance(piece, Tag) else cut_at_tags(piece, HTML) for piece in self._core)
            self._core = list(chain.from_iterable(cut))
        self._spells = any(isinstance(piece, str) and ENTITY.search(piece) for piece in self._core)
        text = numbered(self._core, self._spells) if self._tagged else text_of_pieces(self._core)
        self.segment = Segment(text.replace(SOFT_HYPHEN, ""), markup=self._tagged)
        self.is_blank = not self.segment.text.strip()

    def target(self, text: str) -> list[Piece]:
        """The pieces of a translation of `segment.text`."""
        inner = restored(text, self._core, self._spells) if self._tagged else [text]
        return [*self._before, *inner, *self._after]


class InlineDocument(Document):
    """A document whose texts have tags. Each translation is stored in it before it is written."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self._slots: list[tuple[Sequence[Inline], Callable[..., None]]] = []

    def add(self, put: Callable[..., None], *texts: Inline, stays: bool = False) -> None:
        """Add texts, unless they are blank: `put` gets the pieces of each translation, to store them. If the
        translation that they have `stays`, they are only counted."""
        if all(text.is_blank for text in texts):
            return
        if stays:
            self.kept += len(texts)
        else:
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
    they are its text. `plain` tells whether one has words."""
    found: list[str] = []
    for number, line in enumerate(segment.text.split("\n")):
        inner = line.strip()
        start = line.find(inner)
        found += filter(None, ("\n" if number else "", line[:start], inner, line[start + len(inner) :]))
    return found


def lines_of(segments: Sequence[Segment]) -> list[str]:
    """The lines of all segments that have words, each once."""
    return list(dict.fromkeys(part for segment in segments for part in parts_of(segment) if plain(part).strip()))


def with_lines(segments: Sequence[Segment], translations: Mapping[str, str]) -> list[str]:
    """The text of each segment with the translations of its lines."""
    return ["".join(translations.get(part, part) for part in parts_of(segment)) for segment in segments]


def without_tags(segment: Segment) -> str:
    return plain(segment.text) if segment.markup else segment.text
