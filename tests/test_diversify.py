"""scripts/diversify: models of both directions, their translations, and one model of all of it."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
from pathlib import Path

import pytest
from commands import programs

pytestmark = pytest.mark.long

SCRIPTS = Path(__file__).parents[1] / "scripts"


def commands_for(work, **setting):
    """The environment of scripts/diversify, with stand-ins for Python."""
    path = f"{programs()}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "WORK": str(work), "PLAN": "no", **setting}


def test_diversify_trains_both_ways_and_learns_from_all_of_it(corpus_dir, tmp_path):
    small = ["model=small", "tokenizer.vocab_size=320", "trainer.max_steps=1", "trainer.accelerator=cpu"]
    small += [f"cache_dir={tmp_path / 'cache'}", "trainer.tensorboard=false"]
    work = tmp_path / "work"
    command = [SCRIPTS / "diversify", corpus_dir, "de", "en", *small]
    last, risk = "tokenizer.vocab_size=500 seed=7", "optim.risk=1 optim.candidates=2"
    environment = commands_for(work, MODELS="1", LAST=last, RISK=risk)
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    of = {file.name: file.read_bytes().split(b"\n") for file in (work / "data").iterdir()}
    assert of["forward-1.de"] == of["train.de"]
    assert of["backward-1.en"] == of["train.en"]
    assert len(of["forward-1.en"]) == len(of["backward-1.de"]) == len(of["train.de"])
    assert "data.train=train+forward-1+backward-1" in result.stderr
    assert (work / "last" / "model" / "config.json").exists()
    assert "train/risk" in (work / "risk" / "metrics.csv").read_text()


def test_diversify_ends_what_it_began_when_it_is_told_to(corpus_dir, tmp_path):
    endless = ["model=small", "tokenizer.vocab_size=320", "trainer.max_epochs=10000", "trainer.accelerator=cpu"]
    endless += ["trainer.log_every_steps=1"]
    endless += ["trainer.max_minutes=5"]  # if this process is killed, so that nobody ends them
    command = [SCRIPTS / "diversify", corpus_dir, "de", "en", *endless, f"cache_dir={tmp_path / 'cache'}"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, env=commands_for(tmp_path / "work")) as run:
        begun = (line.split()[0] for line in run.stderr if re.search(r" step 1:", line))
        assert {next(begun), next(begun)} == {"forward-1", "backward-1"}
        run.terminate()
        assert run.wait(60) == 128 + signal.SIGTERM
        assert select.select([run.stdout], [], [], 10)[0]  # which all that it began could write to
        assert run.stdout.read() == ""


def test_diversify_fails_where_a_training_does(corpus_dir, tmp_path):
    command = [SCRIPTS / "diversify", corpus_dir, "de", "en", "model.hidden_size=0"]
    result = subprocess.run(command, capture_output=True, text=True, env=commands_for(tmp_path / "work"))
    assert result.returncode == 1
    assert "forward-1  nmt-train: " in result.stderr
    assert "nmt-translate" not in result.stderr


@pytest.mark.parametrize("name", ["LAST", "RISK"])
def test_diversify_tells_a_typo_before_it_trains(name, corpus_dir, tmp_path):
    environment = commands_for(tmp_path / "work", **{name: "optim.rsk=400"})
    command = [SCRIPTS / "diversify", corpus_dir, "de", "en"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 2
    assert result.stderr == "nmt-train: optim.rsk is unknown; did you mean optim.risk?\n"
    assert not (tmp_path / "work" / "forward-1").exists()


def test_diversify_makes_nothing_of_a_language_that_is_not_there(corpus_dir, tmp_path):
    work = tmp_path / "work"
    command = [SCRIPTS / "diversify", corpus_dir, "de", "fr"]
    result = subprocess.run(command, capture_output=True, text=True, env=commands_for(work))
    assert result.returncode == 2
    assert result.stderr == f"diversify: there is no {corpus_dir}/train.fr\n"
    assert not work.exists()
