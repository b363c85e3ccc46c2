from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import toy

from nmt.config import OptimConfig
from nmt.training.module import TrainingModule
from nmt.training.optim import build_optimizer, learning_rate_factor, rise

TOTAL, WARMUP = 100, 10


def factor(schedule, step, **settings):
    config = OptimConfig(**{"learning_rate": 1.0, "schedule": schedule, "warmup_steps": WARMUP} | settings)
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


@pytest.mark.parametrize(("schedule", "expected"), [("inverse_sqrt", 0.5), ("linear", 0.96), ("constant", 1.0)])
def test_without_warmup_the_rate_begins_whole(schedule, expected):
    assert factor(schedule, 0, warmup_steps=0) == 1
    assert factor(schedule, 4, warmup_steps=0) == pytest.approx(expected)


def test_linear_and_cosine_can_end_above_zero():
    assert factor("linear", 100, final_ratio=0.1) == pytest.approx(0.1)
    assert factor("cosine", 55, final_ratio=0.2) == pytest.approx(0.6)


def test_a_rate_rises_where_the_next_update_has_a_higher_one():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.8)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    assert rise(schedule) is None
    optimizer.step()
    schedule.step()
    assert rise(schedule) is None
    optimizer.param_groups[0]["lr"] = 0.1  # of a schedule that was to end earlier
    assert rise(schedule) == (0.1, 0.4)


@pytest.mark.parametrize(
    ("cell", "vectors", "matrices"),
    [
        ("lstm_ln", ["gain", "bias"], []),
        ("gru_reset_before, depth 2", [], ["reset"]),
        ("lstm_fgr", ["peephole"], ["from_i", "from_f", "from_o"]),
    ],
)
def test_matrices_decay_and_biases_gains_and_peepholes_do_not(cell, vectors, matrices):
    model = toy.model(cell)
    settings = {"weight_decay": 0.5, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6}
    config = OptimConfig(learning_rate=0.1, schedule="constant", **settings)
    optimizer = build_optimizer(config, model)
    decayed, free = (set(map(id, group["params"])) for group in optimizer.param_groups)
    layer = model.decoder.layers[0]
    assert {id(model.output_bias), id(layer.bias_hh), *(id(layer.extra[name]) for name in vectors)} <= free
    assert {id(model.tgt_embedding.weight), *(id(layer.extra[name]) for name in matrices)} <= decayed
    assert len(decayed) + len(free) == len(list(model.parameters()))
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.5, 0.0]
    assert (optimizer.defaults["betas"], optimizer.defaults["eps"]) == ((0.8, 0.99), 1e-6)
    assert isinstance(optimizer, torch.optim.AdamW)


def test_the_batches_of_an_update_count_alike_also_where_an_epoch_ends_early():
    def ignore(*_, **__):
        pass

    trainer = SimpleNamespace(accumulate_grad_batches=4, num_training_batches=10)
    module = SimpleNamespace(loss=lambda _: (torch.tensor(6.0), {}), log=ignore, log_dict=ignore, trainer=trainer)
    batch = SimpleNamespace(tgt_len=torch.tensor([1, 2]))
    shares = [float(TrainingModule.training_step(module, batch, i)) / 4 for i in range(10)]  # as Lightning divides
    assert shares == [0.5] * 8 + [1.0] * 2
