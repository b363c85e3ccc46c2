"""The plan of an epoch, one window at a time: which pairs are in which batch.

A window of about a million pairs is planned at once: its pairs are grouped into batches of similar lengths, and the
batches are shuffled. So the memory of a plan does not grow with the text, and a text of one window is shuffled as a
whole.

A larger text is drawn span by span. A span is the part of the text in one block of the file (encoded.py); each pass
over the text takes the spans in another order. Each epoch goes on in a text where the one before ended, so every pair
is drawn once before any is drawn twice, whatever the text's share of an epoch.

All random choices depend only on seed, epoch and window, or pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.data.batching import Lengths, token_batches
from nmt.data.encoded import EncodedCorpus

WINDOW = 1 << 20  # pairs

Spans = NDArray[np.int64]


@dataclass(frozen=True)
class Text:
    """Pairs of the corpus with their own share of an epoch."""

    spans: Spans  # (spans, 2): the first row of each, and the row after its last
    drawn: int  # pairs per epoch
    name: str = ""

    @property
    def pairs(self) -> int:
        return int((self.spans[:, 1] - self.spans[:, 0]).sum())


class Window(NamedTuple):
    batches: list[Lengths]  # the rows of each batch
    # Size and rows of the batches that need the most memory: the one with the most tokens on both sides, and the one
    # with the most pairs of a source and a target token, which attention compares.
    largest: list[tuple[int, Lengths]]


class Survey(NamedTuple):
    """Summary of an epoch."""

    batches: list[int]  # number of batches in each window
    largest: list[Lengths]  # the rows of the batches that need the most memory


class BatchPlan:
    """The batches of every epoch as arrays of row numbers, in training order; a multiple of `shards` per window."""

    def __init__(
        self, corpus: EncodedCorpus, max_tokens: int, seed: int, shards: int = 1, texts: Sequence[Text] = ()
    ) -> None:
        """Without `texts` an epoch is a pass over the whole corpus."""
        self.corpus, self.max_tokens, self.seed, self.shards = corpus, max_tokens, seed, shards
        self.texts = texts or [Text(corpus.spans(), len(corpus))]
        self.windows = -(-sum(text.drawn for text in self.texts) // WINDOW)
        # Blocks of a window: whole ones, and for each text those that it shares with the windows before and after it.
        in_a_window = -(-sum(text.drawn for text in self.texts) // self.windows)
        corpus.most_open = -(-in_a_window // corpus.block_size) + 2 * len(self.texts)
        self.window = lru_cache(maxsize=1)(self._window)
        self.survey = lru_cache(maxsize=2)(self._survey)

    def batches(self, epoch: int, first: int = 0) -> Iterator[Lengths]:
        """The batches of an epoch from number `first` on."""
        for window in range(self.windows):
            if first and self.windows > 1 and first >= (number := self.survey(epoch).batches[window]):
                first -= number
                continue
            yield from self.window(epoch, window).batches[first:]
            first = 0

    def count(self, epoch: int) -> int:
        """The number of an epoch's batches."""
        return sum(self.survey(epoch).batches)

    def rows(self, epoch: int, window: int) -> Lengths:
        """The rows of a window, in their order in the corpus; rows of a short text may occur several times."""
        drawn: list[Lengths] = []
        for number, text in enumerate(self.texts):
            start, end = (text.drawn * epoch + text.drawn * edge // self.windows for edge in (window, window + 1))
            for turn in range(start // text.pairs, -(-end // text.pairs)):
                first = text.pairs * turn
                drawn += self._part(number, turn, max(start - first, 0), min(end - first, text.pairs))
        return np.sort(np.concatenate(drawn))

    def _part(self, number: int, turn: int, start: int, end: int) -> Iterator[Lengths]:
        """The rows from `start` to `end` of one pass over a text."""
        spans = self.texts[number].spans
        order = np.random.default_rng((self.seed, turn, number, 1)).permutation(len(spans))
        ends = np.cumsum(spans[order, 1] - spans[order, 0])
        for i in range(int(np.searchsorted(ends, start, side="right")), len(order)):
            first, last = spans[order[i]]
            begin = int(ends[i]) - int(last - first)  # position of the span in the pass
            if begin >= end:
                return
            inside = slice(max(start - begin, 0), min(end - begin, int(last - first)))
            rows = np.arange(first, last)
            if inside != slice(0, len(rows)):  # another window has the rest
                rows = np.random.default_rng((self.seed, turn, number, 2, int(order[i]))).permutation(rows)[inside]
            yield rows

    def _window(self, epoch: int, window: int) -> Window:
        rows = self.rows(epoch, window)
        src_len, tgt_len = self.corpus.lengths(rows)
        seed = (self.seed, epoch) if self.windows == 1 else (self.seed, epoch, window)
        places = token_batches(src_len, tgt_len, self.max_tokens, seed, self.shards)
        numbers, order = np.array([len(batch) for batch in places]), np.concatenate(places)
        starts = numbers.cumsum() - numbers
        src, tgt = (np.maximum.reduceat(length[order], starts) for length in (src_len, tgt_len))
        sizes = (numbers * (src + tgt), numbers * src * tgt)
        batches = [rows[batch] for batch in places]
        return Window(batches, [(int(size.max()), batches[size.argmax()]) for size in sizes])

    def _survey(self, epoch: int) -> Survey:
        numbers, most = [], [(0, np.empty(0, np.int64))] * 2
        for number in range(self.windows):
            window = self.window(epoch, number)
            numbers.append(len(window.batches))
            most = [max(pair, key=lambda one: one[0]) for pair in zip(most, window.largest, strict=True)]
        by_tokens, by_links = (rows for _, rows in most)
        return Survey(numbers, [by_tokens] if by_tokens is by_links else [by_tokens, by_links])
