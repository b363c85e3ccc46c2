"""Group sentences into batches, and make tensors of them.

Dims: B sentences, S source tokens, T target tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from nmt.data.tokenizer import PAD_ID

Ids = Sequence[int] | NDArray[np.int32]
Lengths = NDArray[np.int64]
T = TypeVar("T")

# oneDNN compiles and caches code for every shape that it meets; few different batch sizes nearly double its speed.
ROWS = 16
TYPICAL_LENGTH = 40  # pieces of a typical source sentence


class Batch(NamedTuple):
    src: Tensor  # (B, S), ends with EOS
    src_len: Tensor  # (B,)
    tgt_in: Tensor  # (B, T), BOS first
    tgt_out: Tensor  # (B, T), EOS last
    tgt_len: Tensor  # (B,)
    real: Tensor  # (P,), indices of the real tokens in tgt_out.flatten(); made here, as it would stall a GPU


def pad(rows: Sequence[Ids], multiple: int = 1) -> tuple[Tensor, Tensor]:
    """Rows of ids -> (B, longest, rounded up to a `multiple`), padded with PAD_ID, and their lengths (B,)."""
    length = torch.tensor([len(row) for row in rows])
    padded = np.full((len(rows), -(-int(length.max()) // multiple) * multiple), PAD_ID, dtype=np.int64)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    return torch.from_numpy(padded), length


def collate(src: Sequence[Ids], tgt: Sequence[Ids]) -> Batch:
    """Source rows (with EOS) and target rows (BOS to EOS) -> a batch."""
    src_ids, src_len = pad(src)
    tgt_ids, tgt_len = pad(tgt)
    return _batch(src_ids, src_len, tgt_ids[:, :-1], tgt_ids[:, 1:], tgt_len - 1)


def in_few_shapes(batch: Batch) -> Batch:
    """The same sentences with more padding, and rows of nothing but padding at the end. Most batches of a text then
    share their shape with others. Lengths go up in steps of an eighth to a quarter."""
    src, src_len, tgt_in, tgt_out, tgt_len, _ = batch
    missing = -len(src) % ROWS
    src, tgt_in, tgt_out = (
        F.pad(ids, (0, stepped(ids.shape[1]) - ids.shape[1], 0, missing), value=PAD_ID)
        for ids in (src, tgt_in, tgt_out)
    )
    return _batch(src, F.pad(src_len, (0, missing), value=1), tgt_in, tgt_out, F.pad(tgt_len, (0, missing)))


def stepped(length: int) -> int:
    """The length, rounded up to one of four to eight sizes between two powers of 2."""
    step = 1 << max(0, length.bit_length() - 3)
    return -(-length // step) * step


def without_filling(batch: Batch) -> Batch:
    """Only the sentences that are more than padding; synchronises with a GPU."""
    is_real = batch.tgt_len > 0
    return _batch(*(part[is_real] for part in batch[:-1]))


def _batch(src: Tensor, src_len: Tensor, tgt_in: Tensor, tgt_out: Tensor, tgt_len: Tensor) -> Batch:
    """A batch of these tensors, with the indices of the real tokens."""
    is_real = torch.arange(tgt_out.shape[1], device=tgt_len.device) < tgt_len[:, None]  # (B, T)
    return Batch(src, src_len, tgt_in, tgt_out, tgt_len, is_real.flatten().nonzero()[:, 0])


def groups_of_like_length(lengths: Mapping[int, int], size: int) -> list[list[int]]:
    """The keys of `lengths`, which are numbers of sentences, in groups of `size`, the longest first. A group of long
    sentences is smaller: it has as many tokens as `size` sentences of TYPICAL_LENGTH."""
    order, groups, start = sorted(lengths, key=lambda i: -lengths[i]), list[list[int]](), 0
    while start < len(order):
        fits = min(size, max(1, size * TYPICAL_LENGTH // lengths[order[start]]))
        groups.append(order[start : start + fits])
        start += fits
    return groups


def found_of(groups: Sequence[Sequence[int]], results: Iterable[Sequence[T]]) -> Iterator[tuple[int, T]]:
    """Number and result of each sentence, from the results of the groups."""
    for group, of_group in zip(groups, results, strict=True):
        yield from zip(group, of_group, strict=True)


def check_budget(longest: int, max_tokens: int) -> None:
    """Raises ValueError when a pair of `longest` tokens does not fit into a batch."""
    if longest > max_tokens:
        raise ValueError(
            f"trainer.max_tokens is {max_tokens}, but the longest training sentence has {longest} tokens; "
            "raise it, or lower data.cleaning.max_pieces"
        )


def token_batches(
    src_len: Lengths, tgt_len: Lengths, max_tokens: int, seed: tuple[int, ...], shards: int = 1
) -> list[NDArray[np.int64]]:
    """The batches of one epoch as arrays of row numbers, in training order; every row is in exactly one batch.

    A batch holds sentences of similar lengths on both sides; neither side, padding included, exceeds `max_tokens`.
    Batches of more than ROWS sentences hold a multiple of ROWS, except the last one and those halved for the shards.
    The order depends only on `seed`. The number of batches is a multiple of `shards`, and `shards` neighbours, which
    belong to the same update, are of similar size.
    """
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(src_len))
    source, target = src_len[shuffled], tgt_len[shuffled]
    # Ascending and descending in turns: where the target grows by one, the source does not jump from longest to
    # shortest.
    order = shuffled[np.lexsort((np.where(target % 2, -source, source), target))]
    batches = _cut(order, src_len, tgt_len, max_tokens)
    _even_out(batches, shards)
    groups = [batches[i : i + shards] for i in range(0, len(batches), shards)]
    return [batch for i in rng.permutation(len(groups)) for batch in groups[i]]


def _cut(order: Lengths, src_len: Lengths, tgt_len: Lengths, max_tokens: int) -> list[Lengths]:
    length = np.maximum(src_len, tgt_len)[order]
    batches, start = [], 0
    while start < len(order):
        longest = np.maximum.accumulate(length[start : start + max_tokens])
        fits = max(1, int(np.searchsorted(longest * np.arange(1, len(longest) + 1), max_tokens, side="right")))
        if fits > ROWS and start + fits < len(order):
            fits -= fits % ROWS
        batches.append(order[start : start + fits])
        start += fits
    return batches


def _even_out(batches: list[Lengths], shards: int) -> None:
    """Halve the fullest batches until every shard gets the same number."""
    while len(batches) % shards:
        fullest = max(range(len(batches)), key=lambda i: len(batches[i]))
        rows = batches[fullest]
        if len(rows) < 2:
            raise ValueError(
                f"{len(batches)} batches of one sentence do not fill {shards} shards evenly; raise "
                "trainer.max_tokens, or lower trainer.shards (which is the number of processes unless it is given)"
            )
        batches[fullest : fullest + 1] = [rows[: len(rows) // 2], rows[len(rows) // 2 :]]
