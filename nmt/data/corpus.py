"""Parallel text, wherever it lies, as pairs of strings. Nothing is cleaned or encoded here.

Text is UTF-8; a line ends at "\\n" and nowhere else, one "\\r" before it is dropped, and so is a BOM at the start.
What a line should be and is not is told by its file and number, and `Corpus.malformed` says what becomes of it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, cast

from nmt.ranges import check_ranges
from nmt.resources import resource

BOM = b"\xef\xbb\xbf"
SURROGATE = re.compile("[\ud800-\udfff]")  # half of a character: JSON can spell it, UTF-8 cannot


class Pair(NamedTuple):
    src: str
    tgt: str
    line: int = 0  # where it stands, from 1


class Row(NamedTuple):
    """A pair as it was found."""

    pair: Pair
    faults: Sequence[str] = ()  # such as "train.de, line 3 is not UTF-8"


@dataclass(frozen=True)
class CleaningConfig:
    """What training pairs must be like; validation and test text is never touched."""

    max_chars: int = 2000  # of either side
    max_ratio: float = 9.0  # of the sides' characters, where both have at least 10
    max_pieces: int = 250  # of either side, BOS and EOS included
    deduplicate: bool = True  # keep the first of equal pairs
    decontaminate: bool = True  # drop pairs of which either side stands in the validation or test text

    def __post_init__(self) -> None:
        check_ranges(self, max_chars=(1, 1_000_000), max_ratio=(1, 1000), max_pieces=(3, 100_000))


@dataclass(frozen=True)
class Corpus:
    """A corpus of two languages in splits. `src` and `tgt` are language codes or whatever names the two sides."""

    src: str
    tgt: str
    cleaning: CleaningConfig = field(default_factory=CleaningConfig)
    # A line that is no UTF-8 or lacks a side: end with an error, leave its pair out, or put U+FFFD or nothing there.
    malformed: Literal["fail", "skip", "replace"] = "fail"

    @property
    def splits(self) -> dict[str, str | None]:
        """train, valid and test (or None) by the corpus' own names."""
        raise NotImplementedError

    def rows(self, split: str) -> Iterator[Row]:
        """All of a split, in order, sound or not. Raises ValueError where the sides do not match."""
        raise NotImplementedError

    def pairs(self, split: str, faults: list[str] | None = None) -> Iterator[Pair]:
        """The pairs of a split, in order; what is wrong with the text is added to `faults`.

        Raises ValueError for text that is not sound, unless `malformed` allows it.
        """
        for pair, found in self.rows(split):
            if found and self.malformed == "fail":
                raise ValueError(f"{found[0]} (data.malformed=skip or replace goes on)")
            if faults is not None:
                faults += found
            if not found or self.malformed == "replace":
                yield pair

    def fingerprint(self, split: str) -> str:
        """A hash of the split's content."""
        digest = hashlib.sha256()
        for pair in self.pairs(split):
            digest.update(json.dumps(pair[:2]).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class FileCorpus(Corpus):
    """Files of a folder. A split `train` is, whichever is there, plain text `train.de` and `train.en`, or
    `train.tsv` (two columns; a first line of the two language codes gives their order), or `train.jsonl`
    ({"de": ..., "en": ...}, or the same under "translation"). Each may be gzipped (`.gz`). `train+more` is the
    one and then the other."""

    dir: str = ""
    train: str = "train"
    valid: str = "valid"
    test: str | None = None

    @property
    def splits(self) -> dict[str, str | None]:
        return {"train": self.train, "valid": self.valid, "test": self.test}

    @property
    def folder(self) -> Path:
        return Path(self.dir)

    def files(self, split: str) -> list[Path]:
        """The one or two files of a split. Raises ValueError when there are none."""
        if not self.folder.is_dir():
            raise ValueError(f"data.dir is {str(self.folder)!r}, which is no folder")
        layouts = [[f"{split}.{self.src}", f"{split}.{self.tgt}"], [f"{split}.tsv"], [f"{split}.jsonl"]]
        for names in layouts:
            found = [path for name in names if (path := _plain_or_gzipped(self.folder / name)) is not None]
            if len(found) == len(names):
                return found
            if found:
                raise ValueError(f"{found[0]} has no partner {' or '.join(sorted(set(names) - {found[0].name}))}")
        expected = " or ".join(" + ".join(names) for names in layouts)
        raise ValueError(f"{self.folder} has no {expected}")

    def rows(self, split: str) -> Iterator[Row]:
        return chain.from_iterable(map(self._rows, split.split("+")))

    def _rows(self, split: str) -> Iterator[Row]:
        files = self.files(split)
        if len(files) == 2:
            return _parallel_lines(*files)
        if files[0].name.removesuffix(".gz").endswith(".tsv"):
            return _tsv(files[0], self.src, self.tgt)
        return _jsonl(files[0], self.src, self.tgt)

    def fingerprint(self, split: str) -> str:
        digest = hashlib.sha256()
        for path in chain.from_iterable(map(self.files, split.split("+"))):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()


@dataclass(frozen=True)
class DemoCorpus(FileCorpus):
    """The small corpus that comes with the project; scripts/make_demo_corpus.py made it."""

    @property
    def folder(self) -> Path:
        return resource("data/demo")


@dataclass(frozen=True)
class HubCorpus(Corpus):
    """Any dataset that `datasets` can load: from its hub, or a folder of data files by its path."""

    dataset: str = ""
    subset: str | None = None
    revision: str | None = None
    column: str | None = "translation"  # the column of {"de": ..., "en": ...}; null: a column for each language
    streaming: bool = False
    train: str = "train"
    valid: str = "validation"
    test: str | None = None

    @property
    def splits(self) -> dict[str, str | None]:
        return {"train": self.train, "valid": self.valid, "test": self.test}

    def rows(self, split: str) -> Iterator[Row]:
        from nmt.data.hub import load_rows  # the library is heavy, and only this corpus needs it

        for number, row in enumerate(load_rows(self.dataset, self.subset, split, self.revision, self.streaming), 1):
            sides = row if self.column is None else row.get(self.column)
            yield _row_of(sides, self, f"{self.dataset} row {number}", number)


CORPORA: dict[str, type[Corpus]] = {"demo": DemoCorpus, "files": FileCorpus, "hub": HubCorpus}


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text file, gzipped or not. Raises ValueError with the line number where it is not UTF-8."""
    for text, faults in _decoded(path):
        if faults:
            raise ValueError(faults[0])
        yield text


def _decoded(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Each line, and what is wrong with it; U+FFFD stands for bytes that are not UTF-8."""
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    opener = gzip.open if path.suffix == ".gz" else open
    with cast(BinaryIO, opener(path, "rb")) as file:
        lines = enumerate(file, 1)
        while True:
            try:
                number, line = next(lines)
            except StopIteration:
                return
            except (EOFError, OSError, zlib.error) as error:
                raise ValueError(f"{path} cannot be read: {error}") from None
            line = line.removesuffix(b"\n").removesuffix(b"\r").removeprefix(BOM if number == 1 else b"")
            try:
                yield line.decode(), []
            except UnicodeDecodeError:
                yield line.decode(errors="replace"), [f"{path}, line {number} is not UTF-8"]


def _plain_or_gzipped(path: Path) -> Path | None:
    return next((p for p in (path, path.with_name(path.name + ".gz")) if p.is_file()), None)


def _parallel_lines(src: Path, tgt: Path) -> Iterator[Row]:
    missing = object()
    numbers = {src: 0, tgt: 0}
    for number, sides in enumerate(zip_longest(_decoded(src), _decoded(tgt), fillvalue=missing), 1):
        for path, side in zip((src, tgt), sides, strict=True):
            numbers[path] += side is not missing
        if missing not in sides:
            (of_src, src_faults), (of_tgt, tgt_faults) = cast(Any, sides)
            yield Row(Pair(of_src, of_tgt, number), src_faults + tgt_faults)
    if numbers[src] != numbers[tgt]:
        raise ValueError(
            f"{src} has {numbers[src]} lines but {tgt} has {numbers[tgt]}; "
            "line i of one must translate line i of the other"
        )


def _tsv(path: Path, src: str, tgt: str) -> Iterator[Row]:
    columns = (0, 1)
    for number, (line, faults) in enumerate(_decoded(path), 1):
        cells = line.split("\t")
        if number == 1 and {src, tgt} <= set(cells):
            columns = (cells.index(src), cells.index(tgt))
            continue
        needed = max(columns) + 1
        if len(cells) < needed:
            faults.append(f"{path}, line {number} has {len(cells)} column(s); it needs {needed}")
            cells += [""] * needed
        yield Row(Pair(cells[columns[0]], cells[columns[1]], number), faults)


def _jsonl(path: Path, src: str, tgt: str) -> Iterator[Row]:
    sides = Corpus(src, tgt)
    for number, (line, faults) in enumerate(_decoded(path), 1):
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            yield Row(Pair("", "", number), [*faults, f"{where} is not JSON"])
            continue
        pair, more = _row_of(row.get("translation", row) if isinstance(row, dict) else row, sides, where, number)
        yield Row(pair, [*faults, *more])


def _row_of(row: Any, corpus: Corpus, where: str, number: int) -> Row:
    texts = [row.get(code) if isinstance(row, dict) else None for code in (corpus.src, corpus.tgt)]
    sound = [SURROGATE.sub("\ufffd", text) if isinstance(text, str) else "" for text in texts]
    what = "has no text for" if not all(isinstance(text, str) for text in texts) else "has half a character for"
    faults = [f"{where} {what} {corpus.src!r} and {corpus.tgt!r}"] if sound != texts else []
    return Row(Pair(sound[0], sound[1], number), faults)
