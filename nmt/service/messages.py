"""What the process that speaks HTTP and the workers say to each other.

Not in models.py: that is run as a program, and pickle would look for its classes in `__main__`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Markup = Literal["", "html", "file"]  # what may be tags in a segment: nothing, all of a page's, those of nmt/formats


class Batch(NamedTuple):
    """Segments that are translated together."""

    pair: str  # by its name
    texts: Sequence[str]
    alternatives: int  # beside the best, of each text
    markup: Markup


class SegmentResult(NamedTuple):
    """What a model makes of a segment."""

    text: str
    alternatives: Sequence[str]
    score: float
    pieces: int  # of the source
    truncated: bool  # it had too many pieces, and its end is left out


class Inspection(NamedTuple):
    """What is asked about a text."""

    pair: str
    text: str
    translation: str | None  # None: the model's own
    parts: Sequence[str]
    piece: tuple[str, int] | None  # of which side and place alone; None: of all
