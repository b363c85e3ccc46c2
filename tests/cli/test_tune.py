"""nmt-tune as it is called: what it prints, and two processes at one study, of which one is killed."""

from __future__ import annotations

import csv
import json
import multiprocessing
import shlex
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from commands import command
from hydra.core.global_hydra import GlobalHydra
from test_train_command import call as train_again
from toy import QUICK, data_of

from nmt.cli import tune
from nmt.training.metrics_file import read_metrics

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("no_pictures")]

pytest.importorskip("optuna")

from nmt.cli import trials  # noqa: E402

SPACE = "optim.learning_rate: {low: 0.001, high: 0.1, log: true}\ncell: [rnn, gru]\nmodel.hidden_size: [16, 24]\n"
SHORT = [one for one in QUICK if not one.startswith("model.hidden_size")] + ["trainer.num_samples=0"]


def call(monkeypatch, folder: Path, *arguments: str) -> None:
    GlobalHydra.instance().clear()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["nmt-tune", *arguments])
    tune.main()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_two_commands_share_a_study_of_three_trials_and_one_is_killed_and_begun_again(
    monkeypatch, tmp_path, corpus_dir, capsys
):
    (tmp_path / "space.yaml").write_text(SPACE)
    study = tmp_path / "runs" / "s"
    options = ["--space", "space.yaml", "--trials", "3", "--pruner", "none", "-q"]
    options += [*data_of(corpus_dir), *SHORT, "run=s"]
    first = multiprocessing.get_context("fork").Process(target=call, args=(monkeypatch, tmp_path, *options))
    first.start()
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor() as pool:
        deadline = time.monotonic() + 200
        while not list(study.glob("trial-*/checkpoints/last.ckpt")) and time.monotonic() < deadline:
            time.sleep(0.02)
        second = pool.submit(command, "nmt-tune", *options)
        first.kill()
        call(monkeypatch, tmp_path, *options)
    first.join()
    assert (first.exitcode, second.result().returncode) == (-9, 0)
    printed = [capsys.readouterr().out, second.result().stdout.decode()]
    found = rows(study / "trials.csv")
    assert sorted(row["run"] for row in found) == [f"trial-{i:03}" for i in range(3)]
    assert not any(row["end"] for row in found)
    operations = [json.loads(line) for line in (study / "study.journal").read_text().splitlines()]
    assert sum(one["op_code"] == 4 for one in operations) == 3  # trials that were asked for
    assert sorted(one["trial_id"] for one in operations if one["op_code"] == 6) == list(range(3))  # and told
    for row in found:
        metrics = read_metrics(study / row["run"] / "metrics.csv")
        steps = [one["step"] for one in metrics if one["train/loss"]]
        assert len(steps) == len(set(steps)) == 24  # every update once: a trial that was killed goes on
    assert "trial-" in printed[0]
    assert printed[0].splitlines()[:4] == printed[1].splitlines()[:4]


def test_the_command_that_it_ends_with_trains_the_best_model_again(monkeypatch, tmp_path, corpus_dir, capsys):
    (tmp_path / "space.yaml").write_text(SPACE)
    options = ["--space", "space.yaml", "--trials", "2", "-q", *data_of(corpus_dir), *SHORT, "trainer.max_steps=3"]
    call(monkeypatch, tmp_path, *options, "cell=rnn")
    (study,) = (tmp_path / "runs").glob("tune_*")
    out, err = capsys.readouterr()
    assert err == ""
    head, first, *_, words, again = out.splitlines()
    assert head.split()[-3:] == ["parameters", "time", "run"]
    assert "cell" not in head.split()  # which is overridden, so it is not searched
    best = study / first.split()[-1]
    assert str(best.relative_to(tmp_path) / "model") in words
    from nmt.cli import train

    GlobalHydra.instance().clear()
    monkeypatch.setattr(sys, "argv", shlex.split(again))
    train.main()
    (repeated,) = (tmp_path / "runs").glob("tune_*_best")
    assert (repeated / "metrics.csv").read_text() != ""
    assert (repeated / "model/model.safetensors").read_bytes() == (best / "model/model.safetensors").read_bytes()


