"""Parallel text, wherever it lies, as pairs of strings. Nothing is cleaned or encoded here.

What a line should be and is not is told by its file and number (readers.py), and `Corpus.malformed` says what becomes
of it.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from nmt.bars import tracked
from nmt.data.cleaning import CleaningConfig
from nmt.data.directions import Direction, Directions, Tags, read_direction
from nmt.data.pair_files import READERS, has_known_suffix, read_rows, side_of
from nmt.data.readers import Pair as Pair
from nmt.data.readers import Row as Row
from nmt.data.readers import parallel_rows
from nmt.json_text import to_json
from nmt.ranges import check_ranges
from nmt.resources import resource


@dataclass(frozen=True)
class MixConfig:
    """How much an epoch has of each text, where training text is several (a+b) or of several directions."""

    # The share that each text has of an epoch's pairs, in the order of `train` (and of the directions): [3, 1] is
    # three quarters and a quarter. Without weights the temperature decides.
    weights: tuple[float, ...] = ()
    # A text of n pairs has a share in proportion to n ** (1 / temperature): 1 takes every pair once an epoch, 5 much
    # more of small texts.
    temperature: float = 1.0

    def __post_init__(self) -> None:
        check_ranges(self, temperature=(0.1, 1000))
        if any(not 0 < weight <= 1e6 for weight in self.weights):
            raise ValueError(f"weights is {list(self.weights)}; each must be more than 0, and at most 1,000,000")
        if self.weights and self.temperature != 1:
            raise ValueError("weights and temperature are two ways to say how much of each text; give one of them")


@dataclass(frozen=True)
class Corpus:
    """A corpus of two languages in splits, or of several such pairs. `src` and `tgt` are language codes or whatever
    names the two sides."""

    src: str  # the source's code; "" with `directions`
    tgt: str  # the target's
    cleaning: CleaningConfig = field(default_factory=CleaningConfig)
    mix: MixConfig = field(default_factory=MixConfig)
    # A line that is no UTF-8, lacks a side, has a column too many or is too long: end with an error, leave its pair
    # out, or take what there is of it, with U+FFFD for bad bytes and nothing for a side that cannot be told.
    malformed: Literal["fail", "skip", "replace"] = "fail"
    directions: tuple[str, ...] = ()  # instead of src and tgt: several, such as [de-en,fr-en], or [pt-BR:en]
    both_ways: bool = False  # every pair is used in both directions
    # A piece before the source says into which language (true), which several target languages need; and from which
    # ("both").
    tags: Tags = False
    train: str = "train"  # the split to learn from; one+other of files is both, and train[:90%] a slice of the hub's
    valid: str | int = "valid"  # a split, or how many pairs of the training text are held out (validation.py)
    test: str | None = None  # the split that tests are of, which is kept out of training; null: there is none

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
        """Raises ValueError when they cannot be told apart."""
        given = [read_direction(one) for one in self.directions] or [Direction(self.src, self.tgt)]
        reverse = [one.reverse for one in given if one.reverse not in given] if self.both_ways else []
        return Directions((*given, *reverse), self.tags)

    def each(self) -> list[Reading]:
        """What is read one after the other."""
        if not self.directions and not self.both_ways and not self.tags:
            return [Reading(self)]
        found, every = [], self.every_direction.every
        given = every[: len(self.directions) or 1]
        for direction in given:
            turned = [direction.reverse] if self.both_ways and direction.reverse not in given else []
            found.append(Reading(self.of(direction), (direction, *turned)))
        return found

    def of(self, direction: Direction) -> Corpus:
        """Only the text of one direction, or the other way round, as it lies there."""
        return replace(self, src=direction.src, tgt=direction.tgt, directions=(), both_ways=False, tags=False)

    @property
    def splits(self) -> dict[str, str | None]:
        """train, valid and test by the corpus' own names; None: there is none, or training pairs are held out."""
        return {"train": self.train, "valid": self.valid if isinstance(self.valid, str) else None, "test": self.test}

    @property
    def where(self) -> str:
        """Where the text lies, in words."""
        raise NotImplementedError

    def has(self, split: str) -> bool:
        """Whether there is such a split, sound or not."""
        raise NotImplementedError

    def rows(self, split: str) -> Iterator[Row]:
        """All of a split, in order, sound or not. Raises ValueError where the sides do not match."""
        raise NotImplementedError

    def parts(self, split: str) -> list[str]:
        """The names of what a split of one pair of languages is put together from, each with lines from 1."""
        return [split]

    def every_part(self, split: str) -> list[str]:
        """Those of all pairs of languages."""
        readings = self.each()
        return [
            f"{Direction(corpus.src, corpus.tgt)} {part}" if readings[1:] else part
            for corpus, _ in readings
            for part in corpus.parts(split)
        ]

    def pairs(self, split: str, faults: list[str] | None = None) -> Iterator[Pair]:
        """The pairs of a split, in order, one pair of languages after the other; what is wrong with the text is added
        to `faults`. With `both_ways` each is followed by itself turned round.

        Raises ValueError for text that is not sound, unless `malformed` allows it.
        """
        first = 0
        for corpus, ways in self.each():
            for pair in corpus.sound_pairs(split, faults, bool(ways)):
                if not ways:
                    yield pair
                for way in ways:
                    sides = (pair.src, pair.tgt) if way.src == corpus.src else (pair.tgt, pair.src)
                    yield Pair(*sides, pair.line, pair.part + first, way)
            first += len(corpus.parts(split))

    def sound_pairs(self, split: str, faults: list[str] | None = None, passes_over: bool = False) -> Iterator[Pair]:
        """The pairs of a split of one pair of languages. A row that says that it is of others is passed over, or else
        not sound."""
        others, number = 0, 0
        for pair, found, is_other in self.rows(split):
            if is_other and passes_over:
                others += 1
                continue
            number += 1
            if found and self.malformed == "fail":
                raise ValueError(f"{found[0]} (data.malformed=skip or replace goes on)")
            if faults is not None:
                faults += found
            if not found or self.malformed == "replace":
                yield pair
        if others and not number:
            raise ValueError(f"{split} has no pair of {self.src} and {self.tgt}: all {others} are of other languages")

    def fingerprint(self, split: str) -> str:
        """A hash of the split's content, and of what of it is of which languages."""
        return self._of_each(lambda corpus: corpus._fingerprint(split))

    def earlier_fingerprint(self, split: str) -> str:
        """The hash that an earlier version took of it."""
        return self._of_each(lambda corpus: corpus._earlier_fingerprint(split))

    def _of_each(self, hash_of: Callable[[Corpus], str]) -> str:
        if not self.each()[0].ways:
            return hash_of(self)
        hashes = [[corpus.src, corpus.tgt, hash_of(corpus)] for corpus, _ in self.each()]
        return hashlib.sha256(to_json(hashes, ascii_only=True).encode()).hexdigest()

    def _fingerprint(self, split: str) -> str:
        digest = hashlib.sha256()
        for pair in tracked(self.pairs(split), f"reading {split}", unit="pairs"):
            digest.update(to_json(pair[:2], ascii_only=True).encode())
        return digest.hexdigest()

    def _earlier_fingerprint(self, split: str) -> str:
        return self._fingerprint(split)


