"""Which metric chooses between models, and how it divides text."""

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
    """The better of two models has more BLEU, chrF or chrF++, or less TER or nll; where that is equal, the better
    chrF, and then less nll."""

    name: Name = "bleu"  # what is better: more BLEU, chrF or chrF++, less TER or nll
    # BLEU's tokens (sacreBLEU's names). "auto" follows the target language: Chinese "zh"; Japanese and Korean
    # "ja-mecab" and "ko-mecab" where MeCab is installed (pip install sacrebleu[ja], [ko]), else "char", as Thai, Lao,
    # Khmer, Burmese and Tibetan; any other "13a".
    tokenize: Tokenize = "auto"
