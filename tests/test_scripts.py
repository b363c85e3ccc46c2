"""The fuzzers and stress tests of scripts/, for a few seconds each: they must find planted errors and no others."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import programs
from forks import start_in_forks

pytestmark = pytest.mark.long

SCRIPTS = Path(__file__).parents[1] / "scripts"


def call(name, *options, python=sys.executable):
    return subprocess.run([python, SCRIPTS / name, *map(str, options)], capture_output=True, text=True)


def test_every_script_can_be_called_and_reads_its_options_before_it_does_anything():
    """Else --help would write a page, or a corpus into a folder of that name."""
    for path in SCRIPTS.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if '__name__ == "__main__"' in text:
            assert text.startswith("#!/usr/bin/env python3\n"), path
            assert os.access(path, os.X_OK), path
            assert "Parser(" in text, path


def test_hostile_lines_come_out_as_many_and_in_order(monkeypatch, capsys):
    monkeypatch.syspath_prepend(SCRIPTS)
    import stress_stream

    start_in_forks(monkeypatch)
    options = ["--lines=2600", "--times=1", "--pause=0.1", "--deaths=2"]  # with 3, all might be over one batch
    monkeypatch.setattr(sys, "argv", ["stress_stream.py", *options])
    stress_stream.main()
    assert "2600 lines in and out, in order; 2 workers killed" in capsys.readouterr().out


@pytest.mark.parametrize("first", [0, 5000])
def test_mutated_model_directories_are_refused_or_translate(first):
    result = call("fuzz_bundle.py", "--cases", 60, "--first", first, python=programs() / "python3")
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith("60 directories: ")
    assert "'refused'" in result.stdout


def test_bytes_that_reach_new_code_are_read_or_refused(tmp_path):
    pytest.importorskip("atheris")
    arguments = [sys.executable, SCRIPTS / "fuzz.py", "--runs", "1000"]
    result = subprocess.run(arguments, capture_output=True, text=True, errors="replace", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert int(re.search(r"Done (\d+) runs", result.stderr)[1]) >= 1000  # it first finishes a batch of mutations
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_mutation_never_follows_a_link(name, tmp_path, monkeypatch):
    """The link's target, such as /etc/passwd, must not change."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from hunts.mutations import FILES, mutate

    outside = tmp_path / "outside"
    outside.write_text('{"format": 2}')
    for seed in range(300):
        folder = tmp_path / str(seed)
        folder.mkdir()
        for file in FILES:
            (folder / file).symlink_to(outside) if file == name else (folder / file).write_bytes(b"12345678{}")
        mutate(random.Random(seed), folder)
        assert outside.read_text() == '{"format": 2}'


def test_what_says_how_to_run_it_can_be_run():
    told = [path for path in SCRIPTS.iterdir() if path.is_file() and path.read_bytes().startswith(b"#!")]
    assert len(told) > 5
    assert [path.name for path in told if not os.access(path, os.X_OK)] == []