class Reading(NamedTuple):
    """A corpus of one pair of languages, and which of its directions each of its pairs is used in; none: as it is."""

    corpus: Corpus
    ways: tuple[Direction, ...] = ()


@dataclass(frozen=True)
class FileCorpus(Corpus):
    """Files of a folder. A split `train` is, whichever is there, plain text `train.de` and `train.en`, or
    `train.tsv` (two columns; or any number under a first line that names the two languages, see headers.py), or
    `train.jsonl` ({"de": ..., "en": ...}, or the same under "translation"; blank lines are no rows), or `train` with
    another suffix of pair_files.py. Each may be gzipped (`.gz`), and a split may be a file's whole name
    (`memory.tmx`). `train+more` is the one and then the other.

    Of several directions each is read from the folder `de-en` or `en-de` in `dir`, where there is one, and else from
    `dir` itself: plain text in several languages, or a table or JSON lines that say of each row which languages it is
    in."""

    dir: str = field(kw_only=True)  # the folder of the files

    @property
    def where(self) -> str:
        return f"the folder {self.dir}"

    def has(self, split: str) -> bool:
        names = (name for part in self.parts(split) for names in self._layouts(part) for name in names)
        return any(_plain_or_gzipped(self.folder / name) is not None for name in names)

    @property
    def folder(self) -> Path:
        if not self.dir:  # as of a variable that the shell does not know
            raise ValueError("data.dir is empty; it must be a folder (. is this one)")
        return Path(self.dir)

    def of(self, direction: Direction) -> Corpus:
        for one in (direction, direction.reverse):
            if (folder := self.folder / str(one)).is_dir():
                return replace(cast(FileCorpus, super().of(one)), dir=str(folder))
        return super().of(direction)

    def files(self, split: str) -> list[Path]:
        """The one or two files of a split. Raises ValueError when there are none."""
        if not self.folder.is_dir():
            raise ValueError(f"data.dir is {str(self.folder)!r}, which is no folder")
        layouts = self._layouts(split)
        for names in layouts:
            found = [path for name in names if (path := _plain_or_gzipped(self.folder / name)) is not None]
            if len(found) == len(names):
                return found
            if found:
                raise ValueError(f"{found[0]} has no partner {' or '.join(sorted(set(names) - {found[0].name}))}")
        expected = split if has_known_suffix(split) else " or ".join(" + ".join(names) for names in layouts[:3])
        others = "" if has_known_suffix(split) else f", nor {split} with {', '.join(list(READERS)[2:])}"
        raise ValueError(f"{self.folder} has no {expected}{others}")

    def _layouts(self, split: str) -> list[list[str]]:
        return [
            [side_of(self.folder, split, self.src), side_of(self.folder, split, self.tgt)],
            *([split + suffix] for suffix in READERS),
            *([[split]] if has_known_suffix(split) else []),
        ]

    def parts(self, split: str) -> list[str]:
        return split.split("+")

    def rows(self, split: str) -> Iterator[Row]:
        first, *others = self.parts(split)
        yield from self._rows(first)
        for part, name in enumerate(others, 1):
            for row in self._rows(name):
                yield row._replace(pair=row.pair._replace(part=part))

    def _rows(self, split: str) -> Iterator[Row]:
        files = self.files(split)
        if len(files) == 2:
            return parallel_rows(*files)
        return read_rows(files[0], self.src, self.tgt)

    def _fingerprint(self, split: str) -> str:
        """Of the files' content, gzipped or not."""
        return self._hash(split, lambda path: gzip.open(path) if path.suffix == ".gz" else path.open("rb"))

    def _earlier_fingerprint(self, split: str) -> str:
        """Of the files as they lie there, gzipped."""
        return self._hash(split, lambda path: path.open("rb"))

    def _hash(self, split: str, open_file: Callable[[Path], Any]) -> str:
        digest = hashlib.sha256()
        for path in chain.from_iterable(map(self.files, self.parts(split))):
            try:
                with open_file(path) as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
            except (EOFError, OSError, zlib.error) as error:
                raise ValueError(f"{path} cannot be read: {error}") from None
        return digest.hexdigest()


