"""Encoded pairs in an Arrow file, in blocks that are memory-mapped while in use.

A corpus of any size takes no more memory than the blocks in use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nmt.data.batching import Batch, Lengths, collate

BLOCK_ROWS = 65_536  # rows of a block, which is a record batch of the file
SCHEMA = pa.schema(
    [("src", pa.list_(pa.int32())), ("tgt", pa.list_(pa.int32())), ("line", pa.int64()), ("part", pa.int16())]
)


def write_encoded(path: Path, rows: Iterable[tuple[list[int], list[int], int, int]]) -> int:
    """Write rows of source ids, target ids, and the line and part of the text that they come from (Pair); return
    their number."""
    count, rows = 0, iter(rows)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, SCHEMA) as writer:
        while block := list(islice(rows, BLOCK_ROWS)):
            src, tgt, lines, parts = zip(*block, strict=True)
            columns = [_lists(src), _lists(tgt), _array(lines, np.int64), _array(parts, np.int16)]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))
            count += len(block)
    return count


def add_encoded(path: Path, rows: Iterable[tuple[list[int], list[int], int, int]]) -> int:
    """Append rows to a file; return their number."""
    before, whole = EncodedCorpus(path), path.with_suffix(".more")
    held = (
        (block.src[i].tolist(), block.tgt[i].tolist(), int(block.lines[i]), int(block.parts[i]))
        for block in before.blocks()
        for i in range(len(block))
    )
    count = write_encoded(whole, chain(held, rows)) - len(before)
    whole.replace(path)
    return count


# pa.array and to_numpy would import pandas if it is installed: half a second, and 50 MB in each process.


def _array(numbers: Sequence[int] | NDArray[Any], dtype: type[np.integer[Any]]) -> pa.Array:
    values = np.asarray(numbers, dtype)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])


def _lists(rows: Sequence[list[int]]) -> pa.ListArray:
    offsets = np.zeros(len(rows) + 1, np.int32)
    np.cumsum([len(row) for row in rows], out=offsets[1:])
    values = np.fromiter(chain.from_iterable(rows), np.int32, offsets[-1])
    return pa.ListArray.from_arrays(_array(offsets, np.int32), _array(values, np.int32))


class _Column:
    """One side of a block: row -> ids, without a copy of the file."""

    def __init__(self, array: pa.ListArray) -> None:
        self.values: NDArray[Any] = np.from_dlpack(array.values)
        self.offsets: NDArray[Any] = np.from_dlpack(array.offsets)

    def lengths(self) -> Lengths:
        lengths: Lengths = np.diff(self.offsets).astype(np.int64)
        return lengths

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        start, end = self.offsets[row : row + 2]
        ids: NDArray[np.int32] = self.values[start:end]
        return ids


class Block:
    """Consecutive pairs. `src_len` and `tgt_len` are lengths in a batch: the source with EOS, the target with BOS or
    EOS. `lines` are the numbers, from 1, of the lines of text that the pairs come from, and `parts`, from 0, of the
    parts of the text. The file stays mapped as long as the block lives."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.src, self.tgt = (_Column(batch.column(name)) for name in ("src", "tgt"))
        self.lines, self.parts = (np.from_dlpack(batch.column(name)) for name in ("line", "part"))

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def src_len(self) -> Lengths:
        return self.src.lengths()

    @property
    def tgt_len(self) -> Lengths:
        return self.tgt.lengths() - 1


class Counts(NamedTuple):
    """Counts over all pairs."""

    src: Lengths  # length -> number of sources
    tgt: Lengths  # length -> number of targets
    tokens: int  # of the longer side of each pair
    links: int  # pairs of a source and a target token


