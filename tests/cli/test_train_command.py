"""nmt-train: Hydra's command line, sweeps, several processes, and one-line errors."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path

import commands
import pytest
import yaml
from hydra.core.global_hydra import GlobalHydra
from toy import QUICK, data_of

from nmt.cli import train as command
from nmt.training.metrics_file import read_metrics

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("no_pictures")]


def call(monkeypatch, folder: Path, *overrides: str) -> None:
    """The command, in this process."""
    GlobalHydra.instance().clear()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["nmt-train", *overrides])
    command.main()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["+model.dropuot=0.5"], "model.dropuot is unknown; model has: .*dropout"),
        (["model.dropout=2"], "model.dropout is 2.* must be from 0 to 0.95"),
        (["model.hidden_size=big"], "model.hidden_size is 'big'; it must be of type int"),
        (["data=files"], "data.dir, data.src, data.tgt must be given: data.dir=FOLDER data.src=de data.tgt=en"),
        (
            ["data=files", "data.dir=nowhere", "data.src=de", "data.tgt=en"],
            "data.dir is 'nowhere', which is no folder",
        ),
        (
            ["data.dir=corpus", "data.src=de", "data.tgt=en"],
            "data.dir is 'corpus', but data=demo is the corpus that comes with .*; say data=files too",
        ),
        (["runs_dir=file"], "file"),
        (["model.cell.name=os.system"], "model.cell.name is 'os.system'; choose one of"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_exit_code_2(monkeypatch, tmp_path, capsys, overrides, message):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SystemExit) as stopped:
        call(monkeypatch, tmp_path, *overrides)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("nmt-train: ")
    assert re.search(message, line), line
    assert not (tmp_path / "runs").exists() or not [p for p in (tmp_path / "runs").iterdir() if p.name != ".cache"]


def test_two_processes_train_one_model_in_one_folder(monkeypatch, tmp_path, corpus_dir):
    monkeypatch.chdir(tmp_path)
    overrides = [*data_of(corpus_dir), *QUICK, "run=ddp", "trainer.devices=2", "trainer.strategy=ddp"]
    result = commands.command("nmt-train", *overrides, "trainer.max_epochs=1")
    assert result.returncode == 0, result.stderr
    rows = [row for row in read_metrics(tmp_path / "runs" / "ddp" / "metrics.csv") if row["val/bleu"]]
    assert len(rows) == 1
    assert result.stderr.count(b"model  validation BLEU") == 1
    assert not re.search(rb"broadcast_buffers|GLOBAL_RANK|(?i:warning)", result.stderr), result.stderr
    log = (tmp_path / "runs" / "ddp" / "train.log").read_text()
    assert log.count("epoch 1, step") == 1
    assert commands.command("nmt-translate", tmp_path / "runs" / "ddp" / "model", stdin=b"Anna\n").returncode == 0


def test_a_sweep_refuses_several_processes_a_job(monkeypatch, tmp_path, capsys):
    with pytest.raises(SystemExit):
        call(monkeypatch, tmp_path, "-m", "trainer=torchrun", "seed=1,2")
    assert "trainer.strategy=torchrun does not go with a sweep" in capsys.readouterr().err


OF_TEXT = {"src_normalization": "nmt_nfkc", "tgt_normalization": "nfc"}  # what the model does, by its name


def test_a_model_to_start_from_brings_its_own_settings(monkeypatch, tmp_path, corpus_dir, trained, capsys):
    start = [f"init={trained / 'model'}", *data_of(corpus_dir), *QUICK[3:], "trainer.max_steps=1"]
    call(monkeypatch, tmp_path, *start, "run=tuned", "model.dropout=0.2", "tokenizer.sampling=0.1", "cell=lstm")
    before, after = (yaml.safe_load((run / "config.yaml").read_text()) for run in (trained, tmp_path / "runs/tuned"))
    assert after["model"] == before["model"] | {"dropout": 0.2}
    assert after["tokenizer"] == before["tokenizer"] | OF_TEXT | {"sampling": 0.1}
    capsys.readouterr()
    for override, message in (
        ("cell=gru", "model.cell.name=gru does not go with init="),
        ("model.hidden_size=24", "model.hidden_size=24 does not go with init="),
        ("tokenizer.vocab_size=4000", "tokenizer.vocab_size=4000 does not go with init="),
        ("+model.dropuot=1", "model.dropuot is unknown"),
        ("init=nowhere", "nowhere is no model directory"),
    ):
        with pytest.raises(SystemExit):
            call(monkeypatch, tmp_path, *start, "run=other", override)
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert message in line
    assert not (tmp_path / "runs" / "other").exists()


def test_the_settings_that_are_shown_are_those_of_the_model_that_is_trained(monkeypatch, tmp_path, trained, capsys):
    start = ["data=files", f"init={trained / 'model'}", "experiment=wmt14_rnmt", "model.dropout=0.2", "seed=7"]
    before = yaml.safe_load((trained / "config.yaml").read_text())["model"]
    call(monkeypatch, tmp_path, *start, "--cfg", "job")
    shown = yaml.safe_load(capsys.readouterr().out)
    attention = before["attention"] | {"dropout": shown["model"]["attention"]["dropout"]}
    assert shown["model"] == before | {"dropout": 0.2, "attention": attention}
    assert (shown["seed"], shown["data"]["dir"], "hydra" in shown) == (7, "???", False)
    call(monkeypatch, tmp_path, *start, "--cfg", "all", "--package", "model.cell", "--resolve")
    assert yaml.safe_load(capsys.readouterr().out) == before["cell"]
    call(monkeypatch, tmp_path, *start, "--settings", "hidden_size")
    assert capsys.readouterr().out.startswith(f"model.hidden_size={before['hidden_size']}\n")
    for option in ("--cfg=job", "--settings"):
        with pytest.raises(SystemExit):
            call(monkeypatch, tmp_path, *start, "cell=gru", option)
        assert "model.cell.name=gru does not go with init=" in capsys.readouterr().err


def test_choices_of_the_users_own_folder_go_with_a_model_to_start_from(monkeypatch, tmp_path, corpus_dir, trained):
    file = tmp_path / "own" / "cell" / "mine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("# @package model.cell\ndefaults: [/schema/cell/lstm@_here_]\n")
    start = [f"init={trained / 'model'}", *data_of(corpus_dir), *QUICK[3:], "trainer.max_steps=1", "cell=mine"]
    call(monkeypatch, tmp_path, *start, f"hydra.searchpath=[file://{tmp_path / 'own'}]", "run=path")
    call(monkeypatch, tmp_path, "--config-dir", "own", *start, "run=option")
    assert (tmp_path / "runs" / "path" / "model").exists()
    assert (tmp_path / "runs" / "option" / "model").exists()


def test_an_experiment_says_how_a_model_is_trained_on_not_which_it_is(monkeypatch, tmp_path, corpus_dir, trained):
    start = [f"init={trained / 'model'}", *data_of(corpus_dir), *QUICK[3:], "trainer.max_steps=1", "run=tuned"]
    for experiment, dropout in (("multi30k", 0.2), ("wmt14_rnmt", 0.3)):  # other pieces; layers, cells, heads
        call(monkeypatch, tmp_path, *start, f"experiment={experiment}", f"run={experiment}")
        run = tmp_path / "runs" / experiment
        before, after = (yaml.safe_load((folder / "config.yaml").read_text()) for folder in (trained, run))
        assert after["tokenizer"] == before["tokenizer"] | OF_TEXT
        attention = before["model"]["attention"] | {"dropout": after["model"]["attention"]["dropout"]}
        assert after["model"] == before["model"] | {"dropout": dropout, "attention": attention}


def test_a_run_that_diverges_ends_with_exit_code_3_and_names_the_lines(monkeypatch, tmp_path, corpus_dir, capsys):
    from nmt.training.module import TrainingModule

    original = TrainingModule.loss
    monkeypatch.setattr(TrainingModule, "loss", lambda self, batch: (original(self, batch)[0] * math.nan, {}))
    settings = ["trainer.on_divergence=stop", "trainer.max_skipped=1", "run=wild"]
    with pytest.raises(SystemExit) as stopped:
        call(monkeypatch, tmp_path, *data_of(corpus_dir), *QUICK, *settings)
    assert stopped.value.code == 3
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.fullmatch(
        r"nmt-train: 2 updates in a row were not finite; the last is the one after step 1 "
        r"\(of the training text the lines \d+, .*\); try a lower optim.learning_rate",
        last,
    )
