"""Subtitles: SRT, WebVTT, and ASS or SSA. Only the words of a cue change: numbers, times, positions, notes, styles,
codes, drawings and line ends stay to the letter (a library such as pysubs2 would rewrite cues, and drop the rest of
WebVTT).

The lines of a cue are one text, which is divided again into as many lines of similar length. A line that begins with
a dash is another speaker's, and begins a new text. A line without words stays as it is, and divides the text before
it from that after it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from html import escape

from nmt.formats.cues import CUE, TIMESTAMP, SubtitleLine, cues_of, events_of, pieces_of_ass
from nmt.formats.document import Document, DocumentOptions
from nmt.formats.encodings import read_text
from nmt.formats.inline import Inline
from nmt.text.numbered import unescaped
from nmt.text.tags import Piece, Tag, cut_at_tags

SPEAKER = re.compile(r"(?:<[^<>]*+>|\{[^{}]*+\}|&(?:lrm|rlm);|\s)*+[-–—]")
DASH = re.compile(r"\s*[-–—]\s*")


class Cue:
    """The lines of one cue, or of one of its speakers, and the index of the first in the file."""

    def __init__(self, first: int, lines: Sequence[SubtitleLine], kind: str) -> None:
        self.first, self.lines, self.kind = first, lines, kind
        pieces = _pieces(" ".join(line.text for line in lines), kind)
        for i, piece in enumerate(pieces):
            if isinstance(piece, str) and piece.strip():
                if dash := DASH.match(piece):
                    pieces[i : i + 1] = [Tag("alone", dash[0]), piece[dash.end() :]]
                break
        self.times = [piece for piece in pieces if _is_timestamp(piece)]
        self.inline = Inline(pieces)
        self.has_words = _has_words(pieces)

    def translated(self, target: str) -> list[str]:
        """The replacement of each line; "" for the last ones if the text has become fewer lines."""
        times = iter(self.times)  # WebVTT requires ascending times, whatever order their words have now
        pieces = [next(times) if _is_timestamp(piece) else piece for piece in self.inline.target(target)]
        if self.kind == "vtt":
            pieces = [escape(piece, quote=False) if isinstance(piece, str) else piece for piece in pieces]
        texts = _divided(pieces, len(self.lines))
        ends = [*(line.after for line in self.lines[: len(texts) - 1]), self.lines[-1].after]
        found = [line.before + text + end for line, text, end in zip(self.lines, texts, ends, strict=False)]
        return [*found, *[""] * (len(self.lines) - len(found))]


class SubtitleDocument(Document):
    """Raises ValueError if the file is not UTF-8 or UTF-16, or has no cues."""

    def __init__(self, kind: str, data: bytes, name: str, options: DocumentOptions) -> None:
        self.file = read_text(data, name)
        text = self.file.text
        self.lines, spans = events_of(text) if kind == "ass" else cues_of(text, kind == "vtt")
        if not spans:
            raise ValueError(f"{name} has no {'event' if kind == 'ass' else 'cue'}: it is no {kind.upper()}")
        found = [
            Cue(some.start, self.lines[some.start : some.stop], kind)
            for span in spans
            for some in _texts(self.lines, span, kind)
        ]
        self.cues = [cue for cue in found if cue.has_words]
        self.segments = [cue.inline.segment for cue in self.cues]

    def with_targets(self, targets: Sequence[str]) -> bytes:
        written = ["".join(line) for line in self.lines]
        for cue, target in zip(self.cues, targets, strict=True):
            written[cue.first : cue.first + len(cue.lines)] = cue.translated(target)
        return self.file.written("".join(written))


read_srt, read_vtt, read_ass = (partial(SubtitleDocument, kind) for kind in ("srt", "vtt", "ass"))


def _texts(lines: Sequence[SubtitleLine], span: range, kind: str) -> list[range]:
    """The ranges of lines of a cue that are one text each: those of one speaker, up to a line without words."""
    found: list[range] = []
    for i in span:
        if not _has_words(_pieces(lines[i].text, kind)):
            continue
        if found and found[-1].stop == i and not SPEAKER.match(lines[i].text):
            found[-1] = range(found[-1].start, i + 1)
        else:
            found.append(range(i, i + 1))
    return found


def _pieces(text: str, kind: str) -> list[Piece]:
    pieces = pieces_of_ass(text) if kind == "ass" else cut_at_tags(text, CUE)
    return [unescaped(piece) if isinstance(piece, str) else piece for piece in pieces] if kind == "vtt" else pieces


def _has_words(pieces: Sequence[Piece]) -> bool:
    return any(isinstance(piece, str) and piece.strip() for piece in pieces)


def _is_timestamp(piece: Piece) -> bool:
    return isinstance(piece, Tag) and TIMESTAMP.fullmatch(piece.value) is not None


def _divided(pieces: list[Piece], count: int) -> list[str]:
    """The text in up to `count` lines of similar length; tags count as 0."""
    words: list[tuple[str, int]] = []  # words, blanks and tags, with their lengths
    for piece in pieces:
        if isinstance(piece, Tag):
            words.append((piece.value, 0))
        else:
            words += [(word, len(word)) for word in re.findall(r"\s+|\S+", piece)]
    total = sum(length for _, length in words)
    lines: list[str] = []
    line, before = "", 0
    for text, length in words:
        is_break = text.isspace() and line.strip() and len(lines) < count - 1  # no empty line, which would end a cue
        if is_break and before >= total * (len(lines) + 1) / count - length:
            lines.append(line)
            line = ""
        else:
            line += text
        before += length
    return [*lines, line]
