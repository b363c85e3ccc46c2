"""Subtitles: SRT, WebVTT, and ASS or SSA. Only the words of a cue change: numbers, times, positions, notes, styles
and ends of lines stay to the letter (a library such as pysubs2 would write cues anew, and WebVTT without the rest).

The lines of a cue are one text, which is divided into as many lines of like length again; where one begins with a
dash, somebody else speaks, and it is a text of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape, unescape

from nmt.formats.document import MAX_BYTES, TOO_LARGE, DocumentOptions, Segment
from nmt.formats.inline import Inline
from nmt.formats.pieces import Piece, Tag
from nmt.formats.tagged import ASS, HTML, pieces_of

TIMES = re.compile(r"^\s*(?:\d+:)?\d{1,2}:\d{1,2}[,.]\d{1,3}\s*-->\s*(?:\d+:)?\d{1,2}:\d{1,2}[,.]\d{1,3}")
SPEAKER = re.compile(r"^\s*+(?:<[^<>]*+>)*+\s*+[-–—]")
DASH = re.compile(r"\s*[-–—]\s*")
TEXT_FIELD = 9  # commas before the text of an event of ASS


class Cue:
    """The lines of one cue, or of one of its speakers, and in which line of the file they begin."""

    def __init__(self, first: int, lines: list[str], kind: str) -> None:
        self.first, self.lines, self.kind = first, lines, kind
        pieces = pieces_of(" ".join(line.strip() for line in lines), ASS if kind == "ass" else HTML)
        if kind == "vtt":
            pieces = [unescape(piece) if isinstance(piece, str) else piece for piece in pieces]
        for i, piece in enumerate(pieces):
            if isinstance(piece, str) and piece.strip():
                if dash := DASH.match(piece):
                    pieces[i : i + 1] = [Tag("alone", dash[0]), piece[dash.end() :]]
                break
        self.inline = Inline([piece for piece in pieces if piece != ""])

    def translated(self, target: str) -> list[str]:
        pieces = self.inline.target(target)
        if self.kind == "vtt":
            pieces = [escape(piece, quote=False) if isinstance(piece, str) else piece for piece in pieces]
        return _divided(pieces, len(self.lines))


class SubtitleDocument:
    kept = 0
    languages = ("", "")

    def __init__(self, data: bytes, name: str, kind: str) -> None:
        self.encoding, text = _decoded(data, name)
        self.end = "\r\n" if "\r\n" in text else "\n"
        self.lines = text.split(self.end)
        self.kind = kind
        self.starts: dict[int, str] = {}  # of ASS: what stands before the text of an event
        found = self._events() if kind == "ass" else self._cues()
        self.cues = [cue for cue in found if cue.inline.segment.text.strip()]
        if not found:
            raise ValueError(f"{name} has no {'event' if kind == 'ass' else 'cue'}: it is no {kind.upper()}")

    @property
    def segments(self) -> Sequence[Segment]:
        return [cue.inline.segment for cue in self.cues]

    def with_targets(self, targets: Sequence[str]) -> bytes:
        lines = [[line] for line in self.lines]
        for cue, target in zip(self.cues, targets, strict=True):
            found = cue.translated(target)
            if self.kind == "ass":
                lines[cue.first] = [self.starts[cue.first] + r"\N".join(found)]
            else:
                lines[cue.first : cue.first + len(cue.lines)] = [found, *[[]] * (len(cue.lines) - 1)]
        return self.end.join(line for some in lines for line in some).encode(self.encoding)

    def _cues(self) -> list[Cue]:
        found, i = [], 0
        while i < len(self.lines):
            if not TIMES.match(self.lines[i]):
                i += 1
                continue
            first = i = i + 1
            while i < len(self.lines) and self.lines[i].strip():
                i += 1
            speakers = [j for j in range(first, i) if j == first or SPEAKER.match(self.lines[j])]
            for start, end in zip(speakers, [*speakers[1:], i], strict=False):
                found.append(Cue(start, self.lines[start:end], self.kind))
        return found

    def _events(self) -> list[Cue]:
        found, fields = [], TEXT_FIELD
        for i, line in enumerate(self.lines):
            name, _, content = line.partition(":")
            if name.strip() == "Format" and content.strip().endswith("Text"):
                fields = content.count(",")
            elif name.strip() == "Dialogue" and content.count(",") >= fields:
                text = content.split(",", fields)[fields]
                self.starts[i] = line[: len(line) - len(text)]
                found.append(Cue(i, re.split(r"\\[Nn]", text), "ass"))
        return found


def read(kind: str, data: bytes, name: str, options: DocumentOptions) -> SubtitleDocument:
    """Raises ValueError for what is not UTF-8 or UTF-16, or has no cues."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"{name} {TOO_LARGE}")
    return SubtitleDocument(data, name, kind)


def _decoded(data: bytes, name: str) -> tuple[str, str]:
    encodings = {b"\xef\xbb": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    encoding = encodings.get(data[:2], "utf-8")
    try:
        return encoding, data.decode(encoding)
    except UnicodeDecodeError:
        raise ValueError(
            f"{name} is not UTF-8; of an older one make it so: iconv -f WINDOWS-1252 -t UTF-8 < {name}"
        ) from None


def _divided(pieces: list[Piece], count: int) -> list[str]:
    """The text in up to `count` lines of like length; tags have none."""
    words: list[tuple[str, int]] = []  # with what stands before it, and its own length
    for piece in pieces:
        if isinstance(piece, Tag):
            words.append((piece.value, 0))
        else:
            words += [(word, len(word)) for word in re.findall(r"\s+|\S+", piece)]
    total = sum(length for _, length in words)
    lines: list[str] = []
    line, before = "", 0
    for text, length in words:
        if text.isspace() and len(lines) < count - 1 and before >= total * (len(lines) + 1) / count - length:
            lines.append(line)
            line = ""
        else:
            line += text
        before += length
    return [*lines, line]
