"""nmt-train -m: a run for every combination, and a table of what came of them, whatever starts the runs."""

from __future__ import annotations

import csv
import io
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import pytest
import yaml
from commands import programs
from test_train_command import call
from toy import QUICK, data_of

from nmt.cli.sweep import show
from nmt.plain_data import to_dict
from nmt.sweep.outcomes import Outcome
from nmt.training.folder import CONFIG, check_run_dir
from nmt.training.run import Trained

pytestmark = pytest.mark.usefixtures("no_pictures")

SHORT = [*QUICK, "trainer.max_steps=2", "trainer.num_samples=0"]


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "runs.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def here(tmp_path_factory, corpus_dir, no_pictures):
    """A sweep in this process: its folder, and what it printed."""
    folder, out, err = tmp_path_factory.mktemp("here"), io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        call(patch, folder, "-m", *data_of(corpus_dir), *SHORT, "cell=rnn", "cell=rnn,gru", "run=mine")
    return folder / "runs" / "mine", out.getvalue(), err.getvalue()


def test_every_run_has_a_folder_and_a_row_named_by_what_differs_alone(here):
    folder, out, err = here
    names = {"cell-rnn", "cell-gru"}
    assert {path.name for path in folder.iterdir() if path.is_dir() and path.name[0] != "."} == names
    assert all((folder / name / "model" / "model.safetensors").exists() for name in names)
    found = rows(folder)
    assert list(found[0]) == ["run", "metric", "score", "cell", "parameters", "seconds", "end"]
    assert {row["run"]: (row["cell"], row["parameters"]) for row in found} == {
        "cell-rnn": ("rnn", "14952"),
        "cell-gru": ("gru", "18408"),
    }
    assert float(found[0]["score"]) > float(found[1]["score"])
    head, *lines, path = out.splitlines()
    assert head.split() == ["BLEU", "cell", "parameters", "time", "run"]
    assert [line.split()[-1] for line in lines] == [row["run"] for row in found]
    assert path == "runs/mine/runs.csv"
    assert {line.split(": ")[0] for line in err.splitlines()} == names


def test_the_means_over_seeds_follow_the_table_of_the_runs(tmp_path, capsys):
    runs = [Outcome(seed, {"seed": seed}, float(seed), "bleu", (float(seed),)) for seed in "12"]
    show(tmp_path, runs)
    *_, empty, head, row, path = capsys.readouterr().out.splitlines()
    assert (empty, head.split(), row.split()) == (
        "",
        ["metric", "mean", "sd", "seeds"],
        ["bleu", "1.500", "0.707", "2"],
    )
    assert Path(path).read_text(encoding="utf-8") == "metric,mean,sd,seeds\nbleu,1.500,0.707,2\n"
    show(tmp_path, runs[:1])
    assert not Path(path).exists()


def test_a_run_that_fails_is_a_row_that_says_so_and_the_others_go_on(monkeypatch, tmp_path, corpus_dir, capsys):
    monkeypatch.setitem(sys.modules, "mlflow", None)  # as if it were not installed
    with pytest.raises(SystemExit):
        call(monkeypatch, tmp_path, "-m", "-q", *data_of(corpus_dir), *SHORT, "trainer.loggers=[mlflow]", "run=lacks")
    lacks = "nmt-train needs MLflow: pip install 'nmt[mlflow]'"
    assert [row["end"] for row in rows(tmp_path / "runs" / "lacks")] == [lacks]
    assert "Traceback" not in (err := capsys.readouterr().err)
    assert err.endswith(f": {lacks}\n")
    shutil.rmtree(tmp_path / "runs" / "lacks")
    overrides = [*data_of(corpus_dir), *SHORT, "model.attention.heads=5,2", "-q"]
    for _ in range(2):  # the same command goes on in the same folder
        with pytest.raises(SystemExit) as stopped:
            call(monkeypatch, tmp_path, "-m", *overrides)
        assert stopped.value.code == 1
    (folder,) = (path for path in (tmp_path / "runs").iterdir() if path.name != ".cache")
    assert "model.attention.heads-5-2" in folder.name or len(folder.name) > 120
    good, bad = rows(folder)
    assert (good["model.attention.heads"], good["end"]) == ("2", "")
    assert float(good["seconds"]) > 0  # of the first start: the second had nothing to do
    assert bad["end"] == "attention.heads is 5; it must divide the query size 24"
    out, err = capsys.readouterr()
    assert "failed  5" in out
    assert err.splitlines() == [f"nmt-train: model.attention.heads-5: {bad['end']}"] * 2


