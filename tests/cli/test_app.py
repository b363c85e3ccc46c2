"""nmt-train's and nmt-lab's arguments: what Hydra would say over many lines, advise wrongly, or import."""

from __future__ import annotations

import os
import sys
from functools import partial

import pytest

from nmt import __version__


@pytest.fixture
def call(monkeypatch, tmp_path, run_here):
    """A command in this process, and in this folder: its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    return partial(run_here, code=None)


def test_a_cell_with_its_file_alone_is_told_by_what_is_missing(call, tmp_path):
    (tmp_path / "own" / "cell").mkdir(parents=True)
    file = tmp_path / "own" / "cell" / "ligru.yaml"
    file.write_text("# @package model.cell\ndefaults:\n  - /schema/cell/ligru@_here_\n")
    _, _, told = call("nmt-train", "--config-dir", "own", "cell=ligru", "run=zz")
    assert told.startswith("nmt-train: cell is 'ligru'; choose one of: gru, ")
    assert told.endswith(", ssru, or install the package that has it\n")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("nmt-train", ["cel=gru"], "cel is unknown; did you mean cell?"),
        ("nmt-train", ["-m", "cel=gru,lstm"], "cel is unknown; did you mean cell?"),
        ("nmt-train", ["~cel"], "cel is unknown; did you mean cell?"),
        ("nmt-train", ["cell=gruu"], "cell has no choice 'gruu'; did you mean cell=gru? choose one of: gru, "),
        ("nmt-train", ["-m", "cell=gru,lstn"], "cell has no choice 'lstn'; did you mean cell=lstm?"),
        ("nmt-train", ["cell=qqqq"], "cell has no choice 'qqqq'; choose one of: gru, "),
        ("nmt-train", ["seed=1", "model.dropuot=1"], "model.dropuot is unknown; did you mean model.dropout?"),
        ("nmt-train", ["data=files", "data.dri=x"], "data.dri is unknown; did you mean data.dir?"),
        ("nmt-train", ["learning_rate=1"], "learning_rate is unknown; did you mean optim.learning_rate?"),
        ("nmt-train", ["src=de"], "src is unknown; did you mean data.src?"),
        ("nmt-train", ["epochs=3"], "epochs is unknown; did you mean trainer.max_epochs?"),
        ("nmt-train", ["optim.lr=1"], "optim.lr is unknown; did you mean optim.learning_rate?"),
        ("nmt-train", ["model.zzz=1"], "model.zzz is unknown; model has: attention, cell, "),
        ("nmt-train", ["zzz=1"], "zzz is unknown; there are: attention, auto, cache_dir, cell, "),
        ("nmt-train", ["+cell=gru"], "say cell=gru, without the +"),
        ("nmt-train", ["cell"], "'cell' cannot be read; it must be KEY=VALUE"),
        ("nmt-train", ["run=a=b"], "'run=a=b' cannot be read; it must be KEY=VALUE"),
        ("nmt-train", ["--nonsense"], "unrecognized arguments: --nonsense (see --help)"),
        ("nmt-train", ["--cfg", "jbo"], "argument --cfg/-c: invalid choice: 'jbo'"),
        ("nmt-train", ["--cfg", "job", "-p", "model.cel"], "--package: the config has no 'model.cel'; did you mean"),
        ("nmt-train", ["--cfg", "job", "-p", "auto.x"], "--package: the config has no 'auto.x'"),
        ("nmt-train", ["--cfg", "hydra", "-p", "model"], "--package: the config has no 'model'"),
        ("nmt-train", ["-p", "model"], "--package is the part of the config that --cfg shows; give --cfg job too"),
        ("nmt-train", ["-m", "--cfg", "job"], "--multirun and --cfg exclude each other"),
        ("nmt-train", ["--cfg", "job", "seed=1,2"], "Ambiguous value for argument 'seed=1,2'"),
        ("nmt-train", ["--config-name", "nowhere"], "Cannot find primary config 'nowhere'"),
        ("nmt-lab", ["memory", "--cfg", "job", "-p", "nowhere"], "--package: the config has no 'nowhere'"),
        ("nmt-train", ["--config-dir", "nowhere"], "--config-dir is 'nowhere', which is no folder"),
        ("nmt-lab", ["memry"], "'memry' is no experiment; did you mean memory?"),
        ("nmt-lab", ["memory", "max_steps=9"], "max_steps is 9; it must be a mapping, such as max_steps.NAME=9"),
        ("nmt-lab", ["memory", "ceells=[rnn]"], "ceells is unknown; did you mean cells?"),
        (
            "nmt-lab",
            ["memory", "learning.lerning_rate=1"],
            "learning.lerning_rate is unknown; did you mean learning.learning_rate?",
        ),
        ("nmt-lab", ["translation", "experment=demo"], "experment is unknown; did you mean experiment?"),
        (
            "nmt-lab",
            ["translation", "experiment=dmo"],
            "experiment has no choice 'dmo'; did you mean experiment=demo?",
        ),
        ("nmt-lab", ["memory", "--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_a_typo_is_told_in_one_line_with_what_was_meant_and_no_advice_of_hydras(call, name, arguments, message):
    code, out, err = call(name, *arguments)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith(f"{name}: {message}")
    assert "use +" not in line
    assert "append" not in line


def test_the_version_is_that_of_nmt(call):
    for name, *arguments in (("nmt-train",), ("nmt-train", "cell=gru"), ("nmt-lab",), ("nmt-lab", "memory")):
        assert call(name, *arguments, "--version") == (0, f"nmt {__version__}\n", "")


@pytest.mark.parametrize("arguments", [["nmt-train"], ["nmt-lab", "memory"], ["nmt-lab"]])
def test_help_whose_reader_has_gone_ends_quietly(call, monkeypatch, arguments):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        assert call(*arguments, "--help") == (141, "", "")


@pytest.fixture
def stranger(monkeypatch, tmp_path):
    """A module that must not be imported."""
    (tmp_path / "stranger.py").write_text("class Callback: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    assert "stranger" not in sys.modules


@pytest.mark.parametrize(
    "override",
    [
        "+hydra.callbacks.x._target_=stranger.Callback",
        "hydra.callbacks={x:{_target_:stranger.Callback}}",
        "hydra={callbacks:{x:{_target_:stranger.Callback}}}",
        "+cell@hydra.callbacks.x=lstm",
        "+hydra/callbacks=x",
        "hydra.sweeper._target_=stranger.Callback",
        "hydra.launcher={_target_:stranger.Callback}",
        "hydra.searchpath=[pkg://stranger]",
        "hydra.job_logging={version:1,handlers:{x:{class:stranger.Callback}}}",
    ],
)
def test_hydra_imports_nothing_that_an_override_names(call, stranger, override):
    for mode in ([], ["-m"]):
        code, out, err = call("nmt-train", *mode, override)
        assert (code, out) == (2, "")
        assert "names what Hydra would import" in err
        assert len(err.splitlines()) == 1


def test_hydra_imports_nothing_that_a_file_of_another_folder_names(call, stranger, tmp_path):
    bad = {"callbacks": "{x: {_target_: stranger.Callback}}", "launcher": "{_target_: stranger.Callback}"}
    for key, value in bad.items():
        file = tmp_path / "conf" / "experiment" / f"{key}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# @package _global_\nhydra:\n  {key}: {value}\n")
        code, _, err = call("nmt-train", "--config-dir", "conf", f"experiment={key}")
        assert code == 2
        assert "names what Hydra would import" in err


def test_options_may_stand_between_overrides(call):
    for arguments in (["cell=gru", "-q", "seed=7", "--cfg", "job"], ["--cfg", "job", "cell=gru", "seed=7", "-q"]):
        code, out, err = call("nmt-train", *arguments)
        assert (code, err) == (0, "")
        assert "name: gru" in out
        assert "seed: 7" in out
    code, out, err = call("nmt-train", "seed=7", "--settings", "seed", "-q", "cell=gru")
    assert (code, out.splitlines()[0], err) == (0, "seed=7", "")
    code, out, err = call("nmt-lab", "memory", "seeds=7", "--cfg", "job", "cells=[rnn]")
    assert (code, err) == (0, "")
    assert "seeds: 7" in out
    code, out, err = call("nmt-train", "-m", "seed=1,2", "-q", "cel=gru")
    assert err == "nmt-train: cel is unknown; did you mean cell?\n"


def test_a_part_of_the_config_is_shown_as_it_is(call):
    for package, shown in (
        ("model.cell", "# @package model.cell\nname: gru\ndepth: 1\n"),
        ("init", "null\n"),
        ("data.mix.weights[0]", "2\n"),
    ):
        arguments = ["cell=gru", "data.mix.weights=[2,3]", "--cfg", "job", "-p", package]
        assert call("nmt-train", *arguments) == (0, shown, "")
    code, out, _ = call("nmt-train", "--cfg", "hydra", "--resolve")
    assert code == 0
    assert "  sweep:\n    dir: runs\n" in out


def test_a_path_may_begin_with_the_home_folder(call, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    code, out, _ = call("nmt-train", "data=files", "data.dir=~/text", "runs_dir=~/runs", "--cfg", "job")
    assert code == 0
    assert f"dir: {tmp_path}/text" in out
    assert f"runs_dir: {tmp_path}/runs" in out


def test_what_hydra_may_do_goes_on(call, tmp_path):
    own = tmp_path / "conf" / "experiment" / "own.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("# @package _global_\nseed: 77\noptim: {label_smoothing: 0.77}\n")
    launcher = tmp_path / "conf" / "hydra" / "launcher" / "own.yaml"
    launcher.parent.mkdir(parents=True)
    launcher.write_text("_target_: hydra_plugins.own.Launcher\n")
    code, out, err = call("nmt-train", "--config-dir", "conf", "experiment=own", "hydra/launcher=own", "--cfg", "job")
    assert (code, err) == (0, "")
    assert "label_smoothing: 0.77" in out
    assert "seed: 77" in out
    settings = ["hydra/launcher=basic", "hydra/sweeper=basic", "hydra.run.dir=x", "hydra.output_subdir=null"]
    code, out, err = call("nmt-train", *settings, "hydra.job.name=train_ddp_process_1", "cell=gru", "--cfg", "job")
    assert (code, err) == (0, "")
    assert "name: gru" in out


def test_nothing_is_unpickled(call):
    code, _, err = call("nmt-train", "--experimental-rerun", "config.pickle")
    assert code == 2
    assert err.startswith("nmt-train: --experimental-rerun would run what its file says")
