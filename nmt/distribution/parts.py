"""Parts of the input, which are handed out by their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from nmt.common.stream import Line

TEXT, TSV, PARQUET = "text", "tsv", "parquet"
Run = Callable[[Iterable[int]], Iterator[Any]]  # numbers of parts -> their outcomes, as they come
AHEAD = 2  # parts per worker, running or queued: a million of them would take gigabytes in a scheduler
MAX_DEATHS = 5  # of workers over one part; from the third attempt on it is translated in separate processes (work.py)


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


class OutputFormat(NamedTuple):
    """The format of the parts' files."""

    format: str  # text, tsv or parquet
    compress: str  # gz, zst, or "" for none
    name: str  # of the column of the answers
    header: list[str] | None  # names of the other columns, if they are known
    suffix: str  # of the files


def next_parts(left: Iterator[int], workers: int, running: int) -> Iterator[int]:
    """Enough of the parts that are left for the workers of now, who may come and go, besides those running."""
    return islice(left, max(AHEAD * max(workers, 1) - running, 0))
