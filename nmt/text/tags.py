"""A text cut into pieces: strings, and tags with their form in the file, which may be pairs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Literal, NamedTuple

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


def nested_pairs(tags: Iterable[tuple[str, Hashable]]) -> dict[int, int]:
    """Match opening and closing tags of the same name whose pairs do not cross others: index of the opening tag ->
    index of its partner.

    Each tag is `("open", name)` or `("close", name)`. A name of None belongs to an existing pair, which is not
    crossed either; any other kind is no end of a pair. Takes time linear in the number of tags.
    """
    found: dict[int, int] = {}
    opened: list[list[tuple[Hashable, int]]] = [[]]  # in each existing pair: open tags without a partner
    counts = [Counter[Hashable]()]  # of their names
    for place, (kind, name) in enumerate(tags):
        if kind == "open" and name is None:
            opened.append([])
            counts.append(Counter())
        elif kind == "close" and name is None:
            opened.pop()
            counts.pop()
        elif kind == "open":
            opened[-1].append((name, place))
            counts[-1][name] += 1
        elif kind == "close" and counts[-1][name]:
            other, start = None, place
            while other != name:
                other, start = opened[-1].pop()
                counts[-1][other] -= 1
            found[start] = place
    return found


def partners(pieces: Sequence[Piece]) -> dict[int, int]:
    """Index of an opening tag -> index of its partner; the pairs are nested."""
    return nested_pairs((piece.kind if isinstance(piece, Tag) else "", "") for piece in pieces)


def core(pieces: Sequence[Piece], is_blank: Callable[[str], bool]) -> range:
    """The indices of the pieces that must be translated: without blank ones and single tags at both ends, and without
    the pairs around all of the others."""
    first, last, pairs = 0, len(pieces), partners(pieces)

    def stays(piece: Piece) -> bool:
        return piece.kind == "alone" if isinstance(piece, Tag) else is_blank(piece)

    while True:
        while first < last and stays(pieces[first]):
            first += 1
        while first < last and stays(pieces[last - 1]):
            last -= 1
        if first == last or pairs.get(first) != last - 1:
            return range(first, last)
        first, last = first + 1, last - 1


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
