"""BLEU of parts of a test set, by the length of the source and by the rarity of its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nmt.languages import unit, words
from nmt.metrics.measure import Measure, References
from nmt.metrics.rare import bare

LENGTHS = {"words": (5, 10, 15, 20, 30), "characters": (10, 20, 30, 40, 60)}  # the last bucket is open
COUNTS = (0, 1, 5, 20, 100)  # occurrences in the training text; the last bucket is open

Buckets = dict[str, dict[str, float]]  # {"6-10": {"sentences": 210, "bleu": 38.1}, ...}


def bleu_by_length(measure: Measure, srcs: Sequence[str], hyps: Sequence[str], refs: References) -> Buckets:
    """BLEU by the number of source words, or of characters if spaces do not separate words."""
    return bleu_by_bucket(measure, [len(words(src)) for src in srcs], LENGTHS[unit(srcs)], 1, hyps, refs)


def bleu_by_rarest_word(
    measure: Measure, srcs: Sequence[str], counts: Mapping[str, int], hyps: Sequence[str], refs: References
) -> Buckets:
    """BLEU by how often the rarest source word occurs in the training text (`counts`, of `bare` words)."""
    rarest = [min((counts.get(word, 0) for word in bare(src)), default=0) for src in srcs]
    return bleu_by_bucket(measure, rarest, COUNTS, 0, hyps, refs)


def bleu_by_bucket(
    measure: Measure,
    numbers: Sequence[int],
    upper: Sequence[int],
    first: int,
    hyps: Sequence[str],
    refs: References,
) -> Buckets:
    """BLEU of the sentences whose number is in first..upper[0], upper[0] + 1..upper[1], ..., above upper[-1]."""
    result = {}
    for low, high in zip([first, *(edge + 1 for edge in upper)], [*upper, None], strict=True):
        inside = [i for i, number in enumerate(numbers) if low <= number and (high is None or number <= high)]
        if inside:
            name = f">{low - 1}" if high is None else f"{low}-{high}" if high > low else f"{low}"
            result[name] = {"sentences": len(inside), "bleu": measure.bleu_of(inside, hyps, refs)}
    return result
