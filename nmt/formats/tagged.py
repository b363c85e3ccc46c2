"""Tags that stand in a text as text: `<i>` of subtitles and messages, `{\\i1}` of ASS."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from nmt.formats.inline import Piece, Tag

HTML = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][\w:.-]{0,40})(?:[\s.][^<>]{0,500})?(?P<alone>/?)>")
ASS = re.compile(r"\{[^{}]{1,2000}\}|\\h")


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
        name = found.get("name", "")
        if found.get("close") and names[name]:
            other, start = "", 0
            while other != name:
                other, start = opened.pop()
                names[other] -= 1
            pieces[start], pieces[-1] = Tag("open", pieces[start].value), Tag("close", match[0])  # type: ignore[union-attr]
        elif name and not found["close"] and not found["alone"]:
            opened.append((name, len(pieces) - 1))
            names[name] += 1
    return [*pieces, text[end:]] if end < len(text) else pieces


def text_of_pieces(pieces: Iterable[Piece]) -> str:
    return "".join(piece if isinstance(piece, str) else piece.value for piece in pieces)
