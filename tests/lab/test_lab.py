"""Experiments: fair, resumable, and truthful in words."""

from __future__ import annotations

import copy
import json
import math
import re
from functools import reduce
from itertools import cycle
from operator import getitem
from pathlib import Path

import browser
import pytest
import torch
import toy
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from nmt.cells import CELLS, Cell
from nmt.cli import lab
from nmt.cli.schema import register, to_plain
from nmt.common.resources import resource
from nmt.lab import EXPERIMENTS, configured, gradients, memory, translation_results
from nmt.lab.diagrams import equations, unit_diagram
from nmt.lab.learner import Learning, hidden_size, largest, learn, parameters_of
from nmt.lab.store import run_jobs
from nmt.lab.tasks import TASKS
from nmt.lab.words import cell_label, listed
from nmt.plain_data import from_dict

PICTURES = Path(__file__).parents[2] / "data" / "pictures"
LITTLE = {"learning_rate": 0.01, "batch_size": 4, "max_steps": 2, "evaluate_every": 1, "test_size": 5}


@pytest.fixture(scope="module")
def composed():
    """The settings of each experiment."""
    register()
    GlobalHydra.instance().clear()
    data = {"translation": ["data=demo"]}
    with initialize_config_dir(version_base="1.3", config_dir=str(resource("conf"))):
        return {name: to_plain(compose(f"lab_{name}", data.get(name, []))) for name in EXPERIMENTS}


@pytest.mark.parametrize("experiment", sorted(EXPERIMENTS))
def test_every_experiment_has_a_config_that_the_code_accepts(composed, experiment):
    config, _ = configured(experiment, composed[experiment])
    assert config.lab_dir == "runs/lab"
    assert set(lab.ABOUT) == set(EXPERIMENTS)


def test_seeds_learn_side_by_side_what_they_learn_alone():
    learning = from_dict(Learning, LITTLE | {"max_steps": 5})
    together, _ = learn(CELLS["gru"](), TASKS["order"], 10, 7, [1, 2, 3], learning)
    for seed, expected in zip([1, 2, 3], together, strict=True):
        (alone,), _ = learn(CELLS["gru"](), TASKS["order"], 10, 7, [seed], learning)
        assert alone.score == expected.score
        assert alone.gradient_norms == pytest.approx(expected.gradient_norms, rel=1e-4)


def test_a_seed_ends_when_it_has_solved_its_task_and_the_others_go_on(monkeypatch):
    scores = iter([[0.96, 0.3, 0.2], [0.99, 0.2], [0.4], [0.5], [0.97, 0.99, 0.5]])
    seen = []

    def scored(task, learners, tests):
        seen.append(len(learners))
        return next(scores)

    monkeypatch.setattr("nmt.lab.learner.evaluate", scored)
    learning = from_dict(Learning, LITTLE | {"max_steps": 4})
    learned, _ = learn(CELLS["rnn"](), TASKS["order"], 10, 5, [1, 2, 3], learning)
    assert seen == [3, 2, 1, 1, 3]
    assert [(one.steps, one.solved, one.score) for one in learned] == [
        (1, True, 0.97),
        (2, True, 0.99),
        (4, False, 0.5),
    ]


def test_the_largest_norm_is_that_of_all_updates_and_not_only_of_those_after_which_a_seed_is_evaluated(monkeypatch):
    norms = iter([[1.0, 3.0], [2.0, 1.0], [9.0, math.nan], [1.5, 2.0]])
    monkeypatch.setattr("nmt.lab.learner._descend", lambda *_: next(norms))
    learning = from_dict(Learning, LITTLE | {"max_steps": 4, "evaluate_every": 2})
    learned, _ = learn(CELLS["rnn"](), TASKS["order"], 10, 5, [1, 2], learning)
    assert [one.gradient_norms for one in learned] == [[2.0, 1.5], [1.0, 2.0]]
    assert [one.largest_norm for one in learned] == [9.0, math.inf]


@pytest.mark.parametrize("name", sorted(CELLS))
def test_every_cell_gets_as_many_units_as_the_parameters_allow(name):
    cell = CELLS[name]()
    task = TASKS["adding"]
    size = hidden_size(cell, task, 3000)
    assert parameters_of(cell, task.inputs, size, task.outputs) <= 3000
    larger = next(n for n in range(size + 1, 2 * size) if allows(cell, n))
    assert parameters_of(cell, task.inputs, larger, task.outputs) > 3000


def allows(cell, units):
    try:
        return bool(parameters_of(cell, 1, units, 1))
    except ValueError:
        return False


