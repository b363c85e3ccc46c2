"""A lexicon, learned from the training pairs: the target pieces that may translate each source piece.

A translation uses few pieces of the vocabulary, and nearly all of them can be predicted: frequent pieces, and the
usual translations of the source pieces. Search then computes the output layer only for these (Shortlist in
engine/output.py).

The translation probabilities are those of IBM model 1 (Brown et al., 1993, "The mathematics of statistical machine
translation", section 4.1): every target piece of a pair comes from one of its source pieces, or from none, all
equally likely a priori; expectation maximisation estimates which.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nmt.common.bars import tracked
from nmt.data.tokenizer import EOS_ID, PAD_ID, SPECIAL_IDS

if TYPE_CHECKING:
    from nmt.data.encoded import EncodedCorpus

NOTHING = PAD_ID  # as a source piece: the origin of target pieces that no source piece explains
MAX_LINKS = 20_000_000  # pairs of a source and a target piece to learn from: some five seconds
BLOCK = 1 << 20  # links that are processed together; all of them at once would take a gigabyte
ITERATIONS = 5
FREQUENT = 0.05  # share of the target pieces that every sentence may use
LIKELY = 32  # target pieces for each source piece

Ids = NDArray[np.int32]


@dataclass(frozen=True)
class Lexicon:
    """The target pieces that may translate a sentence; ids are int32, V source and W target pieces."""

    frequent: Tensor  # (F,), used in every sentence; the special ids are among them
    likely: Tensor  # (V, L), for each source piece, the likeliest first; padded with EOS

    def allowed(self, src: Tensor, tgt_vocab_size: int) -> Tensor:
        """Source ids (B,S) -> which target pieces each sentence may use (B,W), bool; sentences are independent."""
        allowed = torch.zeros(len(src), tgt_vocab_size, dtype=torch.bool, device=src.device)
        allowed[:, self.frequent] = True
        return allowed.scatter_(1, self.likely[src].flatten(1).long(), True)

    def to(self, device: torch.device) -> Lexicon:
        """A copy on another device."""
        return Lexicon(self.frequent.to(device), self.likely.to(device))

    def joined(self, other: Lexicon) -> Lexicon:
        """The union of two lexicons for the same vocabularies."""
        frequent = torch.cat([self.frequent, other.frequent]).unique()  # type: ignore[no-untyped-call]
        return Lexicon(frequent, torch.cat([self.likely, other.likely], 1))


def learn_lexicon(corpus: EncodedCorpus, src_vocab_size: int, tgt_vocab_size: int, joint: bool) -> Lexicon:
    """Learn from an even sample of the pairs. With a joint vocabulary a piece may always translate itself, so that
    text can be copied."""
    src, tgt = sample(corpus)
    counts = np.bincount(np.concatenate(tgt), minlength=tgt_vocab_size)
    counts[list(SPECIAL_IDS)] = counts.max() + 1
    likely = np.full((src_vocab_size, LIKELY), EOS_ID, np.int32)
    first = int(joint)  # column of the likeliest
    if joint:
        likely[:, 0] = np.arange(src_vocab_size)
    pieces, translations, rank = _ranked(*ibm_model_1(src, tgt, tgt_vocab_size), LIKELY - first)
    likely[pieces, first + rank] = translations
    frequent = np.union1d(np.argsort(-counts, kind="stable")[: int(FREQUENT * tgt_vocab_size)], likely[NOTHING])
    return Lexicon(torch.from_numpy(frequent.astype(np.int32)), torch.from_numpy(likely))


@dataclass(frozen=True)
class TranslationTable:
    """p(target piece | source piece) for N pairs of pieces that occur in a sentence pair; for all others it is 0."""

    pairs: Tensor  # (N,), int64: source piece * tgt_vocab_size + target piece, ascending
    probability: Tensor  # (N,), float64
    tgt_vocab_size: int

    @classmethod
    def learned(cls, corpus: EncodedCorpus, tgt_vocab_size: int, least: float = 0.0) -> TranslationTable:
        """The probabilities above `least`."""
        pieces, translations, probability = map(torch.from_numpy, ibm_model_1(*sample(corpus), tgt_vocab_size))
        kept = probability > least
        return cls(pieces[kept].long() * tgt_vocab_size + translations[kept], probability[kept], tgt_vocab_size)

    def __call__(self, src: Tensor, tgt: Tensor) -> Tensor:
        """p(tgt | src), for ids of shapes that broadcast."""
        pairs = src * self.tgt_vocab_size + tgt
        place = torch.searchsorted(self.pairs, pairs).clamp(max=len(self.pairs) - 1)
        return torch.where(self.pairs[place] == pairs, self.probability[place], 0.0)

    def to(self, device: torch.device, dtype: torch.dtype) -> TranslationTable:
        """A copy on another device, with probabilities of type `dtype`."""
        return TranslationTable(self.pairs.to(device), self.probability.to(device, dtype), self.tgt_vocab_size)


def sample(corpus: EncodedCorpus) -> tuple[list[Ids], list[Ids]]:
    """Source pieces, including NOTHING, and target pieces of an even sample of the pairs."""
    step = int(np.ceil(corpus.counts.links / MAX_LINKS))
    pairs = [corpus.pair(row) for row in range(0, len(corpus), step)]
    src = [src.copy() for src, _ in pairs]  # copies, so that their block can be unmapped
    for one in src:
        one[-1] = NOTHING  # instead of EOS, which translates nothing
    return src, [tgt[1:-1].copy() for _, tgt in pairs]


def ibm_model_1(src: list[Ids], tgt: list[Ids], tgt_vocab_size: int) -> tuple[Ids, Ids, NDArray[np.float64]]:
    """Pairs of source and target pieces that occur in a sentence pair, sorted, and p(target piece | source piece)."""
    blocks = list(_blocks([len(s) * len(t) for s, t in zip(src, tgt, strict=True)]))
    # A link joins a source piece and a target position of one sentence pair. For each block: its entries, sorted, and
    # the index of each link's entry.
    found = [_entries(src[b], tgt[b], tgt_vocab_size) for b in tracked(blocks, "lexicon", len(blocks), "blocks")]
    keys = np.concatenate([own for own, _ in found])
    keys.sort()  # np.unique would copy them, and takes far longer when nearly all differ
    keys = keys[np.append(True, keys[1:] != keys[:-1])]
    links = [np.searchsorted(keys, own).astype(np.int32)[place] for own, place in found]
    del found
    pieces, translations = (part.astype(np.int32) for part in np.divmod(keys, tgt_vocab_size))
    del keys
    probability = np.ones(len(pieces))
    for _ in tracked(range(ITERATIONS), "lexicon", ITERATIONS, "iterations"):
        count = np.zeros(len(pieces))
        for block, entry in zip(blocks, links, strict=True):
            position = _positions(src[block], tgt[block])
            share = probability[entry]
            share /= np.bincount(position, share)[position]
            np.add.at(count, entry, share)
        probability = np.divide(count, np.bincount(pieces, count)[pieces], out=count)
    return pieces, translations, probability


def _blocks(links: Sequence[int]) -> Iterator[slice]:
    """Slices of the sentence pairs, which have so many links each, with about BLOCK links in a slice."""
    start = total = 0
    for row, of_row in enumerate(links):
        if total and total + of_row > BLOCK:
            yield slice(start, row)
            start, total = row, 0
        total += of_row
    yield slice(start, len(links))


def _entries(src: list[Ids], tgt: list[Ids], tgt_vocab_size: int) -> tuple[NDArray[np.int64], Ids]:
    """The distinct pairs of pieces as numbers, sorted, and the index of each link's pair."""
    pairs = zip(src, tgt, strict=True)
    key = np.concatenate([(s.astype(np.int64) * tgt_vocab_size + t[:, None]).ravel() for s, t in pairs])
    entries, place = np.unique(key, return_inverse=True)
    return entries, place.astype(np.int32)


def _positions(src: list[Ids], tgt: list[Ids]) -> NDArray[np.int64]:
    """The number of each link's target position."""
    links = np.repeat(list(map(len, src)), list(map(len, tgt)))
    return np.repeat(np.arange(len(links)), links)


def _ranked(
    pieces: Ids, translations: Ids, probability: NDArray[np.float64], most: int
) -> tuple[Ids, Ids, NDArray[np.int64]]:
    """The `most` likeliest translations of each piece, sorted by piece, best first, and their ranks from 0."""
    order = np.lexsort((-probability, pieces))
    pieces, translations = pieces[order], translations[order]
    rank = np.arange(len(pieces)) - np.searchsorted(pieces, pieces)
    chosen = rank < most
    return pieces[chosen], translations[chosen], rank[chosen]
