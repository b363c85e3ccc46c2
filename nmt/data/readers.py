"""Read files of parallel text as rows: pairs of strings with their faults.

stream.py defines a line. A fault names the file and the number of the line. pair_files.py has a reader for each
suffix.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import BinaryIO, NamedTuple

from nmt.common.stream import CHUNK_BYTES, NOT_UTF_8, Line, decoded, split_lines
from nmt.formats.encodings import recoding
from nmt.formats.files import opened
from nmt.formats.headers import columns_by_row, looks_like_names, means, named_columns, shown

MAX_BYTES = 1 << 20  # of a line, as in nmt-translate


class Pair(NamedTuple):
    src: str
    tgt: str
    line: int = 0  # line number, from 1
    part: int = 0  # number of the part, from 0, in a split of several, such as `train+more`
    languages: tuple[str, str] = ("", "")  # set if the corpus has several directions, or tags


class Row(NamedTuple):
    """A pair as read, with its faults."""

    pair: Pair
    faults: Sequence[str] = ()  # such as "train.de, line 3 is not UTF-8"
    is_other: bool = False  # its only fault is that it is in other languages
    languages: tuple[str, str] = ("", "")  # of its sides, as the row or its file names them; "" if unknown
    turned: Row | None = None  # the row with its sides swapped, if only then it is in the wanted languages


class Cells(NamedTuple):
    """A row of a table."""

    line: int  # number of its first line, from 1
    cells: list[str]
    faults: list[str]


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text file or a pipe, gzipped or not, read once. Raises ValueError if it cannot be read, and,
    with the number of the line, if a line is not UTF-8 or is longer than MAX_BYTES."""
    for line in lines_of(path):
        if line.fault:
            raise ValueError(line.fault)
        yield line.text


def lines_of(path: Path) -> Iterator[Line]:
    """Each line of a file, gzipped or not. Raises ValueError for a file that is missing or cannot be read."""
    with opened(path) as file:
        yield from decoded_lines(file, str(path), str(path))


def decoded_lines(file: BinaryIO, name: str, path: str = "") -> Iterator[Line]:
    """Each line of an open file, with its fault; U+FFFD replaces bytes that are not UTF-8. If the first line is not
    UTF-8 and `path` is given, its fault says how to convert the file."""
    lines = chain.from_iterable(split_lines(_chunks(file, name), MAX_BYTES))
    for number, raw in enumerate(lines, 1):
        text, fault = decoded(raw, MAX_BYTES, begins=number == 1)
        if number == 1 and fault == NOT_UTF_8 and path:
            fault += recoding(raw, path)
        yield Line(number, text, f"{name}, line {number} is {fault}" if fault else None)


def _chunks(file: BinaryIO, name: str) -> Iterator[bytes]:
    read = getattr(file, "read1", file.read)  # read1 returns what is available: typed lines need not wait
    try:
        yield from iter(lambda: read(CHUNK_BYTES), b"")
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{name} cannot be read: {error}") from None


def paired_rows(srcs: Iterable[Line], tgts: Iterable[Line], names: tuple[str, str]) -> Iterator[Row]:
    """Rows from the lines of two files with these names. Raises ValueError at the end if one is longer."""
    counts = [0, 0]
    for of_src, of_tgt in zip_longest(srcs, tgts):
        counts = [counts[0] + (of_src is not None), counts[1] + (of_tgt is not None)]
        if of_src is not None and of_tgt is not None:
            faults = [line.fault for line in (of_src, of_tgt) if line.fault]
            yield Row(Pair(of_src.text, of_tgt.text, of_src.number), faults)
    if counts[0] != counts[1]:
        raise ValueError(
            f"{names[0]} has {counts[0]} lines but {names[1]} has {counts[1]}; "
            "line i of one must translate line i of the other"
        )


def tsv_cells(lines: Iterable[Line]) -> Iterator[Cells]:
    """Rows of tab-separated cells; quotes have no special meaning. Blank lines at the end are not rows."""
    blank = 0
    for line in lines:
        if not line.text.strip(" "):
            blank += 1
            continue
        yield from (Cells(line.number - i, [""], []) for i in range(blank, 0, -1))
        blank = 0
        yield Cells(line.number, line.text.split("\t"), [line.fault] if line.fault else [])


