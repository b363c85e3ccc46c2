"""Hold out training pairs as the validation text where there is no other: data.valid=500.

The pairs with the lowest hashes are held out. So neither the order of the text nor repeated pairs matter, the same
text gives the same validation text everywhere, and, if the number is given, added text moves no pair from training to
validation.
"""

from __future__ import annotations

import heapq
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from nmt.common.bars import tracked
from nmt.data.cleaning import Tally, clean
from nmt.data.corpora import Corpus, Pair
from nmt.data.duplicates import Duplicates, digest

SHARE, MOST = 10, 500  # the default: one pair in SHARE, MOST at most

log = logging.getLogger(__name__)


def validation_text(
    corpus: Corpus, if_missing: bool, tally: Tally, duplicates: Duplicates
) -> tuple[Corpus, list[Pair]]:
    """The corpus with its resolved `valid`, and the validation text. Training pairs are held out if `valid` is a
    number, or, with `if_missing`, if there is no such split.

    Raises ValueError for unsound text, or too little of it.
    """
    split = corpus.splits["valid"]
    if split is not None and (not if_missing or all(one.corpus.has(split) for one in corpus.bitexts())):
        return corpus, list(corpus.pairs(split, tally))
    cleaning = replace(corpus.cleaning, deduplicate=True)
    evaluation = corpus.pairs(corpus.test) if corpus.test else ()
    pairs = clean(corpus.pairs(corpus.train), cleaning, evaluation, Counter(), duplicates)
    valid = hold_out(pairs, corpus.valid if isinstance(corpus.valid, int) else None)
    if split is not None:
        log.info(
            "there is no validation text %r: %d pairs of the training text are held out, by their hash (data.valid=N "
            "for another number)",
            split,
            len(valid),
        )
    return replace(corpus, valid=len(valid)), valid


def hold_out(pairs: Iterable[Pair], wanted: int | None) -> list[Pair]:
    """The `wanted` pairs with the lowest hashes, in ascending order of hash; None: a suitable number. No two of
    `pairs` may be equal.

    Raises ValueError when no training pair would be left.
    """
    total = 0

    def hashed() -> Iterator[tuple[bytes, Pair]]:
        nonlocal total
        for pair in tracked(pairs, "choosing the validation text", unit="pairs"):
            total += 1
            yield digest(pair.src, pair.tgt), pair

    least = heapq.nsmallest(wanted or MOST, hashed())
    suitable = min(max(total // SHARE, 1), MOST)
    if total <= (wanted or 1):
        raise ValueError(
            f"data.valid={wanted or 1} would hold out all of the {total} training pair(s)"
            + (f"; choose {suitable}, or another number, or add text" if total > 1 else "; add text")
        )
    return [pair for _, pair in least[: wanted or suitable]]
