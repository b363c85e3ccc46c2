"""Files with text in them: one reader a format, which gives the segments to be translated and writes the file with
their translations; for training, what a file has in two languages.

A format is known by its suffix, or its name is given. Files are strangers': what they unpack to and how deep they go
is bounded, and XML may declare no entity. docs/formats.md says what is kept and what is set.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from nmt.common.extras import explained
from nmt.common.suggestions import near_file
from nmt.formats.document import MAX_BYTES, TOO_LARGE, Document, DocumentOptions, Units

TEXT, TSV = "text", "tsv"  # lines: what a filter reads; the lines of a TSV may be such, too
TABLE = ("retranslate", "column")


class Format(NamedTuple):
    suffixes: dict[str, str]  # each with the media type of such a file
    read: Callable[[bytes, str, DocumentOptions], Document]  # of the bytes of a file and its name; raises ValueError
    bilingual: bool  # whether the source stays beside its translation
    options: tuple[str, ...]  # fields of DocumentOptions that it looks at, beside the languages
    library: str = ""  # the module that it needs


def _in(module: str, *kind: str) -> Callable[[bytes, str, DocumentOptions], Document]:
    """The reader of a module, which is loaded, and the library that it needs, when there is such a file."""

    def read(data: bytes, name: str, options: DocumentOptions) -> Document:
        document: Document = import_module(f"nmt.formats.{module}").read(*kind, data, name, options)
        return document

    return read


_MICROSOFT = "application/vnd.openxmlformats-officedocument"
_OASIS = "application/vnd.oasis.opendocument"
FORMATS: dict[str, Format] = {
    "xliff": Format(
        {
            **dict.fromkeys((".xlf", ".xliff"), "application/xliff+xml"),
            **dict.fromkeys((".sdlxliff", ".mqxliff"), "application/xml"),
        },
        _in("xliff"),
        True,
        ("retranslate", "state"),
        "lxml",
    ),
    "tmx": Format({".tmx": "application/xml"}, _in("tmx"), True, ("retranslate",), "lxml"),
    "po": Format(
        dict.fromkeys((".po", ".pot"), "text/x-gettext-translation"),
        _in("po"),
        True,
        ("retranslate", "state"),
        "translate",
    ),
    "xlsx": Format(
        {".xlsx": f"{_MICROSOFT}.spreadsheetml.sheet", ".xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12"},
        _in("xlsx"),
        True,
        TABLE,
        "lxml",
    ),
    "csv": Format({".csv": "text/csv"}, _in("tables", "csv"), True, TABLE),
    TSV: Format({".tsv": "text/tab-separated-values"}, _in("tables", TSV), True, TABLE),
    "docx": Format(
        {
            ".docx": f"{_MICROSOFT}.wordprocessingml.document",
            ".docm": "application/vnd.ms-word.document.macroEnabled.12",
        },
        _in("docx"),
        False,
        ("retranslate",),  # of a table of both languages
        "lxml",
    ),
    "pptx": Format(
        {
            ".pptx": f"{_MICROSOFT}.presentationml.presentation",
            ".pptm": "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
            ".ppsx": f"{_MICROSOFT}.presentationml.slideshow",
        },
        _in("pptx"),
        False,
        (),
        "lxml",
    ),
    "odf": Format(
        {
            ".odt": f"{_OASIS}.text",
            ".odp": f"{_OASIS}.presentation",
            ".ods": f"{_OASIS}.spreadsheet",
            ".ott": f"{_OASIS}.text-template",
            ".otp": f"{_OASIS}.presentation-template",
            ".ots": f"{_OASIS}.spreadsheet-template",
        },
        _in("odf"),
        False,
        (),
        "lxml",
    ),
    "html": Format(
        {**dict.fromkeys((".html", ".htm"), "text/html"), ".xhtml": "application/xhtml+xml"}, _in("html"), False, ()
    ),
    "markdown": Format(
        dict.fromkeys((".md", ".markdown"), "text/markdown"), _in("markdown"), False, (), "markdown_it"
    ),
    "srt": Format({".srt": "application/x-subrip"}, _in("subtitles", "srt"), False, ()),
    "vtt": Format({".vtt": "text/vtt"}, _in("subtitles", "vtt"), False, ()),
    "ass": Format(dict.fromkeys((".ass", ".ssa"), "text/x-ssa"), _in("subtitles", "ass"), False, ()),
}
SUFFIXES = {suffix: name for name, kind in FORMATS.items() for suffix in kind.suffixes}

# No text by lines, and what it can be saved as.
OTHERS = {
    **dict.fromkeys([".doc", ".dot", ".rtf", ".pages", ".pdf"], "docx"),
    **dict.fromkeys([".ppt", ".pps"], "pptx"),
    **dict.fromkeys([".xls", ".xlsb", ".numbers"], "xlsx"),
    ".fodt": "odt",
    ".fodp": "odp",
    ".fods": "ods",
}


def format_of(path: Path) -> str:
    """By the suffix, before .gz; what has none that is known is lines of text."""
    return SUFFIXES.get(Path(path.name.removesuffix(".gz")).suffix.lower(), TEXT)


def readable() -> dict[str, str]:
    """The suffixes of the formats that can be read here, each with its format: whose library is installed, which this
    does not load."""
    there = {name for name, kind in FORMATS.items() if not kind.library or find_spec(kind.library)}
    return {suffix: name for suffix, name in SUFFIXES.items() if name in there}


def read_document(kind: str, data: bytes, name: str, options: DocumentOptions) -> Document:
    """Raises ValueError for a file that is not what its format says, or not to be trusted, or whose library is
    missing."""
    with needing_libraries(kind):
        return FORMATS[kind].read(data, name, options)


def read_units(path: Path, src: str, tgt: str) -> Units:
    """The texts that a file has in both languages, such as a memory's. Raises ValueError as `read_document`."""
    kind = format_of(path)
    with needing_libraries(kind), opened(path) as file:
        if kind == "tmx":
            from nmt.formats import tmx

            yield from tmx.units(file, str(path), src, tgt)
        elif kind == "xliff":
            from nmt.formats import xliff

            yield from xliff.units(whole(file, str(path)), str(path), src, tgt)
        elif kind == "po":
            from nmt.formats import po

            yield from po.units(whole(file, str(path)), str(path), src, tgt)
        else:
            raise ValueError(f"{path} holds no pairs of texts")


