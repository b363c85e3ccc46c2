"""The training text as it is read, pair by pair: cleaned, and without what validation and test have."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from nmt.common.bars import tracked
from nmt.data.cleaning import both_sides, clean, contamination_note, reasons
from nmt.data.copies import ruled
from nmt.data.corpora import Corpus, Pair
from nmt.data.duplicates import Duplicates
from nmt.data.tokenizer import Tokenizer, TokenizerConfig
from nmt.data.tokenizer_training import train_tokenizer
from nmt.data.vocabulary import CharacterCounts, learn_supported
from nmt.text.protection import TextRules

log = logging.getLogger(__name__)


@dataclass
class TrainingText:
    """The training text of a corpus, beside what is held out of it."""

    corpus: Corpus
    text: dict[str, str]  # a hash of each split
    valid: list[Pair]
    rules: TextRules
    duplicates: Duplicates
    number: int | None = None  # of pairs, once all have been read

    def pairs(self, dropped: Counter[str], faults: list[str], what: str = "reading") -> Iterator[Pair]:
        """Those that are fit for training."""
        found = self.corpus.pairs(split_of(self.corpus, "train"), faults, dropped)
        held_out = set(map(both_sides, self.valid)) if self.corpus.splits["valid"] is None else set[bytes]()
        fit = clean(found, self.corpus.cleaning, self._evaluation_pairs(), dropped, held_out, self.duplicates)
        found = self._numbered(tracked(fit, what, self.number, "pairs"))
        return (ruled(pair, self.rules) for pair in found) if self.rules.symbols or self.rules.tags else found

    def _numbered(self, pairs: Iterator[Pair]) -> Iterator[Pair]:
        number = 0
        for pair in pairs:
            number += 1
            yield pair
        self.number = number

    def _evaluation_pairs(self) -> Iterator[Pair]:
        yield from self.valid
        if self.corpus.splits["test"]:
            yield from self.corpus.pairs(split_of(self.corpus, "test"))

    def counts(self) -> CharacterCounts:
        counts = CharacterCounts()
        for pair in self.pairs(Counter(), []):
            counts.add(pair)
        return counts

    def learned(self, config: TokenizerConfig, auto: Collection[str]) -> tuple[Tokenizer, TokenizerConfig]:
        """The tokenizer, and the settings that it was learned by."""
        dropped, faults = Counter[str](), list[str]()
        if next(self.pairs(dropped, faults), None) is None:
            raise ValueError(nothing_left(dropped, faults))
        log.info("learning %d %s pieces", config.vocab_size, config.kind)

        def learn(config: TokenizerConfig) -> Tokenizer:
            return train_tokenizer(
                config,
                (pair.src for pair in self.pairs(Counter(), [])),
                (pair.tgt for pair in self.pairs(Counter(), [])),
                controls=self.corpus.every_direction.tag_pieces,
            )

        return learn_supported(config, learn, auto)


def split_of(corpus: Corpus, role: str) -> str:
    name = corpus.splits[role]
    if name is None:
        raise ValueError(f"data.{role} is not set")
    return name


def nothing_left(dropped: Mapping[str, int], faults: list[str]) -> str:
    if not dropped and not faults:
        return "no training pair is left: the training text is empty"
    parts = ["no training pair is left"]
    if dropped:
        parts.append(contamination_note(0, dropped) or f"what was left out: {reasons(dropped)}")
    if faults:
        parts.append(f"{len(faults)} fault(s) of the text, the first: {faults[0]}")
    return "; ".join(parts)
