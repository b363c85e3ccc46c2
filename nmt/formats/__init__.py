"""File formats: each has a reader that gives the segments to translate and writes the file with their translations.
For training, bilingual files give pairs.

A format is given by name, or known by its suffix. Files are not trusted: their unpacked size and their depth are
bounded, and XML must not declare entities. docs/formats.md tells what is kept and what is set.
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

TEXT, TSV = "text", "tsv"  # plain lines, as a filter reads them; the lines of a TSV may be read so, too
TABLE_OPTIONS = ("retranslate", "column")


class Format(NamedTuple):
    suffixes: dict[str, str]  # suffix -> media type
    read: Callable[[bytes, str, DocumentOptions], Document]  # from a file's content and name; raises ValueError
    bilingual: bool = False  # whether the source stays beside its translation
    options: tuple[str, ...] = ()  # fields of DocumentOptions that it uses besides the languages
    library: str = ""  # the module that it needs


def _by(reader: str, *kind: str) -> Callable[[bytes, str, DocumentOptions], Document]:
    """A reader from a module in this package. The module and its library are imported on first use."""
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
        options=("retranslate",),  # for a bilingual table
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

# Files that are not lines of text -> a format to save them in.
OTHERS = {
    **dict.fromkeys([".doc", ".dot", ".rtf", ".pages", ".pdf"], "docx"),
    **dict.fromkeys([".ppt", ".pps"], "pptx"),
    **dict.fromkeys([".xls", ".xlsb", ".numbers"], "xlsx"),
    ".fodt": "odt",
    ".fodp": "odp",
    ".fods": "ods",
}


def format_of(path: Path) -> str:
    """The format by the suffix before .gz; lines of text if the suffix is unknown."""
    return SUFFIXES.get(Path(path.name.removesuffix(".gz")).suffix.lower(), TEXT)


def readable() -> dict[str, str]:
    """Suffix -> format, for the formats whose library is installed; does not import the libraries."""
    there = {name for name, kind in FORMATS.items() if not kind.library or find_spec(kind.library)}
    return {suffix: name for suffix, name in SUFFIXES.items() if name in there}


def read_document(kind: str, data: bytes, name: str, options: DocumentOptions) -> Document:
    """Read a file in the format `kind`. Raises ValueError if it is not in this format, if it is unsafe, or if the
    library is missing."""
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
    """Turn the error of a missing library into one that says how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (missing := explained(error, kind)) is None:
            raise
        raise ValueError(missing) from None
