"""The interface of a document: segments to translate, and the file with their translations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol


class Segment(NamedTuple):
    text: str
    markup: bool = False  # whether it has tags such as <g id="1">…</g> and <x id="2"/>, and &amp; &lt; &gt;


class Unit(NamedTuple):
    """A text and its translation from a bilingual file."""

    src: str
    tgt: str
    number: int  # number of the unit, from 1, or its line or row
    languages: tuple[str, str] = ("", "")  # as the file itself names them; "" if it does not


class Table(NamedTuple):
    where: str  # its location, for messages
    rows: Iterator[tuple[int, list[str]]]  # row number from 1, and cells


@dataclass(frozen=True)
class DocumentOptions:
    """How to translate a document."""

    src: str = ""  # language code; "" if unknown
    tgt: str = ""
    retranslate: bool = False  # translate segments that have a translation, too
    state: Literal["translated", "review"] = "translated"  # state of new translations, if the format has states
    column: str | None = None  # of a table: SOURCE or SOURCE:TARGET, by their names, letters or numbers from 1
    note: Callable[[str], object] = str  # gets a line for the user; str drops it


class Document(Protocol):
    """A file that was read. `with_targets` may be called only once, because it may change the document."""

    segments: Sequence[Segment]  # to translate, in order; none is blank
    kept: int = 0  # number of segments that already have a translation, and keep it
    languages: tuple[str, str] = ("", "")  # as the file itself names them; "" if it does not

    def with_targets(self, targets: Sequence[str]) -> bytes:
        """The file with a translation for each segment, in order; all else is unchanged."""
