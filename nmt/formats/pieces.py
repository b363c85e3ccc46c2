"""What a format cuts a text into: strings, and tags, which hold whatever stands for them in its file."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple


class Tag(NamedTuple):
    kind: Literal["open", "close", "alone"]
    value: Any  # what a format has for it; a string is text of the file that is no words


Piece = str | Tag
