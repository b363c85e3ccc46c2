"""Signals: a run saves, says so in its exit code, and goes on later as if nothing had been."""

from __future__ import annotations

import multiprocessing
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

import nmt
from nmt.cli.train import main
from nmt.common.signals import Signals, Stopped
from nmt.training.module import TrainingModule
from nmt.training.run import train

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("no_pictures")]

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
    "trainer.max_epochs=2",
    "trainer.accelerator=cpu",
    "trainer.precision=float32",
    "trainer.progress=false",
    "trainer.tensorboard=false",
]


def train_here(corpus_dir, folder):
    folder.mkdir(exist_ok=True)
    GlobalHydra.instance().clear()
    os.chdir(folder)
    sys.argv = ["nmt-train", *QUICK, f"data.dir={corpus_dir}"]
    main()


def trained_here(corpus_dir, folder, monkeypatch):
    """The weights that the command comes to, in this process."""
    monkeypatch.chdir(folder.parent)  # and back, in the end
    monkeypatch.setattr(sys, "argv", [])
    train_here(corpus_dir, folder)
    return load_file(folder / "runs/toy/model/model.safetensors")


def train_in_fork(corpus_dir, folder, writing):
    os.dup2(writing, 2)
    sys.stderr = os.fdopen(2, "w", buffering=1)
    train_here(corpus_dir, folder)


def signalled(pid, number, stderr, step):
    """Send the signal after this step; what the command says from there on."""
    assert any(f"step {step}:" in line for line in stderr)
    os.kill(pid, number)
    rest = stderr.read()
    assert re.fullmatch(r"nmt-train: stopped after update \d+; the same command goes on", rest.splitlines()[-1])
    assert "Traceback" not in rest


def test_a_signal_ends_the_run_with_its_code_and_the_run_goes_on_later(corpus_dir, tmp_path, monkeypatch):
    for number, step in ((signal.SIGTERM, 5), (signal.SIGINT, 20)):
        reading, writing = os.pipe()
        fork = multiprocessing.get_context("fork").Process(target=train_in_fork, args=(corpus_dir, tmp_path, writing))
        fork.start()
        os.close(writing)
        with os.fdopen(reading) as stderr:
            signalled(fork.pid, number, stderr, step)
        fork.join()
        assert fork.exitcode == 128 + number
    (tmp_path / "scontrol").write_text('#!/bin/sh\necho "$@" >> called\n')
    (tmp_path / "scontrol").chmod(0o755)
    slurm = os.environ | {"SLURM_JOB_ID": "17", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [PROGRAM, *QUICK, f"data.dir={corpus_dir}"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=slurm) as process:
        signalled(process.pid, signal.SIGUSR1, process.stderr, 25)
    assert process.returncode == 128 + signal.SIGUSR1
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
from nmt.common.signals import Signals
with Signals() as signals, signals.held():
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    print("still here")
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert (result.returncode, result.stdout) == (143, b"")


@pytest.mark.parametrize("interrupts", [1, 2])
def test_from_python_an_interrupt_is_one_of_the_keyboard_and_the_process_goes_on(monkeypatch, tmp_path, interrupts):
    def work(config, signals, watch):
        with signals.held():
            for _ in range(interrupts):
                os.kill(os.getpid(), signal.SIGINT)
            done.append("saved")

    monkeypatch.setattr("nmt.training.run._train", work)
    done = []
    with pytest.raises(KeyboardInterrupt):
        nmt.train("demo", run=tmp_path, quiet=True)
    assert done == ["saved"] * (interrupts == 1)


def test_a_handler_of_the_program_around_python_is_left_alone(monkeypatch):
    """Python knows nothing of it, and could not put it back."""
    before = signal.getsignal(signal.SIGINT)
    known = {signal.SIGTERM: None, signal.SIGINT: before}

    def put(number, handler):
        before, known[number] = known[number], handler
        return before

    with monkeypatch.context() as patch:
        patch.setattr(signal, "getsignal", known.get)
        patch.setattr(signal, "signal", put)
        with Signals() as signals:
            during = dict(known)
    assert during == {signal.SIGTERM: None, signal.SIGINT: signals._answer}
    assert known == {signal.SIGTERM: None, signal.SIGINT: before}


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
