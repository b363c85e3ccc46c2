"""What a format cuts a text into: strings, and tags, which hold whatever stands for them in its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Literal, NamedTuple


class Tag(NamedTuple):
    kind: Literal["open", "close", "alone"]
    value: Any  # what a format has for it; a string is text of the file that is no words


Piece = str | Tag


def joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Strings side by side as one, and none that is empty."""
    for is_text, some in groupby(pieces, lambda piece: isinstance(piece, str)):
        if not is_text:
            yield from some
        elif text := "".join(map(str, some)):
            yield text
