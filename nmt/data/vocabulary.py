"""Choose the number of pieces for a text: tokenizer.vocab_size=auto and tokenizer.character_coverage=auto.

A small text needs few pieces, each of them seen often: GROWTH times the root of its number of characters, as the
number of words grows about with the root of a text's length (Heaps' law), from LEAST to MOST. In a script with many
characters, such as Chinese, all characters get pieces, and half of the usual number is added for longer ones. But
characters that occur once, or are rarer than RARE, are spelled in bytes, as are all that the text never has. A text
that is too small for this gets the most pieces that it supports.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from itertools import accumulate

from nmt.data.corpora import Pair
from nmt.data.tokenizer import COVERAGES, SPECIAL_IDS, Tokenizer, TokenizerConfig
from nmt.data.tokenizer_training import VocabularySizeError

LEAST, MOST = 500, 8000  # pieces
GROWTH = 4.5
BYTES = 256 + len(SPECIAL_IDS)
FEW = 4  # characters that are fewer than one in so many of the pieces all become pieces
RARE = 0.0005  # share of the text: where characters are many, the rarest that make up less get no pieces


def fitting(config: TokenizerConfig, pairs: Iterable[Pair], auto: Collection[str]) -> TokenizerConfig:
    """The settings, with those in `auto` ("vocab_size", "character_coverage") set to suit a text. Without
    "vocab_size" in it nothing changes: a given size covers all characters unless a coverage is given, too."""
    if "vocab_size" not in auto:
        return config
    src, tgt = Counter[str](), Counter[str]()  # of characters; blanks do not count
    for pair in pairs:
        src.update("".join(pair.src.split()))
        tgt.update("".join(pair.tgt.split()))
    sides = [src + tgt] if config.joint else [src, tgt]
    size = min(max(round(GROWTH * (src.total() + tgt.total()) ** 0.5), LEAST), MOST)
    coverage = config.character_coverage
    if "character_coverage" in auto and max(map(len, sides)) > size / FEW:
        coverage = min(map(worth_a_piece, sides))
    characters = max(covered(side, coverage) for side in sides)
    size = max(size, BYTES + characters + size // 2)
    return replace(config, vocab_size=round(size, -2), character_coverage=coverage)


def worth_a_piece(counts: Counter[str]) -> float:
    """The share of a text made up of characters that occur more than once and are not RARE."""
    repeated = sum(count for count in counts.values() if count > 1) / max(counts.total(), 1)
    return max(min(repeated, 1 - RARE), COVERAGES[0])


def covered(counts: Counter[str], coverage: float) -> int:
    """How many of the most frequent characters make up a share of a text."""
    wanted = coverage * counts.total()
    return sum(1 for total in accumulate((count for _, count in counts.most_common()), initial=0) if total < wanted)


def learn_supported(
    config: TokenizerConfig, learn: Callable[[TokenizerConfig], Tokenizer], auto: Collection[str]
) -> tuple[Tokenizer, TokenizerConfig]:
    """The result of `learn`, and the settings used; if "vocab_size" is in `auto`, with a size that the text supports.

    Raises the errors of `learn`, and ValueError if two vocabularies cannot have the same size, because one side has
    more characters than the other has text for.
    """
    tried = [config.vocab_size]
    while True:
        try:
            return learn(config), config
        except VocabularySizeError as error:
            if "vocab_size" not in auto:
                raise
            if error.size in tried:
                raise ValueError(
                    f"one side of the training text has more characters ({max(tried[-2:])} pieces) than the other "
                    f"has text for ({min(tried[-2:])}); choose tokenizer.joint=true"
                ) from None
            tried.append(error.size)
            config = replace(config, vocab_size=error.size)
