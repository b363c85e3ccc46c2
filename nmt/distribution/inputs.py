"""The input files, cut into parts: lines of text, a column of TSV, or a column of Parquet.

A part is a number of consecutive lines of one file, read without reading what precedes them. A compressed file can
only be read from its start, so its parts are copied when it is cut.
"""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, cast

from nmt.answers import GROUP
from nmt.common.files import from_home, replacing, sha256
from nmt.common.stream import BOM, Line, group_lines
from nmt.distribution.compression import FAST, chunks_of, compression_of, writing
from nmt.distribution.parts import PARQUET, TEXT, TSV, InputFormat, LineGroup, Part

KINDS = {".tsv": TSV, ".parquet": PARQUET}  # anything else is text
NOT_LINES = (".jsonl", ".json", ".csv", ".bz2", ".xz")  # their lines are not text

CopyOf = Callable[[int], Path | None]  # a part's number -> the path to copy it to, or None


def input_files(patterns: Iterable[str | Path]) -> list[Path]:
    """The files in order; those that match a pattern, sorted by name. Raises ValueError for a missing one."""
    found: list[Path] = []
    for pattern in map(str, map(from_home, patterns)):
        if Path(pattern).is_file():
            found.append(Path(pattern))
        elif matching := sorted(path for path in map(Path, glob.glob(pattern)) if path.is_file()):  # noqa: PTH207
            found += matching
        else:
            what = "is no file" if Path(pattern).exists() else "is missing"
            raise ValueError(f"the input {pattern or '(an empty name)'} {what}")
    if not found:
        raise ValueError("no input is given")
    return found


def input_format_of(files: Sequence[Path], column: str | None, as_text: bool) -> InputFormat:
    """The format of the files, by their suffixes; `as_text` takes the lines of a TSV as they are. Raises ValueError
    if the formats differ, a file lacks the column, or `as_text` is given for Parquet."""
    kinds = {kind_of(path): path for path in files}
    if as_text and PARQUET in kinds:
        raise ValueError(f"{kinds[PARQUET]} has no lines; --score and --prefix take lines of source TAB translation")
    if as_text:
        kinds = {TEXT: files[0]}
    if len(kinds) > 1:
        first, second, *_ = kinds.values()
        raise ValueError(f"{first} and {second} are not of one kind; translate them one after the other")
    ((kind, path),) = kinds.items()
    if kind == TEXT:
        if column is not None:
            raise ValueError(f"{path} is no table, so it has no column {column!r}")
        return InputFormat(TEXT)
    if column is None:
        raise ValueError(f"{path} is a table; --column says which column is translated, by its name or its number")
    return _table_format(files, kind, column)


def _table_format(files: Sequence[Path], kind: str, column: str) -> InputFormat:
    """As `input_format_of`, for tables of one kind."""
    if kind == TSV and column.isdecimal() and int(column):
        return InputFormat(TSV, column)
    names = _names_of(files[0], kind)
    for path in files[1:]:
        if _names_of(path, kind) != names:
            raise ValueError(f"{path} has other columns than {files[0]}")
    if kind == PARQUET and column not in names and column.isdecimal() and 0 < int(column) <= len(names):
        column = names[int(column) - 1]
    if names.count(column) != 1:
        raise ValueError(f"{files[0]} has the columns {', '.join(map(repr, names))}; there is no one {column!r}")
    if kind == PARQUET:
        from nmt.distribution.parquet import check_schemas

        check_schemas(files, column)
    return InputFormat(kind, column, names)


def kind_of(path: Path) -> str:
    """The kind of a file, by its suffix. Raises ValueError for an unsupported one."""
    suffix = Path(path.name.removesuffix(f".{compression_of(path)}")).suffix
    if suffix in NOT_LINES:
        raise ValueError(f"{path}: what can be translated is text, .tsv and .parquet, each of text also .gz or .zst")
    return KINDS.get(suffix, TEXT)


def _names_of(path: Path, kind: str) -> list[str]:
    if kind == PARQUET:
        from nmt.distribution.parquet import schema_of

        return list(schema_of(path).names)
    with path.open("rb") as file:
        header, _ = _header(chunks_of(file, compression_of(path), str(path)))
    return header.removeprefix(BOM).rstrip(b"\r\n").decode(errors="replace").split("\t")


def _header(chunks: Iterator[bytes]) -> tuple[bytes, bytes]:
    """The first line with its line end, and the bytes read beyond it."""
    content = b""
    for chunk in chunks:
        content += chunk
        end = content.find(b"\n") + 1
        if end:
            return content[:end], content[end:]
    return content, b""


