"""sacreBLEU's bootstrap and randomisation with the same numbers and little memory.

sacreBLEU gathers the counts of all resamples at once: 0.7 GB for chrF of 10,000 sentences, and ten times that for ten
times as many. Here a resample is drawn and scored before the next. For the randomisation it multiplies by whole
numbers, which no library for matrices does fast.

Dims: N sentences, K counts of a sentence, whose sums over a text give its score.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from sacrebleu import significance

# Of a randomisation, drawn at once. NumPy takes 32 booleans from each number that it draws, so with a multiple of 32
# rows they are those of one draw of all.
TRIALS = 64
RESAMPLES = 1000  # for the intervals of a randomisation

Counts = Sequence[Sequence[float]]  # (N, K)
# For each system the ± of its 95 % confidence interval, and the p of its difference from the first, which has none.
Tested = tuple[list[float], list[float | None]]


@contextmanager
def in_little_memory() -> Iterator[None]:
    """Within this context sacreBLEU's metrics resample so."""
    with patch.object(significance, "_bootstrap_resample", _bootstrap_resample):
        yield


def _bootstrap_resample(counts: Counts, metric: Any, samples: int = 1000) -> tuple[str, list[Any]]:
    seed = random_seed()
    return str(seed).lower(), _resampled(metric, counts, samples, seed)


def random_seed() -> int | None:
    """sacreBLEU's; None: another one each time."""
    seed = os.environ.get("SACREBLEU_SEED", "12345").lower()
    return None if seed == "none" else int(seed)


def _resampled(metric: Any, counts: Counts, samples: int, seed: Any) -> list[Any]:
    rng, rows = np.random.default_rng(seed), np.array(counts, np.float32)
    draws = (rng.choice(len(rows), len(rows)) for _ in range(samples))
    return [metric._compute_score_from_stats(rows[drawn].sum(0)) for drawn in draws]


def resampled_scores(metric: Any, counts: Counts, samples: int, seed: Any) -> NDArray[np.float64]:
    """The scores of the resamples of a text; the same seed draws the same."""
    return np.array([found.score for found in _resampled(metric, counts, samples, seed)])


def _interval(scores: NDArray[np.float64]) -> float:
    return float(significance.estimate_ci(scores)[1])


def p_value(differences: NDArray[Any], found: float) -> float:
    """The share of the differences that are at least as large as the one found, which counts as one of them.

    sacreBLEU counts only larger ones. So where few sentences differ, and most trials of a randomisation give the same
    difference again, it finds its smallest p, even for a single sentence."""
    return (int((differences >= found).sum()) + 1) / (len(differences) + 1)


def bootstrap(
    metric: Any, systems: Sequence[Counts], scores: Sequence[float], samples: int, seed: int | None
) -> Tested:
    """Paired bootstrap resampling (Koehn, 2004) of the counts of systems that have these scores."""
    entropy = np.random.SeedSequence(seed).entropy
    drawn = [resampled_scores(metric, counts, samples, entropy) for counts in systems]
    p: list[float | None] = [None]
    for score, of_system in zip(scores[1:], drawn[1:], strict=True):
        differences = np.abs(of_system - drawn[0])
        p.append(p_value(differences - differences.mean(), abs(score - scores[0])))
    return [_interval(one) for one in drawn], p


def randomisation(
    metric: Any, systems: Sequence[Counts], scores: Sequence[float], trials: int, seed: int | None
) -> Tested:
    """Paired approximate randomisation (Riezler & Maxwell, 2005); as `bootstrap`."""
    entropy = np.random.SeedSequence(seed).entropy
    rng = np.random.default_rng(entropy)
    # Counts are whole numbers, so that their sums are exact as floats, too.
    first, *others = (np.array(counts, float) for counts in systems)
    differences: list[list[float]] = [[] for _ in others]
    for start in range(0, trials, TRIALS):
        swapped = rng.integers(2, size=(min(TRIALS, trials - start), len(first)), dtype=bool).astype(float)
        for found, other in zip(differences, others, strict=True):
            found += _differences(metric, first, other, swapped)
    actual = [abs(score - scores[0]) for score in scores[1:]]
    p = [p_value(np.array(found), one) for found, one in zip(differences, actual, strict=True)]
    # sacreBLEU's intervals of the others go on with the numbers after those of the trials.
    drawn = [resampled_scores(metric, systems[0], RESAMPLES, entropy)]
    drawn += [resampled_scores(metric, counts, RESAMPLES, deepcopy(rng)) for counts in systems[1:]]
    return [_interval(one) for one in drawn], [None, *p]


def _differences(metric: Any, first: NDArray[Any], second: NDArray[Any], swapped: NDArray[Any]) -> list[float]:
    """How much the scores of two systems, given by the counts of their sentences, differ when they have swapped some
    of these, for each row of `swapped`."""
    mixed = swapped @ (first - second) + second.sum(0)
    rest = first.sum(0) + second.sum(0) - mixed
    return [
        abs(metric._compute_score_from_stats(a).score - metric._compute_score_from_stats(b).score)
        for a, b in zip(mixed, rest, strict=True)
    ]