class EncodedCorpus:
    """The training pairs (at least one) as ids, by row from 0. Operations on all rows read the file by blocks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        reader = self._reader()
        self.num_blocks = reader.num_record_batches
        self.block_size: int = reader.get_batch(0).num_rows
        self.rows: int = (self.num_blocks - 1) * self.block_size + reader.get_batch(self.num_blocks - 1).num_rows
        self.most_open = 2  # blocks to keep open; plan.py sets it
        self._open: dict[int, Block] = {}

    def __len__(self) -> int:
        return self.rows

    def _reader(self) -> pa.RecordBatchFileReader:
        return pa.ipc.open_file(pa.memory_map(str(self.path)))

    def read(self, number: int) -> Block:
        """A block, newly mapped."""
        return Block(self._reader().get_batch(number))

    def blocks(self) -> Iterator[Block]:
        return map(self.read, range(self.num_blocks))

    def at(self, row: int) -> tuple[Block, int]:
        """The block of a row, and the row's index in it."""
        number, place = divmod(row, self.block_size)
        try:
            return self._open[number], place
        except KeyError:
            while len(self._open) >= self.most_open:
                del self._open[next(iter(self._open))]  # the one opened first
            self._open[number] = self.read(number)
            return self._open[number], place

    def pair(self, row: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The ids of a source and a target."""
        block, place = self.at(row)
        return block.src[place], block.tgt[place]

    def origin(self, row: int) -> tuple[int, int]:
        """The part of the text that a pair comes from, and its line in that part."""
        block, place = self.at(row)
        return int(block.parts[place]), int(block.lines[place])

    def batch(self, rows: Sequence[int] | Lengths) -> Batch:
        src, tgt = zip(*map(self.pair, np.asarray(rows).tolist()), strict=True)
        return collate(src, tgt)

    def lengths(self, rows: Lengths) -> tuple[Lengths, Lengths]:
        """The src_len and tgt_len of rows in ascending order."""
        numbers = rows // self.block_size
        edges = np.flatnonzero(np.diff(numbers, prepend=-1, append=-1))
        found = []
        for start, end in pairwise(edges):
            block, places = self.read(int(numbers[start])), rows[start:end] % self.block_size
            found.append((block.src_len[places], block.tgt_len[places]))
        src, tgt = zip(*found, strict=True)
        return np.concatenate(src), np.concatenate(tgt)

    def spans(self) -> NDArray[np.int64]:
        """The first row of each block, and the row after its last: (blocks, 2)."""
        first = np.arange(self.num_blocks, dtype=np.int64) * self.block_size
        return np.stack([first, np.minimum(first + self.block_size, self.rows)], 1)

    def spans_by_part(self) -> dict[int, NDArray[np.int64]]:
        """Part of the text -> spans of its rows, as `spans` gives them."""
        found: dict[int, list[tuple[int, int]]] = {}
        for (first, _), block in zip(self.spans().tolist(), self.blocks(), strict=True):
            parts = block.parts
            edges = np.flatnonzero(np.diff(parts, prepend=-1, append=-1)).tolist()
            for start, end in pairwise(edges):
                found.setdefault(int(parts[start]), []).append((first + start, first + end))
        return {part: np.array(spans, np.int64) for part, spans in sorted(found.items())}

    @cached_property
    def counts(self) -> Counts:
        src, tgt, tokens, links = np.zeros(1, np.int64), np.zeros(1, np.int64), 0, 0
        for block in self.blocks():
            src_len, tgt_len = block.src_len, block.tgt_len
            src, tgt = _counted(src_len, src), _counted(tgt_len, tgt)
            tokens += int(np.maximum(src_len, tgt_len).sum())
            links += int((src_len * tgt_len).sum())
        return Counts(src, tgt, tokens, links)

    @property
    def longest(self) -> int:
        """The length of the longest side of any pair."""
        return max(len(self.counts.src), len(self.counts.tgt)) - 1

    def long_src(self) -> int:
        """The length that only the longest thousandth of the sources exceeds: a single long one teaches little."""
        below = int(np.ceil(0.999 * (len(self) - 1)))  # so many sources are not longer
        return int(np.searchsorted(self.counts.src.cumsum(), below, side="right"))


def _counted(lengths: Lengths, before: Lengths) -> Lengths:
    """The number of rows of each length, added to the counts `before`."""
    counts = np.bincount(lengths, minlength=len(before))
    counts[: len(before)] += before
    return counts
