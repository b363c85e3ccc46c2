"""Pairs as ids, many at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice

from nmt.data.cleaning import Tally
from nmt.data.corpora import Corpus, Pair
from nmt.data.directions import Direction, Directions
from nmt.data.oddities import equal_sides
from nmt.data.tokenizer import Tokenizer

GROUP = 10_000  # sentences tokenised at once


def encode_src(
    tokenizer: Tokenizer, directions: Directions, pairs: Sequence[Pair], num_threads: int = 1
) -> list[list[int]]:
    """The ids of the sources of pairs, each with the tags of its direction."""
    encoded = tokenizer.encode_src([pair.src for pair in pairs], num_threads)
    if not directions.tags:
        return encoded
    tags = {one: tokenizer.control_ids(directions.tags_of(one)) for one in directions.every}
    return [[*tags[Direction(*pair.languages)], *ids] for pair, ids in zip(pairs, encoded, strict=True)]


def encode_pairs(
    pairs: Iterator[Pair], tokenizer: Tokenizer, corpus: Corpus, tally: Tally
) -> Iterator[tuple[list[int], list[int], int, int]]:
    """Source ids, target ids, line and part of each pair that is not too long."""
    threads, directions = os.cpu_count() or 1, corpus.every_direction
    while group := list(islice(pairs, GROUP)):
        src = encode_src(tokenizer, directions, group, threads)
        tgt = tokenizer.encode_tgt([pair.tgt for pair in group], threads)
        for of_src, of_tgt, pair in zip(src, tgt, group, strict=True):
            if max(len(of_src), len(of_tgt)) <= corpus.cleaning.max_pieces:
                tally.equal += equal_sides(pair)
                yield of_src, of_tgt, pair.line, pair.part
            else:
                tally.dropped["too many pieces"] += 1
