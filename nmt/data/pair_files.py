"""Readers for files of pairs, by suffix: tables, JSON lines, Parquet, OPUS archives of two texts, and the files of
translators (nmt/formats)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from glob import escape as glob_escape
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

from nmt.common.parts import Parts
from nmt.common.shown import brief, error_line
from nmt.data.objects import jsonl_rows
from nmt.data.readers import (
    Cells,
    Pair,
    Row,
    csv_cells,
    decoded_lines,
    lines_of,
    other_row,
    paired_rows,
    table_rows,
    tsv_cells,
)
from nmt.formats import read_tables, read_units
from nmt.formats.archives import Archive
from nmt.formats.headers import named_columns
from nmt.formats.language_tags import matching, only_match, same_language
from nmt.formats.tables import delimiter_of

Reader = Callable[[Path, str, str], Iterator[Row]]


def table_cells(path: Path) -> Iterator[Cells]:
    """The rows of a TSV, or of a CSV (RFC 4180); the first line tells whether commas or semicolons divide it."""
    lines = lines_of(path)
    if suffix_of(path.name) == ".tsv":
        return tsv_cells(lines)
    first = next(lines, None)
    if first is None:
        return iter(())
    return csv_cells(chain([first], lines), str(path), delimiter_of(first.text))


def delimited_rows(path: Path, src: str, tgt: str) -> Iterator[Row]:
    return table_rows(table_cells(path), str(path), src, tgt)


def json_rows(path: Path, src: str, tgt: str) -> Iterator[Row]:
    return jsonl_rows(lines_of(path), str(path), src, tgt)


def unit_rows(path: Path, src: str, tgt: str) -> Iterator[Row]:
    """The units of a translation memory or a translated document that have text in both languages. Where source and
    target languages are the reverse of the wanted ones, the sides are swapped."""
    for src_text, tgt_text, number, there in read_units(path, src, tgt):
        if all(map(same_language, there, (src, tgt))):
            yield Row(Pair(src_text, tgt_text, number), languages=there)
        elif all(map(same_language, there, (tgt, src))):
            yield Row(Pair(tgt_text, src_text, number), languages=there[::-1])
        else:
            yield other_row(f"{path}, unit {number}", number, list(filter(None, there)), (src, tgt))


def cell_rows(path: Path, src: str, tgt: str) -> Iterator[Row]:
    """The rows of tables that name both languages in their first row, or else of the first with several columns."""
    chosen: list[int] = []
    others: list[int] = []
    for number, (where, rows) in enumerate(read_tables(path)):
        _, first = next(rows, (0, []))
        if len(first) > 1:
            (chosen if named_columns(first, (src, tgt), where) else others).append(number)
    if not chosen and not others:
        raise ValueError(f"{path} has no table of two columns")
    for number, (where, rows) in enumerate(read_tables(path)):
        if number in (chosen or others[:1]):
            yield from table_rows((Cells(line, cells, []) for line, cells in rows), where, src, tgt)


def archive_rows(path: Path, src: str, tgt: str) -> Iterator[Row]:
    """The rows of a zip archive that contains NAME.de and NAME.en, as those of OPUS do (NAME.de-en.de)."""
    with path.open("rb") as file:
        archive = Archive(file, str(path))
        endings: dict[str, list[str]] = {}
        for name in archive.members:
            stem, _, ending = name.rpartition(".")
            endings.setdefault(stem, []).append(ending)
        found = [(stem, *two) for stem, some in endings.items() if (two := _two(some, src, tgt))]
        if len(found) != 1:
            what = ", ".join(stem for stem, *_ in found) or f"no NAME.{src} and NAME.{tgt}"
            raise ValueError(f"{path} has {what} in it; it must have two files, one for each language")
        stem, of_src, of_tgt = found[0]
        names = f"{stem}.{of_src}", f"{stem}.{of_tgt}"
        members = [cast(BinaryIO, archive.stream(name, whole=False)) for name in names]
        srcs, tgts = (decoded_lines(member, f"{path}: {name}") for member, name in zip(members, names, strict=True))
        yield from paired_rows(srcs, tgts, names)


def _two(endings: list[str], src: str, tgt: str) -> tuple[str, str] | None:
    of_src, of_tgt = ([ending for ending in matching(code, endings) if ending] for code in (src, tgt))
    return next(((a, b) for a in of_src for b in of_tgt if a != b), None)


def parquet_rows(path: Path, src: str, tgt: str) -> Iterator[Row]:
    from nmt.data.parquet import rows  # imports a heavy library

    return rows(path, src, tgt)


READERS: Parts[Reader] = Parts(
    "nmt.readers",
    Callable,
    {
        ".tsv": delimited_rows,
        ".jsonl": json_rows,
        ".csv": delimited_rows,
        ".tmx": unit_rows,
        ".xlf": unit_rows,
        ".xliff": unit_rows,
        ".sdlxliff": unit_rows,
        ".po": unit_rows,
        ".xlsx": cell_rows,
        ".docx": cell_rows,
        ".parquet": parquet_rows,
        ".zip": archive_rows,
        ".txt.zip": archive_rows,
    },
)


def suffix_of(name: str) -> str:
    return Path(name.removesuffix(".gz")).suffix.lower()


def has_known_suffix(name: str) -> bool:
    return READERS.has(suffix_of(name))


def read_rows(path: Path, src: str, tgt: str) -> Iterator[Row]:
    """The rows of a file that holds both sides, read by its suffix. Raises ValueError for a reader that fails, or
    gives anything but rows."""
    suffix = suffix_of(path.name)
    reader = READERS.chosen(suffix, f"the suffix of {path}")
    try:
        for row in reader(path, src, tgt):
            if not (isinstance(row, Row) and isinstance(row.pair.src, str) and isinstance(row.pair.tgt, str)):
                raise ValueError(f"{path}: the reader of {suffix} gives {brief(row)}; it must give a Row of a Pair")
            yield row
    except (TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise ValueError(f"{path}: the reader of {suffix} fails ({error_line(error)})") from error


def side_of(folder: Path, split: str, language: str) -> str:
    """The name of a plain text file in one language: `train.de`, or `train.de-DE` if only that exists. Raises
    ValueError if several such files exist."""
    name = f"{split}.{language}"
    path = folder / name  # a split may include a folder
    if path.exists() or path.with_name(f"{path.name}.gz").exists():
        return name
    stem = path.name.removesuffix(language)
    there = (other.name.removesuffix(".gz") for other in path.parent.glob(f"{glob_escape(stem)}*"))
    tags = [tag for other in sorted(there) if re.fullmatch(r"[\w-]+", tag := other.removeprefix(stem))]
    found = only_match(language, tags, f"{path.parent / stem}*")
    return name if found is None else f"{split}.{found}"
