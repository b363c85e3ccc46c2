"""What a file with text in it is to a translator: segments to be translated, and the file with their translations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol


class Segment(NamedTuple):
    text: str
    markup: bool = False  # <g id="1">…</g>, <x id="2"/> and the like stand for tags, &amp; &lt; &gt; for characters


class Unit(NamedTuple):
    """A text and its translation, as they stand in a file of both."""

    src: str
    tgt: str
    number: int  # of the unit, from 1, or the line or row where it stands
    languages: tuple[str, str] = ("", "")  # that the file itself says they are in; "" where it says nothing


class Table(NamedTuple):
    where: str  # it stands, for messages
    rows: Iterator[tuple[int, list[str]]]  # its cells, after the row's number from 1


@dataclass(frozen=True)
class DocumentOptions:
    """How a document is to be translated."""

    src: str = ""  # language codes; "" where they are not known
    tgt: str = ""
    retranslate: bool = False  # what has a translation, too
    state: Literal["translated", "review"] = "translated"  # of what is translated, where a format has states
    column: str | None = None  # of a table: SOURCE or SOURCE:TARGET, by their names, letters or numbers from 1
    note: Callable[[str], object] = str  # gets a line for the user; str drops it


class Document(Protocol):
    """A file that was read. `with_targets` may be called once: it may work on what was read."""

    kept: int = 0  # segments that have a translation already, and stay as they are
    languages: tuple[str, str] = ("", "")  # that the file itself says it is in; "" where it says nothing

    @property
    def segments(self) -> Sequence[Segment]:
        """What is to be translated, in order; nothing blank."""

    def with_targets(self, targets: Sequence[str]) -> bytes:
        """The file with a translation for each segment, in its order; all else as it was."""