def csv_cells(lines: Iterable[Line], name: str, delimiter: str = ",") -> Iterator[Cells]:
    """Rows of cells by RFC 4180: a quoted cell may contain the delimiter, doubled quotes and line ends. Blank lines
    are skipped."""
    faults: list[str] = []

    def text() -> Iterator[str]:
        for line in lines:
            if line.fault:
                faults.append(line.fault)
            yield line.text + "\n"

    reader = csv.reader(text(), delimiter=delimiter, strict=True)
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            cells = [""]
            faults.append(f"{name}, line {start} is no row of CSV: {error}")
        if cells is None:
            return
        if cells:
            yield Cells(start, cells, faults.copy())
        faults.clear()


def table_rows(rows: Iterator[Cells], name: str, src: str, tgt: str) -> Iterator[Row]:
    """The pairs of a table. A header names the columns of both sides, or has columns for the languages of each row.
    Without a header there must be two columns. Raises ValueError if there are more, and for a first row that looks
    like a header with other names."""
    first = next(rows, None)
    if first is None:
        return
    if (by_row := columns_by_row(first.cells)) is not None:
        yield from _rows_by_language(rows, name, (src, tgt), len(first.cells), *by_row)
        return
    where = f"{name}, line {first.line}"
    columns, languages = named_columns(first.cells, (src, tgt), where), ("", "")
    header = " and ".join(map(repr, (src, tgt)))
    if columns is not None:
        width, languages = len(first.cells), (first.cells[columns[0]], first.cells[columns[1]])
    else:
        columns, width, rows = [0, 1], 2, chain([first], rows)
        if len(first.cells) > width and not first.faults:
            raise ValueError(
                f"{where} has {len(first.cells)} columns ({shown(first.cells)}); with more than two, the first line "
                f"must have their names, and those with the text must be {header}"
            )
        if len(first.cells) == width and looks_like_names(first.cells):
            raise ValueError(
                f"{where} ({shown(first.cells)}) looks like names of columns, but these must be {header}, in the "
                f"columns' order"
            )
    for line, cells, faults in _of_width(rows, width, name):
        yield Row(Pair(cells[columns[0]], cells[columns[1]], line), faults, languages=languages)


def _rows_by_language(
    rows: Iterable[Cells],
    name: str,
    wanted: tuple[str, str],
    width: int,
    languages: tuple[int, int],
    texts: tuple[int, int],
) -> Iterator[Row]:
    """The pairs of a table whose rows say which languages they are in."""
    for line, cells, faults in _of_width(rows, width, name):
        found = Row(Pair(cells[texts[0]], cells[texts[1]], line), faults)
        there = cells[languages[0]], cells[languages[1]]
        yield found if faults else row_in(there, found, wanted, f"{name}, line {line}")


def _of_width(rows: Iterable[Cells], width: int, name: str) -> Iterator[Cells]:
    """The rows with so many cells. Missing ones are empty; if there are too many, columns cannot be told apart, and
    all are."""
    for line, cells, faults in rows:
        if (has := len(cells)) != width:
            faults = [*faults, f"{name}, line {line} has {has} column{'s' * (has != 1)}; it needs {width}"]
            cells = cells + [""] * (width - has) if has < width else [""] * width
        yield Cells(line, cells, faults)


def row_in(there: tuple[str, str], row: Row, wanted: tuple[str, str], where: str) -> Row:
    """A row in the languages `there`: itself if these are wanted; else a row of other languages, with `turned` set if
    they are wanted in the other order."""
    if all(map(means, there, wanted)):
        return row._replace(languages=there)
    other = other_row(where, row.pair.line, there, wanted)
    if not all(map(means, there[::-1], wanted)):
        return other
    pair = row.pair._replace(src=row.pair.tgt, tgt=row.pair.src)
    return other._replace(turned=row._replace(pair=pair, languages=there[::-1]))


def other_row(where: str, number: int, there: Sequence[str], wanted: tuple[str, str]) -> Row:
    fault = f"{where} has no text for {wanted[0]!r} and {wanted[1]!r}: it has {shown(there)}"
    return Row(Pair("", "", number), [fault], is_other=True)
