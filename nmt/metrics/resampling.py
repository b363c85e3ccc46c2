"""sacreBLEU's bootstrap with the same numbers and little memory.

sacreBLEU gathers the counts of all resamples at once: 0.7 GB for chrF of 10,000 sentences, and ten times that for ten
times as many. Here a resample is drawn and scored before the next. The functions take the places of sacreBLEU's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
from sacrebleu import significance


@contextmanager
def in_little_memory() -> Iterator[None]:
    """Within this context sacreBLEU resamples so."""
    with patch.multiple(significance, _bootstrap_resample=_resampled, _paired_bs_test=_paired):
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
