"""scripts/diversify: models of both directions, their translations, and a final model of all text."""

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


def diversify(corpus_dir, tgt, *overrides, work, **options):
    """The command, and an environment with stand-ins for Python."""
    written = [word for name, values in options.items() for word in (f"--{name}", *values)]
    command = [SCRIPTS / "diversify", corpus_dir, "de", tgt, *overrides, "--work", work, "--plan", "no", *written]
    return {"args": command, "env": {**os.environ, "PATH": f"{programs()}{os.pathsep}{os.environ['PATH']}"}}


def result_of(*arguments, **options):
    return subprocess.run(**diversify(*arguments, **options), capture_output=True, text=True)


def test_diversify_trains_both_ways_and_learns_from_all_of_it(corpus_dir, tmp_path):
    small = ["model=small", "tokenizer.vocab_size=320", "trainer.max_steps=1", "trainer.accelerator=cpu"]
    small += [f"cache_dir={tmp_path / 'cache'}", "trainer.tensorboard=false"]
    work = tmp_path / "work"
    last, risk = ["tokenizer.vocab_size=500", "seed=7"], ["optim.risk=1", "optim.candidates=2"]
    result = result_of(corpus_dir, "en", *small, work=work, models="1", last=last, risk=risk)
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
    endless += ["trainer.max_minutes=5"]  # ends them if this process is killed
    endless += [f"cache_dir={tmp_path / 'cache'}"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(**diversify(corpus_dir, "en", *endless, work=tmp_path / "work"), **pipes, text=True) as run:
        begun = (line.split()[0] for line in run.stderr if re.search(r" step 1:", line))
        assert {next(begun), next(begun)} == {"forward-1", "backward-1"}
        run.terminate()
        assert run.wait(60) == 128 + signal.SIGTERM
        assert select.select([run.stdout], [], [], 10)[0]  # at EOF: no child process holds it open
        assert run.stdout.read() == ""


def test_diversify_fails_where_a_training_does(corpus_dir, tmp_path):
    result = result_of(corpus_dir, "en", "model.hidden_size=0", work=tmp_path / "work")
    assert result.returncode == 1
    assert "forward-1  nmt-train: " in result.stderr
    assert "nmt-translate" not in result.stderr


@pytest.mark.parametrize("name", ["last", "risk"])
def test_diversify_tells_a_typo_before_it_trains(name, corpus_dir, tmp_path):
    result = result_of(corpus_dir, "en", work=tmp_path / "work", **{name: ["optim.rsk=400"]})
    assert result.returncode == 2
    assert result.stderr == "nmt-train: optim.rsk is unknown; did you mean optim.risk?\n"
    assert not (tmp_path / "work" / "forward-1").exists()


def test_diversify_makes_nothing_of_a_language_that_is_not_there(corpus_dir, tmp_path):
    work = tmp_path / "work"
    result = result_of(corpus_dir, "fr", work=work)
    assert result.returncode == 2
    assert result.stderr == f"diversify: there is no {corpus_dir}/train.fr\n"
    assert not work.exists()