def test_what_the_model_of_init_decides_is_left_as_it_is(monkeypatch, tmp_path, corpus_dir, trained, capsys):
    start = [f"init={trained / 'model'}", *data_of(corpus_dir), *QUICK[3:], "trainer.max_steps=1"]
    call(monkeypatch, tmp_path, "--trials", "2", *start, "run=on", "trainer.num_samples=0")
    out, err = capsys.readouterr()
    head, note = out.splitlines()[0], err.splitlines()[0]
    assert note == f"{start[0]} decides, and the search leaves as it is: cell"
    found = rows(tmp_path / "runs" / "on" / "trials.csv")
    assert len(found) == 2
    assert not any(row["end"] for row in found)
    assert "model.dropout" in head.split()
    assert "cell" not in head.split()
    (tmp_path / "own.yaml").write_text("cell: [gru, lstm]\nmodel.dropout: {low: 0.1, high: 0.3}\n")
    with pytest.raises(SystemExit) as stopped:
        call(monkeypatch, tmp_path, "--space", "own.yaml", *start, "run=other")
    expected = f"nmt-tune: own.yaml names cell, which {start[0]} decides; leave it out\n"
    assert (stopped.value.code, capsys.readouterr().err) == (2, expected)
    assert not (tmp_path / "runs" / "other").exists()


def test_the_command_that_it_ends_with_knows_the_users_own_choices(monkeypatch, tmp_path, corpus_dir, capsys):
    file = tmp_path / "own, of=mine" / "experiment" / "mine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("# @package _global_\ntrainer: {max_steps: 1}\n")
    options = ["--trials", "1", "--config-dir", "own, of=mine", "-q", *data_of(corpus_dir), *SHORT]
    call(monkeypatch, tmp_path, *options, "experiment=mine", "cell=rnn", "run=s")
    again = shlex.split(capsys.readouterr().out.splitlines()[-1])
    train_again(monkeypatch, tmp_path, *again[1:])
    assert (tmp_path / "runs" / "s_best" / "model" / "config.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--space", "nowhere.yaml"], "there is no space 'nowhere.yaml'; give a file, or choose one of: arch"),
        (["cell=gru,lstm"], "cell=gru,lstm has several values; name them in a file for --space"),
        (["cel=gru"], "cel is unknown; did you mean cell?"),
        (["hydra.verbose=true"], "hydra.verbose=true is Hydra's own, which has no part in a search"),
        (["trainer=ddp"], "trainer.strategy=ddp does not go with a sweep or a search"),
        (["data=files"], "data.dir, data.src, data.tgt must be given"),
        (["--space", "bad.yaml"], "celll is unknown; did you mean cell?"),
        (["--space", "choice.yaml"], "cell has no choice 'lstn'; did you mean cell=lstm?"),
        (["data=demo", "--space", "types.yaml"], "model.hidden_size is 24.0; it must be of type int"),
        (["data=demo", "--space", "words.yaml"], "trainer.precision is 'float8'; choose one of:"),
        (["--space", "imports.yaml"], "hydra.launcher._target_ is nothing that a model depends on"),
        (["--space", "choice.yaml", "cell=gru"], "all that choice.yaml would search through is overridden"),
        (["seed=1", "--trials", "1", "cel=gru"], "cel is unknown; did you mean cell?"),
        (["--trials", "0"], "argument --trials: invalid positive value: '0'"),
        (["data=demo", "cache_dir=bad.yaml/x"], "bad.yaml/x: Not a directory"),
        (["data=demo", "trainer.precision=float16", "trainer.accelerator=cpu"], "'float16', which this processor"),
    ],
)
def test_what_cannot_be_searched_is_said_in_one_line(monkeypatch, tmp_path, capsys, arguments, message):
    (tmp_path / "bad.yaml").write_text("celll: [gru, lstm]\n")
    (tmp_path / "choice.yaml").write_text("cell: [gru, lstn]\n")
    (tmp_path / "types.yaml").write_text("model.hidden_size: {low: 24, high: 24.5}\n")
    (tmp_path / "words.yaml").write_text("trainer.precision: [float32, float8]\n")
    (tmp_path / "imports.yaml").write_text("hydra.launcher._target_: [os.system, x]\n")
    with pytest.raises(SystemExit) as stopped:
        call(monkeypatch, tmp_path, *arguments)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("nmt-tune: ")
    assert message in line
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", ["default", "architecture"])
def test_the_spaces_that_come_with_nmt_are_of_settings_that_there_are(name):
    options = tune.parser().parse_args(["--space", name])
    from nmt.cli.schema import register

    register()
    GlobalHydra.instance().clear()
    trials.check_space(trials.space_for(options, []), [], options)
