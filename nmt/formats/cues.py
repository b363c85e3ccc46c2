"""Where the text of each cue stands in a file of subtitles, and where that of each event of ASS does."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from nmt.formats.tagged import lines_of_ass

# Each with its own end. Two returns before a line feed are what a program makes that converts such a file twice.
LINES = re.compile(r"[^\r\n]*+(?:\r{0,2}\n|\r)|[^\r\n]+")
# Also as they are misspelled: 1:02:03.4 -> 1:02:05, 00: 01: 02, 300 -- > 00: 01: 04, 000. A line that only looks so
# is kept, which does no harm; one that is not found would be translated with the words of the cue before.
TIMES = re.compile(r"\ufeff?-?\d+\s*:[\d\s:,.]*[-–—]+\s*(?:>|&gt;)\s*-?\d")
TEXT_FIELD = 9  # commas before the text of an event of ASS


class Line(NamedTuple):
    """A line of a file, or of an event of ASS, and what stands around its text."""

    before: str  # blank space; of an event also all its other fields
    text: str
    after: str  # blank space, and the end of the line, or the \N that divides an event

    @property
    def is_empty(self) -> bool:
        """Whether it has nothing, not even blank space."""
        return not self.text and not self.after.rstrip("\r\n")


def cues_of(text: str, is_vtt: bool) -> tuple[list[Line], list[range]]:
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


def events_of(text: str) -> tuple[list[Line], list[range]]:
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
        for part, end in lines_of_ass(shown):
            lines.append(_line("" if len(lines) > first else raw[: len(raw) - len(shown)], part, end))
        events.append(range(first, len(lines)))
    return lines, events


def _line(before: str, raw: str, after: str) -> Line:
    text = raw.strip()
    start = raw.find(text)
    return Line(before + raw[:start], text, raw[start + len(text) :] + after)


def _before_number(lines: list[Line], first: int, time: int) -> int:
    """Where the text of a cue that begins with line `first` ends before a line of times: at its number if it has one.
    Digits are one right before the times, or where blank lines stand on both sides of them."""
    number = time - 1
    while number >= first and not lines[number].text:
        number -= 1
    if number < first or not lines[number].text.lstrip("\ufeff").isdecimal():
        return time
    return number if number == time - 1 or not lines[number - 1].text else time
