"""Markdown: CommonMark with tables. The text of paragraphs, headings, lists, quotes and cells is translated in place;
code, HTML between paragraphs, link definitions and front matter stay.

markdown-it-py finds the lines of text, markdown_text.py the tags in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from markdown_it.token import Token

from nmt.formats.document import Document, DocumentOptions
from nmt.formats.encodings import read_text
from nmt.formats.inline import Inline
from nmt.formats.markdown_text import escaped, parser, pieces_of
from nmt.text.numbered import plain
from nmt.text.tags import Piece, Tag

FRONT_MATTER = re.compile(r"(?s)(---|\+\+\+)[ \t]*\n.*?^\1[ \t]*$", re.MULTILINE)  # of YAML or TOML
HARD_BREAK = re.compile(r"(?: +|\\)[\r\n]")
CLOSING = re.compile(r"(?:^|[ \t]+)#+[ \t]*$")  # of a heading
# A line that would not begin a paragraph. It is escaped after the number of a list item or a name that would be
# defined, or before another sign.
BEGINS_BLOCK = re.compile(
    r"\s*(?:\d{1,9}(?=[.)](?:\s|$))|\[[^\[\]]*\](?=:)"
    r"|(?=[-+*](?:\s|$)|#{1,6}(?:\s|$)|>|(?:-\s*){3,}$|[-=]+\s*$|~~~))"
)
FIRST_BAR = re.compile(r"[\s>]*+(?:(?:[-+*]|\d{1,9}[.)])\s++)*+\|")  # of a row, after the signs of lists and quotes
PARSER = parser()
SHOWN = {"em_open", "strong_open", "s_open"}
EMPHASIS = {"*": "em", "_": "em", "**": "strong", "__": "strong", "~~": "del"}  # sign -> HTML element


class _Span(NamedTuple):
    """Text from character `start` of line `first` to character `end` of line `last`."""

    first: int
    start: int
    last: int
    end: int
    block: str  # td and th are cells, # is a heading that begins with it
    begins: bool  # whether it could be read as the beginning of another block
    inline: Inline

    @property
    def is_cell(self) -> bool:
        return self.block in ("th", "td")

    def written(self, target: str, known: Mapping[str, Any]) -> str:
        pieces = _without_vain_breaks(_without_empty(self.inline.target(target)))
        text = self._spelled(pieces)
        if marks := sum(_is_mark(piece, "open") for piece in pieces):
            inner = PARSER.parseInline(text, {"references": known})[0].children or []
            if sum(token.type in SHOWN for token in inner) != marks:
                text = self._spelled(_as_html(pieces))
        return text

    def _spelled(self, pieces: Sequence[Piece]) -> str:
        parts: list[str] = []
        begins, ends_as_text = self.begins, False
        for piece in pieces:
            text = piece.value if isinstance(piece, Tag) else escaped(piece)
            if isinstance(piece, str) and begins and (sign := BEGINS_BLOCK.match(text)):
                text = f"{sign[0]}\\{text[sign.end() :]}"
            elif isinstance(piece, Tag) and text[:1] == "[" and ends_as_text and parts[-1].endswith("!"):
                parts[-1] = parts[-1][:-1] + "\\!"  # otherwise the link would be a picture
            ends_as_text = isinstance(piece, str)
            begins = isinstance(piece, Tag) and HARD_BREAK.match(text) is not None
            parts.append(text)
        text = "".join(parts)
        if self.is_cell:
            return re.sub(r"(?<!\\)\|", r"\\|", text)
        return re.sub(r"(?:(?<=[ \t])|^)#(?=#*$)", r"\\#", text) if self.block == "#" else text


def _without_vain_breaks(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces without line breaks at the end, or that would leave an empty line, which ends a paragraph."""
    found: list[Piece] = []
    last, is_empty = 0, True  # the end of the last piece that is not a break; whether the line is empty
    for piece in pieces:
        is_break = isinstance(piece, Tag) and HARD_BREAK.match(piece.value) is not None
        if is_break and is_empty and isinstance(piece, Tag) and piece.value[0] == " ":
            continue
        found.append(piece)
        if is_break:
            is_empty = True
        elif isinstance(piece, Tag) or piece.strip():
            last, is_empty = len(found), False
    return found[:last]


