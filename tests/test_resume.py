"""A run that is stopped anywhere and restarted ends as if it had never been stopped."""

from __future__ import annotations

import re

import pytest
import torch
import toy
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

from nmt.training.checkpoint import FOLDER, LAST, PREVIOUS
from nmt.training.folder import LOG
from nmt.training.module import TrainingModule
from nmt.training.run import train

SETTINGS = {
    "trainer__max_epochs": 3,
    "trainer__max_tokens": 512,
    "trainer__accumulate": 2,
    "trainer__log_every_steps": 1,
    "trainer__checkpoint_every_steps": 2,
    "trainer__val_every_epochs": 2,
    "trainer__keep_best": 3,
    "optim__schedule": "linear",
    "optim__average_decay": 0.9,
    "optim__average_last": 2,
    "model__dropout": 0.3,
    "tokenizer__sampling": 0.1,
}


pytestmark = pytest.mark.usefixtures("no_pictures")


class Killed(BaseException):
    """An exception that no code handles."""


def result(run_dir):
    """All results of a run, except traces of time and of being stopped."""
    log = (run_dir / "train.log").read_text(encoding="utf-8").splitlines()
    lines = [re.sub(r"^\S+ \S+ |\d+ tokens/s|, [\d:]+ left$", "", line) for line in log]
    metrics = [
        re.sub(r"^((?:[^,]*,){4})[^,]*", r"\1", row) for row in (run_dir / "metrics.csv").read_text().splitlines()
    ]
    weights = {name: tensor.tolist() for name, tensor in load_file(run_dir / "model" / "model.safetensors").items()}
    steps = [line for line in lines if "step" in line or "  hyp" in line]
    best = {path.parent.name: path.read_text() for path in run_dir.glob("best/*/scores.json")}
    return weights, metrics, steps, best, (run_dir / "model" / "scores.json").read_text()


@pytest.fixture(scope="module")
def whole(corpus_dir, tmp_path_factory):
    run_dir = train(toy.run_config(corpus_dir, tmp_path_factory.mktemp("whole"), **SETTINGS)).model_dir.parent
    found = result(run_dir)
    assert found[1][0].startswith("step,train/loss,train/nll,train/lr,,val/nll")
    return found


def train_until(config, hook, count):
    """Train, and die at the `count`-th call of the hook."""
    original, calls = getattr(TrainingModule, hook), [0]

    def wrapped(self, *arguments, **named):
        calls[0] += 1
        if calls[0] == count:
            raise Killed
        return original(self, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingModule, hook, wrapped)
        with pytest.raises(Killed):
            train(config)


@pytest.mark.parametrize(
    "kills",
    [
        [
            ("on_train_batch_start", 1),
            ("on_train_epoch_end", 1),
            ("on_train_epoch_end", 1),
        ],  # first, with nothing saved
        [("training_step", 6), ("on_train_batch_start", 2), ("on_train_batch_end", 9)],  # between accumulated batches
        [("on_validation_start", 1), ("on_validation_epoch_end", 1), ("validation_step", 1)],
        [("on_train_batch_end", count) for count in (3, 4, 5)],
    ],
    ids=str,
)
def test_a_run_that_was_killed_ends_as_if_it_was_not(corpus_dir, tmp_path, whole, kills):
    config = toy.run_config(corpus_dir, tmp_path, **SETTINGS)
    for hook, count in kills:
        train_until(config, hook, count)
    assert result(train(config).model_dir.parent) == whole
    assert result(train(config).model_dir.parent) == whole  # again, with nothing left to do


def test_minimum_risk_training_goes_on_likewise(corpus_dir, tmp_path):
    settings = SETTINGS | {"optim__risk": 10.0, "optim__candidates": 3, "trainer__max_steps": 4}
    found = []
    for folder, kills in (("whole", []), ("parts", [("training_step", 6), ("on_train_batch_end", 3)])):
        config = toy.run_config(corpus_dir, tmp_path / folder, **settings)
        for hook, count in kills:
            train_until(config, hook, count)
        run_dir = train(config).model_dir.parent
        found.append((load_file(run_dir / "model" / "model.safetensors"), result(run_dir)[2:]))
    assert found[0][1] == found[1][1]
    assert all(torch.equal(weight, found[1][0][name]) for name, weight in found[0][0].items())


