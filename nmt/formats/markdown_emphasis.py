"""Emphasis in Markdown: match runs of `*`, `_` and `~~` (CommonMark 6.2; `~~` is GitHub's)."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from nmt.text.tags import Piece, Tag

MARKS = frozenset(["*", "**", "_", "__", "~~"])
NAMES = {"*": "em", "_": "em", "**": "strong", "__": "strong", "~~": "del"}  # mark -> HTML element


class DelimiterRun:
    """A run of the same sign. Signs with a partner become tags, the others stay text."""

    def __init__(self, text: str, before: str, after: str) -> None:
        self.sign, self.left, self.length = text[0], len(text), len(text)
        blank = [not one or one.isspace() for one in (before, after)]
        punctuation = [bool(one) and unicodedata.category(one)[0] in "PS" for one in (before, after)]
        begins = not blank[1] and (not punctuation[1] or blank[0] or punctuation[0])
        ends = not blank[0] and (not punctuation[0] or blank[1] or punctuation[1])
        inside = self.sign == "_"
        self.opens = begins and not (inside and ends and not punctuation[0])
        self.closes = ends and not (inside and begins and not punctuation[1])
        self.closing: list[Piece] = []
        self.opening: list[Piece] = []  # in reverse order

    @property
    def pieces(self) -> list[Piece]:
        return [*self.closing, self.sign * self.left, *reversed(self.opening)]

    def fits(self, closer: DelimiterRun) -> bool:
        if self.sign != closer.sign:
            return False
        either = self.closes or closer.opens
        return not either or (self.length + closer.length) % 3 > 0 or not (self.length % 3 or closer.length % 3)

    def pair(self, closer: DelimiterRun) -> None:
        text = self.sign * min(2, self.left, closer.left)
        self.opening.append(Tag("open", text))
        closer.closing.append(Tag("close", text))
        self.left -= len(text)
        closer.left -= len(text)


def match(runs: Sequence[DelimiterRun]) -> None:
    """Find the partners of all runs."""
    opened: list[DelimiterRun] = []
    bottoms: dict[tuple[str, bool, int], int] = {}  # kind of run -> index below which it has no partner
    for run in runs:
        key = run.sign, run.opens, run.length % 3
        while run.closes and run.left:
            bottom = bottoms.get(key, 0)
            place = next((i for i in range(len(opened) - 1, bottom - 1, -1) if opened[i].fits(run)), -1)
            if place < 0:
                bottoms[key] = len(opened)
                break
            opened[place].pair(run)
            del opened[place + (opened[place].left > 0) :]
            bottoms = {kind: min(bottom, len(opened)) for kind, bottom in bottoms.items()}
        if run.opens and run.left:
            opened.append(run)


def without_empty(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces without empty emphasis, because its signs would be read as text."""
    found: list[Piece] = []
    for piece in pieces:
        blanks = len(found)
        while blanks and isinstance(last := found[blanks - 1], str) and not last.strip():
            blanks -= 1
        before = found[blanks - 1] if blanks else ""
        if is_mark(piece, "close") and is_mark(before, "open"):
            del found[blanks - 1]
        else:
            found.append(piece)
    return found


def is_mark(piece: Piece, kind: str) -> bool:
    return isinstance(piece, Tag) and piece.kind == kind and piece.value in MARKS


def as_html(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces with HTML tags for emphasis, which are valid beside any character."""
    found = list(pieces)
    for i, piece in enumerate(pieces):
        if isinstance(piece, Tag) and piece.value in MARKS and piece.kind != "alone":
            slash = "/" if piece.kind == "close" else ""
            found[i] = Tag(piece.kind, f"<{slash}{NAMES[piece.value]}>")
    return found
