"""Subword regularisation: split the same text into random other pieces for training.

SentencePiece can sample, too, but differently in each process whatever the seed. A run that is resumed or repeated
must see the same pieces. A piece never crosses the end of a word, so each word is split by itself.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import groupby, pairwise

import sentencepiece

from nmt.text.pieces import SPACE

WORD = re.compile(f"{SPACE}+[^{SPACE}]*|[^{SPACE}]+")  # with the space before it


class PieceSampler:
    """Samples pieces of a SentencePiece model. TokenizerConfig.sampling explains the number."""

    def __init__(self, processor: sentencepiece.SentencePieceProcessor) -> None:
        self.processor = processor
        self.edges = lru_cache(maxsize=1 << 16)(self._edges)

    @cached_property
    def pieces(self) -> dict[int, str]:
        """The pieces that are text. User-defined symbols, which are never split, all come before the bytes."""
        p = self.processor
        others = p.is_control, p.is_unknown, p.is_byte, p.is_unused
        first = next(filter(p.is_byte, range(p.vocab_size())), 0)
        every = range(first, p.vocab_size())
        return {i: p.id_to_piece(i) for i in every if not any(is_other(i) for is_other in others)}

    @cached_property
    def ids(self) -> dict[str, int]:
        return {piece: i for i, piece in self.pieces.items()}

    @cached_property
    def scores(self) -> dict[str, float]:
        return {piece: self.processor.get_score(i) for i, piece in self.pieces.items()}

    @cached_property
    def is_bpe(self) -> bool:
        """BPE scores are ranks of merges, whole numbers; those of a unigram model are logarithms."""
        return all(score.is_integer() for score in self.scores.values())

    def __call__(self, ids: Sequence[int], sampling: float, seed: int) -> list[int]:
        """Ids -> ids of other pieces of the same text; the same for the same seed. Ids that are not text stay."""
        rng = random.Random(seed)
        split = self._merged if self.is_bpe else self._walked
        sampled: list[int] = []
        for is_text, run in groupby(ids, self.pieces.__contains__):
            if not is_text:
                sampled += run
                continue
            for word in WORD.findall("".join(self.pieces[i] for i in run)):
                sampled += [self.ids[piece] for piece in split(word, sampling, rng)]
        return sampled

    def _merged(self, word: str, dropout: float, rng: random.Random) -> list[str]:
        """BPE-dropout (Provilkov et al., 2020, arXiv:1910.13267): each step drops merges at random and makes the best
        of the others, until none is left."""
        pieces = list(word)
        while len(pieces) > 1:
            found = [
                (-score, i)
                for i, (left, right) in enumerate(pairwise(pieces))
                if (score := self.scores.get(left + right)) is not None and rng.random() >= dropout
            ]
            if not found:
                break
            _, i = min(found)
            pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]
        return pieces

    def _walked(self, word: str, smoothing: float, rng: random.Random) -> list[str]:
        """A split drawn in proportion to P(split) ** smoothing (Kudo, 2018, arXiv:1804.10959): forward sums from the
        left, then sampling from the right."""
        edges = self.edges(word)
        total = [0.0] + [-math.inf] * len(word)  # log weight of all splits of the first so many characters
        for end, into in enumerate(edges):
            total[end] = _log_sum([total[start] + smoothing * score for start, score in into]) if end else 0.0
        pieces, end = [], len(word)
        while end:
            weights = [math.exp(total[start] + smoothing * score - total[end]) for start, score in edges[end]]
            ((start, _),) = rng.choices(edges[end], weights)
            pieces.append(word[start:end])
            end = start
        return pieces[::-1]

    def _edges(self, word: str) -> list[list[tuple[int, float]]]:
        """For each position in a word, the pieces that end there: start and score."""
        return [
            [(start, self.scores[word[start:end]]) for start in range(end) if word[start:end] in self.scores]
            for end in range(len(word) + 1)
        ]


def _log_sum(numbers: Sequence[float]) -> float:
    most = max(numbers, default=-math.inf)
    return most if most == -math.inf else most + math.log(sum(math.exp(number - most) for number in numbers))
