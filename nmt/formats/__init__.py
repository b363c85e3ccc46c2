"""Files with text in them: one reader a format, which gives the segments to be translated and writes the file with
their translations; for training, what a file has in two languages.

A format is known by its suffix, or its name is given. Files are strangers': what they unpack to and how deep they go
is bounded, and XML may declare no entity. docs/formats.md says what is kept and what is set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from nmt.common.extras import explained
from nmt.formats.document import Document, DocumentOptions, Table, Unit
from nmt.formats.files import opened

TEXT, TSV = "text", "tsv"  # lines: what a filter reads; the lines of a TSV may be such, too
TABLE_OPTIONS = ("retranslate", "column")


class Format(NamedTuple):
    suffixes: dict[str, str]  # each with the media type of such a file
    read: Callable[[bytes, str, DocumentOptions], Document]  # of the bytes of a file and its name; raises ValueError
    bilingual: bool = False  # whether the source stays beside its translation
    options: tuple[str, ...] = ()  # fields of DocumentOptions that it looks at, beside the languages
    library: str = ""  # the module that it needs


def _by(reader: str, *kind: str) -> Callable[[bytes, str, DocumentOptions], Document]:
    """A reader of a module here. The module, with the library that it needs, is loaded when there is such a file."""
    module, name = reader.split(".")

    def read(data: bytes, file_name: str, options: DocumentOptions) -> Document:
        document: Document = getattr(_module(module), name)(*kind, data, file_name, options)
        return document

    return read


def _module(name: str) -> Any:
    return import_module(f"nmt.formats.{name}")


_MICROSOFT = "application/vnd.openxmlformats-officedocument"
_OASIS = "application/vnd.oasis.opendocument"
FORMATS: dict[str, Format] = {
    "xliff": Format(
        {
            **dict.fromkeys((".xlf", ".xliff"), "application/xliff+xml"),
            **dict.fromkeys((".sdlxliff", ".mqxliff"), "application/xml"),
        },
        _by("xliff.read"),
        bilingual=True,
        options=("retranslate", "state"),
        library="lxml",
    ),
    "tmx": Format(
        {".tmx": "application/xml"}, _by("tmx.read"), bilingual=True, options=("retranslate",), library="lxml"
    ),
    "po": Format(
        dict.fromkeys((".po", ".pot"), "text/x-gettext-translation"),
        _by("po.PoDocument"),
        bilingual=True,
        options=("retranslate", "state"),
        library="translate",
    ),
    "xlsx": Format(
        {".xlsx": f"{_MICROSOFT}.spreadsheetml.sheet", ".xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12"},
        _by("xlsx.WorkbookDocument"),
        bilingual=True,
        options=TABLE_OPTIONS,
        library="lxml",
    ),
    "csv": Format({".csv": "text/csv"}, _by("tables.TableDocument", "csv"), bilingual=True, options=TABLE_OPTIONS),
    TSV: Format(
        {".tsv": "text/tab-separated-values"}, _by("tables.TableDocument", TSV), bilingual=True, options=TABLE_OPTIONS
    ),
    "docx": Format(
        {
            ".docx": f"{_MICROSOFT}.wordprocessingml.document",
            ".docm": "application/vnd.ms-word.document.macroEnabled.12",
        },
        _by("docx.WordDocument"),
        options=("retranslate",),  # of a table of both languages
        library="lxml",
    ),
    "pptx": Format(
        {
            ".pptx": f"{_MICROSOFT}.presentationml.presentation",
            ".pptm": "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
            ".ppsx": f"{_MICROSOFT}.presentationml.slideshow",
        },
        _by("pptx.Presentation"),
        library="lxml",
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
        _by("odf.OpenDocument"),
        library="lxml",
    ),
    "html": Format(
        {**dict.fromkeys((".html", ".htm"), "text/html"), ".xhtml": "application/xhtml+xml"}, _by("html.HtmlDocument")
    ),
    "markdown": Format(
        dict.fromkeys((".md", ".markdown"), "text/markdown"), _by("markdown.MarkdownDocument"), library="markdown_it"
    ),
    "srt": Format({".srt": "application/x-subrip"}, _by("subtitles.SubtitleDocument", "srt")),
    "vtt": Format({".vtt": "text/vtt"}, _by("subtitles.SubtitleDocument", "vtt")),
    "ass": Format(dict.fromkeys((".ass", ".ssa"), "text/x-ssa"), _by("subtitles.SubtitleDocument", "ass")),
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
    with _needing_libraries(kind):
        return FORMATS[kind].read(data, name, options)


def read_units(path: Path, src: str, tgt: str) -> Iterator[Unit]:
    """The texts that a TMX, XLIFF or PO has in both languages. Raises ValueError as `read_document`."""
    kind = format_of(path)
    with _needing_libraries(kind), opened(path) as file:
        yield from _module(kind).units(file, str(path), src, tgt)


def read_tables(path: Path) -> Iterator[Table]:
    """The tables of an XLSX or DOCX. Raises ValueError as `read_document`."""
    kind = format_of(path)
    with _needing_libraries(kind), opened(path) as file:
        yield from _module(kind).tables(file, str(path))


@contextmanager
def _needing_libraries(kind: str) -> Iterator[None]:
    """A library that is not installed is told by how it is had."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (missing := explained(error, kind)) is None:
            raise
        raise ValueError(missing) from None
