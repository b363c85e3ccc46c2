"""Test sets in other files than lines of text: translation memories, bilingual documents, subtitles, tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from nmt.data.pair_files import has_known_suffix, read_rows, table_cells
from nmt.data.readers import read_lines
from nmt.formats import FORMATS, TEXT, TSV, format_of, read_document
from nmt.formats.document import DocumentOptions
from nmt.formats.files import opened, whole
from nmt.formats.headers import are_names, named_columns, shown
from nmt.formats.inline import without_tags
from nmt.formats.sniff import markup_of

WMT = re.compile(r"(?is)\s*(?:<\?xml[^>]*>\s*)?(?:<!doctype[^>]*>\s*)?<(?:srcset|refset|tstset|mteval|dataset|doc)\b")

OF_TWO_SIDES = ("xliff", "po")  # formats that say which text is the source, whatever its language


def is_document(path: Path) -> bool:
    """Whether a file has more than lines of text, such as columns or both languages."""
    return format_of(path) != TEXT or has_known_suffix(path.name)


def refuse_unknown(path: Path, languages: Sequence[str]) -> None:
    """Raises ValueError, which names the option to give, if one of these languages is unknown."""
    if missing := [f"{name} LANG" for name, one in zip(("--from", "--to"), languages, strict=False) if not one]:
        raise ValueError(f"{path} has several languages or columns; say which are meant with {' and '.join(missing)}")


def both_sides(path: Path, languages: tuple[str, str]) -> tuple[list[str], list[str]]:
    """The sources and references of a file that has both. Raises ValueError if it has none, has faults, or its
    languages are unknown."""
    if not has_known_suffix(path.name):
        raise ValueError(f"{path} has one language; --ref must be another file than --src")
    if format_of(path) not in OF_TWO_SIDES and not _is_in_order(path):
        refuse_unknown(path, languages)
    rows = list(read_rows(path, *languages))
    for row in rows:
        if row.faults:
            raise ValueError(row.faults[0])
    if not rows:
        raise ValueError(f"{path} has no translated text in it")
    return [row.pair.src for row in rows], [row.pair.tgt for row in rows]


def _is_in_order(path: Path) -> bool:
    """Whether a file is a CSV or TSV of two unnamed columns: source and target, in any languages."""
    if format_of(path) not in ("csv", TSV):
        return False
    first = next(table_cells(path), None)
    return first is not None and len(first.cells) == 2 and not are_names(first.cells)


def sources(path: Path, languages: tuple[str, str]) -> list[str]:
    """The sources of a file, which need not have translations. Raises ValueError if it is unclear which they are."""
    if (kind := format_of(path)) == TEXT:
        return text_lines(path)
    return source_column(path, languages[0]) if kind in ("csv", TSV) else one_side(path, languages, is_ref=False)


def source_column(path: Path, language: str) -> list[str]:
    """The column of a CSV or TSV that its first row names as the source language, or the only column. Raises
    ValueError if there are several and none has that name."""
    rows = list(table_cells(path))
    if faults := [fault for row in rows for fault in row.faults]:
        raise ValueError(faults[0])
    first = rows[0].cells if rows else []
    column = named_columns(first, (language,), f"{path}, line 1") if language else None
    if column is None and (width := max((len(row.cells) for row in rows), default=1)) > 1:
        refuse_unknown(path, [language])
        raise ValueError(
            f"{path} has {width} columns, and its first line ({shown(first)}) names none of them {language!r}; name "
            "one so, or, where two columns are sources and references, give the file as --src and as --ref"
        )
    place = column[0] if column else 0
    return [" ".join(row.cells[place].splitlines()) if place < len(row.cells) else "" for row in rows[bool(column) :]]


def one_side(path: Path, languages: tuple[str, str], is_ref: bool) -> list[str]:
    """All sources of a document; for a bilingual reference its translations."""
    kind = format_of(path)
    if is_ref and FORMATS[kind].bilingual:
        return both_sides(path, languages)[1]
    if FORMATS[kind].bilingual and kind not in OF_TWO_SIDES:
        refuse_unknown(path, languages)
    with opened(path) as file:
        data = whole(file, str(path))
    document_options = DocumentOptions(languages[is_ref], "" if is_ref else languages[1], retranslate=True)
    segments = read_document(kind, data, str(path), document_options).segments
    return [" ".join(without_tags(one).split()) for one in segments]


def text_lines(path: Path) -> list[str]:
    """The lines of a text file or a TSV. Raises ValueError for other files."""
    if is_document(path) and format_of(path) == TEXT:
        raise ValueError(f"{path} has both languages in it; give it as --src and as --ref")
    lines = list(read_lines(path))
    refuse_markup(path, lines)
    return lines


def refuse_markup(path: Path, lines: Sequence[str]) -> None:
    """Raises ValueError for lines that are a file's markup: their score would be meaningless."""
    if WMT.match("\n".join(lines[:20])):
        raise ValueError(
            f"{path} is a test set of WMT in SGML or XML. Published ones: --testset wmt19 --langpair de-en; as "
            "lines: sacrebleu --test-set wmt19 --language-pair de-en --echo src (or ref)"
        )
    if found := markup_of(lines):
        raise ValueError(f"{path} looks like {found[0]}, not like lines of text; call it so: NAME.{found[1]}")
