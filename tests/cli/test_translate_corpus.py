"""nmt-translate-corpus as it is called, and what it prints."""

from __future__ import annotations

import os
import sys

import pytest
from commands import command
from disks import full_disk

import nmt
from nmt.answers import Form, answers
from nmt.common.stream import group_lines
from nmt.distribution.engines import ENGINES
from nmt.search import Greedy

CONTENT = b"Der Hund sieht den Ball.\n\nAnna mag kein Boot.\n\xff\nPaul.\n" * 3
NAMED = "nmt-translate-corpus: "


@pytest.fixture
def model(bundle_dir):
    nmt.bundle.save_search(bundle_dir, Greedy(max_ratio=0.0, max_extra=3))
    return bundle_dir


@pytest.fixture
def source(tmp_path):
    (tmp_path / "text.de").write_bytes(CONTENT)
    return tmp_path / "text.de"


def expected(model) -> bytes:
    """What nmt-translate makes of it."""
    translator, (lines,) = nmt.load(model, "cpu", "float32"), group_lines([CONTENT], 100)
    return "".join(f"{answer.lines[0]}\n" for answer in answers(translator, lines, Form())).encode()


def words(model, source, folder, *options):
    given = [model, "--input", source, "--output", folder, "--compute", "float32", "--device", "cpu", *options]
    return [str(word) for word in [*given, "--lines-per-part", 4, "--workers", 2]]


@pytest.mark.parametrize("engine", sorted(set(ENGINES) - {"processes"}))
@pytest.mark.timeout(280)  # a cluster takes its time to start
def test_clusters_of_this_machine_give_the_same(engine, model, source, tmp_path):
    pytest.importorskip({"dask": "distributed"}.get(engine, engine))
    options = words(model, source, tmp_path / "out", "--engine", engine, "--join", tmp_path / "joined")
    result = command("nmt-translate-corpus", *options)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "joined").read_bytes() == expected(model)
    assert result.stdout == b""
    *others, last = result.stderr.decode().splitlines()
    warnings = [line for line in others if not line.endswith(" left")]  # how far a slow machine is
    assert sorted(warnings) == [f"{NAMED}line {n}: not UTF-8; U+FFFD stands for what is wrong" for n in (14, 4, 9)]
    assert last.startswith(f"{NAMED}15 lines in 4 parts; ")


@pytest.fixture
def call(run_here):
    """The command in this process: its exit code, and the lines that it says."""

    def run(*options) -> tuple[int, list[str]]:
        code, out, err = run_here("nmt-translate-corpus", *options, code=None)
        assert out == ""
        return code, [line.removeprefix(NAMED) for line in err.splitlines()]

    return run


def test_what_it_says_of_done_refused_and_failed_work(model, source, tmp_path, monkeypatch, call):
    def run(*options, folder=tmp_path / "out"):
        return call(*words(model, source, folder, *options))

    code, lines = run("--part", "0/2")
    assert (code, lines[-1].split(";")[0]) == (0, "8 lines in 2 parts")
    assert run("--join", str(tmp_path / "x"))[1][-1].startswith("15 lines in 4 parts, 8 of them before; ")
    assert (tmp_path / "x").read_bytes() == expected(model)
    code, lines = run("--json")
    assert (code, lines) == (2, [f"{tmp_path}/out has parts with json False, not True; take another folder"])
    assert run("--part", "0/0") == (2, ["argument --part: invalid share value: '0/0' (see --help)"])
    assert run("--part", "2/2") == (2, ["argument --part: 2/2 is no share; of 2 they are 0/2 to 1/2 (see --help)"])
    code, lines = run("--scheduler", "tcp://127.0.0.1:1")
    assert (code, len(lines)) == (2, 1)
    (tmp_path / "file").touch()
    assert run(folder=tmp_path / "file") == (2, [f"{tmp_path}/file is no folder; parts need one of their own"])
    cannot = f"the parts cannot be written to {tmp_path}/file/x: Not a directory"
    assert run(folder=tmp_path / "file" / "x") == (2, [cannot])
    for module, options in {"ray": ("--engine", "ray"), "pyarrow": ("--format", "parquet")}.items():
        monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
        code, lines = run(*options, folder=tmp_path / "new")
        assert (code, lines[-1].split(": ")[1][:11]) == (2, "pip install")
        assert not (tmp_path / "new").exists()

    def broken(self, batch):
        raise RuntimeError("no")

    monkeypatch.setattr("nmt.translation.translator.Translator.translate_batch", broken)
    code, lines = run(folder=tmp_path / "failed")
    assert code == 1
    assert lines[-1] == f"9 lines cannot be translated and are empty; {tmp_path}/failed/failed.jsonl names them"


@pytest.mark.skipif(os.name != "posix", reason="limits are set there alone")
def test_a_full_disk_is_one_line_and_exit_code_1(model, source, tmp_path, call):
    options = words(model, source, tmp_path / "out", "--part", "9/10")
    assert call(*options)[0] == 0  # plans
    with full_disk(5):
        code, lines = call(*words(model, source, tmp_path / "out"))
    assert (code, len(lines)) == (1, 1)
    assert lines[0].endswith(": File too large")
    assert list((tmp_path / "out").glob("*part-*")) == []
