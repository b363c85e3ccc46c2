"""scripts/kill_*.py, each a few seconds long: whatever is killed, what comes out is the same."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

SCRIPTS = Path(__file__).parents[1] / "scripts"


def call(name, *options):
    return subprocess.run([sys.executable, SCRIPTS / name, *map(str, options)], capture_output=True, text=True)


def test_kills_change_nothing_of_a_run():
    result = call("kill_test.py", "--kills", 2, "--epochs", 2)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith("2 kills: ")


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
