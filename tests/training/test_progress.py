from __future__ import annotations

import pytest

from nmt.training.progress import TrainingProgress


def rank(bleu: float, chrf: float = 0.0, nll: float = 1.0) -> tuple[float, float, float]:
    return bleu, chrf, -nll


def test_progress_counts_validations_since_the_best():
    progress = TrainingProgress()
    for step, bleu in enumerate([1.0, 3.0, 2.0, 3.0]):
        progress = progress.after(rank(bleu), step)
    assert (progress.best, progress.best_steps, progress.without_gain) == (((rank(3.0), 1),), [1], 2)


@pytest.mark.parametrize("stuck", [0.0, 100.0])
def test_where_bleu_does_not_rise_chrf_decides_and_then_nll(stuck):
    found = [(15.6, 4.7), (100.0, 0.2), (98.0, 0.3), (100.0, 0.1), (100.0, 0.1)]
    progress, gains = TrainingProgress(), []
    for step, (chrf, nll) in enumerate(found):
        progress = progress.after(rank(stuck, chrf, nll), step, keep=3)
        gains.append(progress.without_gain == progress.since_cut == 0)
    assert gains == [True, True, False, True, False]
    assert progress.best_steps == [3, 4, 1]  # of equal ones the earlier


def test_bleu_decides_before_all_else():
    progress = TrainingProgress().after(rank(30.0, 50.0, 2.0), 0).after(rank(29.0, 60.0, 1.0), 1)
    assert (progress.best_steps, progress.without_gain) == ([0], 1)


def test_a_cut_of_the_rate_does_not_begin_the_count_of_patience_anew():
    progress = TrainingProgress().after(rank(1.0), 0).after(rank(0.5), 1).cut(0.5).after(rank(0.5), 2)
    assert (progress.without_gain, progress.since_cut, progress.rate_factor) == (2, 1, 0.5)
    assert progress.after(rank(2.0), 3) == TrainingProgress(((rank(2.0), 3),), validated_step=3, rate_scale=0.5)