def test_the_largest_size_is_a_multiple_of_the_step():
    assert largest(lambda n: n * n, 1000, 8) == 24
    assert largest(lambda n: n * n, 10, 8) == 8


@pytest.mark.parametrize(("name", "task"), zip(sorted(CELLS), cycle(TASKS)))
def test_every_cell_and_every_task_takes_part_in_memory_and_gradients(name, task):
    job = {"cell": {"name": name}, "task": "order", "lag": 8, "parameters": 500, "seeds": 2, "learning": LITTLE}
    found = memory.work(job | {"task": task})
    assert len(found["scores"]) == 2
    assert found["network_parameters"] <= 500
    found = gradients.work(job)
    assert len(found["untrained"]) == len(found["trained"]) == 8
    assert found["untrained"][0] > 0


@pytest.mark.parametrize("name", sorted(CELLS))
def test_every_cell_is_drawn_from_its_equations(name):
    graph = unit_diagram(name, CELLS[name]())
    names = {node.name for node in graph.nodes}
    assert {"x", "h'"} <= names
    place = {node.name: node.x for node in graph.nodes}
    assert all(place[start] < place[end] for start, end in graph.edges)
    assert {end for _, end in graph.edges} == set(equations(CELLS[name]()))


def test_what_was_interrupted_continues(tmp_path):
    jobs = [{"name": f"job {i}", "number": i} for i in range(4)]
    done = []

    def work(job):
        if job["number"] == 2 and len(done) < 3:
            raise KeyboardInterrupt
        done.append(job["number"])
        return {"square": job["number"] ** 2}

    with pytest.raises(KeyboardInterrupt):
        run_jobs(work, jobs, tmp_path, processes=1)
    assert done == [0, 1]
    done.append(-1)
    assert [result["square"] for result in run_jobs(work, jobs, tmp_path, processes=1)] == [0, 1, 4, 9]
    assert done == [0, 1, -1, 2, 3]
    changed = [jobs[0] | {"number": 5}]  # another experiment of the same name
    assert run_jobs(work, changed, tmp_path, processes=1) == [{"square": 25}]


def row(label, solved, scores, lag=20, task="order"):
    return {
        "cell": {"name": label},
        "label": label,
        "task": task,
        "lag": lag,
        "solved": solved,
        "scores": scores,
        "learning": {"max_steps": 9},
    }


def test_conclusions_say_what_was_found():
    rows = [
        row("rnn", [False] * 2, [0.2, 0.3]),
        row("lstm", [True] * 2, [0.97, 1.0]),
        row("gru", [True, False], [1, 0.2]),
    ]
    assert memory.conclusion(rows) == (
        "At lag 20, within 9 updates, lstm solved it with every seed; gru (1 of 2) with some seeds only; "
        "rnn with no seed."
    )
    assert memory.conclusion([row("rnn", [False], [0.2]), row("lstm", [True], [1.0])]).endswith(
        "within 9 updates, lstm solved it; rnn did not; one seed each."
    )
    rows = [row("rnn", [True] * 2, [0.97, 1.0]), row("lstm", [True] * 2, [0.97, 1.0])]
    assert "does not tell the cells apart" in memory.conclusion(rows)
    pair = [row("lstm", [True, False], [0.5, 1.0]), row("lstm_peephole", [True] * 2, [0.97, 1.0])]
    assert "nothing is shown for peepholes or against them" in memory.conclusion(pair)
    pair[0] = row("lstm", [False] * 2, [0.5, 0.6])
    assert "which chance does with so few seeds in 33% of cases, so nothing is shown" in memory.conclusion(pair)
    pair = [row("lstm", [False] * 4, [0.5, 0.6] * 2), row("lstm_peephole", [True] * 4, [0.97, 1.0] * 2)]
    assert "the ranges do not overlap, so here peepholes made a difference" in memory.conclusion(pair)
    pair[0] = row("lstm", [True] * 4, [0.95, 0.96] * 2)
    assert "every seed ended where it had solved the task, so nothing is shown" in memory.conclusion(pair)
    pair[0] = row("lstm", [False] * 2, [0.5, 0.6])
    pair[1] = row("lstm_peephole", [False] * 2, [0.1, 0.2])
    assert "peepholes" not in memory.conclusion([row("rnn", [True] * 2, [0.97, 1.0]), *pair])


