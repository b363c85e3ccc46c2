"""File formats: each has a reader that gives the segments to translate and writes the file with their translations.
For training, bilingual files give pairs.

A format is given by name, or known by its suffix. Files are not trusted: their unpacked size and their depth are
bounded, and XML must not declare entities. docs/formats.md tells what is kept and what is set.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    reader: str  # MODULE.NAME in this package; called with a file's content and name, and DocumentOptions
    suffixes: dict[str, str]  # media type -> suffixes
    library: str = ""  # the module that it needs
    bilingual: bool = False  # whether the source stays beside its translation
    options: tuple[str, ...] = ()  # fields of DocumentOptions that it uses besides the languages


_MICROSOFT = "application/vnd.openxmlformats-officedocument"
_OASIS = "application/vnd.oasis.opendocument"
FORMATS: dict[str, Format] = {
    "xliff": Format(
        "xliff.read",
        {"application/xliff+xml": ".xlf .xliff", "application/xml": ".sdlxliff .mqxliff"},
        "lxml",
        bilingual=True,
        options=("retranslate", "state"),
    ),
    "tmx": Format("tmx.read", {"application/xml": ".tmx"}, "lxml", bilingual=True, options=("retranslate",)),
    "po": Format(
        "po.PoDocument",
        {"text/x-gettext-translation": ".po .pot"},
        "translate",
        bilingual=True,
        options=("retranslate", "state"),
    ),
    "xlsx": Format(
        "xlsx.WorkbookDocument",
        {f"{_MICROSOFT}.spreadsheetml.sheet": ".xlsx", "application/vnd.ms-excel.sheet.macroEnabled.12": ".xlsm"},
        "lxml",
        bilingual=True,
        options=TABLE_OPTIONS,
    ),
    "csv": Format("tables.read_csv", {"text/csv": ".csv"}, bilingual=True, options=TABLE_OPTIONS),
    TSV: Format("tables.read_tsv", {"text/tab-separated-values": ".tsv"}, bilingual=True, options=TABLE_OPTIONS),
    "docx": Format(
        "docx.WordDocument",
        {
            f"{_MICROSOFT}.wordprocessingml.document": ".docx",
            "application/vnd.ms-word.document.macroEnabled.12": ".docm",
        },
        "lxml",
        options=("retranslate",),  # for a bilingual table
    ),
    "pptx": Format(
        "pptx.Presentation",
        {
            f"{_MICROSOFT}.presentationml.presentation": ".pptx",
            "application/vnd.ms-powerpoint.presentation.macroEnabled.12": ".pptm",
            f"{_MICROSOFT}.presentationml.slideshow": ".ppsx",
        },
        "lxml",
    ),
    "odf": Format(
        "odf.OpenDocument",
        {
            f"{_OASIS}.text": ".odt",
            f"{_OASIS}.presentation": ".odp",
            f"{_OASIS}.spreadsheet": ".ods",
            f"{_OASIS}.text-template": ".ott",
            f"{_OASIS}.presentation-template": ".otp",
            f"{_OASIS}.spreadsheet-template": ".ots",
        },
        "lxml",
    ),
    "html": Format("html.HtmlDocument", {"text/html": ".html .htm", "application/xhtml+xml": ".xhtml"}),
    "markdown": Format("markdown.MarkdownDocument", {"text/markdown": ".md .markdown"}, "markdown_it"),
    "srt": Format("subtitles.read_srt", {"application/x-subrip": ".srt"}),
    "vtt": Format("subtitles.read_vtt", {"text/vtt": ".vtt"}),
    "ass": Format("subtitles.read_ass", {"text/x-ssa": ".ass .ssa"}),
}
_OF_SUFFIX = {
    suffix: (name, media)
    for name, one in FORMATS.items()
    for media, suffixes in one.suffixes.items()
    for suffix in suffixes.split()
}
SUFFIXES = {suffix: name for suffix, (name, _) in _OF_SUFFIX.items()}
MEDIA_TYPES = {suffix: media for suffix, (_, media) in _OF_SUFFIX.items()}

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
    module, reader = FORMATS[kind].reader.split(".")
    with _needing_libraries(kind):
        document: Document = getattr(_module(module), reader)(data, name, options)
        return document


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


def _module(name: str) -> Any:
    """A module of this package, which may need a library."""
    return import_module(f"nmt.formats.{name}")


@contextmanager
def _needing_libraries(kind: str) -> Iterator[None]:
    """Turn the error of a missing library into one that says how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (missing := explained(error, kind)) is None:
            raise
        raise ValueError(missing) from None
