"""Encoded pairs in an Arrow file, memory-mapped: a corpus of any size costs no memory but what is touched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nmt.data.batching import Batch, Lengths, collate

ROWS = 65_536  # of a record batch
SCHEMA = pa.schema(
    [("src", pa.list_(pa.int32())), ("tgt", pa.list_(pa.int32())), ("line", pa.int64()), ("part", pa.int16())]
)


def write_encoded(path: Path, rows: Iterable[tuple[list[int], list[int], int, int]]) -> int:
    """Write rows of source ids, target ids, and the line and the part of the text that they come from (Pair); return
    how many."""
    count = 0
    columns: tuple[list[Any], ...] = ([], [], [], [])
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, SCHEMA) as writer:
        for row in rows:
            for column, value in zip(columns, row, strict=True):
                column.append(value)
            count += 1
            if len(columns[0]) == ROWS:
                writer.write_batch(pa.record_batch(list(columns), schema=SCHEMA))
                columns = ([], [], [], [])
        if columns[0]:
            writer.write_batch(pa.record_batch(list(columns), schema=SCHEMA))
    return count


def add_encoded(path: Path, rows: Iterable[tuple[list[int], list[int], int, int]]) -> int:
    """Write rows behind those that a file has; return how many."""
    before, whole = EncodedCorpus(path), path.with_suffix(".more")
    held = (
        (before.src[row].tolist(), before.tgt[row].tolist(), int(before.lines[row]), int(before.parts[row]))
        for row in range(len(before))
    )
    count = write_encoded(whole, chain(held, rows)) - len(before)
    whole.replace(path)
    return count


class _Column:
    """One side: row -> ids, without a copy of the file."""

    def __init__(self, table: pa.Table, name: str) -> None:
        chunks = table.column(name).chunks
        self.values = [chunk.values.to_numpy() for chunk in chunks]
        self.offsets = [chunk.offsets.to_numpy() for chunk in chunks]

    def lengths(self) -> Lengths:
        return np.concatenate([np.diff(offsets) for offsets in self.offsets]).astype(np.int64)

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        chunk, i = divmod(row, ROWS)
        start, end = self.offsets[chunk][i : i + 2]
        ids: NDArray[np.int32] = self.values[chunk][start:end]
        return ids


class EncodedCorpus:
    """The training pairs as ids. `src_len` and `tgt_len` count what a batch pads: EOS, and BOS or EOS; `lines` are
    the numbers, from 1, of the lines of text that they come from, and `parts`, from 0, of the parts with them."""

    def __init__(self, path: Path) -> None:
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        self.src, self.tgt = _Column(table, "src"), _Column(table, "tgt")
        self.src_len = self.src.lengths()
        self.tgt_len = self.tgt.lengths() - 1
        self.lines, self.parts = (table.column(name).to_numpy() for name in ("line", "part"))

    def __len__(self) -> int:
        return len(self.src_len)

    def long_src(self) -> int:
        """The length that all sources but the longest thousandth of them keep to: a single one teaches little."""
        return int(np.quantile(self.src_len, 0.999, method="higher"))

    def batch(self, rows: Sequence[int] | Lengths) -> Batch:
        numbers = [int(row) for row in rows]
        return collate([self.src[row] for row in numbers], [self.tgt[row] for row in numbers])
