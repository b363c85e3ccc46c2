"""Signals: a run saves, says so in its exit code, and goes on later as if nothing had been."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import toy
from hydra.core.global_hydra import GlobalHydra
from safetensors.torch import load_file

from nmt.cli.train import main
from nmt.signals import Signals, Stopped
from nmt.training.module import TrainingModule
from nmt.training.run import train

pytestmark = pytest.mark.long

PROGRAM = Path(sys.executable).parent / "nmt-train"
QUICK = [
    "data=files",
    "data.src=de",
    "data.tgt=en",
    "run=toy",
    "tokenizer.vocab_size=320",
    "model.embedding_size=16",
    "model.hidden_size=24",
    "trainer.max_tokens=64",
    "trainer.log_every_steps=1",
    "trainer.max_epochs=4",
    "trainer.accelerator=cpu",
    "trainer.precision=float32",
    "trainer.progress=false",
    "trainer.tensorboard=false",
]


def start(corpus_dir, folder, *overrides, **environment):
    return subprocess.Popen(
        [PROGRAM, *QUICK, f"data.dir={corpus_dir}", *overrides],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


def trained_here(corpus_dir, folder, monkeypatch):
    """The weights that the command comes to, in this process."""
    folder.mkdir(exist_ok=True)
    GlobalHydra.instance().clear()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["nmt-train", *QUICK, f"data.dir={corpus_dir}"])
    main()
    return load_file(folder / "runs/toy/model/model.safetensors")


def wait_for(process, pattern):
    """Read stderr up to a line."""
    for line in process.stderr:
        if re.search(pattern, line):
            return line
    raise AssertionError(f"ended without {pattern}")


def test_a_signal_ends_the_run_with_its_code_and_the_run_goes_on_later(corpus_dir, tmp_path, monkeypatch):
    (tmp_path / "scontrol").write_text('#!/bin/sh\necho "$@" >> called\n')
    (tmp_path / "scontrol").chmod(0o755)
    slurm = {"SLURM_JOB_ID": "17", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for number, pattern, environment in (
        (signal.SIGTERM, "step 5:", {}),
        (signal.SIGINT, "step 20:", {}),
        (signal.SIGUSR1, "step 25:", slurm),
    ):
        with start(corpus_dir, tmp_path, **environment) as process:
            wait_for(process, pattern)
            process.send_signal(number)
            rest = process.communicate()[1]
        assert process.returncode == 128 + number
        assert re.fullmatch(r"nmt-train: stopped after update \d+; the same command goes on", rest.splitlines()[-1])
        assert "Traceback" not in rest
    assert (tmp_path / "called").read_text() == "requeue 17\n"
    steps = []
    monkeypatch.setattr(TrainingModule, "on_train_start", lambda self: steps.append(self.global_step))
    found, whole = (trained_here(corpus_dir, folder, monkeypatch) for folder in (tmp_path, tmp_path / "whole"))
    assert steps[0] >= 25  # nothing of what was done was lost
    assert steps[1] == 0
    assert all((found[name] == tensor).all() for name, tensor in whole.items())


def test_a_signal_while_the_text_is_prepared_leaves_nothing_behind(corpus_dir, tmp_path, monkeypatch):
    def interrupted(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)

    monkeypatch.setattr("nmt.data.preparation.learn_lexicon", interrupted)
    with pytest.raises(Stopped) as stopped:
        train(toy.run_config(corpus_dir, tmp_path))
    assert stopped.value.code == 143
    assert [list(path.iterdir()) for path in tmp_path.iterdir()] == [[]]  # .cache


def test_a_signal_during_validation_ends_it_at_once_and_costs_one_update(corpus_dir, tmp_path, monkeypatch):
    config = toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=1, trainer__log_every_steps=1)
    translator = TrainingModule.translator

    def interrupted(self, *arguments):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)

    monkeypatch.setattr(TrainingModule, "translator", interrupted)
    with pytest.raises(Stopped) as stopped:
        train(config)
    assert stopped.value.code == 130
    monkeypatch.setattr(TrainingModule, "translator", translator)
    steps = []
    monkeypatch.setattr(TrainingModule, "on_train_batch_start", lambda *arguments: steps.append(arguments[2]))
    train(config)
    assert len(steps) == 1


def test_the_second_signal_ends_the_process_at_once():
    code = """
import os, signal
from nmt.signals import Signals
with Signals() as signals, signals.held():
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    print("still here")
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert (result.returncode, result.stdout) == (143, b"")


def test_a_held_signal_waits_and_the_handlers_before_come_back():
    before = signal.getsignal(signal.SIGTERM)
    done = []
    with Signals() as signals:
        signals.hold()
        os.kill(os.getpid(), signal.SIGTERM)
        done.append("work")
        with pytest.raises(Stopped) as stopped:
            signals.release()
    assert done == ["work"]
    assert stopped.value.code == 143
    assert signal.getsignal(signal.SIGTERM) == before
