"""Corpora that the `datasets` library loads. It is heavy, so it is imported only when one is read (library.py)."""

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
    """Any dataset that `datasets` can load, from its hub or from a folder of data files. TSV, CSV and JSON lines have
    the same form as in FileCorpus. A split may be a slice, such as `train[:90%]`."""

    dataset: str = field(kw_only=True)  # its name on the hub, or the path of a folder of data files
    subset: str | None = None  # the name of a configuration of the dataset
    revision: str | None = None  # a commit, branch or tag on the hub
    column: str | None = (
        "translation"  # the column of {"de": ..., "en": ...}; if missing, or null: one column for each language
    )
    streaming: bool = False  # read over the network each time, instead of from a local copy
    # A split, or how many pairs of the training text to hold out. auto (the default of data=files and data=hub): the
    # split of this name, or held-out pairs if there is none.
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
        """A subset named after a pair of languages is replaced by that of the direction; library.py takes either
        order."""
        of_pair = self.subset and re.fullmatch("[a-z]{2,3}-[a-z]{2,3}", self.subset)
        subset = "-".join(direction) if of_pair else self.subset
        return replace(super().of(direction), subset=subset)

    def rows(self, split: str) -> Iterator[Row]:
        from nmt.data.corpora.library import load_rows

        return load_rows(self, split)
