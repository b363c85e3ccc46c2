"""Markdown: CommonMark with tables. The text of paragraphs, headings, lists, quotes and cells changes in place; code,
HTML between paragraphs, definitions of links and front matter stay.

Where text stands, markdown-it-py says by its lines; what is a tag in it, markdown_text.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from markdown_it import MarkdownIt

from nmt.formats.document import MAX_BYTES, TOO_LARGE, DocumentOptions, Segment
from nmt.formats.encodings import decoded, mark_of
from nmt.formats.inline import Inline, plain
from nmt.formats.markdown_text import escaped, pieces_of
from nmt.formats.pieces import Tag

FRONT_MATTER = re.compile(r"(?s)(---|\+\+\+)[ \t]*\n.*?^\1[ \t]*$", re.MULTILINE)  # of YAML or TOML
CLOSING = re.compile(r"(?:^|[ \t]+)#+[ \t]*$")  # of a heading
# Where a text would begin something else than a paragraph: behind a list's number, or before another sign.
BEGINS_BLOCK = re.compile(r"\d{1,9}(?=[.)](?:\s|$))|(?=[-+*](?:\s|$)|#{1,6}(?:\s|$)|>|(?:-\s*){3,}$|~~~)")


class _Place(NamedTuple):
    """The text from a character of one line to a character of another."""

    first: int
    start: int
    last: int
    end: int
    is_cell: bool
    inline: Inline

    def written(self, target: str) -> str:
        pieces = self.inline.target(target)
        text = "".join(piece.value if isinstance(piece, Tag) else escaped(piece) for piece in pieces)
        if self.is_cell:
            return re.sub(r"(?<!\\)\|", r"\\|", text)
        begins = BEGINS_BLOCK.match(text)
        return f"{begins[0]}\\{text[begins.end() :]}" if begins else text


class MarkdownDocument:
    kept = 0
    languages = ("", "")

    def __init__(self, data: bytes, name: str) -> None:
        self.mark, encoding = mark_of(data)
        self.encoding = encoding or "utf-8"
        text = decoded(data[len(self.mark) :], self.encoding, name)
        self.lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
        self.places = [
            place for place in _places(text, self.lines) if any(map(str.isalnum, plain(place.inline.segment.text)))
        ]

    @property
    def segments(self) -> Sequence[Segment]:
        return [place.inline.segment for place in self.places]

    def with_targets(self, targets: Sequence[str]) -> bytes:
        lines = list(self.lines)
        for place, target in reversed(list(zip(self.places, targets, strict=True))):  # cells of a line from its end
            text = lines[place.first][: place.start] + place.written(target) + lines[place.last][place.end :]
            lines[place.first : place.last + 1] = [text, *[""] * (place.last - place.first)]
        return self.mark + "".join(lines).encode(self.encoding)


def read(data: bytes, name: str, options: DocumentOptions) -> MarkdownDocument:
    """Raises ValueError for what is too large, or not UTF-8 or UTF-16."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"{name} {TOO_LARGE}")
    return MarkdownDocument(data, name)


def _places(text: str, lines: Sequence[str]) -> Iterator[_Place]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    front = FRONT_MATTER.match(text)
    if front:  # to the parser it would be a rule and a heading
        text = "\n" * front[0].count("\n") + text[front.end() :]
    found: dict[str, Any] = {}
    block = ""
    place: _Place | None = None
    for token in MarkdownIt("commonmark").enable("table").parse(text, found):
        if token.type == "inline" and token.content.strip() and token.map:
            before = place if place and place.is_cell and place.first == token.map[0] else None
            place = _place(block, token.content, range(*token.map), lines, before, found.get("references", {}))
            if place:
                yield place
        elif token.type.endswith("_open"):
            block = token.type.removesuffix("_open")


def _place(
    block: str, content: str, where: range, lines: Sequence[str], before: _Place | None, known: Mapping[str, Any]
) -> _Place | None:
    """Where the text of a block stands in the file; None where it does not stand there as it is read."""
    texts = content.split("\n")
    line, last = lines[where[0]].rstrip(), lines[where[len(texts) - 1]].rstrip()
    if block in ("th", "td"):
        shown = content if content in line else content.replace("|", "\\|")
        start = line.find(shown, before.end if before else 0)
        end = start + len(shown)
    else:
        if block == "heading" and not line.endswith(texts[0].rstrip()):
            line = last = CLOSING.sub("", line)
        start, end = len(line) - len(texts[0].rstrip()), len(last)
        if not (line.endswith(texts[0].rstrip()) and last.endswith(texts[-1].rstrip())):
            return None
    if start < 0:
        return None
    inline = Inline(pieces_of(content, known, _between(lines, where[0], texts[1]) if len(texts) > 1 else ""))
    return _Place(where[0], start, where[len(texts) - 1], end, block in ("th", "td"), inline)


def _between(lines: Sequence[str], first: int, second_text: str) -> str:
    """What stands between the text of a line and that of the next: an end, and the signs of lists and quotes."""
    line, following = lines[first], lines[first + 1].rstrip()
    return line[len(line.rstrip("\r\n")) :] + following.removesuffix(second_text.strip())
