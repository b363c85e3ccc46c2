"""A client's file, read by its suffix: its texts and their language, and the file with the translations. These
functions are pure and may take long: call them in a thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath

from nmt.formats import SUFFIXES, read_document, readable
from nmt.formats.document import Document, DocumentOptions, Segment
from nmt.formats.encodings import read_text
from nmt.formats.inline import lines_of, with_lines, without_tags
from nmt.service.detection import MAX_SEEN_CHARS, detect
from nmt.service.limits import MAX_LINE_CHARS, Limits
from nmt.service.pairs import LanguagePair
from nmt.service.segments import cut
from nmt.service.wire import RefusedError

TEXT = ".txt"  # plain lines, without tags
NAME = "the file"  # instead of its own name, which no response or log repeats
_MICROSOFT = "application/vnd.openxmlformats-officedocument"
_OASIS = "application/vnd.oasis.opendocument"
CONTENT_TYPES = {
    TEXT: "text/plain",
    **dict.fromkeys([".xlf", ".xliff"], "application/xliff+xml"),
    **dict.fromkeys([".sdlxliff", ".mqxliff", ".tmx"], "application/xml"),
    **dict.fromkeys([".po", ".pot"], "text/x-gettext-translation"),
    ".xlsx": f"{_MICROSOFT}.spreadsheetml.sheet",
    ".xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".docx": f"{_MICROSOFT}.wordprocessingml.document",
    ".docm": "application/vnd.ms-word.document.macroEnabled.12",
    ".pptx": f"{_MICROSOFT}.presentationml.presentation",
    ".pptm": "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
    ".ppsx": f"{_MICROSOFT}.presentationml.slideshow",
    ".odt": f"{_OASIS}.text",
    ".odp": f"{_OASIS}.presentation",
    ".ods": f"{_OASIS}.spreadsheet",
    ".ott": f"{_OASIS}.text-template",
    ".otp": f"{_OASIS}.presentation-template",
    ".ots": f"{_OASIS}.spreadsheet-template",
    **dict.fromkeys([".html", ".htm"], "text/html"),
    ".xhtml": "application/xhtml+xml",
    **dict.fromkeys([".md", ".markdown"], "text/markdown"),
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt",
    **dict.fromkeys([".ass", ".ssa"], "text/x-ssa"),
}


@dataclass(frozen=True)
class FileText:
    """A file that was read."""

    pair: LanguagePair | None  # None: it is already in the target language and stays as it is
    segments: Sequence[Segment]
    lines: Sequence[str]  # to translate, without duplicates
    characters: int  # of its texts
    is_tagged: bool  # whether lines may contain tags
    with_targets: Callable[[Sequence[str]], bytes]  # as that of Document


class TextDocument(Document):
    """Lines in UTF-8 or UTF-16; the sentences of a long line are translated one by one. Raises ValueError for another
    encoding, RefusedError(413) for a line that is too long."""

    def __init__(self, data: bytes, options: DocumentOptions) -> None:
        self.file = read_text(data, NAME)
        _check_lines(self.file.text.split("\n"))
        self.cut = cut(self.file.text, options.src, options.tgt)
        self.segments = [Segment(text) for text in self.cut.texts]

    def with_targets(self, targets: Sequence[str]) -> bytes:
        return self.file.written(self.cut.joined(targets))


def suffixes() -> list[str]:
    """The suffixes of files that can be read here."""
    return [TEXT, *readable()]


def suffix_of(name: str) -> str:
    """The suffix of a file's name. Raises RefusedError(400) if such files cannot be read here."""
    found = PurePath(name).suffix.lower()
    known = suffixes()
    if found not in known:
        raise RefusedError(400, f"files of this kind are not supported; there are: {', '.join(known)}")
    return found


def read(data: bytes, suffix: str, ways: Mapping[str, LanguagePair | None], limits: Limits) -> FileText:
    """Read a file in one of several languages, each with the pair that translates it (see Pairs.ways). Raises
    RefusedError: 400 for an invalid file, 413 for too much text."""
    try:
        source = next(iter(ways)) if len(ways) == 1 else _detected(data, suffix, ways)
        pair = ways[source]
        document = _opened(data, suffix, pair) if pair else None
    except ValueError as error:
        raise RefusedError(400, str(error)) from None
    if document is None:
        return FileText(None, (), (), 0, False, lambda _: data)
    segments = document.segments
    characters = sum(len(without_tags(one)) for one in segments)
    if characters > limits.max_file_chars:
        raise RefusedError(413, f"{NAME} has {characters} characters, and {limits.max_file_chars} are the most")
    lines = lines_of(segments)
    _check_lines(lines)
    return FileText(pair, segments, lines, characters, suffix != TEXT, document.with_targets)


def written(file: FileText, known: Mapping[str, str]) -> bytes:
    """The file with the translations of its lines. Call this once only."""
    return file.with_targets(with_lines(file.segments, known))


def _detected(data: bytes, suffix: str, ways: Mapping[str, LanguagePair | None]) -> str:
    """The language of a file's text. A format with several languages side by side cannot be read without a choice;
    there it is the first of `ways` that the file has. Raises ValueError."""
    try:
        document = _opened(data, suffix, None)
    except ValueError as error:
        for source, pair in ways.items():
            with suppress(ValueError):
                if pair and _opened(data, suffix, pair).segments:
                    return source
        raise error
    seen = ""
    for segment in document.segments:
        seen += f"{without_tags(segment)}\n"
        if len(seen) >= MAX_SEEN_CHARS:
            break
    return detect(seen, list(ways))[0][0]


def _opened(data: bytes, suffix: str, pair: LanguagePair | None) -> Document:
    options = DocumentOptions(pair.source, pair.target) if pair else DocumentOptions()
    return TextDocument(data, options) if suffix == TEXT else read_document(SUFFIXES[suffix], data, NAME, options)


def _check_lines(lines: Sequence[str]) -> None:
    """Raises RefusedError(413)."""
    if any(len(line) > MAX_LINE_CHARS for line in lines):
        raise RefusedError(413, f"{NAME} has a paragraph of more than {MAX_LINE_CHARS} characters; divide it")
