"""What a training module does between the steps."""

from __future__ import annotations

import itertools
from dataclasses import asdict
from types import SimpleNamespace

import pytest
import torch

from nmt.metrics.measure import Measure, Score
from nmt.training import callbacks
from nmt.training.module import TrainingModule
from nmt.training.progress import TrainingProgress
from nmt.training.validation import Validation


def test_every_batch_draws_its_own_dropout_at_a_rate_that_rises():
    seeds, shares = set(), []
    places = list(itertools.product((1, 2), (0, 1), range(4)))
    for seed, epoch, batch in places:
        module = SimpleNamespace(
            config=SimpleNamespace(seed=seed),
            current_epoch=epoch,
            trainer=SimpleNamespace(datamodule=SimpleNamespace(place=lambda number: divmod(number, 2))),
            device=torch.device("cpu"),
            model=SimpleNamespace(dropout=SimpleNamespace(rise=shares.append)),
            remaining=lambda: 0.75,
        )
        TrainingModule.on_train_batch_start(module, None, batch)
        seeds.add(torch.initial_seed())
    assert len(seeds) == len(places)
    assert set(shares) == {0.25}


def test_gradients_of_accumulated_batches_stay_until_their_update():
    done = []
    module = SimpleNamespace(
        trainer=SimpleNamespace(datamodule=SimpleNamespace()),
        global_step=3,
        averaged_step=3,
        model="model",
        zero_grad=lambda set_to_none: done.append("dropped"),
        averages=SimpleNamespace(after_update=lambda model, step: done.append((model, step))),
        trimmer=SimpleNamespace(after_batch=lambda: None),
    )
    TrainingModule.on_train_batch_end(module, None, None, 6)
    assert (done, module.trainer.datamodule.batches_done) == ([], 7)
    module.global_step = 4
    TrainingModule.on_train_batch_end(module, None, None, 7)
    assert done == ["dropped", ("model", 4)]


@pytest.mark.parametrize(("until", "step", "learns"), [(None, 99, False), (4, 3, False), (4, 4, True)])
def test_frozen_parts_learn_after_so_many_updates_or_never(until, step, learns):
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.grad = torch.ones(2)
    config = SimpleNamespace(optim=SimpleNamespace(freeze_steps=until))
    TrainingModule.on_after_backward(SimpleNamespace(config=config, global_step=step, frozen=[parameter]))
    assert (parameter.grad is not None) == learns


@pytest.mark.parametrize(("step", "share"), [(0, 1.0), (6, 0.25), (9, 0.0)])
def test_what_remains_of_a_run_is_nothing_where_its_estimated_end_is_over(step, share):
    assert TrainingModule.remaining(SimpleNamespace(global_step=step, schedule_end=lambda step: 8)) == share


@pytest.mark.parametrize(("patience", "stops"), [(None, False), (4, False), (3, True), (2, True)])
def test_training_stops_after_so_many_validations_without_gain(patience, stops):
    trainer, settings = (
        SimpleNamespace(should_stop=False),
        SimpleNamespace(trainer=SimpleNamespace(patience=patience)),
    )
    progress = TrainingProgress(without_gain=3)
    TrainingModule.stop_without_gain(SimpleNamespace(trainer=trainer, config=settings, progress=progress))
    assert trainer.should_stop == stops


@pytest.mark.parametrize(("rollbacks", "known", "rate"), [(None, 1, 0.8), (1, 1, 0.8), (2, 2, 0.4), (3, 3, 0.2)])
def test_each_rollback_since_a_checkpoint_halves_its_rate(rollbacks, known, rate):
    module, group = TrainingModule.__new__(TrainingModule), {"lr": 0.8}
    module.rollbacks = rollbacks
    before = asdict(TrainingProgress(rollbacks=1, without_gain=2))
    optimizers = [{"param_groups": [group]}]
    module.on_load_checkpoint({"progress": before, "global_step": 7, "optimizer_states": optimizers})
    assert (module.progress.rollbacks, module.progress.without_gain) == (known, 2)
    assert module.averaged_step == 7
    assert group["lr"] == pytest.approx(rate)


