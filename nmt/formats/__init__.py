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
TABLE, UNITS = ("retranslate", "column"), ("retranslate", "state")  # options


class Format(NamedTuple):
    reader: str  # MODULE.NAME in this package; called with a file's content and name, and DocumentOptions
    suffixes: str  # with blanks between
    library: str = ""  # the module that it needs
    bilingual: bool = False  # whether the source stays beside its translation
    options: tuple[str, ...] = ()  # fields of DocumentOptions that it uses besides the languages


FORMATS: dict[str, Format] = {
    "xliff": Format("xliff.read", ".xlf .xliff .sdlxliff .mqxliff", "lxml", bilingual=True, options=UNITS),
    "tmx": Format("tmx.read", ".tmx", "lxml", bilingual=True, options=("retranslate",)),
    "po": Format("po.PoDocument", ".po .pot", "translate", bilingual=True, options=UNITS),
    "xlsx": Format("xlsx.WorkbookDocument", ".xlsx .xlsm", "lxml", bilingual=True, options=TABLE),
    "csv": Format("tables.read_csv", ".csv", bilingual=True, options=TABLE),
    TSV: Format("tables.read_tsv", ".tsv", bilingual=True, options=TABLE),
    "docx": Format("docx.WordDocument", ".docx .docm", "lxml", options=("retranslate",)),  # for a bilingual table
    "pptx": Format("pptx.Presentation", ".pptx .pptm .ppsx", "lxml"),
    "odf": Format("odf.OpenDocument", ".odt .odp .ods .ott .otp .ots", "lxml"),
    "html": Format("html.HtmlDocument", ".html .htm .xhtml"),
    "markdown": Format("markdown.MarkdownDocument", ".md .markdown", "markdown_it"),
    "srt": Format("subtitles.read_srt", ".srt"),
    "vtt": Format("subtitles.read_vtt", ".vtt"),
    "ass": Format("subtitles.read_ass", ".ass .ssa"),
}
SUFFIXES = {suffix: name for name, one in FORMATS.items() for suffix in one.suffixes.split()}

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
