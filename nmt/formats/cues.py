"""Where the text of cues (SRT, WebVTT) and of events (ASS) stands in a file of subtitles, and what is a tag in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from nmt.formats.pieces import Piece, Tag

# Each with its own end. Two returns before a line feed are what a program makes that converts such a file twice.
LINES = re.compile(r"[^\r\n]*+(?:\r{0,2}\n|\r)|[^\r\n]+")
# Also as they are misspelled: 1:02:03.4 -> 1:02:05, 00: 01: 02, 300 -- > 00: 01: 04, 000. A line that only looks so
# is kept, which does no harm; one that is not found would be translated with the words of the cue before.
TIMES = re.compile(r"\ufeff?-?\d+\s*:[\d\s:,.]*[-–—]+\s*(?:>|&gt;)\s*-?\d")
TEXT_FIELD = 9  # commas before the text of an event of ASS
TIMESTAMP = re.compile(r"<[\d:.,]{1,40}>")  # of karaoke and of words that appear one by one
# Of SRT and WebVTT. The name ends before a class, since </c> closes <c.yellow>. Codes of ASS and of MicroDVD ({y:i})
# stand in SRT as players know them; {Music} is text. &lrm; and &rlm; are written to be seen in a file.
CUE = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z][\w:-]{0,40})(?:[\s.][^<>]{0,500})?(?P<alone>/?)>"
    rf"|{TIMESTAMP.pattern}|\{{(?:\\|[CFOPSYcfopsy]:)[^{{}}]*+\}}|&(?:lrm|rlm);"
)
ASS = re.compile(r"\{[^{}]*+\}|\\h")
ASS_BREAK = re.compile(r"(\\[Nn])")
DRAWING = re.compile(r"\\p(\d*)(?![a-z])")  # its scale, and 0 or none where it ends; not \pos, not \pbo


class SubtitleLine(NamedTuple):
    """A line of a file, or of an event of ASS, and what stands around its text."""

    before: str  # blank space; of an event also all its other fields
    text: str
    after: str  # blank space, and the end of the line, or the \N that divides an event

    @property
    def is_empty(self) -> bool:
        """Whether it has nothing, not even blank space."""
        return not self.text and not self.after.rstrip("\r\n")


def cues_of(text: str, is_vtt: bool) -> tuple[list[SubtitleLine], list[range]]:
    """The lines of SRT or WebVTT, and those that are the text of each cue; some may be blank.

    A cue begins after a line of times, wherever that stands. It goes on to the next such line, or to the number
    before that; in WebVTT, as its specification says, only to an empty line or to one with an arrow.
    """
    lines = [_line("", raw, "") for raw in LINES.findall(text)]
    arrow = "-->" if is_vtt else ""  # a shorter one may stand in a note of WebVTT, and begins no cue there
    times = [i for i, line in enumerate(lines) if arrow in line.text and TIMES.match(line.text)]
    cues = []
    for time, following in pairwise([*times, len(lines)]):
        first = time + 1
        end = _before_number(lines, first, following) if following < len(lines) else following
        if is_vtt:
            end = next((i for i in range(first, end) if lines[i].is_empty or "-->" in lines[i].text), end)
        cues.append(range(first, end))
    return lines, cues


def events_of(text: str) -> tuple[list[SubtitleLine], list[range]]:
    """The lines of ASS or SSA, a dialogue's event being as many as it is shown in, and those of each such event."""
    lines, events, fields = [], [], TEXT_FIELD
    for raw in LINES.findall(text):
        name, _, content = raw.partition(":")
        if name.strip() == "Format" and content.strip().endswith("Text"):
            fields = content.count(",")
        if name.strip() != "Dialogue" or content.count(",") < fields:
            lines.append(_line("", raw, ""))
            continue
        shown = content.split(",", fields)[fields]
        first = len(lines)
        for part, end in _lines_of_ass(shown):
            lines.append(_line("" if len(lines) > first else raw[: len(raw) - len(shown)], part, end))
        events.append(range(first, len(lines)))
    return lines, events


def _line(before: str, raw: str, after: str) -> SubtitleLine:
    text = raw.strip()
    start = raw.find(text)
    return SubtitleLine(before + raw[:start], text, raw[start + len(text) :] + after)


def _before_number(lines: list[SubtitleLine], first: int, time: int) -> int:
    """Where the text of a cue that begins with line `first` ends before a line of times: at its number if it has one.
    Digits are one right before the times, or where blank lines stand on both sides of them."""
    number = time - 1
    while number >= first and not lines[number].text:
        number -= 1
    if number < first or not lines[number].text.lstrip("\ufeff").isdecimal():
        return time
    return number if number == time - 1 or not lines[number - 1].text else time


def pieces_of_ass(text: str) -> list[Piece]:
    """The text of an event of ASS, cut at its codes. A drawing and the codes around it are one tag."""
    pieces: list[Piece] = []
    end = 0
    for start, stop in _codes(text):
        pieces += [text[end:start], Tag("alone", text[start:stop])]
        end = stop
    return [piece for piece in [*pieces, text[end:]] if piece != ""]


def _lines_of_ass(text: str) -> list[tuple[str, str]]:
    r"""The lines of an event of ASS, each with the \N or \n that ends it; the last has none."""
    lines, line = [], ""
    for piece in pieces_of_ass(text):
        for i, part in enumerate([piece.value] if isinstance(piece, Tag) else ASS_BREAK.split(piece)):
            if i % 2:
                lines.append((line, part))
                line = ""
            else:
                line += part
    return [*lines, (line, "")]


def _codes(text: str) -> Iterator[tuple[int, int]]:
    """Where the codes of an event of ASS begin and end. A drawing goes on to the code that ends it, or to the end."""
    drawing = None
    for match in ASS.finditer(text):
        scales = DRAWING.findall(match[0])  # the last one counts
        begins, ends = bool(scales and scales[-1].strip("0")), bool(scales and not scales[-1].strip("0"))
        if drawing is not None and ends:
            yield drawing, match.end()
            drawing = None
        elif drawing is None and begins:
            drawing = match.start()
        elif drawing is None:
            yield match.span()
    if drawing is not None:
        yield drawing, len(text)
