"""What a file with text in it is to a translator: segments to be translated, and the file with their translations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

MAX_BYTES = 1 << 26  # of a file that is read as a whole, unpacked; its tree takes ten times as much
TOO_LARGE = f"is larger than {MAX_BYTES >> 20} MiB; divide it"


class Segment(NamedTuple):
    text: str
    markup: bool = False  # <g id="1">…</g>, <x id="2"/> and the like stand for tags, &amp; &lt; &gt; for characters


class Unit(NamedTuple):
    """A text and its translation, as they stand in a file of both."""

    src: str
    tgt: str
    number: int  # of the unit, from 1, or the line or row where it stands
    languages: tuple[str, str] = ("", "")  # that the file itself says they are in; "" where it says nothing


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

    @property
    def segments(self) -> Sequence[Segment]:
        """What is to be translated, in order; nothing blank."""

    @property
    def kept(self) -> int:
        """Segments that have a translation already, and stay as they are."""

    @property
    def languages(self) -> tuple[str, str]:
        """Those that the file itself says it is in; "" where it says nothing."""

    def with_targets(self, targets: Sequence[str]) -> bytes:
        """The file with a translation for each segment, in its order; all else as it was."""


Units = Iterator[Unit]
