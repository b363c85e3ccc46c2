"""A leading ~ is the home folder wherever a user gives a path, though no shell has replaced it."""

from __future__ import annotations

from pathlib import Path

import pytest

import nmt
from nmt.cli.composing import parsed_overrides, readable
from nmt.cli.errors import Parser
from nmt.common import files
from nmt.distribution.inputs import input_files
from nmt.training.keywords import run_config


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_a_model_is_found(home, bundle_dir):
    assert nmt.load(f"~/{bundle_dir.name}").translate("Der Hund.")


def test_the_folders_of_a_run_are_there(home):
    config = run_config("~/text", "de", "en", "~/runs/mine", {})
    assert (config.run, config.runs_dir, config.cache_dir) == ("mine", f"{home}/runs", f"{home}/runs/.cache")
    assert config.data.folder == home / "text"


def test_an_override_that_hydra_could_not_read_has_the_folder(home):
    for text in ("data.dir=~/text", "init=~/a,~/b", "hydra.searchpath=[~/conf]"):
        assert readable(text) == text.replace("~", str(home))
    for text in ("~data", "tokenizer.keep='~/'", "tokenizer.keep='a,~/'", "run=a=b", "x={a:~/}", "seed=range(1,3)"):
        assert readable(text) == text


def test_letters_and_signs_that_hydra_reads_in_quotes_alone_need_none(monkeypatch):
    monkeypatch.setenv("HOME", "/home/o'neil, é (x)")
    for text in ("~/a", "/home/josé/a b", "a~b", "~b", "train.de#1", "R&D"):
        (found,) = parsed_overrides([readable(f"data.dir={text}")])
        assert found.value() == text.replace("~/", "/home/o'neil, é (x)/")
    (found,) = parsed_overrides([readable("data.dir=~/a,ü,c")])
    assert list(found.sweep_string_iterator())[1:] == ["'ü'", "c"]


def test_options_and_files_of_a_corpus_are_there(home):
    (home / "mono.de").write_text("Ja.\n")
    assert input_files(["~/mono.de"]) == input_files(["~/mono.*"]) == [home / "mono.de"]
    parser = Parser()
    parser.add_argument_group("files").add_argument("--output", type=Path)
    assert parser.parse_args(["--output=~/out"]).output == home / "out"
    assert files.from_home("~nobody-has-this-name/x") == Path("~nobody-has-this-name/x")
