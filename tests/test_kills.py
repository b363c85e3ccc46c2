"""scripts/kill_*.py for a few seconds each: whatever is killed, the result is the same."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest
from forks import start_in_forks

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("no_pictures")]

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a script in this process, whose forks it kills -> its output."""
    start_in_forks(monkeypatch)

    def called(name, *options):
        monkeypatch.syspath_prepend(SCRIPTS)
        monkeypatch.setattr(sys, "argv", [name, *map(str, options)])
        importlib.import_module(name).main()
        return capsys.readouterr().out

    return called


def test_kills_change_nothing_of_a_run(call):
    assert call("kill_training", "--kills", 2, "--epochs", 2).startswith("2 kills: ")


def test_processes_of_any_number_and_kills_change_nothing_of_a_run(call):
    printed = call("kill_processes", "--kills", 1, "--epochs", 1, "--without-torchrun")
    assert "2 processes instead of one" in printed
    assert re.search(r"^1 kills, at last .*: the same \d+ batches", printed, re.MULTILINE)


def test_kills_change_nothing_of_a_corpus_that_is_translated(call):
    printed = call("kill_corpus", "--lines", 1500, "--lines-per-part", 100, "--kills", 3)
    assert re.search(r"[1-9] workers killed: the same", printed)
    assert "3 kills of the command" in printed