def _without_empty(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces without empty emphasis, because its signs would be read as text."""
    found: list[Piece] = []
    for piece in pieces:
        blanks = len(found)
        while blanks and isinstance(last := found[blanks - 1], str) and not last.strip():
            blanks -= 1
        before = found[blanks - 1] if blanks else ""
        if _is_mark(piece, "close") and _is_mark(before, "open"):
            del found[blanks - 1]
        else:
            found.append(piece)
    return found


def _is_mark(piece: Piece, kind: str) -> bool:
    return isinstance(piece, Tag) and piece.kind == kind and piece.value in EMPHASIS


def _as_html(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces with HTML tags for emphasis, which are valid beside any character."""
    found = list(pieces)
    for i, piece in enumerate(pieces):
        if isinstance(piece, Tag) and piece.value in EMPHASIS and piece.kind != "alone":
            slash = "/" if piece.kind == "close" else ""
            found[i] = Tag(piece.kind, f"<{slash}{EMPHASIS[piece.value]}>")
    return found


class MarkdownDocument(Document):
    """Raises ValueError if the file is too large, or not UTF-8 or UTF-16."""

    def __init__(self, data: bytes, name: str, options: DocumentOptions) -> None:
        self.file = read_text(data, name)
        self.lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", self.file.text)
        tokens, self.known = _parsed(self.file.text)
        spans = _spans(tokens, self.lines)
        self.spans = [span for span in spans if any(map(str.isalnum, plain(span.inline.segment.text)))]
        self.segments = [span.inline.segment for span in self.spans]

    def with_targets(self, targets: Sequence[str]) -> bytes:
        lines = list(self.lines)
        for span, target in reversed(list(zip(self.spans, targets, strict=True))):  # so that positions stay valid
            text = lines[span.first][: span.start] + span.written(target, self.known) + lines[span.last][span.end :]
            lines[span.first : span.last + 1] = [text, *[""] * (span.last - span.first)]
        return self.file.written("".join(lines))


def _parsed(text: str) -> tuple[list[Token], Mapping[str, Any]]:
    """The blocks of a document, and the links that it defines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    front = FRONT_MATTER.match(text)
    if front:  # the parser would take it for a rule and a heading
        text = "\n" * front[0].count("\n") + text[front.end() :]
    found: dict[str, Any] = {}
    return PARSER.parse(text, found), found.get("references", {})


def _spans(tokens: Sequence[Token], lines: Sequence[str]) -> Iterator[_Span]:
    """The texts of a document, in order."""
    block = ""
    span: _Span | None = None
    for token in tokens:
        if token.type == "inline" and token.content.strip() and token.map:
            before = span if span and span.is_cell and span.first == token.map[0] else None
            span = _span_of(block, token, lines, before)
            if span:
                yield span
        elif token.type.endswith("_open"):
            block = "#" if token.markup.startswith("#") else token.type.removesuffix("_open")


def _span_of(block: str, token: Token, lines: Sequence[str], before: _Span | None) -> _Span | None:
    """The location of a block's text in the file; None if the file spells it differently."""
    assert token.map
    content = token.content
    texts = content.split("\n")
    first_line = token.map[0]
    last_line = first_line + len(texts) - 1
    line, last = lines[first_line].rstrip(), lines[last_line].rstrip()
    if block in ("th", "td"):
        shown = content if content in line else content.replace("|", "\\|")
        signs = FIRST_BAR.match(line)
        start = line.find(shown, before.end if before else signs.end() if signs else 0)
        end = start + len(shown)
        begins = "|" not in line[:start]
    else:
        begins = block != "#"
        if block == "#" and not line.endswith(texts[0].rstrip()):
            line = last = CLOSING.sub("", line)
        start, end = len(line) - len(texts[0].rstrip()), len(last)
        if not (line.endswith(texts[0].rstrip()) and last.endswith(texts[-1].rstrip())):
            return None
    if start < 0:
        return None
    between = _between(lines, first_line, texts[1]) if len(texts) > 1 else ""
    return _Span(first_line, start, last_line, end, block, begins, Inline(pieces_of(token.children or [], between)))


def _between(lines: Sequence[str], first: int, second_text: str) -> str:
    """The characters between the text of a line and that of the next: a line end, and signs of lists and quotes."""
    line, following = lines[first], lines[first + 1].rstrip()
    return line[len(line.rstrip("\r\n")) :] + following.removesuffix(second_text.strip())