def read_tables(path: Path) -> Iterator[tuple[str, Iterator[tuple[int, list[str]]]]]:
    """The tables of an XLSX or DOCX: where each stands, and its rows by number. Raises ValueError as
    `read_document`."""
    kind = format_of(path)
    with needing_libraries(kind), opened(path) as file:
        if kind == "xlsx":
            from nmt.formats.xlsx import Workbook, tables

            yield from tables(Workbook(file, str(path)))
        else:
            from nmt.formats.docx import tables as of_docx

            for number, rows in enumerate(of_docx(file, str(path)), 1):
                yield f"{path}, table {number}", iter(list(enumerate(rows, 1)))


@contextmanager
def needing_libraries(kind: str) -> Iterator[None]:
    """A library that is not installed is told by how it is had."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (missing := explained(error, kind)) is None:
            raise
        raise ValueError(missing) from None


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file, gzipped or not. Raises ValueError for one that is missing or cannot be read."""
    try:
        file = gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 (closed below)
    except FileNotFoundError:
        raise ValueError(f"{path} is missing{near_file(path)}") from None
    except IsADirectoryError:
        raise ValueError(f"{path} is a folder, not a file") from None
    except PermissionError as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    try:
        with file:
            yield cast(BinaryIO, file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None


def whole(file: BinaryIO, name: str) -> bytes:
    """All of a file. Raises ValueError where that is too much."""
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{name} {TOO_LARGE}")
    return data
