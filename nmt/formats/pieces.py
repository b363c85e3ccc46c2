"""The pieces into which a format cuts a text: strings, and tags with their form in the file."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Literal, NamedTuple

from nmt.text.tag_pairs import nested_pairs

# A tag that a text spells out, as in messages of programs.
HTML = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][\w:.-]{0,40})(?:[\s.][^<>]{0,500})?(?P<alone>/?)>")


class Tag(NamedTuple):
    kind: Literal["open", "close", "alone"]
    value: Any  # its form in the file; a string is text of the file that is not translated


Piece = str | Tag


def cut_at_tags(text: str, tags: re.Pattern[str]) -> list[Piece]:
    """A text cut at its tags; those with a name (see HTML) may form pairs."""
    pieces: list[Piece] = []
    names: dict[int, tuple[str, str]] = {}
    end = 0
    for match in tags.finditer(text):
        if match.start() > end:
            pieces.append(text[end : match.start()])
        end = match.end()
        if match["name"] and not (match["alone"] and not match["close"]):
            names[len(pieces)] = "close" if match["close"] else "open", match["name"]
        pieces.append(Tag("alone", match[0]))
    return with_pairs([*pieces, text[end:]] if end < len(text) else pieces, names)


def with_pairs(pieces: Sequence[Piece], names: Mapping[int, tuple[str, Hashable]]) -> list[Piece]:
    """The pieces with more pairs. `names` maps the index of a single tag to "open" or "close" and its name."""
    tags = [names.get(i, (piece.kind if isinstance(piece, Tag) else "", None)) for i, piece in enumerate(pieces)]
    found = list(pieces)
    for start, end in nested_pairs(tags).items():
        found[start], found[end] = Tag("open", pieces[start].value), Tag("close", pieces[end].value)  # type: ignore[union-attr]
    return found


def joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces with adjacent strings joined, and without empty strings."""
    for is_text, some in groupby(pieces, lambda piece: isinstance(piece, str)):
        if not is_text:
            yield from some
        elif text := "".join(map(str, some)):
            yield text


def text_of_pieces(pieces: Iterable[Piece]) -> str:
    """The text of the pieces in a file, if all tags are strings."""
    return "".join(piece if isinstance(piece, str) else piece.value for piece in pieces)
