"""sacreBLEU's bootstrap and randomisation with the same numbers and little memory.

sacreBLEU gathers the counts of all resamples at once: 0.7 GB for chrF of 10,000 sentences, and ten times that for ten
times as many. Here a resample is drawn and scored before the next. For the randomisation it multiplies by whole
numbers, which no library for matrices does fast. The functions take the places of sacreBLEU's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
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


@contextmanager
def in_little_memory() -> Iterator[None]:
    """Within this context sacreBLEU resamples so."""
    with patch.multiple(
        significance, _bootstrap_resample=_resampled, _paired_bs_test=_paired, _paired_ar_test=_randomised
    ):
        yield


def _scores(stats: Sequence[Sequence[float]], metric: Any, samples: int, seed: Any) -> list[Any]:
    """The scores of the resamples of a text, from the counts of its sentences; the same seed draws the same."""
    rng, rows = np.random.default_rng(seed), np.array(stats, np.float32)
    draws = (rng.choice(len(rows), len(rows)) for _ in range(samples))
    return [metric._compute_score_from_stats(rows[drawn].sum(0)) for drawn in draws]


def _resampled(stats: Sequence[Sequence[float]], metric: Any, samples: int = 1000) -> tuple[str, list[Any]]:
    seed = os.environ.get("SACREBLEU_SEED", "12345").lower()
    return seed, _scores(stats, metric, samples, None if seed == "none" else int(seed))


def _paired(
    baseline: Mapping[str, Any],
    name: str,
    hyps: Sequence[str],
    refs: Any,
    metrics: Mapping[str, Any],
    samples: int,
    _: int,
    seed: int | None,
) -> tuple[str, dict[str, Any]]:
    results, drawn = {}, np.random.SeedSequence(seed).entropy
    for metric_name, metric in metrics.items():
        before, result = baseline[metric_name]
        stats = metric._extract_corpus_statistics(hyps, refs)
        score = metric._aggregate_and_compute(stats).score
        first, second = (
            np.array([one.score for one in _scores(of_system, metric, samples, drawn)])
            for of_system in (before, stats)
        )
        mean, interval = significance.estimate_ci(second)
        differences = np.abs(second - first)
        p = significance._compute_p_value(differences - differences.mean(), abs(result.score - score))
        results[metric_name] = significance.Result(score, p, mean, interval)
    return name, results


def _randomised(
    baseline: Mapping[str, Any],
    name: str,
    hyps: Sequence[str],
    refs: Any,
    metrics: Mapping[str, Any],
    trials: int,
    resamples: int,
    seed: int | None,
) -> tuple[str, dict[str, Any]]:
    rng = np.random.default_rng(seed)
    stats = {one: metric._extract_corpus_statistics(hyps, refs) for one, metric in metrics.items()}
    # Counts are whole numbers, so that their sums are exact as floats, too.
    counts = {one: (np.array(baseline[one][0], float), np.array(stats[one], float)) for one in metrics}
    differences: dict[str, list[float]] = {one: [] for one in metrics}
    for start in range(0, trials, TRIALS):
        swapped = rng.integers(2, size=(min(TRIALS, trials - start), len(hyps)), dtype=bool).astype(float)
        for one, metric in metrics.items():
            differences[one] += _differences(metric, *counts[one], swapped)
    results = {}
    for one, metric in metrics.items():
        score = metric._aggregate_and_compute(stats[one]).score
        p = significance._compute_p_value(np.array(differences[one]), abs(baseline[one][1].score - score))
        again = _scores(stats[one], metric, resamples, deepcopy(rng))  # each metric of the same resamples
        mean, interval = significance.estimate_ci(np.array([one.score for one in again]))
        results[one] = significance.Result(score, p, mean, interval)
    return name, results


def _differences(metric: Any, first: NDArray[Any], second: NDArray[Any], swapped: NDArray[Any]) -> list[float]:
    """How much the scores of two systems, given by the counts of their sentences, differ when they have swapped some
    of these, for each row of `swapped`."""
    mixed = swapped @ (first - second) + second.sum(0)
    rest = first.sum(0) + second.sum(0) - mixed
    return [
        abs(metric._compute_score_from_stats(a).score - metric._compute_score_from_stats(b).score)
        for a, b in zip(mixed, rest, strict=True)
    ]
