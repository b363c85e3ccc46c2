"""What is handed out: parts of the input, by their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from nmt.common.stream import Line

TEXT, TSV, PARQUET = "text", "tsv", "parquet"
Run = Callable[[Iterable[int]], Iterator[Any]]  # hands out numbers of parts, and gives what becomes of them


class Part(NamedTuple):
    """What one worker does at a time."""

    number: int  # from 0
    file: int  # the number of the input
    start: int  # its first byte in the content of the file, or its first row
    size: int  # bytes, or rows
    first: int  # the number of its first line, from 1 on in the first input
    lines: int
    sha256: str  # of its bytes; of Parquet none


class LineGroup(NamedTuple):
    """Lines that are translated together, and the rows that they stand in."""

    lines: list[Line]
    rows: Any  # a list of the cells of each; of Parquet a pyarrow.RecordBatch


class InputFormat(NamedTuple):
    """What all inputs have in common."""

    kind: str
    column: str | None = None  # of a table: a name, or a number from 1
    names: list[str] | None = None  # of the columns, where the files tell
