"""Parts of the input, which are handed out by their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from nmt.common.stream import Line

TEXT, TSV, PARQUET = "text", "tsv", "parquet"
Run = Callable[[Iterable[int]], Iterator[Any]]  # numbers of parts -> their outcomes, as they come


class Part(NamedTuple):
    """A unit of work for one worker."""

    number: int  # from 0
    file: int  # the number of the input file
    start: int  # its first byte in the uncompressed file, or its first row
    size: int  # bytes, or rows
    first: int  # the number of its first line, counted from 1 over all inputs
    lines: int
    sha256: str  # of its bytes; "" for Parquet


class LineGroup(NamedTuple):
    """Lines that are translated together, and their rows."""

    lines: list[Line]
    rows: Any  # a list of cells for each line; for Parquet a pyarrow.RecordBatch


class InputFormat(NamedTuple):
    """The format that all inputs share."""

    kind: str
    column: str | None = None  # of a table: a name, or a number from 1
    names: list[str] | None = None  # of the columns, if the files name them
