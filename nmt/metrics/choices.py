"""Scores of many translations of one text that have most of their sentences in common."""

from __future__ import annotations

from collections.abc import Sequence

from nmt.common.bars import clocked
from nmt.metrics.config import Name
from nmt.metrics.measure import Measure, References, check_references


def scores_of_each(measure: Measure, name: Name, texts: Sequence[Sequence[str]], refs: References) -> list[float]:
    """The score of each text. What two texts have in the same line is counted once."""
    _, refs = check_references(texts[0], refs)
    metric = measure.metric(name)
    places: dict[tuple[int, str], int] = {}  # (line, its translation) -> its place among the different ones
    for hyps in texts:
        for line in enumerate(hyps):
            places.setdefault(line, len(places))
    of_lines = [hyp for _, hyp in places], [[ref[row] for row, _ in places] for ref in refs]
    stats = clocked(f"counting {len(places)} lines", lambda: metric._extract_corpus_statistics(*of_lines))
    return [
        float(metric._aggregate_and_compute([stats[places[line]] for line in enumerate(hyps)]).score)
        for hyps in texts
    ]