@pytest.mark.parametrize(
    "changes",
    [
        {"trainer__val_every_epochs": 1},
        {"trainer__val_every_epochs": 2, "trainer__accumulate": 1, "trainer__max_tokens": 1024},
        {"trainer__val_every_epochs": 3, "trainer__accumulate": 3, "trainer__checkpoint_every_steps": None},
    ],
    ids=str,
)
def test_a_run_of_so_many_updates_goes_on_from_the_end_of_an_epoch(corpus_dir, tmp_path, changes):
    """Killed in the first batch of the second and the third epoch, which Lightning restarts by a separate code
    path."""
    settings = SETTINGS | {"trainer__log_every_steps": 2, "trainer__max_steps": 10, "trainer__keep_best": 2} | changes
    found, starts = [], []
    step = TrainingModule.on_train_batch_start

    def watched(self, batch, batch_idx):
        starts.append((self.current_epoch, batch_idx))
        step(self, batch, batch_idx)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingModule, "on_train_batch_start", watched)
        found.append(result(train(toy.run_config(corpus_dir, tmp_path / "whole", **settings)).model_dir.parent))
        whole, batches = starts.copy(), starts.index((1, 0))
        starts.clear()
        config = toy.run_config(corpus_dir, tmp_path / "parts", **settings)
        train_until(config, "training_step", batches + 1)
        train_until(config, "training_step", batches + 1)
        found.append(result(train(config).model_dir.parent))
    assert [starts.count((epoch, 0)) for epoch in (0, 1, 2)] == [1, 2, 2]  # killed in the other epochs
    assert sorted(set(starts)) == whole
    assert found[0] == found[1]
    assert len(found[0][3]) <= 2
    validated = [row.split(",")[0] for row in found[0][1] if row.split(",")[5]]
    assert validated[-1] == found[0][1][-1].split(",")[0]  # also where training ends inside an epoch


@pytest.mark.parametrize("ends", [(2, 3, 7), (4, 7), (8, 9)], ids=str)
def test_a_longer_run_goes_on_where_a_shorter_one_ended(corpus_dir, tmp_path, ends):
    """Inside an epoch of four updates, and at its end."""
    settings = SETTINGS | {"optim__schedule": "constant", "optim__average_decay": 0.0, "optim__average_last": 0}
    found = []
    for folder, every in (("parts", ends), ("whole", ends[-1:])):
        for steps in every:
            config = toy.run_config(corpus_dir, tmp_path / folder, trainer__max_steps=steps, **settings)
            run_dir = train(config).model_dir.parent
        rows = [row for row in result(run_dir)[1] if ",val" in row or row.split(",")[1]]
        weights = torch.load(run_dir / FOLDER / LAST, weights_only=True)["state_dict"]
        found.append((rows, {name: weight.tolist() for name, weight in weights.items()}))
    assert found[0] == found[1]


def test_a_run_that_has_more_epochs_than_it_shall_have_is_finished(corpus_dir, tmp_path, monkeypatch):
    monkeypatch.setattr("nmt.training.announcement.crowd_of", lambda *_: "a crowd")
    for epochs in (3, 1):
        config = toy.run_config(corpus_dir, tmp_path, trainer__max_tokens=4096, trainer__max_epochs=epochs)
        run_dir = train(config).model_dir.parent
    log = (run_dir / LOG).read_text()
    assert "finished: 3 epoch(s) are done; trainer.max_epochs=4, or more, goes on" in log
    assert log.count("a crowd") == 1  # not where nothing is trained