def test_peepholes_are_compared_at_equal_settings_alone():
    def with_bias(name, bias, scores):
        return row(f"{name} {bias}", [True] * 2, scores) | {"cell": {"name": name, "forget_bias": bias}}

    rows = [with_bias("lstm", -2, [0.5, 0.6]), with_bias("lstm_peephole", 3, [0.97, 1.0])]
    assert "peepholes" not in memory.conclusion(rows)
    rows.append(with_bias("lstm", 3, [0.98, 0.99]))
    conclusion = memory.conclusion(rows)
    assert "lstm_peephole 3 has 0.97 to 1, lstm 3 0.98 to 0.99: the ranges overlap" in conclusion
    assert "lstm -2 0.5" not in conclusion


def test_lags_that_are_given_in_any_order_are_shown_in_theirs():
    rows = [
        row(label, [True], [lag / 10], lag) | {"hidden_size": 5, "network_parameters": 90, "steps": [9]}
        for lag in (4, 12, 8)
        for label in ("rnn", "lstm")
    ]
    chart, table = memory.sections({"rows": rows})[0].charts
    assert [(line.label, line.x, line.y) for line in chart.curves] == [
        (label, [4, 8, 12], [0.4, 0.8, 1.2]) for label in ("rnn", "lstm")
    ]
    assert [line[0] for line in table.rows] == ["4", "4", "8", "8", "12", "12"]


def test_a_gradient_is_said_to_shrink_or_to_grow_as_it_did():
    rows = [
        {"label": "a", "untrained": [1.0, 0.5, 0.25], "loss_of": gradients.LAST},
        {"label": "b", "untrained": [1.0, 2.0, 4.0], "loss_of": gradients.LAST},
    ]
    table = gradients.reach_table(rows, "untrained")
    assert table.title == "the gradient over 2 steps back"
    assert table.rows == [("a", "0.25", "0.500"), ("b", "4", "2.000")]
    assert gradients.reach(rows, "untrained").endswith(
        "state. It grows with the distance in b; elsewhere most of it is left in a."
    )
    assert gradients.reach(rows[1:], "untrained").endswith("state. It grows with the distance in b.")


def test_translation_is_judged_by_its_p_values():
    rows = [
        {"label": name, "seed": 1, "bleu": {"score": score}} for name, score in (("a", 30), ("b", 25), ("c", 29.5))
    ]
    data = {"rows": rows, "baseline": "a", "p_values": {"a": None, "b": 0.001, "c": 0.04}}
    assert translation_results.conclusion(data) == (
        "Against a with 30.00 BLEU, each compared by itself: significantly worse: b (-5.00, p = 0.001); "
        "no difference that a paired bootstrap finds: c (-0.50, p = 0.040)."
    )
    data["rows"] = [*rows, rows[0] | {"seed": 2, "bleu": {"score": 31}}]
    assert translation_results.conclusion(data).startswith("Against a with 30.00 BLEU (seed 1 of each), each ")


def test_names():
    assert cell_label(from_dict(Cell, {"name": "lstm"})) == "lstm"
    assert cell_label(from_dict(Cell, {"name": "lstm", "forget_bias": 3})) == "lstm forget_bias=3"
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


@pytest.mark.usefixtures("no_pictures")
def test_experiments_end_in_one_page_that_a_browser_opens(tmp_path, corpus_dir, monkeypatch, run_here):
    """Translation too, whose second start trains nothing."""
    monkeypatch.chdir(tmp_path)
    little = [f"learning.{key}={value}" for key, value in LITTLE.items() if key != "max_steps"]
    common = ["lab_dir=lab", "parameters=400", "seeds=2", "processes=1", *little]
    tasks = ["tasks=[adding,order]", "max_steps.adding=2", "max_steps.order=2", "lags.adding=[8]", "lags.order=[8]"]
    run_here("nmt-lab", "memory", *common, "cells=[rnn,lstm]", *tasks)
    run_here("nmt-lab", "gradients", *common, "lag=9", "learning.max_steps=2", "forget_biases=[0,2]")
    train = [
        "cells=[rnn,lstm]", "attentions=[dot,none]", *toy.data_of(corpus_dir),
        "tokenizer.vocab_size=320", "model=small", "model.hidden_size=64", "model.embedding_size=16", "search=greedy",
        "trainer.max_steps=2", "trainer.max_epochs=1", "trainer.precision=float32", "trainer.progress=false",
        "trainer.tensorboard=false",
        "trainer.log_every_steps=1",
    ]  # fmt: skip
    run_here("nmt-lab", "translation", "lab_dir=lab", *train)
    times = {path: path.stat().st_mtime_ns for path in Path("lab/translation").glob("*/*")}
    assert times
    run_here("nmt-lab", "translation", "lab_dir=lab", *train)
    assert times == {path: path.stat().st_mtime_ns for path in Path("lab/translation").glob("*/*")}
    data = json.loads(Path("lab/translation.json").read_text())
    sizes = [one["parameters"] for one in data["rows"]]
    assert all(size <= sizes[0] for size in sizes)
    units = {one["label"].partition("-h")[0]: one["hidden_size"] for one in data["rows"]}
    assert units["lstm-dot"] < units["rnn-dot"] == 64
    assert len(data["p_values"]) == 4
    assert len(data["hashes"]["train"]) == 16

    page = Path(run_here("nmt-lab", "report", "lab_dir=lab").out.splitlines()[-1])
    assert {path.name for path in PICTURES.iterdir()} <= {path.name for path in page.parent.glob("report-markdown/*")}
    markdown = Path("lab/report-markdown/README.md").read_text(encoding="utf-8")
    assert f"torch {torch.__version__}" in markdown
    assert "rnn solved 0 of 2" in markdown
    dom = browser.dom_of(page, tmp_path)
    for section in ("the-answer", "the-units", "memory-adding-problem", "translation", "when-do-you-use-which"):
        assert f'<section id="{section}">' in dom
    figures = dom.count("<figure")
    assert f'data-ready="{figures}"' in dom
    assert figures == dom.count("<svg")


