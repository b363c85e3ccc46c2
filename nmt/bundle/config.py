"""The config of a model directory, and the content of an open one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from nmt import __version__
from nmt.common.ranges import check_ranges
from nmt.common.shown import brief
from nmt.config import check_attention
from nmt.data.directions import Directions, Tags
from nmt.data.lexicon import Lexicon
from nmt.data.normalization import Outside
from nmt.data.tokenizer import BOS_ID, PAD_ID, UNK_ID, Tokenizer
from nmt.metrics.config import MetricConfig
from nmt.model.seq2seq import ModelConfig, Seq2Seq
from nmt.search import Search
from nmt.text.protection import TextRules

FORMAT = 2
FORMATS = (1, FORMAT)  # versions that can be read; 1 had no checksums


@dataclass(frozen=True)
class BundleConfig:
    """config.json."""

    format: int
    nmt_version: str
    src: str  # the languages; with several directions all of a side, such as de+fr
    tgt: str
    joint: bool  # vocabulary
    model: ModelConfig
    search: Search  # nmt-translate's default
    metric: MetricConfig = field(default_factory=MetricConfig)  # by which the model was chosen
    copy_letterless: bool = True  # a source without a letter is its own translation
    src_pieces: int | None = None  # of the longest training sentences (see data/encoded.py), EOS included
    src_normalization: Outside | None = None  # None: by the rule in the side's .model file
    tgt_normalization: Outside | None = None  # likewise; older models have none of these
    directions: tuple[str, ...] = ()  # if there are several, or tags
    tags: Tags = False
    scripts: dict[str, str] = field(default_factory=dict)  # of the languages, if their text shows them (languages.py)
    text: TextRules = field(default_factory=TextRules)  # the parts of a text that its pieces do not see as they are
    packed: Literal["int8"] | None = None  # the type of its products, if it has no other weights

    def __post_init__(self) -> None:
        check_ranges(self, src_pieces=(1, 10_000_000))
        check_attention(self.model, self.search)
        if (names := self.every_direction.names) != (self.src, self.tgt):
            raise ValueError(f"src is {brief(self.src)} and tgt {brief(self.tgt)}, but directions translate {names}")
        if wrong := [code for code in self.scripts.values() if not re.fullmatch("[A-Z][a-z]{3}", code)]:
            raise ValueError(f"scripts has {brief(wrong[0])}; it must be a code of ISO 15924, such as Latn")

    @classmethod
    def of(
        cls, model: ModelConfig, search: Search, tokenizer: Tokenizer, directions: Directions, **others: Any
    ) -> BundleConfig:
        """The config for these, in today's format; `others` are the fields that they do not determine.

        Raises ValueError for parts that do not match.
        """
        several = directions.tags or not directions.only
        return cls(
            FORMAT,
            __version__,
            *directions.names,
            tokenizer.joint,
            model,
            search,
            src_normalization=tokenizer.src_normalization,
            tgt_normalization=tokenizer.tgt_normalization,
            directions=tuple(map(str, directions.every)) if several else (),
            tags=directions.tags,
            text=tokenizer.rules,
            **others,
        )

    @property
    def every_direction(self) -> Directions:
        return Directions.of(self.src, self.tgt, self.directions, self.tags)


@dataclass(frozen=True)
class Bundle:
    config: BundleConfig
    model: Seq2Seq
    tokenizer: Tokenizer
    lexicon: Lexicon | None


def build_model(config: ModelConfig, tokenizer: Tokenizer) -> Seq2Seq:
    """A fresh model for a tokenizer's vocabularies."""
    return Seq2Seq(config, tokenizer.src_vocab_size, tokenizer.tgt_vocab_size, banned=(PAD_ID, UNK_ID, BOS_ID))
