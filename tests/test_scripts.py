"""The hunts of scripts/, each a few seconds long: they must find nothing, and what was planted."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"


def call(name, *options):
    return subprocess.run([sys.executable, SCRIPTS / name, *map(str, options)], capture_output=True, text=True)


def test_three_kills_change_nothing_of_a_run():
    result = call("kill_test.py", "--kills", 3, "--epochs", 2)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith("3 kills: ")


def test_processes_of_any_number_and_kills_change_nothing_of_a_run():
    result = call("kill_processes.py", "--kills", 1, "--epochs", 1, "--without-torchrun")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 processes instead of one" in result.stdout
    assert re.search(r"^1 kills, at last .*: the same \d+ batches", result.stdout, re.MULTILINE)


def test_kills_change_nothing_of_a_corpus_that_is_translated():
    result = call("kill_corpus.py", "--lines", 1500, "--lines-per-part", 100, "--kills", 3)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"[1-9] workers killed: the same", result.stdout)
    assert "3 kills of the command" in result.stdout


def test_hostile_lines_come_out_as_many_and_in_order():
    result = call("stress_stream.py", "--lines", 3000, "--times", 1, "--pause", 0.2)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "3000 lines in and out, in order; 3 workers killed" in result.stdout


@pytest.mark.parametrize("first", [0, 5000])
def test_mutated_model_directories_are_refused_or_translate(first):
    result = call("fuzz_bundle.py", "--cases", 60, "--first", first)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith("60 directories: ")
    assert "'refused'" in result.stdout


def test_bytes_that_reach_new_code_are_read_or_refused(tmp_path):
    pytest.importorskip("atheris")
    arguments = [sys.executable, SCRIPTS / "fuzz.py", "--runs", "1000"]
    result = subprocess.run(arguments, capture_output=True, text=True, errors="replace", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert int(re.search(r"Done (\d+) runs", result.stderr)[1]) >= 1000  # it ends a batch of mutations first
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_mutation_never_follows_a_link(name, tmp_path, monkeypatch):
    """What it points to is somebody else's, such as /etc/passwd."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from fuzz_bundle import FILES, mutate

    outside = tmp_path / "outside"
    outside.write_text('{"format": 2}')
    for seed in range(300):
        folder = tmp_path / str(seed)
        folder.mkdir()
        for file in FILES:
            (folder / file).symlink_to(outside) if file == name else (folder / file).write_bytes(b"12345678{}")
        mutate(random.Random(seed), folder)
        assert outside.read_text() == '{"format": 2}'


def commands_for(work, **setting):
    """The environment of scripts/diversify."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
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


def is_there(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_diversify_ends_what_it_began_when_it_is_told_to(corpus_dir, tmp_path):
    endless = ["model=small", "tokenizer.vocab_size=320", "trainer.max_epochs=10000", "trainer.accelerator=cpu"]
    endless += ["trainer.max_minutes=5"]  # if this process is killed, so that nobody ends them
    command = [SCRIPTS / "diversify", corpus_dir, "de", "en", *endless, f"cache_dir={tmp_path / 'cache'}"]
    setting = {"env": commands_for(tmp_path / "work"), "start_new_session": True}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **setting) as run:
        try:
            begun = (line.split()[0] for line in run.stderr if re.search(r" epoch \d+,", line))
            assert {next(begun), next(begun)} == {"forward-1", "backward-1"}
            run.terminate()
            assert run.wait(60) == 128 + signal.SIGTERM
            end = time.monotonic() + 10
            while is_there(run.pid) and time.monotonic() < end:
                time.sleep(0.1)
            assert not is_there(run.pid)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)


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


def test_what_says_how_to_run_it_can_be_run():
    told = [path for path in SCRIPTS.iterdir() if path.is_file() and path.read_bytes().startswith(b"#!")]
    assert len(told) > 5
    assert [path.name for path in told if not os.access(path, os.X_OK)] == []
