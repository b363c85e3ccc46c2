"""The metric that chooses between models, and its tokenisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Tokenize = Literal[
    "auto", "13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none", "spm", "flores101", "flores200", "spBLEU-1K"
]
TOKENIZATIONS: tuple[str, ...] = get_args(Tokenize)
Name = Literal["bleu", "chrf", "chrf++", "ter", "nll"]


@dataclass(frozen=True)
class MetricConfig:
    """The better of two models has higher BLEU, chrF or chrF++, or lower TER or nll. Ties are decided by higher chrF,
    then by lower nll."""

    name: Name = "bleu"  # the selection metric: higher BLEU, chrF or chrF++, or lower TER or nll is better
    # BLEU's tokenisation (sacreBLEU's names). "auto" follows the target language: "zh" for Chinese; "ja-mecab" and
    # "ko-mecab" for Japanese and Korean if MeCab is installed (pip install 'nmt[ja]', 'nmt[ko]'), else "char"; "char"
    # for Thai, Lao, Khmer, Burmese and Tibetan; "13a" for any other.
    tokenize: Tokenize = "auto"
