from __future__ import annotations

from dataclasses import asdict

import pytest
import torch

from nmt.config import OptimConfig
from nmt.training.module import Progress
from nmt.training.optim import build_optimizer, learning_rate_factor

TOTAL, WARMUP = 100, 10


def factor(schedule, step, **settings):
    config = OptimConfig(learning_rate=1.0, schedule=schedule, warmup_steps=WARMUP, **settings)
    return learning_rate_factor(config, step, TOTAL)


@pytest.mark.parametrize("schedule", ["constant", "inverse_sqrt", "linear", "cosine", "plateau"])
def test_every_schedule_rises_linearly_and_never_again(schedule):
    factors = [factor(schedule, step) for step in range(TOTAL + 20)]
    assert factors[:WARMUP] == pytest.approx([(i + 1) / WARMUP for i in range(WARMUP)])
    assert all(
        later <= earlier + 1e-12 for earlier, later in zip(factors[WARMUP:], factors[WARMUP + 1 :], strict=False)
    )


@pytest.mark.parametrize(
    ("schedule", "step", "expected"),
    [
        ("constant", 99, 1.0),
        ("plateau", 99, 1.0),
        ("linear", 55, 0.5),
        ("linear", 100, 0.0),
        ("linear", 1000, 0.0),
        ("cosine", 55, 0.5),
        ("cosine", 100, 0.0),
        ("inverse_sqrt", 40, 0.5),
    ],
)
def test_the_schedules_are_the_papers(schedule, step, expected):
    assert factor(schedule, step) == pytest.approx(expected)


def test_linear_and_cosine_can_end_above_zero():
    assert factor("linear", 100, final_ratio=0.1) == pytest.approx(0.1)
    assert factor("cosine", 55, final_ratio=0.2) == pytest.approx(0.6)


def test_biases_and_peepholes_do_not_decay():
    import toy

    model = toy.model("lstm_peephole")
    config = OptimConfig(learning_rate=0.1, schedule="constant", weight_decay=0.5)
    optimizer = build_optimizer(config, model.named_parameters())
    decayed, free = (set(map(id, group["params"])) for group in optimizer.param_groups)
    assert id(model.output_bias) in free
    assert id(model.decoder.layers[0].extra["peephole"]) in free
    assert id(model.tgt_embedding.weight) in decayed
    assert len(decayed) + len(free) == len(list(model.parameters()))
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.5, 0.0]
    assert isinstance(optimizer, torch.optim.AdamW)


def test_progress_counts_validations_since_the_best():
    progress = Progress()
    for step, bleu in enumerate([1.0, 3.0, 2.0, 3.0]):
        progress = progress.after(bleu, step)
    assert (progress.best_bleu, progress.best_steps, progress.without_gain) == (3.0, [1], 2)


def test_a_cut_of_the_rate_does_not_begin_the_count_of_patience_anew():
    progress = Progress().after(1.0, 0).after(0.5, 1).cut(0.5).after(0.5, 2)
    assert (progress.without_gain, progress.since_cut, progress.rate_factor) == (2, 1, 0.5)
    assert progress.after(2.0, 3) == Progress(((2.0, 3),), validated_step=3, rate_scale=0.5)


def test_the_progress_in_a_checkpoint_of_an_earlier_version_is_understood():
    """Which counted once for the schedule and for patience, and had returns from divergence in the scale."""
    saved = {"best": ((3.0, 7),), "validated_step": 9, "without_gain": 2, "rate_scale": 0.125}
    progress = Progress.restored(saved)
    assert (progress.without_gain, progress.since_cut, progress.rate_factor) == (2, 2, 0.125)
    assert Progress.restored(asdict(progress.cut(0.5))) == progress.cut(0.5)
