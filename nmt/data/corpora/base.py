"""The base class of all corpora: splits of one or several pairs of languages, read as pairs of strings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, Self

from nmt.common.bars import tracked
from nmt.common.json_text import digest_of, to_json
from nmt.common.ranges import check_ranges
from nmt.data.cleaning import MALFORMED, OF_OTHERS, CleaningConfig, Tally
from nmt.data.directions import Direction, Directions, Tags, is_of_another, read_direction
from nmt.data.readers import Pair, Row


@dataclass(frozen=True)
class MixConfig:
    """The share of each text in an epoch, if the training text has several parts (a+b) or directions."""

    # The share of each text in an epoch's pairs, in the order of `train` (and of the directions): [3, 1] is three
    # quarters and a quarter. Without weights the temperature decides.
    weights: tuple[float, ...] = ()
    # A text of n pairs has a share in proportion to n ** (1 / temperature): 1 takes every pair once an epoch, 5 takes
    # much more of small texts.
    temperature: float = 1.0

    def __post_init__(self) -> None:
        check_ranges(self, temperature=(0.1, 1000))
        if any(not 0 < weight <= 1e6 for weight in self.weights):
            raise ValueError(f"weights is {list(self.weights)}; each must be more than 0, and at most 1,000,000")
        if self.weights and self.temperature != 1:
            raise ValueError("weights and temperature are two ways to say how much of each text; give one of them")


@dataclass(frozen=True)
class Corpus:
    """Splits of text in one or several pairs of languages. `src` and `tgt` are language codes or other names of the
    two sides."""

    src: str  # code of the source language; "" with `directions`
    tgt: str  # code of the target language
    cleaning: CleaningConfig = field(default_factory=CleaningConfig)
    mix: MixConfig = field(default_factory=MixConfig)
    # What to do with a line that is not UTF-8, lacks a side, has too many columns or is too long: end with an error,
    # skip its pair, or use what can be read, with U+FFFD for bad bytes and "" for an unclear side.
    malformed: Literal["fail", "skip", "replace"] = "fail"
    directions: tuple[str, ...] = ()  # instead of src and tgt: several, such as [de-en,fr-en], or [pt-BR:en]
    both_ways: bool = False  # use every pair in both directions
    # Put a piece before the source that names the target language (true; needed for several target languages), or
    # pieces for the target and the source language ("both").
    tags: Tags = False
    train: str = "train"  # the split to learn from; with files, one+other is both; with hub, train[:90%] is a slice
    # A split, or how many pairs of the training text to hold out. auto (the default of data=files and data=hub): the
    # split of this name, or held-out pairs if there is none.
    valid: str | int = "valid"
    test: str | None = None  # the test split, which is kept out of training; null: there is none

    def __post_init__(self) -> None:
        if isinstance(self.valid, int) and self.valid < 1:
            raise ValueError(
                f"valid is {self.valid}; it must name a split or say how many training pairs to hold out"
            )
        if not self.directions and not (self.src and self.tgt):
            raise ValueError("src and tgt must be given, or directions")
        _ = self.every_direction  # raises

    @property
    def every_direction(self) -> Directions:
        """All directions. Raises ValueError when they cannot be told apart."""
        given = [read_direction(one) for one in self.directions] or [Direction(self.src, self.tgt)]
        reverse = [one.reverse for one in given if one.reverse not in given] if self.both_ways else []
        return Directions((*given, *reverse), self.tags)

    def bitexts(self) -> list[Bitext]:
        """The corpora of one pair of languages, in reading order."""
        if not self.directions and not self.both_ways and not self.tags:
            return [Bitext(self)]
        found, every = [], self.every_direction.every
        given = every[: len(self.directions) or 1]
        for direction in given:
            turned = [direction.reverse] if self.both_ways and direction.reverse not in given else []
            found.append(Bitext(self.of(direction), (direction, *turned)))
        return found

    def of(self, direction: Direction) -> Self:
        """The corpus of one direction, or of its reverse if the text is stored that way."""
        return replace(self, src=direction.src, tgt=direction.tgt, directions=(), both_ways=False, tags=False)

    @property
    def splits(self) -> dict[str, str | None]:
        """train, valid and test -> the corpus' own names; None: there is none, or training pairs are held out."""
        return {"train": self.train, "valid": self.valid if isinstance(self.valid, str) else None, "test": self.test}

    @property
    def where(self) -> str:
        """The location of the text, in words."""
        raise NotImplementedError

    def forms(self, split: str) -> list[str]:
        """The formats of a split's files, such as their suffixes, for one pair of languages."""
        return []

    def has(self, split: str) -> bool:
        """Whether there is such a split, sound or not."""
        raise NotImplementedError

    def rows(self, split: str) -> Iterator[Row]:
        """All rows of a split, in order, sound or not. Raises ValueError if the sides do not match."""
        raise NotImplementedError

    def parts(self, split: str) -> list[str]:
        """The names of the parts of a split of one pair of languages; lines are numbered from 1 in each."""
        return split.split("+")

    def numbered(self, split: str, rows_of: Callable[[str], Iterator[Row]]) -> Iterator[Row]:
        """The rows of all parts, each with the number of its part."""
        for part, name in enumerate(self.parts(split)):
            for row in rows_of(name):
                yield row._replace(pair=row.pair._replace(part=part)) if part else row

    def every_part(self, split: str) -> list[str]:
        """The names of the parts of a split, for all pairs of languages."""
        bitexts = self.bitexts()
        if len(bitexts) == 1:
            return bitexts[0].corpus.parts(split)
        return [f"{Direction(one.src, one.tgt)} {part}" for one, _ in bitexts for part in one.parts(split)]

    def pairs(self, split: str, tally: Tally | None = None) -> Iterator[Pair]:
        """The pairs of a split, in order, one pair of languages after the other. Faults of the text and dropped pairs
        are added to `tally`. With `both_ways` each pair is followed by its reverse.

        Raises ValueError for text that is not sound, unless `malformed` allows it.
        """
        tally = tally or Tally()
        first, taken, every = 0, dict[tuple[str, ...], bytearray](), self.every_direction.every
        for corpus, directions in self.bitexts():
            rows = corpus.rows(split)
            if directions:
                others = tuple(one for one in every if one not in directions)
                of_files = taken.setdefault((corpus.where, *corpus.forms(split)), bytearray())
                rows = _rows_of(rows, directions, others, of_files, split)
            for pair in corpus.sound_pairs(rows, tally):
                if not directions:
                    yield pair
                for direction in directions:
                    sides = (pair.src, pair.tgt) if direction.src == corpus.src else (pair.tgt, pair.src)
                    yield Pair(*sides, pair.line, pair.part + first, direction)
            first += len(corpus.parts(split))
        if lost := sum(of_files.count(False) for of_files in taken.values()):
            tally.dropped[OF_OTHERS] += lost

    def sound_pairs(self, rows: Iterator[Row], tally: Tally) -> Iterator[Pair]:
        """The pairs of rows in one pair of languages. A row in other languages counts as a fault."""
        for pair, found, *_ in rows:
            if found and self.malformed == "fail":
                raise ValueError(f"{found[0]} (data.malformed=skip or replace goes on)")
            tally.faults += found
            if not found or self.malformed == "replace":
                yield pair
            else:
                tally.dropped[MALFORMED] += 1

    def fingerprints(self) -> dict[str, str]:
        """The fingerprint of each split, by its role: train, valid or test."""
        return {role: self.fingerprint(name) for role, name in self.splits.items() if name}

    def fingerprint(self, split: str) -> str:
        """A hash of the split's content and languages."""
        bitexts = self.bitexts()
        if not bitexts[0].directions:
            return self._fingerprint(split)
        return digest_of([[corpus.src, corpus.tgt, corpus._fingerprint(split)] for corpus, _ in bitexts])

    def _fingerprint(self, split: str) -> str:
        digest = hashlib.sha256()
        for pair in tracked(self.pairs(split), f"reading {split}", unit="pairs"):
            digest.update(to_json(pair[:2], ascii_only=True).encode())
        return digest.hexdigest()


def _rows_of(
    rows: Iterator[Row],
    directions: Sequence[Direction],
    others: tuple[Direction, ...],
    taken: bytearray,
    split: str,
) -> Iterator[Row]:
    """The rows in the first direction, and, if two are given, those in its reverse, turned round. Rows in other
    languages, or that match one of the `others` better, are skipped. `taken` records for every row, in order, whether
    it was ever taken. Raises ValueError if all rows are skipped."""
    number, found = 0, False
    for number, row in enumerate(rows, 1):
        if row.turned is not None and len(directions) > 1:
            row = row.turned
        is_own = not row.is_other and not is_of_another(row.languages, directions[0], others)
        if number > len(taken):
            taken.append(is_own)
        taken[number - 1] |= is_own
        found |= is_own
        if is_own:
            yield row
    if number and not found:
        src, tgt = directions[0]
        raise ValueError(f"{split} has no pair of {src} and {tgt}: all {number} are of other languages")


class Bitext(NamedTuple):
    """A corpus of one pair of languages, and the directions that its pairs are used in; (): as they are."""

    corpus: Corpus
    directions: tuple[Direction, ...] = ()
