"""Corpora that the `datasets` library loads. It is heavy, and imported where one is read (library.py)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Self

from nmt.data.corpora.base import Corpus
from nmt.data.directions import Direction
from nmt.data.readers import Row


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
    # A split, or how many pairs of the training text are held out; auto, as data=files and data=hub have it: the
    # split of this name, and pairs that are held out where there is none.
    valid: str | int = "validation"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.dataset:
            raise ValueError("dataset is empty; it must name a dataset, or a folder of data files")

    @property
    def where(self) -> str:
        return f"the dataset {self.dataset}{f', {self.subset}' if self.subset else ''}"

    def has(self, split: str) -> bool:
        from nmt.data.corpora.library import split_names

        return split.partition("[")[0] in split_names(self)

    def of(self, direction: Direction) -> Self:
        """A subset that is named by a pair of languages becomes the direction's; library.py takes either order."""
        of_pair = self.subset and re.fullmatch("[a-z]{2,3}-[a-z]{2,3}", self.subset)
        subset = "-".join(direction) if of_pair else self.subset
        return replace(super().of(direction), subset=subset)

    def rows(self, split: str) -> Iterator[Row]:
        from nmt.data.corpora.library import load_rows

        return load_rows(self, split)
