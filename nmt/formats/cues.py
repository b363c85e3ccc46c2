"""Locate the text of cues (SRT, WebVTT) and events (ASS) in a subtitle file, and the tags in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from nmt.text.tags import Piece, Tag

# Each with its own end. \r\r\n comes from programs that convert line ends twice.
LINES = re.compile(r"[^\r\n]*+(?:\r{0,2}\n|\r)|[^\r\n]+")
# Misspelled ones, too: 1:02:03.4 -> 1:02:05, 00: 01: 02, 300 -- > 00: 01: 04, 000. A line that only looks like times
# is kept, which does no harm; missed times would be translated with the text of the cue before.
TIMES = re.compile(r"\ufeff?-?\d+\s*:[\d\s:,.]*[-–—]+\s*(?:>|&gt;)\s*-?\d")
TEXT_FIELD = 9  # commas before the text of an event of ASS
TIMESTAMP = re.compile(r"<[\d:.,]{1,40}>")  # in karaoke, and before words that appear one by one
# Tags of SRT and WebVTT. The name ends before a class, because </c> closes <c.yellow>. SRT may have codes of ASS and
# MicroDVD ({y:i}), which players support; {Music} is text. &lrm; and &rlm; are tags, so that they stay entities.
CUE = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z][\w:-]{0,40})(?:[\s.][^<>]{0,500})?(?P<alone>/?)>"
    rf"|{TIMESTAMP.pattern}|\{{(?:\\|[CFOPSYcfopsy]:)[^{{}}]*+\}}|&(?:lrm|rlm);"
)
ASS = re.compile(r"\{[^{}]*+\}|\\h")
ASS_BREAK = re.compile(r"(\\[Nn])")
DRAWING = re.compile(r"\\p(\d*)(?![a-z])")  # with its scale, or 0 or nothing at its end; not \pos or \pbo


class SubtitleLine(NamedTuple):
    """A line of a file, or of an ASS event: its text, and everything around it."""

    before: str  # blank space; for an event also all other fields
    text: str
    after: str  # blank space, and the line end, or the \N inside an event

    @property
    def is_empty(self) -> bool:
        """Whether the line is empty, without even blank space."""
        return not self.text and not self.after.rstrip("\r\n")


def cues_of(text: str, is_vtt: bool) -> tuple[list[SubtitleLine], list[range]]:
    """The lines of SRT or WebVTT, and the range of the text lines of each cue; some may be blank.

    A cue begins after any line of times. It extends to the next such line, or to the number before that; in WebVTT it
    ends earlier, at an empty line or a line with an arrow, as its specification says.
    """
    lines = [_line("", raw, "") for raw in LINES.findall(text)]
    arrow = "-->" if is_vtt else ""  # in WebVTT a shorter one may be in a note, and does not begin a cue
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
    """The lines of ASS or SSA, and the range of each dialogue event, which is split into the lines that are shown."""
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
    """The end of a cue's text that begins at line `first` and is followed by the line of times `time`: before the
    number of the next cue, if there is one. Digits count as a number directly before the times, or between blank
    lines."""
    number = time - 1
    while number >= first and not lines[number].text:
        number -= 1
    if number < first or not lines[number].text.lstrip("\ufeff").isdecimal():
        return time
    return number if number == time - 1 or not lines[number - 1].text else time


def pieces_of_ass(text: str) -> list[Piece]:
    """The text of an ASS event, cut at its codes. A drawing is one tag with the codes around it."""
    pieces: list[Piece] = []
    end = 0
    for start, stop in _codes(text):
        pieces += [text[end:start], Tag("alone", text[start:stop])]
        end = stop
    return [*pieces, text[end:]]


def _lines_of_ass(text: str) -> list[tuple[str, str]]:
    r"""The lines of an ASS event, each with the \N or \n that ends it; the last has none."""
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
    """Start and end of the codes of an ASS event. A drawing extends to the code that ends it, or to the end."""
    drawing = None
    for match in ASS.finditer(text):
        scales = DRAWING.findall(match[0])  # the last one counts
        draws = bool(scales[-1].strip("0")) if scales else drawing is not None
        if draws and drawing is None:
            drawing = match.start()
        elif not draws:
            yield match.start() if drawing is None else drawing, match.end()
            drawing = None
    if drawing is not None:
        yield drawing, len(text)
