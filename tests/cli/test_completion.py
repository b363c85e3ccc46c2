"""A shell completes what the commands take."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from nmt.cli import translate
from nmt.cli.completion import script


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("nmt-translate --compute b", "bfloat16"),
        ("nmt-translate --be", "--beam-size"),
        ("nmt-translate --beam-size --comp", "--compute --completion"),
        ("nmt-translate ru", ""),  # the shell looks for files
    ],
)
def test_bash_completes_options_and_their_choices(line, expected):
    words = " ".join(line.split())
    test = f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _nmt_translate; echo ${{COMPREPLY[@]}}"
    code = script(translate.parser()) + test
    found = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    assert (found.stdout.strip(), found.stderr) == (expected, "")


def test_a_command_prints_its_script_and_does_no_more(run_here):
    for shell, begins in (("bash", "_nmt_evaluate()"), ("zsh", "autoload -U +X bashcompinit && bashcompinit\n_nmt")):
        shown = run_here("nmt-evaluate", "--completion", shell).out
        assert shown.startswith(begins)
        assert shown.endswith("complete -o default -F _nmt_evaluate nmt-evaluate\n")


@pytest.mark.parametrize(
    ("line", "expected"),
    [("nmt-lab me", "memory gradients translation report"), ("nmt-lab memory para", "parameters=")],
)
def test_the_lab_completes_an_experiment_and_then_its_settings(line, expected, monkeypatch, run_here):
    monkeypatch.setenv("COMP_LINE", line)
    assert run_here("nmt-lab", "-sc", "query=bash").out.strip() == expected
