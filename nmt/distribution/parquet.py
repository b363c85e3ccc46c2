"""Parquet files: read a part at a time, written with one more column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow
import pyarrow.parquet

from nmt.answers import GROUP
from nmt.common.stream import Line
from nmt.data.parquet import opened
from nmt.distribution.parts import LineGroup, Part

ROW_GROUP_BYTES = 1 << 26  # held in memory until written


def schema_of(path: Path) -> Any:
    with opened(path) as file:
        return file.schema_arrow


def check_schemas(paths: Sequence[Path], column: str) -> None:
    """Raises ValueError if the column does not hold text, or the files' schemas differ."""
    schemas = []
    for path in paths:
        schemas.append(schema_of(path))
        if not schemas[-1].equals(schemas[0]):
            raise ValueError(f"{path} has columns of other types than {paths[0]}")
    kind = schemas[0].field(column).type
    if pyarrow.types.is_dictionary(kind):
        kind = kind.value_type
    if not (pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind)):
        raise ValueError(f"{paths[0]}: the column {column!r} is of type {kind}; it must hold text")


def count_rows(path: Path) -> int:
    with opened(path) as file:
        return int(file.metadata.num_rows)


def read_rows(path: Path, column: str, part: Part) -> Iterator[LineGroup]:
    """A part's rows, with "" for null. Raises ValueError if there are fewer than when the file was cut."""
    number, end = part.first, part.start + part.size
    with opened(path) as file:
        sizes = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
        starts = list(accumulate(sizes, initial=0))
        chosen = [i for i, size in enumerate(sizes) if starts[i] < end and starts[i] + size > part.start]
        row = starts[chosen[0]] if chosen else 0
        for batch in file.iter_batches(GROUP, row_groups=chosen, use_threads=False):
            begin, stop = max(part.start - row, 0), min(end - row, batch.num_rows)
            row += batch.num_rows
            if begin < stop:
                rows = batch.slice(begin, stop - begin)
                texts = rows.column(rows.schema.get_field_index(column)).to_pylist()
                yield LineGroup([Line(number + i, text or "") for i, text in enumerate(texts)], rows)
                number += len(texts)
    if number != part.first + part.lines:
        raise ValueError(f"{path} has changed since it was cut into parts")


def text_schema(names: Sequence[str]) -> Any:
    return pyarrow.schema([(name, pyarrow.string()) for name in names])


def cells_of(batch: Any) -> list[list[str]]:
    """The cells of rows as text, with "" for null."""
    columns = [["" if value is None else str(value) for value in column.to_pylist()] for column in batch.columns]
    return [list(row) for row in zip(*columns, strict=True)]


class ParquetWriter:
    """Writes rows with their answers as the last column."""

    def __init__(self, file: BinaryIO, schema: Any, name: str) -> None:
        self.schema = schema
        self.writer = pyarrow.parquet.ParquetWriter(
            file, schema.append(pyarrow.field(name, pyarrow.string())), compression="zstd"
        )
        self.held: list[Any] = []
        self.size = 0

    def write(self, rows: Any, answers: Sequence[Sequence[str]]) -> None:
        """`rows` is a RecordBatch, or a list of at least one list of cells; a row is repeated for each line of its
        answer."""
        if isinstance(rows, list):
            columns = [pyarrow.array(column, pyarrow.string()) for column in zip(*rows, strict=True)]
            rows = pyarrow.RecordBatch.from_arrays(columns, schema=self.schema)
        places = [i for i, lines in enumerate(answers) for _ in lines]
        texts = pyarrow.array([line for lines in answers for line in lines], pyarrow.string())
        batch = rows if len(places) == rows.num_rows else rows.take(pyarrow.array(places, pyarrow.int64()))
        self.held.append(pyarrow.RecordBatch.from_arrays([*batch.columns, texts], schema=self.writer.schema))
        self.size += self.held[-1].nbytes
        if self.size > ROW_GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        if self.held:
            self.writer.write_table(pyarrow.Table.from_batches(self.held))
        self.held, self.size = [], 0

    def close(self) -> None:
        self.flush()
        self.writer.close()


def join(parts: Sequence[Path], file: BinaryIO, names: Sequence[str]) -> None:
    """One file with the rows of all parts; without parts a file without rows, with columns of text."""
    writer = None
    for path in parts:
        with opened(path) as part:
            writer = writer or pyarrow.parquet.ParquetWriter(file, part.schema_arrow, compression="zstd")
            for i in range(part.num_row_groups):
                writer.write_table(part.read_row_group(i))
    (writer or pyarrow.parquet.ParquetWriter(file, text_schema(names), compression="zstd")).close()
