"""What a format cuts a text into: strings, and tags, which hold whatever stands for them in its file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Literal, NamedTuple

# A tag that a text spells, such as a message of a program.
HTML = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][\w:.-]{0,40})(?:[\s.][^<>]{0,500})?(?P<alone>/?)>")


class Tag(NamedTuple):
    kind: Literal["open", "close", "alone"]
    value: Any  # what a format has for it; a string is text of the file that is no words


Piece = str | Tag


def cut_at_tags(text: str, tags: re.Pattern[str]) -> list[Piece]:
    """A text cut at its tags, of which those that have a name (see HTML) may be pairs."""
    pieces: list[Piece] = []
    names: dict[int, tuple[str, bool]] = {}
    end = 0
    for match in tags.finditer(text):
        if match.start() > end:
            pieces.append(text[end : match.start()])
        end = match.end()
        if match["name"] and not (match["alone"] and not match["close"]):
            names[len(pieces)] = match["name"], bool(match["close"])
        pieces.append(Tag("alone", match[0]))
    return with_pairs([*pieces, text[end:]] if end < len(text) else pieces, names)


def with_pairs(pieces: Sequence[Piece], names: Mapping[int, tuple[Hashable, bool]]) -> list[Piece]:
    """The pieces with more pairs. `names` has, by their places, what single tags are called and whether they close:
    those that have a partner, and do not cross another pair, become one."""
    found = list(pieces)
    opened: list[list[tuple[Hashable, int]]] = [[]]  # within each pair that is there: tags without a partner yet
    counts = [Counter[Hashable]()]  # of their names
    for i, piece in enumerate(pieces):
        name, closes = names.get(i, ("", False))
        if name and not closes:
            opened[-1].append((name, i))
            counts[-1][name] += 1
        elif name and counts[-1][name]:
            other, start = opened[-1].pop()
            counts[-1][other] -= 1
            while other != name:
                other, start = opened[-1].pop()
                counts[-1][other] -= 1
            found[start], found[i] = Tag("open", pieces[start].value), Tag("close", pieces[i].value)  # type: ignore[union-attr]
        elif isinstance(piece, Tag) and piece.kind == "open":
            opened.append([])
            counts.append(Counter())
        elif isinstance(piece, Tag) and piece.kind == "close":
            opened.pop()
            counts.pop()
    return found


def joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Strings side by side as one, and none that is empty."""
    for is_text, some in groupby(pieces, lambda piece: isinstance(piece, str)):
        if not is_text:
            yield from some
        elif text := "".join(map(str, some)):
            yield text


def text_of_pieces(pieces: Iterable[Piece]) -> str:
    """As it stands in a file whose tags are strings."""
    return "".join(piece if isinstance(piece, str) else piece.value for piece in pieces)