def test_the_docs_show_the_pictures_of_the_report():
    page = (PICTURES.parents[1] / "docs" / "lab.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^]]+\]\(\.\./data/pictures/(.+?)\)", page)
    assert sorted(shown) == sorted(path.name for path in PICTURES.iterdir())
    assert all(path.stat().st_size < 60_000 for path in PICTURES.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no experiment is given; choose one of: memory"),
        (["cooking"], "'cooking' is no experiment"),
        (["memory", "cells=[lstm,rnn,lstm]"], "cells has lstm twice"),
        (["memory", "cells=[x]"], "cells[0].name is 'x'; choose one of: gru"),
        (["translation", "decoders=[gnmt,x]", "data=demo"], "decoders[1] is 'x'; choose one of: bahdanau, gnmt"),
        (["report", "lab_dir=/nowhere"], "/nowhere holds no experiment yet"),
        (["translation", "lab_dir=/dev/null/x", "data=demo"], "/dev/null/x: Not a directory"),
    ],
)
def test_a_wrong_command_is_refused_in_one_line(run_here, arguments, message):
    (line,) = run_here("nmt-lab", *arguments, code=2).err.splitlines()
    assert line.startswith("nmt-lab: ")
    assert message in line


LAGS = r"lags.copy is \[%d\]; it takes numbers of steps, from 4 to 100000"


@pytest.mark.parametrize(
    ("experiment", "changes", "message"),
    [
        ("memory", {"tasks": ["x"]}, "tasks has 'x'; choose from: adding"),
        ("memory", {"lags.copy": [2]}, LAGS % 2),
        ("memory", {"lags.copy": [10**9]}, LAGS % 10**9),
        ("memory", {"cells": []}, "cells and tasks take one name at least each"),
        ("memory", {"tasks": []}, "cells and tasks take one name at least each"),
        ("memory", {"tasks": ["copy", "copy"]}, "tasks has copy twice"),
        ("memory", {"lags.copy": [20, 20]}, "lags.copy has 20 twice"),
        ("memory", {"max_steps.copy": 0}, "max_steps is 0; it must be from 1"),
        ("gradients", {"clip_norms": [1, 1.0]}, "clip_norms has 1.0 twice"),
        ("gradients", {"cells": []}, "cells, forget_biases and clip_norms take one value at least each"),
        ("gradients", {"cells": ["lstm"], "forget_biases": []}, "take one value at least each"),
        ("gradients", {"clip_norms": []}, "take one value at least each"),
        ("translation", {"attentions": ["dot", "dot"]}, "attentions has dot twice"),
        ("translation", {"init": "m"}, "init is 'm', but each cell is trained from scratch here; leave it"),
        ("translation", {"model.attention.size": 16}, "model.attention.size is 16, but none of attentions"),
    ],
)
def test_a_wrong_experiment_is_refused(composed, experiment, changes, message):
    data = copy.deepcopy(composed[experiment])
    for key, value in changes.items():
        *parents, last = key.split(".")
        reduce(getitem, parents, data)[last] = value
    with pytest.raises(ValueError, match=message):
        configured(experiment, data)