@pytest.mark.parametrize(
    ("name", "keys", "best"), [("bleu", [31.5, 40.25, 20.0], 40.25), ("ter", [-50.0, -40.5], 40.5)]
)
def test_the_best_score_is_that_of_the_best_validation(name, keys, best):
    module = TrainingModule.__new__(TrainingModule)
    module.valid, module.progress = SimpleNamespace(measures={"de-en": Measure(name)}), TrainingProgress()
    for step, key in enumerate(keys):
        module.progress = module.progress.after((key, 1.0, -1.0), step, keep=2)
    assert module.best_score == best
    assert module.best == f"{name.upper()} {best:.2f}"


def test_the_speed_is_that_of_updates_without_what_is_between_epochs(monkeypatch):
    now, logged = [7.0], []
    monkeypatch.setattr(callbacks, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    module = SimpleNamespace(log=lambda name, value, **_: logged.append((name, float(value))))
    trainer = SimpleNamespace(
        global_step=4, log_every_n_steps=2, world_size=3, optimizers=[SimpleNamespace(param_groups=[{"lr": 0.5}])]
    )
    throughput = callbacks.Throughput(False, None)
    throughput.on_train_start(trainer, module)
    for epoch in range(2):
        if epoch:  # the first is one in which a run resumes
            throughput.on_train_epoch_start(trainer, module)
        for step in (0, 1, 0, 1, 0, 1, 0, 1, 0):  # two batches an update
            now[0] += 0.5
            trainer.global_step += step
            throughput.on_train_batch_end(trainer, module, None, SimpleNamespace(tgt_len=torch.tensor([3, 4])), 0)
        now[0] += 100  # a validation
    assert [value for name, value in logged if name == "train/tokens_per_s"] == [3 * 7 / 0.5] * 4


@pytest.mark.parametrize(
    ("state", "is_over"),
    [
        ({}, False),
        ({"state": SimpleNamespace(fn="validate")}, True),
        ({"should_stop": True}, True),
        ({"max_epochs": 3}, True),
        ({"max_epochs": None}, True),
        ({"max_steps": 9}, True),
        ({"max_steps": 10}, False),
    ],
)
def test_a_watch_is_told_whether_training_is_over_anyway(state, is_over):
    module, told = TrainingModule.__new__(TrainingModule), []
    module.valid = SimpleNamespace(measures={"de-en": Measure()})
    module.validation = Validation(None, 1.0, [], {}, (31.5, 50.0, -1.0))
    trainer = SimpleNamespace(
        **{"should_stop": False, "max_epochs": 4, "max_steps": -1, "global_step": 9, "is_global_zero": True}
        | {"datamodule": SimpleNamespace(epoch=2, batches_done=1), "state": SimpleNamespace(fn="fit")}
        | {"strategy": SimpleNamespace(reduce_boolean_decision=lambda mine, all: mine)}
        | state
    )
    callbacks.Watched(lambda *given: told.append(given)).on_validation_end(trainer, module)
    assert told == [(3, 31.5, is_over)]
    assert trainer.should_stop == ("should_stop" in state)
    trainer.is_global_zero = False  # another process asks nobody
    callbacks.Watched(lambda *_: True).on_validation_end(trainer, module)
    assert trainer.should_stop == ("should_stop" in state)
    trainer.is_global_zero = True
    callbacks.Watched(lambda *_: True).on_validation_end(trainer, module)
    assert trainer.should_stop


def test_a_bleu_that_sees_nothing_is_warned_of_once_and_not_where_little_is_learned(caplog):
    report = callbacks.ValidationReport(0, SimpleNamespace(words=lambda trainer: ""))
    trainer = SimpleNamespace(global_step=9, datamodule=SimpleNamespace(epoch=1, batches_done=0))
    warned = []
    for name, bleu, chrf in (
        ("bleu", 0.0, 29.0),
        ("bleu", 0.01, 50.0),
        ("chrf", 0.0, 50.0),
        *[("bleu", 0.0, 50.0)] * 2,
    ):
        module = TrainingModule.__new__(TrainingModule)
        scores = {"bleu": Score(bleu, ""), "chrf": Score(chrf, "")}
        module.valid = SimpleNamespace(pairs=[], rows={}, measures={"de-en": Measure(name)})
        module.validation = Validation(None, 1.0, [], scores, (bleu, chrf, -1.0))
        module.progress = TrainingProgress().after(module.validation.key, 9)
        report.on_validation_end(trainer, module)
        warned.append(caplog.text.count("chrF is 50.00"))
    assert warned == [0, 0, 0, 1, 1]
