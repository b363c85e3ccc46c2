"""Results stay, are found by all that they depend on, and are never shown when they are damaged."""

from __future__ import annotations

import json
import logging
import math
import os
import re
import signal

import pytest

from nmt.lab import memory, report, store
from nmt.lab.store import load_summary, made_by, path_of, run_jobs, save_summary
from nmt.translation import forks

JOB = {"name": "a job", "number": 3}


def squared(job):
    return {"square": job["number"] ** 2, "loss": float("nan"), "norms": [1.5, float("inf")]}


def test_processes_share_the_jobs_and_one_that_dies_is_replaced(tmp_path):
    def work(job):
        if job["number"] == 7 and not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return squared(job) | {"pid": os.getpid()}

    jobs = [{"name": f"job {number}", "number": number} for number in (3, 5, 7, 11)]
    found = run_jobs(work, jobs, tmp_path / "results", processes=2)
    assert [one["square"] for one in found] == [9, 25, 49, 121]
    assert os.getpid() not in {one["pid"] for one in found}


def test_a_job_that_kills_its_processes_is_named(tmp_path):
    def work(job):
        if job["number"] == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return squared(job)

    jobs = [JOB, JOB | {"name": "another", "number": 5}]
    message = "^2 workers ended over a job, the last by signal 9; if memory is short, try processes=1$"
    with pytest.raises(ChildProcessError, match=message):
        run_jobs(work, jobs, tmp_path, processes=2)


def test_an_error_waits_for_the_results_that_are_there(tmp_path, monkeypatch):
    def work(job):
        if job["number"] == 3:
            raise ValueError("bad")
        return squared(job)

    monkeypatch.setattr(forks, "wait", lambda connections: [one for one in connections if one.poll(60)])
    with pytest.raises(ValueError, match="bad"):
        run_jobs(work, [JOB, JOB | {"name": "another", "number": 5}], tmp_path, processes=2)
    assert [path.name.partition("-")[0] for path in tmp_path.iterdir()] == ["another"]


def test_a_result_of_another_version_is_not_taken(tmp_path, monkeypatch):
    run_jobs(squared, [JOB], tmp_path, processes=1)
    monkeypatch.setattr(store, "__version__", "99")
    assert run_jobs(lambda job: {"square": 0}, [JOB], tmp_path, processes=1) == [{"square": 0}]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:40],
        lambda content: "[]",
        lambda content: "{}",
        lambda content: "[" * 100_000,
        lambda content: content.replace('"square": 9', '"square": 8'),
        lambda content: content.replace('"number": 3', '"number": 4'),
        lambda content: content.replace('"made": {', '"make": {'),
    ],
)
def test_a_damaged_result_is_made_anew_with_a_warning(tmp_path, caplog, damage):
    run_jobs(squared, [JOB], tmp_path, processes=1)
    path = path_of(JOB, tmp_path)
    sound = path.read_text(encoding="utf-8")
    path.write_text(damage(sound), encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        (result,) = run_jobs(squared, [JOB], tmp_path, processes=1)
    assert result["square"] == 9
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [f"{path} is damaged; it is made anew"]
    assert path.read_text(encoding="utf-8") == sound


def test_what_is_no_number_is_null_in_json(tmp_path):
    (result,) = run_jobs(squared, [JOB], tmp_path, processes=1)
    assert result == {"square": 9, "loss": None, "norms": [1.5, None]}
    save_summary(tmp_path, "memory", {}, {"rows": [{"loss": float("nan")}]})
    for path in tmp_path.iterdir():
        json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)


def test_a_summary_says_what_made_its_results_and_not_what_wrote_it(tmp_path, monkeypatch):
    jobs = [JOB, JOB | {"number": 5}]
    versions = {"nmt": "0.1", "torch": "2.0", "machine": "a laptop"}
    for job, torch in zip(jobs, ("2.0", "2.1"), strict=True):
        monkeypatch.setattr(store, "provenance", lambda torch=torch: versions | {"torch": torch})
        run_jobs(squared, [job], tmp_path, processes=1)
    monkeypatch.setattr(store, "provenance", lambda: pytest.fail("asked for"))
    assert made_by(jobs, tmp_path) == versions | {"torch": "2.0 and 2.1"}


@pytest.mark.parametrize("name", sorted(report.SHOWN))
@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "3",
        '{"provenance": {}, "rows": []}',
        '{"sha256": "", "provenance": {}, "rows": []}',
        '{"provenance": {}, "ro',
        "\x80",
        "[" * 100_000,
        "",
    ],
)
def test_a_report_of_a_damaged_summary_is_refused_with_the_name_of_the_file(tmp_path, name, content):
    path = tmp_path / f"{name}.json"
    path.write_text(content, encoding="latin-1")
    message = f"{path} is damaged, or of another version; run nmt-lab {name} again, or delete it"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        report.run(report.ReportConfig(str(tmp_path)))


def test_a_refused_report_is_one_line_of_the_command(tmp_path, run_here):
    (tmp_path / "memory.json").write_text("[]")
    (line,) = run_here("nmt-lab", "report", f"lab_dir={tmp_path}", code=2).err.splitlines()
    assert line.startswith(f"nmt-lab: {tmp_path / 'memory.json'} is damaged, or of another version; ")


def test_a_summary_is_read_as_it_was_written(tmp_path):
    rows = [
        {
            "task": "order", "lag": 8, "label": "rnn", "cell": {"name": "rnn"}, "learning": {"max_steps": 2},
            "hidden_size": 7, "network_parameters": 400, "scores": [0.5, math.inf], "steps": [2, 2],
            "solved": [False, False],
        }
    ]  # fmt: skip
    save_summary(tmp_path, "memory", {"nmt": "0.0"}, {"rows": rows})
    data = load_summary(tmp_path, "memory")
    assert data == {"provenance": {"nmt": "0.0"}, "rows": [rows[0] | {"scores": [0.5, None]}]}
    assert load_summary(tmp_path, "gradients") is None
    table = memory.sections(data)[0].charts[1]
    assert [cell for cell in table.rows[0] if "inf" in cell] == ["inf", "0.5 to inf"]
    saved = json.loads((tmp_path / "memory.json").read_text(encoding="utf-8"))
    for key, value in {"rows": [rows[0] | {"steps": [2, 3]}], "provenance": {"nmt": "0.1"}, "more": 1}.items():
        (tmp_path / "memory.json").write_text(json.dumps(saved | {key: value}), encoding="utf-8")
        with pytest.raises(ValueError, match="memory.json is damaged"):
            load_summary(tmp_path, "memory")
