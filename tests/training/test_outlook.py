"""How long training still takes, in the log and on a terminal."""

from __future__ import annotations

import io
import logging
import re
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import toy
from lightning.pytorch.callbacks import Timer

from nmt.training import outlook
from nmt.training.auto_settings import prepared_by_text
from nmt.training.module import TrainingModule
from nmt.training.outlook import TimeLeft
from nmt.training.run import train


class Screen(io.StringIO):
    def isatty(self):
        return True


def trainer_at(step, callbacks=()):
    return SimpleNamespace(
        estimated_stepping_batches=70,
        global_step=step,
        num_training_batches=13,  # 7 updates an epoch, 10 epochs
        accumulate_grad_batches=2,
        check_val_every_n_epoch=2,
        callbacks=callbacks,
    )


def test_what_is_left_is_steps_and_validations_or_the_time_that_may_be_used(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(outlook.time, "monotonic", lambda: now[0])
    left = TimeLeft()
    left.load_state_dict({"spent": 7.0})
    assert left.spent == 7
    for begins in (left.on_validation_start, left.on_validation_end):
        begins(trainer_at(14), None)  # of the model that it starts from
        now[0] += 9.0
    left.on_train_start(trainer_at(14), None)  # a run that goes on
    assert left.seconds(trainer_at(14)) is None
    now[0] += 28.0  # 2 s an update
    assert left.seconds(trainer_at(28)) == pytest.approx(42 * 2)
    left.on_validation_start(trainer_at(28), None)
    now[0] += 5.0
    left.on_validation_end(trainer_at(28), None)
    assert left.seconds(trainer_at(28)) == pytest.approx(42 * 2 + 3 * 5)  # after epochs 6, 8 and 10
    assert left.words(trainer_at(28)) == ", 1:39 left"
    left.on_validation_start(trainer_at(28), None)
    now[0] += 9.0
    left.on_validation_end(trainer_at(28), None)
    assert left.seconds(trainer_at(28)) == pytest.approx(42 * 2 + 3 * 7)
    assert left.seconds(trainer_at(64)) == pytest.approx(6 * 28 / 50 + 7)  # also after part of the epochs between
    assert left.seconds(trainer_at(70)) == left.seconds(trainer_at(71)) == 0
    timer = Timer(duration={"minutes": 1})
    assert left.seconds(trainer_at(28, [timer])) == pytest.approx(60)
    monkeypatch.setattr(timer, "time_remaining", lambda: -2.0)
    assert left.words(trainer_at(28, [timer])) == ""
    assert left.state_dict() == {"spent": 7.0 + 28.0 + 5.0 + 9.0}


def test_the_rate_falls_towards_what_the_minutes_let_a_run_come_to(corpus_dir, tmp_path, monkeypatch):
    config = toy.run_config(corpus_dir, tmp_path, trainer__max_minutes=1, trainer__max_epochs=10)
    config = replace(config, optim=replace(config.optim, schedule="linear", warmup_steps=4))
    module = TrainingModule(*prepared_by_text(config))
    timer = Timer(duration={"minutes": 1})
    sent = []
    module._trainer = SimpleNamespace(  # the property asks whether it is attached
        **vars(trainer_at(0, [timer])),
        strategy=SimpleNamespace(broadcast=lambda times: sent.append(times) or times),
        datamodule=SimpleNamespace(updates=lambda accumulate: 7),
    )
    monkeypatch.setattr(timer, "time_elapsed", lambda *_: 15.0)
    assert module.schedule_end(3) == 70  # amid the warm-up
    assert not sent
    assert module.schedule_end(5) == 20
    assert module.schedule_end(30) == 70  # the epochs are over sooner
    monkeypatch.setattr(timer, "time_elapsed", lambda *_: 61.0)
    assert module.schedule_end(21) == 21
    assert sent == [(15.0, 45.0), (15.0, 45.0), (61.0, -1.0)]
    module._trainer.callbacks = []
    assert module.schedule_end(5) == 70
    module.config = replace(config, trainer=replace(config.trainer, max_steps=12))
    assert module.schedule_end(5) == 12


def test_bar_and_log_count_epochs_alike_and_tell_what_is_left(corpus_dir, tmp_path, monkeypatch, caplog):
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(outlook, "INTERVAL_S", 0.0)
    with caplog.at_level(logging.INFO, "nmt"):
        train(toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=2, trainer__progress=True))
    epochs = re.findall(r"epoch (\d)/2, (?:\d+:\d\d left, )?step (\d+)", screen.getvalue())
    steps = {epoch: max(int(step) for number, step in epochs if number == epoch) for epoch, _ in epochs}
    lines = re.findall(r"epoch (\d), step (\d+): nll .*\)(, \d+:\d\d left)?", caplog.text)
    assert [(epoch, int(step)) for epoch, step, _ in lines] == sorted(steps.items())
    assert lines[0][2]  # and after the last one nothing is left
    assert not lines[1][2]
    assert re.search(r"loss \d\.\d{3}, [\d,]+ tokens/s, best BLEU \d+\.\d\d", screen.getvalue())
    assert "validating" in screen.getvalue()
    assert screen.getvalue().endswith("\r")  # no bar is left
    for what in ("reading", "learning 320 bpe pieces", "encoding", "lexicon"):
        assert what in screen.getvalue()


def test_without_a_terminal_lines_tell_what_is_left(corpus_dir, tmp_path, capfd, caplog):
    with caplog.at_level(logging.INFO, "nmt"):
        train(toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=2, trainer__progress=True))
    assert re.findall(r"step (\d+): loss", caplog.text)[:3] == ["1", "2", "4"]
    assert re.search(r"step 4: loss .* tokens/s, \d+:\d\d left", caplog.text)
    assert "epoch 1/2" not in capfd.readouterr().err