def test_values_that_no_folder_can_be_called_have_a_folder_and_a_row_each(monkeypatch, tmp_path, corpus_dir):
    for name in ("p/q", "p-q"):
        shutil.copytree(corpus_dir, tmp_path / name)
    text = ["data=files", "data.dir=p/q,p-q", "data.src=de", "data.tgt=en"]
    call(monkeypatch, tmp_path, "-m", "-q", *text, *SHORT, "run=mine")
    text[1] = "data.dir=choice(p-q)"  # another start, which leaves what the first one found
    call(monkeypatch, tmp_path, "-m", "-q", *text, *SHORT, "run=mine")
    found = {row["data.dir"]: tmp_path / "runs" / "mine" / row["run"] for row in rows(tmp_path / "runs" / "mine")}
    assert found.keys() == {"p/q", "p-q"}
    for name, folder in found.items():
        assert yaml.safe_load((folder / "config.yaml").read_text())["data"]["dir"] == name


def test_a_later_start_adds_rows_and_takes_none_and_says_what_it_was_given(monkeypatch, tmp_path):
    """One value alone is an addition, too; and a run is refused whose folder has other settings."""

    def train(config):
        folder = Path(config.runs_dir) / config.run
        check_run_dir(folder, config)
        folder.mkdir(parents=True)
        (folder / CONFIG).write_text(yaml.safe_dump(to_dict(config)))
        return Trained(folder / "model", 1.0, "BLEU 1.00", "bleu", (1.0,), 1, 1.0)

    def table(*overrides):
        with suppress(SystemExit):
            call(monkeypatch, tmp_path, "-m", "-q", "run=mine", *overrides)
        return {tuple(row.values())[:1] + tuple(row.values())[3:-3]: row["end"] for row in rows(Path("runs/mine"))}

    monkeypatch.setattr("nmt.training.run.train", train)
    found = {("cell-gru", "gru"): "", ("cell-rnn", "rnn"): ""}
    assert table("cell=gru,rnn", "seed=3", "trainer.max_steps=2") == found
    found = {(*cells, "2"): "" for cells in found} | {("cell-lstm", "lstm", "9"): ""}
    assert table("cell=lstm", "seed=3", "trainer.max_steps=9", "cache_dir=x") == found
    found = {(*row[:2], "3", row[2]): "" for row in found}
    found["cell-rnn", "rnn", "4", "2"] = (
        f"{Path('runs/mine/cell-rnn')} belongs to a run with seed=3, not 4; choose another run=, or delete the folder"
    )
    assert table("cell=rnn", "seed=4", "trainer.max_steps=2") == found


def test_a_sweep_that_cannot_be_is_one_line(monkeypatch, tmp_path, corpus_dir, capsys):
    (tmp_path / "runs" / "old").mkdir(parents=True)
    (tmp_path / "runs" / "old" / "config.yaml").write_text("{}")
    for overrides, message in (
        (["run=a,b"], "run says where the sweep's runs lie, each in a folder of its own; give it one value"),
        (["run=/tmp/a", "seed=1,2"], "run is '/tmp/a'; it must name a folder under runs_dir"),
        (["run=old", "seed=1,2"], "runs/old belongs to a run; give the sweep another run="),
        (["cel=gru", "seed=1,2"], "cel is unknown; did you mean cell?"),
    ):
        with pytest.raises(SystemExit) as stopped:
            call(monkeypatch, tmp_path, "-m", *overrides)
        assert (stopped.value.code, capsys.readouterr().err) == (2, f"nmt-train: {message}\n")


def rows_of(folder: Path) -> list[dict[str, str]]:
    """Of the runs, without how long they took, and the cell, which is their name."""
    return [{key: value for key, value in row.items() if key not in ("seconds", "cell")} for row in rows(folder)]


@pytest.mark.parametrize(
    ("launcher", "settings"),
    [
        ("joblib", ["hydra.launcher.n_jobs=2", "cell=choice(gru)"]),
        ("submitit_local", ["hydra.launcher.timeout_min=5", "cell=rnn,gru"]),
    ],
)
def test_launchers_train_in_other_processes_and_the_table_is_the_same(
    monkeypatch, tmp_path, corpus_dir, here, launcher, settings
):
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.partition('_')[0]}_launcher")
    if launcher == "submitit_local":
        job = property(lambda self: f"{programs() / 'python3'} -m submitit.core._submit {self.folder}")
        monkeypatch.setattr("submitit.local.local.LocalExecutor._submitit_command_str", job)
    own = ["trainer.threads=1", "run=mine", f"hydra/launcher={launcher}", *settings]
    call(monkeypatch, tmp_path, "-m", "-q", *data_of(corpus_dir), *SHORT, *own)
    there = rows_of(tmp_path / "runs" / "mine")
    assert there == [row for row in rows_of(here[0]) if row["run"] in {one["run"] for one in there}]
    assert len(there) == (1 if launcher == "joblib" else 2)
