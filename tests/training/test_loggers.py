"""Metrics go to services too: to one run each, which goes on when training does."""

from __future__ import annotations

import json
import logging
import sqlite3
import sys
from types import SimpleNamespace

import pytest
import toy
from lightning.pytorch.loggers import CSVLogger

from nmt.training import loggers
from nmt.training.run import train

SMALL = {
    "trainer__max_steps": 2,
    "trainer__max_tokens": 1024,
    "trainer__num_samples": 0,
    "trainer__log_every_steps": 1,
}


def test_a_run_that_goes_on_adds_to_the_same_run_of_mlflow(corpus_dir, tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    settings = SMALL | {"trainer__loggers": ["mlflow"], "run": "sweep/one"}  # as a sweep calls its runs
    train(toy.run_config(corpus_dir, tmp_path / "runs", **settings))
    ended = train(toy.run_config(corpus_dir, tmp_path / "runs", **settings | {"trainer__max_steps": 3}))
    folder = ended.model_dir.parent
    with sqlite3.connect(tmp_path / "runs" / "mlflow.db") as store:
        runs = store.execute("select run_uuid, name from runs").fetchall()
        steps = store.execute("select step from metrics where key = 'train/loss' order by step").fetchall()
        learned = store.execute("select value from params where key = 'model.hidden_size'").fetchall()
    assert runs == [(json.loads((folder / loggers.RUNS).read_text())["mlflow"], "sweep/one")]
    assert [step for (step,) in steps] == [1, 2, 3]
    assert len(learned) == 1


def test_what_a_killed_run_repeats_is_at_mlflow_once(tmp_path):
    pytest.importorskip("mlflow")

    def begun(run):
        return loggers.MLflow("nmt", tracking_uri=f"sqlite:///{tmp_path}/mlflow.db", run_id=run)

    first = begun(None)
    for step in (1, 2, 3):
        first.log_metrics({"train/loss": 9.1 / step, "valid/chrf++": 0.1 * step, "train/tokens_per_s": 700.0}, step)
    again = begun(first.run_id)
    for step in (2, 3, 4):
        again.log_metrics({"train/loss": 9.1 / step, "valid/chrf++": 0.1 * step, "train/tokens_per_s": 800.0}, step)
    with sqlite3.connect(tmp_path / "mlflow.db") as store:
        found = store.execute("select key, count(*) from metrics group by key").fetchall()
    assert dict(found) == {"train/loss": 4, "valid/chrf": 4, "train/tokens_per_s": 6}  # a speed is measured anew


def test_a_service_that_fails_is_left_out_and_training_ends_well(corpus_dir, tmp_path, monkeypatch, caplog):
    class Failing(CSVLogger):
        def log_metrics(self, metrics, step=None):
            if step == 2:
                raise ConnectionError("refused\nby the server")
            assert step < 2

    ended = []
    monkeypatch.setitem(
        loggers.SERVICES,
        "wandb",
        lambda: lambda _, folder, run: loggers.Begun(Failing(folder / "service"), "7", ended.append),
    )
    caplog.set_level(logging.WARNING)
    settings = SMALL | {"trainer__max_steps": 3, "trainer__loggers": ["wandb"]}
    folder = train(toy.run_config(corpus_dir, tmp_path / "runs", **settings)).model_dir.parent
    assert json.loads((folder / loggers.RUNS).read_text()) == {"wandb": "7"}
    assert [record.getMessage() for record in caplog.records if "wandb" in record.getMessage()] == [
        "wandb is not logged to any more: refused"
    ]
    logger = loggers.ServiceLogger("wandb", None, None, None)
    logger.begun = loggers.Begun(SimpleNamespace(finalize=lambda status: None), "8", ended.append)
    logger.finalize("failed")
    logger.end()
    assert ended == ["success", "failed"]


def test_a_service_is_told_the_settings_once_and_knows_its_run_again(corpus_dir, tmp_path):
    config, known, told = toy.run_config(corpus_dir, tmp_path), [], []

    def make(config, folder, run):
        known.append(run)
        inner = SimpleNamespace(log_metrics=lambda metrics, step: None, log_hyperparams=told.append)
        return loggers.Begun(inner, run or "7")

    (tmp_path / loggers.RUNS).write_text('{"mlflow": "5"}')
    for _ in range(2):
        loggers.ServiceLogger("wandb", make, config, tmp_path).log_metrics({"train/loss": 1.0}, 1)
    assert known == [None, "7"]
    assert json.loads((tmp_path / loggers.RUNS).read_text()) == {"mlflow": "5", "wandb": "7"}
    (settings,) = told
    assert settings["model.hidden_size"] == config.model.hidden_size


@pytest.mark.parametrize("around", [None, "mine"])
def test_each_training_of_a_process_has_a_run_of_its_own_at_weights_and_biases(monkeypatch, around):
    """But for a run that the program around has begun, which stays open."""
    finished = []

    def fake_run(name):
        return SimpleNamespace(id=name, finish=lambda exit_code: finished.append((name, exit_code)))

    def fake_logger(id, resume, **_):
        assert resume == "allow"  # adds to a run that is there
        library.run = library.run or fake_run(id)
        return SimpleNamespace(experiment=library.run)

    library = SimpleNamespace(run=around and fake_run(around))
    monkeypatch.setitem(sys.modules, "wandb", library)
    monkeypatch.setattr(loggers, "WandbLogger", fake_logger)
    begun = loggers.wandb_logger()(SimpleNamespace(run="one"), None, "known")
    begun.end("failed")
    assert begun.id == (around or "known")
    assert finished == ([] if around else [("known", 1)])
