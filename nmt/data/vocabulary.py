"""How many pieces a text is worth: tokenizer.vocab_size=auto and tokenizer.character_coverage=auto.

Little text needs few pieces, each of them seen often: GROWTH times the root of its number of characters, as the words
of a text grow about with the root of its length (Heaps' law), from LEAST to MOST. Where a script has many characters,
as Chinese has, there are pieces for them and half as many for more than one character; but those that the text has
once, or that are rarer than RARE, are spelled in bytes, as are all that it never has. No text is too small: it is
given the most pieces that it supports.
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
RARE = 0.0005  # share of the text; characters that are rarer together become no pieces where there are many


def fitting(config: TokenizerConfig, pairs: Iterable[Pair], auto: Collection[str]) -> TokenizerConfig:
    """The settings with those in `auto` ("vocab_size", "character_coverage") that suit a text. Without
    "vocab_size" in it nothing changes: a size that is given is for all characters, unless it is said how many."""
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
    """The share of a text that its characters make up which it has more than once and which are not RARE."""
    repeated = sum(count for count in counts.values() if count > 1) / max(counts.total(), 1)
    return max(min(repeated, 1 - RARE), COVERAGES[0])


def covered(counts: Counter[str], coverage: float) -> int:
    """The number of characters, the most frequent first, that make up a share of a text."""
    wanted = coverage * counts.total()
    return sum(1 for total in accumulate((count for _, count in counts.most_common()), initial=0) if total < wanted)


def learn_supported(
    config: TokenizerConfig, learn: Callable[[TokenizerConfig], Tokenizer], auto: Collection[str]
) -> tuple[Tokenizer, TokenizerConfig]:
    """What `learn` makes of the settings, and these with the vocabulary's size that the text supports, if that is in
    `auto`.

    Raises what `learn` raises; and ValueError where two vocabularies cannot have one size, as one side has more
    characters than the other has text for.
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
