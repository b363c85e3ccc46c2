"""Results stay, are found by all that they depend on, and are never shown when they are damaged."""

from __future__ import annotations

import itertools
import json
import logging

import pytest
from test_lab import LITTLE

from nmt.common.shape import ShapeError, check_shape
from nmt.lab import gradients, memory, report, store, translation_results
from nmt.lab.store import load_summary, made_by, path_of, run_jobs, save_summary

JOB = {"name": "a job", "number": 3}


def squared(job):
    return {"square": job["number"] ** 2, "loss": float("nan"), "norms": [1.5, float("inf")]}


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


SHAPES = {"memory": memory.SUMMARY, "gradients": gradients.SUMMARY, "translation": translation_results.SUMMARY}


@pytest.mark.parametrize("name", sorted(SHAPES))
@pytest.mark.parametrize(
    ("content", "what"),
    [
        ('{"provenance": {}, "rows": [{"cell": {"name": "lstm"}}]}', "it has no rows[0]."),
        ("[]", "it holds no mapping"),
        ('{"provenance": {}}', "it has no rows"),
        ('{"provenance": {}, "rows": []}', "it has no list rows"),
        ('{"provenance": 3, "rows": []}', "it has no mapping provenance"),
        ('{"provenance": {}, "ro', "it is no JSON"),
        ("\x80", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("", "it is no JSON"),
    ],
)
def test_a_report_of_a_damaged_summary_is_refused_with_the_name_of_the_file(tmp_path, name, content, what):
    path = tmp_path / f"{name}.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(ValueError, match="is damaged") as refusal:
        report.run(report.ReportConfig(str(tmp_path), None))
    assert str(refusal.value).startswith(f"{path} is damaged, or of another version: {what}")
    assert str(refusal.value).endswith(f"; run nmt-lab {name} again, or delete it")


def test_a_refused_report_is_one_line_of_the_command(tmp_path, run_here):
    (tmp_path / "memory.json").write_text("[]")
    (line,) = run_here("nmt-lab", "report", f"lab_dir={tmp_path}", code=2).err.splitlines()
    assert line.startswith(
        f"nmt-lab: {tmp_path / 'memory.json'} is damaged, or of another version: it holds no mapping"
    )


def test_every_value_of_a_summary_is_looked_at(tmp_path):
    """Whatever of it is another, it is shown or it is refused, but never a traceback."""
    job = {"cell": {"name": "lstm"}, "task": "order", "lag": 8, "parameters": 400, "seeds": 2, "learning": LITTLE}
    results = {"memory": memory.work(job), "gradients": gradients.work(job | {"learning": LITTLE | {"clip_norm": 1}})}
    job |= {"loss_of": gradients.LAST}
    refused = 0
    for name, result in results.items():
        folder = tmp_path / name
        folder.mkdir()
        row = {**job, "learning": {"max_steps": 2, "clip_norm": 1.0}, "label": "lstm", **result}
        for key, value in itertools.product(row, (None, "x", -1, 1.5, [], {}, ["x"], [None], [[]], 10**400, True)):
            content = {"provenance": {"nmt": "0.1"}, "rows": [row | {key: value}]}
            (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
            try:
                report.run(report.ReportConfig(str(folder), None, ()))
            except ValueError as error:
                refused += f"{name}.json is damaged" in str(error)
    assert refused > 100


def test_a_summary_is_read_as_it_was_written(tmp_path):
    rows = [
        {
            "task": "order", "lag": 8, "label": "rnn", "cell": {"name": "rnn"}, "learning": {"max_steps": 2},
            "hidden_size": 7, "network_parameters": 400, "scores": [0.5, None], "steps": [2, 2],
            "solved": [False, False],
        }
    ]  # fmt: skip
    save_summary(tmp_path, "memory", {"nmt": "0.0"}, {"rows": rows})
    data = load_summary(tmp_path, "memory", memory.SUMMARY)
    assert data["rows"][0]["scores"] == [0.5, None]
    assert load_summary(tmp_path, "gradients", gradients.SUMMARY) is None
    table = memory.sections(data)[0].charts[1]
    assert [cell for cell in table.rows[0] if "inf" in cell] == ["inf", "0.5 to inf"]


def test_a_report_copies_those_of_the_docs_pictures_that_there_are(tmp_path, caplog):
    job = {"cell": {"name": "lstm"}, "task": "copy", "lag": 8, "parameters": 400, "seeds": 1, "learning": LITTLE}
    rows = [{**job, "label": "lstm", **memory.work(job)}]
    save_summary(tmp_path, "memory", {}, {"rows": rows})
    report.run(report.ReportConfig(str(tmp_path), str(tmp_path / "pictures"), None))
    assert [path.stem for path in (tmp_path / "pictures").iterdir()] == [report.DEFAULT[0]]
    assert [one.getMessage().split(":")[0] for one in caplog.records] == [
        f"there is no picture {name}" for name in report.DEFAULT[1:]
    ]


def test_shapes():
    shape = {"a": int, "b": [(float, None)], "c": ({...: str}, None), "d": frozenset("xy")}
    for sound in ({"a": 1, "b": [1, None, 2.5], "d": "x"}, {"a": 1, "b": [1], "c": {"k": "v"}, "d": "y", "e": 3}):
        check_shape(sound, shape)
    sound = {"a": 1, "b": [1.5], "d": "x"}
    for damage, message in (
        ({"a": True}, "has True for a"),
        ({"a": 1 << 60}, "has 1152921504606846976 for a"),
        ({"b": [float("inf")]}, r"has inf for b\[0\]"),
        ({"b": [1, "\x1b" * 99]}, r"has '\\x1b\\x1b.{31} for b\[1\]$"),
        ({"c": {"\x1bk": 3}}, r"has 3 for c\.'\\x1bk'$"),
        ({"d": "z"}, "has 'z' for d"),
        ({"d": ["x"]}, r"has \['x'\] for d"),
    ):
        with pytest.raises(ShapeError, match=message):
            check_shape(sound | damage, shape)
