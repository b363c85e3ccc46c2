"""Messages between the HTTP process and the workers.

Not in models.py: that runs as a program, so pickle would look for its classes in `__main__`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Markup = Literal["", "html", "file"]  # tags in a segment: none, those of HTML, those of nmt/formats

INSPECTED = ("attention", "gates", "search")  # parts of an inspection
SIDES = ("src", "tgt")


class Batch(NamedTuple):
    """Segments that are translated together."""

    pair: str  # its name
    texts: Sequence[str]
    alternatives: int  # of each text, besides the best
    markup: Markup


class SegmentResult(NamedTuple):
    """A translated segment."""

    text: str
    alternatives: Sequence[str]
    score: float
    pieces: int  # of the source


class Inspection(NamedTuple):
    """A request to inspect the translation of a text."""

    pair: str  # its name; "" until it is known
    text: str
    translation: str | None  # None: the model's own
    parts: Sequence[str]  # of INSPECTED
    piece: tuple[str, int] | None  # side and place of a single piece; None: all pieces
