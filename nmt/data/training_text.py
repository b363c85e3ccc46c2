"""The training text, read pair by pair: cleaned, and without the validation and test text."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import chain

from nmt.common.bars import tracked
from nmt.data.augmentation import with_rules
from nmt.data.cleaning import FIT, Tally, both_sides, clean, contamination_note, reasons
from nmt.data.corpora import Corpus, Pair
from nmt.data.duplicates import Duplicates
from nmt.data.tokenizer import Tokenizer, TokenizerConfig
from nmt.data.tokenizer_training import train_tokenizer
from nmt.data.vocabulary import learn_supported
from nmt.text.protection import TextRules

log = logging.getLogger(__name__)


@dataclass
class TrainingText:
    """The training text of a corpus, without the held-out pairs."""

    corpus: Corpus
    text: dict[str, str]  # a hash of each split
    valid: list[Pair]
    rules: TextRules
    duplicates: Duplicates
    known: bytearray = field(default_factory=bytearray)  # which pairs are fit, once all have been read (clean)

    def pairs(self, tally: Tally | None = None, what: str = "reading") -> Iterator[Pair]:
        """The pairs that are fit for training."""
        tally = tally or Tally()
        found = self.corpus.pairs(self.corpus.train, tally)
        held_out = set(map(both_sides, self.valid)) if self.corpus.splits["valid"] is None else set[bytes]()
        evaluation = chain(self.valid, self.corpus.pairs(self.corpus.test) if self.corpus.test else ())
        cleaning, dropped = self.corpus.cleaning, tally.dropped
        fit = clean(found, cleaning, evaluation, dropped, self.duplicates, held_out, self.known)
        number = self.known.count(FIT) or None
        return (with_rules(pair, self.rules) for pair in tracked(fit, what, number, "pairs"))

    def learned(self, config: TokenizerConfig, auto: Collection[str]) -> tuple[Tokenizer, TokenizerConfig]:
        """A newly learned tokenizer, and the settings that it was learned with."""
        tally = Tally()
        if next(self.pairs(tally), None) is None:
            raise ValueError(nothing_left(tally))
        log.info("learning %d %s pieces", config.vocab_size, config.kind)

        def learn(config: TokenizerConfig) -> Tokenizer:
            return train_tokenizer(
                config,
                (pair.src for pair in self.pairs()),
                (pair.tgt for pair in self.pairs()),
                controls=self.corpus.every_direction.tag_pieces,
            )

        return learn_supported(config, learn, auto)


def nothing_left(tally: Tally) -> str:
    if not tally.dropped and not tally.faults:
        return "no training pair is left: the training text is empty"
    parts = ["no training pair is left"]
    if tally.dropped:
        parts.append(contamination_note(0, tally.dropped) or f"what was left out: {reasons(tally.dropped)}")
    if tally.faults:
        parts.append(f"{len(tally.faults)} fault(s) of the text, the first: {tally.faults[0]}")
    return "; ".join(parts)