@dataclass(frozen=True)
class DemoCorpus(FileCorpus):
    """The small corpus that comes with the project; scripts/make_demo_corpus.py made it."""

    dir: str = ""  # only data=files has one

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dir:
            raise ValueError(
                f"dir is {self.dir!r}, but data=demo is the corpus that comes with the project; say data=files too"
            )

    @property
    def where(self) -> str:
        return "the demo corpus"

    @property
    def folder(self) -> Path:
        return resource("data/demo")


@dataclass(frozen=True)
class HubCorpus(Corpus):
    """Any dataset that `datasets` can load: from its hub, or a folder of data files by its path. Files of lines hold
    what those of FileCorpus do, and CSV. A split may be a slice, as `train[:90%]`."""

    dataset: str = field(kw_only=True)  # its name on the hub, or the path of a folder of data files
    subset: str | None = None  # what `datasets` calls the name of a configuration
    revision: str | None = None  # a commit, branch or tag of the hub's
    column: str | None = (
        "translation"  # that of {"de": ..., "en": ...}; where there is none, or null: a column a language
    )
    streaming: bool = False  # read it from afar each time, instead of a copy here
    valid: str | int = "validation"  # a split, or how many pairs of the training text are held out

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.dataset:
            raise ValueError("dataset is empty; it must name a dataset, or a folder of data files")

    @property
    def where(self) -> str:
        return f"the dataset {self.dataset}{f', {self.subset}' if self.subset else ''}"

    def has(self, split: str) -> bool:
        from nmt.data.hub import split_names

        return split.partition("[")[0] in split_names(self)

    def of(self, direction: Direction) -> Corpus:
        """A subset that is called by a pair of languages is that of the direction's; hub.py takes either order."""
        of_pair = self.subset and re.fullmatch("[a-z]{2,3}-[a-z]{2,3}", self.subset)
        subset = "-".join(direction) if of_pair else self.subset
        return replace(cast(HubCorpus, super().of(direction)), subset=subset)

    def parts(self, split: str) -> list[str]:
        return split.split("+")

    def rows(self, split: str) -> Iterator[Row]:
        from nmt.data.hub import load_rows  # the library is heavy, and only this corpus needs it

        return load_rows(self, split)


CORPORA: dict[str, type[Corpus]] = {"demo": DemoCorpus, "files": FileCorpus, "hub": HubCorpus}


def _plain_or_gzipped(path: Path) -> Path | None:
    return next((p for p in (path, path.with_name(path.name + ".gz")) if p.is_file()), None)