def cut(path: Path, input_format: InputFormat, lines: int, first: Part, copy_of: CopyOf) -> tuple[list[Part], str]:
    """The parts of a file, and the SHA-256 of its bytes. `first` has the number, file and line of the first part.
    Parts of a compressed file are copied. Raises ValueError for a file that cannot be read."""
    if input_format.kind == PARQUET:
        return _cut_rows(path, lines, first), sha256(path)
    digest, compression, parts = hashlib.sha256(), compression_of(path), []
    with path.open("rb") as file:
        chunks = chunks_of(cast(BinaryIO, _Hashed(file, digest)), compression, str(path))
        number, line, start = first.number, first.first, 0
        if input_format.names:
            header, rest = _header(chunks)
            start, chunks = len(header), chain([rest], chunks)
        for _, pieces in groupby(_pieces(chunks, lines), itemgetter(0)):
            to = copy_of(number) if compression else None
            with replacing(to) if to else nullcontext() as copy:
                size, count, of_part = _consume((piece for _, piece in pieces), copy)
            parts.append(Part(number, first.file, start, size, line, count, of_part))
            number, line, start = number + 1, line + count, start + size
    return parts, digest.hexdigest()


def _cut_rows(path: Path, lines: int, first: Part) -> list[Part]:
    """As `cut`, for Parquet; a file without rows gives one part, which keeps the columns."""
    from nmt.distribution.parquet import count_rows

    total = count_rows(path)
    starts = range(0, max(total, 1), lines)
    sizes = [min(lines, total - start) for start in starts]
    return [
        Part(first.number + i, first.file, start, size, first.first + start, size, "")
        for i, (start, size) in enumerate(zip(starts, sizes, strict=True))
    ]


class _Hashed:
    """A file that hashes its bytes as they are read."""

    def __init__(self, file: BinaryIO, digest: Any) -> None:
        self.file, self.digest, self.closed = file, digest, False

    def read(self, size: int = -1) -> bytes:
        content = self.file.read(size)
        self.digest.update(content)
        return content

    def close(self) -> None:
        self.closed = True


def _pieces(chunks: Iterable[bytes], lines: int) -> Iterator[tuple[int, bytes]]:
    """The same bytes, cut at the ends of parts, each with its part's number."""
    number, left = 0, lines
    for chunk in chunks:
        begin = 0
        while (count := chunk.count(b"\n", begin)) >= left:
            end = begin
            for _ in range(left):
                end = chunk.index(b"\n", end) + 1
            yield number, chunk[begin:end]
            begin, number, left = end, number + 1, lines
        if begin < len(chunk):
            yield number, chunk[begin:]
            left -= count


def _consume(pieces: Iterable[bytes], copy: BinaryIO | None) -> tuple[int, int, str]:
    """The size, number of lines and SHA-256 of a part; copies the part to `copy`, if any."""
    digest, size, count, last = hashlib.sha256(), 0, 0, b""
    with writing(copy, "gz", FAST) if copy else nullcontext() as compressed:
        for piece in pieces:
            digest.update(piece)
            size, count, last = size + len(piece), count + piece.count(b"\n"), piece
            if compressed:
                compressed.write(piece)
    return size, count + (not last.endswith(b"\n")), digest.hexdigest()


def read_groups_of(path: Path, input_format: InputFormat, part: Part, copy: Path) -> Iterator[LineGroup]:
    """A part's lines in groups. Raises ValueError, at the end at the latest, if the part has changed since the file
    was cut."""
    if input_format.kind == PARQUET:
        from nmt.distribution.parquet import read_rows

        assert input_format.column is not None
        yield from read_rows(path, input_format.column, part)
        return
    begins = part.start == 0
    for lines in group_lines(_content(path, part, copy), GROUP, first=part.first, begins=begins):
        if input_format.kind == TEXT:
            yield LineGroup(lines, [[line.text] for line in lines])
        else:
            rows = [line.text.split("\t") for line in lines]
            cells = [_cell(line, row, input_format) for line, row in zip(lines, rows, strict=True)]
            yield LineGroup(cells, _even(rows, input_format.names))


def _cell(line: Line, row: list[str], input_format: InputFormat) -> Line:
    """The cell of the line that is to be translated."""
    assert input_format.column is not None
    place = input_format.names.index(input_format.column) if input_format.names else int(input_format.column) - 1
    fault = line.fault
    if input_format.names and len(row) != len(input_format.names):
        fault = f"{len(row)} columns; the first line has {len(input_format.names)}"
    elif place >= len(row):
        fault = f"no column {input_format.column}"
    return Line(line.number, row[place] if place < len(row) else "", fault)


def _even(rows: list[list[str]], names: list[str] | None) -> list[list[str]]:
    """Rows padded or cut to the number of columns, if these have names."""
    return [(row + [""] * len(names))[: len(names)] for row in rows] if names else rows


def _content(path: Path, part: Part, copy: Path) -> Iterator[bytes]:
    """The bytes of a part."""
    digest, left, compressed = hashlib.sha256(), part.size, bool(compression_of(path))
    with (copy if compressed else path).open("rb") as file:
        if not compressed:
            file.seek(part.start)
        chunks = chunks_of(file, "gz" if compressed else "", str(copy if compressed else path))
        while left and (chunk := next(chunks, b"")[:left]):
            left -= len(chunk)
            digest.update(chunk)
            yield chunk
    if digest.hexdigest() != part.sha256:
        raise ValueError(f"{path} has changed since it was cut into parts")
