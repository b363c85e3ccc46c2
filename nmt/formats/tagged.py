"""Tags that stand in a text as text: `<i>` of messages and subtitles, `{\\i1}` and drawings of ASS."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from nmt.formats.pieces import Piece, Tag

HTML = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][\w:.-]{0,40})(?:[\s.][^<>]{0,500})?(?P<alone>/?)>")
TIMESTAMP = re.compile(r"<[\d:.,]{1,40}>")  # of karaoke and of words that appear one by one
# Of SRT and WebVTT. The name ends before a class, since </c> closes <c.yellow>. Codes of ASS and of MicroDVD ({y:i})
# stand in SRT as players know them; {Music} is text. &lrm; and &rlm; are written to be seen in a file.
CUE = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z][\w:-]{0,40})(?:[\s.][^<>]{0,500})?(?P<alone>/?)>"
    rf"|{TIMESTAMP.pattern}|\{{(?:\\|[CFOPSYcfopsy]:)[^{{}}]*+\}}|&(?:lrm|rlm);"
)
ASS = re.compile(r"\{[^{}]*+\}|\\h")
ASS_BREAK = re.compile(r"(\\[Nn])")
DRAWING = re.compile(r"\\p(\d*)(?![a-z])")  # its scale, and 0 or none where it ends; not \pos, not \pbo


def pieces_of(text: str, tags: re.Pattern[str]) -> list[Piece]:
    """A text cut at its tags. Those of HTML that have a partner, and do not cross others, are pairs."""
    pieces: list[Piece] = []
    opened: list[tuple[str, int]] = []
    names = Counter[str]()  # of what is opened
    end = 0
    for match in tags.finditer(text):
        if match.start() > end:
            pieces.append(text[end : match.start()])
        end = match.end()
        found = match.groupdict()
        pieces.append(Tag("alone", match[0]))
        name = found["name"]
        if found["close"] and names[name]:
            other, start = "", 0
            while other != name:
                other, start = opened.pop()
                names[other] -= 1
            pieces[start], pieces[-1] = Tag("open", pieces[start].value), Tag("close", match[0])  # type: ignore[union-attr]
        elif name and not found["close"] and not found["alone"]:
            opened.append((name, len(pieces) - 1))
            names[name] += 1
    return [*pieces, text[end:]] if end < len(text) else pieces


def pieces_of_ass(text: str) -> list[Piece]:
    """The text of an event of ASS, cut at its codes. A drawing and the codes around it are one tag."""
    pieces: list[Piece] = []
    end = 0
    for start, stop in _codes(text):
        pieces += [text[end:start], Tag("alone", text[start:stop])]
        end = stop
    return [piece for piece in [*pieces, text[end:]] if piece != ""]


def lines_of_ass(text: str) -> list[tuple[str, str]]:
    r"""The lines of an event of ASS, each with the \N or \n that ends it; the last has none."""
    lines, line = [], ""
    for piece in pieces_of_ass(text):
        for i, part in enumerate([piece.value] if isinstance(piece, Tag) else ASS_BREAK.split(piece)):
            if i % 2:
                lines.append((line, part))
                line = ""
            else:
                line += part
    return [*lines, (line, "")]


def _codes(text: str) -> Iterator[tuple[int, int]]:
    """Where the codes of an event of ASS begin and end. A drawing goes on to the code that ends it, or to the end."""
    drawing = None
    for match in ASS.finditer(text):
        scales = DRAWING.findall(match[0])  # the last one counts
        begins, ends = bool(scales and scales[-1].strip("0")), bool(scales and not scales[-1].strip("0"))
        if drawing is not None and ends:
            yield drawing, match.end()
            drawing = None
        elif drawing is None and begins:
            drawing = match.start()
        elif drawing is None:
            yield match.span()
    if drawing is not None:
        yield drawing, len(text)


def text_of_pieces(pieces: Iterable[Piece]) -> str:
    return "".join(piece if isinstance(piece, str) else piece.value for piece in pieces)
