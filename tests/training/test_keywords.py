"""nmt.train: what Python gives it is what nmt-train is told."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import numpy as np
import pytest
import toy
from hydra.core.global_hydra import GlobalHydra
from safetensors.torch import load_file

import nmt
from nmt.cells import GRU, OdysseyLSTM
from nmt.cli import train as command
from nmt.training.keywords import run_config

SMALL = {"embedding_size": 16, "hidden_size": 24}
BRIEF = {"max_tokens": 256, "max_epochs": 1, "accelerator": "cpu", "tensorboard": False, "log_every_steps": 1}


def config(data=None, src=None, tgt=None, run="runs/mine", **keywords):
    return run_config(data, src, tgt, run, keywords)


def test_a_choice_and_settings_of_it_go_together_in_every_group():
    both = config("demo", model={"name": "small", "hidden_size": 32}, attention={"name": "general", "heads": 2})
    assert both == config(
        "demo", model="small", attention="general", **{"model.hidden_size": 32, "model.attention.heads": 2}
    )
    assert both.model.hidden_size == 32


def test_the_same_settings_give_the_same_weights_as_on_the_command_line(corpus_dir, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(logging.getLogger("nmt"), "handlers", handlers := [])
    trained = nmt.train(
        corpus_dir,
        "de",
        "en",
        run=tmp_path / "python",
        cell="gru",
        model=SMALL,
        trainer=BRIEF,
        **{"tokenizer.vocab_size": 320, "optim.learning_rate": 0.01},
    )
    assert "epoch 1" in capsys.readouterr().err
    assert logging.getLogger("nmt").handlers == handlers  # as they were
    assert trained.model_dir == tmp_path / "python" / "model"
    assert trained.best == f"BLEU {trained.score:.2f}"
    assert trained.load().languages == ("de", "en")
    settings = [f"model.{key}={value}" for key, value in SMALL.items()]
    settings += [f"trainer.{key}={value}" for key, value in BRIEF.items()]
    settings += [*toy.data_of(corpus_dir), "cell=gru", "run=command"]
    settings += ["tokenizer.vocab_size=320", "optim.learning_rate=0.01", f"runs_dir={tmp_path}", "-q"]
    GlobalHydra.instance().clear()
    monkeypatch.setattr(sys, "argv", ["nmt-train", *settings])
    command.main()
    ours, theirs = (load_file(tmp_path / run / "model" / "model.safetensors") for run in ("python", "command"))
    assert ours.keys() == theirs.keys()
    assert all(ours[name].equal(theirs[name]) for name in ours)


def test_a_library_that_training_lacks_is_named_with_its_extra(monkeypatch):
    def lacking(*_, **__):
        raise ModuleNotFoundError(name="mlflow")

    monkeypatch.setattr("nmt.training.run.train", lacking)
    with pytest.raises(ModuleNotFoundError, match=r"nmt.train needs MLflow: pip install 'nmt\[mlflow\]'"):
        nmt.train(run="mine", trainer={"loggers": ["mlflow"]})


def test_a_model_to_start_from_brings_its_own_settings(trained, corpus_dir):
    started = config(corpus_dir, "de", "en", init=str(trained / "model"), trainer={"max_epochs": 3})
    assert (started.model.hidden_size, started.tokenizer.vocab_size) == (48, 320)
    assert config("demo", init=str(trained / "model")).tokenizer.vocab_size == 320  # the demo's would be 1000
    experiment = config(corpus_dir, "de", "en", init=str(trained / "model"), experiment="multi30k")  # of a larger one
    assert (experiment.model.hidden_size, experiment.trainer.max_epochs) == (48, 10)
    with pytest.raises(ValueError, match="^model.cell.name=gru does not go with init="):
        config(corpus_dir, "de", "en", init=str(trained / "model"), cell="gru")


def test_a_group_takes_a_choice_or_settings_or_both():
    assert isinstance(config("demo", cell="gru", model={"dropout": 0.25}).model.cell, GRU)
    odyssey = config("demo", cell={"name": "lstm_odyssey", "coupled": True}).model.cell
    assert isinstance(odyssey, OdysseyLSTM)
    assert odyssey.coupled
    assert config("demo", attention={"name": "general", "heads": 2}).model.attention.size is None
    assert config("demo", model={"cell": {"name": "gru"}, "encoder.num_layers": 3}).model.encoder.num_layers == 3
    numpy = config(
        "demo", optim={"learning_rate": np.float64(0.01)}, seed=np.int64(3), trainer={"devices": np.array(1)}
    )
    assert numpy == config("demo", optim={"learning_rate": 0.01}, seed=3, trainer={"devices": 1})
    assert (type(numpy.optim.learning_rate), type(numpy.seed)) == (float, int)
    in_one = {"name": "files", "dir": "x", "src": "de", "tgt": "en", "valid": 300}
    assert config("x", "de", "en", **{"data.valid": 300}) == config(in_one)
    several = config({"name": "files", "dir": Path("x"), "directions": ("de-en", "fr-en")})
    assert str(several.data.every_direction) == "de-en, fr-en"
    assert (several.runs_dir, several.cache_dir, several.run) == ("runs", "runs/.cache", "mine")
    assert config(experiment="multi30k_best").model.recurrent_dropout == 0.1
    assert config(run="mine", runs_dir="all").runs_dir == "all"


def test_a_folder_named_like_a_choice_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("demo", "multi31k", "multi30k"):
        (tmp_path / name).mkdir()
    for folder in (Path("demo"), "multi31k", "~/multi30k"):
        assert config(folder, "de", "en").data.dir == str(folder)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"data": "corpus"}, "data.src, data.tgt must be given: data.src=de data.tgt=en"),
        ({"data": "multi31k"}, r"data is 'multi31k', which is no folder and no choice; did you mean multi30k\?$"),
        ({"cel": "gru"}, "cel is unknown; did you mean cell?"),
        ({"cell": "xyz"}, "cell has no choice 'xyz'; choose one of: gru, "),
        ({"cell": "grru"}, "cell has no choice 'grru'; did you mean cell=gru?"),
        ({"cell": 3}, "cell is 3; it must be one of gru, .*, ssru or a mapping of its settings"),
        ({"experiment": {"name": "demo"}}, "experiment is {'name': 'demo'}; it must be one of bench_equal"),
        ({"cell": "gru", "model.cell.name": "lstm"}, "cell is 'gru', and model.cell.name is 'lstm'; give one"),
        ({"trainer": {"max_epoch": 3}}, "trainer.max_epoch is unknown; .*did you mean max_epochs"),
        ({"seed": np.bool_(True)}, "seed is True; it must be of type int"),
        ({"trainer.max_epochs": "many"}, "trainer.max_epochs is 'many'; it must be of type int"),
        ({"trainer.max_epochs.x": 1}, "trainer.max_epochs is {'x': 1}; it must be of type int"),
        ({"run": "."}, "run is '.'; it must be a folder for the run"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(keywords, message):
    with pytest.raises(ValueError, match=f"^{message}") as raised:
        config(**keywords)
    assert "\n" not in str(raised.value)