@pytest.mark.parametrize(
    ("settings", "more", "told"),
    [
        (
            {"trainer__max_epochs": 1},
            {"trainer__max_epochs": 2},
            "1 epoch(s) are done; trainer.max_epochs=2, or more, goes on",
        ),
        (
            {"trainer__max_steps": 3},
            {"trainer__max_steps": 4},
            "3 update(s) are done; trainer.max_steps=4, or more, goes on",
        ),
        (
            {"trainer__patience": 1, "optim__learning_rate": 1e-9, "trainer__max_tokens": 4096},
            {"trainer__patience": 2},
            "1 validation(s) brought nothing better; trainer.patience=2, or more, goes on",
        ),
        (
            {"trainer__max_minutes": 0.001, "trainer__max_tokens": 128, "trainer__max_epochs": 1},
            {"trainer__max_minutes": 10},
            "minutes are over; a larger trainer.max_minutes goes on",
        ),
    ],
    ids=["epochs", "steps", "patience", "minutes"],
)
def test_a_finished_run_that_is_started_again_says_so_and_how_to_go_on(corpus_dir, tmp_path, settings, more, told):
    settings = {"trainer__max_tokens": 1024} | settings
    for _ in range(3):
        run_dir = train(toy.run_config(corpus_dir, tmp_path, **settings)).model_dir.parent
    log = (run_dir / LOG).read_text()
    assert log.count("finished: ") == log.count(f"{told}\n") == 1
    assert "continuing" not in log
    train(toy.run_config(corpus_dir, tmp_path, **settings | more))
    assert "finished: " not in (run_dir / LOG).read_text()


def test_a_later_end_that_lifts_the_learning_rate_is_told(corpus_dir, tmp_path):
    for epochs in (1, 1, 2):
        own = {"optim__schedule": "linear", "optim__guided_alignment": 1.0}
        config = toy.run_config(corpus_dir, tmp_path, **own, trainer__max_epochs=epochs)
        run_dir = train(config).model_dir.parent
        log = (run_dir / LOG).read_text()
        assert ("goes up" in log) == (epochs == 2)
    assert (
        "the learning rate goes up from 0 to 0.01: optim.schedule=linear now falls until update 24, which is "
        "later than before, and so does the weight of optim.guided_alignment\n" in log
    )


def test_a_damaged_checkpoint_gives_way_to_the_one_before(corpus_dir, tmp_path, whole):
    config = toy.run_config(corpus_dir, tmp_path, **SETTINGS)
    train_until(config, "training_step", 9)
    last = tmp_path / "toy" / FOLDER / LAST
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1
    last.write_bytes(content)
    assert result(train(config).model_dir.parent) == whole
    for name in (LAST, PREVIOUS):
        (tmp_path / "toy" / FOLDER / name).write_bytes(b"PK")
    with pytest.raises(ValueError, match="last.ckpt is damaged; delete"):
        train(config)


def test_a_killed_run_ends_early_when_it_would_have(corpus_dir, tmp_path):
    settings = {"optim__learning_rate": 1e-9, "trainer__patience": 2, "trainer__max_tokens": 4096}
    config = toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=9, **settings)
    for hook, count in (("on_train_batch_start", 3), ("validation_step", 1)):  # one batch per epoch
        train_until(config, hook, count)
    validations = [row.split(",")[5] for row in result(train(config).model_dir.parent)[1][1:]]
    assert sum(nll != "" for nll in validations) == 3


def test_what_is_done_again_stands_once_in_what_tensorboard_reads(corpus_dir, tmp_path):
    settings = {"trainer__tensorboard": True, "trainer__max_epochs": 1, "trainer__log_every_steps": 1}
    found = []
    for folder, kills in (("whole", []), ("parts", [("training_step", 8), ("on_validation_end", 1)])):
        config = toy.run_config(corpus_dir, tmp_path / folder, trainer__checkpoint_every_steps=2, **settings)
        for hook, count in kills:
            train_until(config, hook, count)
        events = []
        for path in sorted((train(config).model_dir.parent / "tensorboard").glob("events.*")):
            for event in LegacyEventFileLoader(str(path)).Load():
                events += [(event.step, value.tag, value.simple_value) for value in event.summary.value]
        found.append(sorted(event for event in events if event[1] != "train/tokens_per_s"))
    assert found[0] == found[1]
    assert len({event[:2] for event in found[0]}) == len(found[0]) > 30
