"""Corpora of files in a folder, and the one that comes with the project."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from glob import escape as glob_escape
from io import BufferedIOBase
from itertools import chain
from pathlib import Path
from typing import Self, cast

from nmt.common.files import from_home
from nmt.common.resources import resource
from nmt.data.corpora.base import Corpus
from nmt.data.directions import Direction
from nmt.data.pair_files import READERS, has_known_suffix, read_rows, side_of
from nmt.data.readers import Row, lines_of, paired_rows
from nmt.formats.files import check_compression, opened

SPELT_OUT = 2  # of READERS, in a message of missing files; of the others the suffix


@dataclass(frozen=True)
class FileCorpus(Corpus):
    """Files in a folder. A split `train` is the first of these that exists: plain text `train.de` and `train.en`;
    `train.tsv` (two columns, or more below a first line that names the two languages, see headers.py); `train.jsonl`
    ({"de": ..., "en": ...}, or the same under "translation"; blank lines are skipped); or `train` with another suffix
    of pair_files.py. Each may be gzipped (`.gz`). A split may also be a whole file name (`memory.tmx`), with a folder
    in `dir` or an absolute path. `train+more` is one after the other.

    With several directions, each is read from the folder `de-en` or `en-de` in `dir` if there is one. Otherwise it is
    read from `dir` itself: plain text in several languages, or a table or JSON lines that name the languages of each
    row."""

    dir: str = field(kw_only=True)  # the folder of the files

    @property
    def where(self) -> str:
        return f"the folder {self.dir}"

    def has(self, split: str) -> bool:
        names = (name for part in self.parts(split) for names in self._layouts(part) for name in names)
        return any(_plain_or_gzipped(self.folder / name) is not None for name in names)

    @property
    def folder(self) -> Path:
        if not self.dir:  # such as from an unset shell variable
            raise ValueError("data.dir is empty; it must be a folder (. is this one)")
        return from_home(self.dir)

    def of(self, direction: Direction) -> Self:
        for one in (direction, direction.reverse):
            if (folder := self.folder / str(one)).is_dir():
                return replace(super().of(one), dir=str(folder))
        return super().of(direction)

    def files(self, split: str) -> list[Path]:
        """The one or two files of a split. Raises ValueError if there are none."""
        if not self.folder.is_dir():
            raise ValueError(f"data.dir is {str(self.folder)!r}, which is no folder")
        layouts = self._layouts(split)
        for names in layouts:
            found = [path for name in names if (path := _plain_or_gzipped(self.folder / name)) is not None]
            if len(found) == len(names):
                return found
            if found:
                missing = next(name for name in names if _plain_or_gzipped(self.folder / name) is None)
                raise ValueError(f"{found[0]} has no partner {missing}")
        raise ValueError(self._nothing(split, layouts))

    def _nothing(self, split: str, layouts: list[list[str]]) -> str:
        """The error message for a split without files, with a hint if `split` is the file of one side. Raises
        ValueError for files of another compression than gzip."""
        folder, name = (self.folder / f"{split}.tsv").parent, Path(split).name
        for path in sorted(folder.glob(f"{glob_escape(name)}*")):
            if f"{path.name}.".startswith(f"{name}."):
                check_compression(path)
        if has_known_suffix(split):
            return f"{folder} has no {name}"
        expected = " or ".join(" + ".join(Path(one).name for one in names) for names in layouts[: 1 + SPELT_OUT])
        stem = split.removesuffix(".gz").rpartition(".")[0]
        is_side = bool(Path(split).suffix) and _plain_or_gzipped(self.folder / split) is not None
        hint = f"; {name} is one side, and both are named by their stem: {stem}" * is_side
        return f"{folder} has no {expected}, nor {name} with {', '.join(READERS.names()[SPELT_OUT:])}{hint}"

    def _layouts(self, split: str) -> list[list[str]]:
        return [
            [side_of(self.folder, split, self.src), side_of(self.folder, split, self.tgt)],
            *([split + suffix] for suffix in READERS.names()),
            *([[split]] if has_known_suffix(split) else []),
        ]

    def forms(self, split: str) -> list[str]:
        return [Path(path.name.removesuffix(".gz")).suffix for part in self.parts(split) for path in self.files(part)]

    def rows(self, split: str) -> Iterator[Row]:
        return self.numbered(split, self._rows)

    def _rows(self, split: str) -> Iterator[Row]:
        files = self.files(split)
        if len(files) == 2:
            src, tgt = files
            return paired_rows(lines_of(src), lines_of(tgt), (str(src), str(tgt)))
        return read_rows(files[0], self.src, self.tgt)

    def _fingerprint(self, split: str) -> str:
        """A hash of the files' content, decompressed."""
        digest = hashlib.sha256()
        for path in chain.from_iterable(map(self.files, self.parts(split))):
            with opened(path) as file:
                digest.update(hashlib.file_digest(cast(BufferedIOBase, file), "sha256").digest())
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


def _plain_or_gzipped(path: Path) -> Path | None:
    return next((p for p in (path, path.with_name(path.name + ".gz")) if p.is_file()), None)
