"""The gradient that is told is that of the loss that is told, and what is concluded from it follows."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Generator

from nmt.cells import CELLS
from nmt.lab import gradients, memory, report
from nmt.lab.learner import Learner
from nmt.lab.tasks import IGNORED, TASKS
from nmt.lab.words import cell_label

HALF, LAG, SEED, H = 0.5, 12, 7, 5


def halving(task):
    """A network whose state stays zero, so that tanh is the identity, and whose gradient is halved at each step."""
    learner = Learner(CELLS["rnn"](), task.inputs, H, task.outputs).double()
    with torch.no_grad():
        for parameter in (learner.layer.weight_ih, learner.layer.bias_ih, learner.layer.bias_hh):
            parameter.zero_()
        learner.layer.weight_hh.mul_(HALF)  # which is orthogonal
    return learner


@pytest.mark.parametrize("name", sorted(TASKS))
def test_the_gradient_is_that_of_the_last_step_that_asks_alone(name, monkeypatch):
    task, place = TASKS[name], -2 if name == "reber" else -1  # a string's last E follows from nothing far back
    learner = halving(task)
    made = task.make(gradients.ROWS, LAG, Generator().manual_seed(SEED))
    in_double = made._replace(inputs=made.inputs.double())
    if name == "adding":
        in_double = in_double._replace(targets=made.targets.double())
        slopes = 2 * (learner.readout.bias - in_double.targets)
    else:
        last = torch.stack([row[row != IGNORED][place] for row in made.targets])
        slopes = learner.readout.bias.softmax(-1) - F.one_hot(last, task.outputs)
    nearest = float((slopes / gradients.ROWS @ learner.readout.weight).norm().detach())

    monkeypatch.setattr(type(task), "make", lambda *_: in_double)
    norms = gradients.norms_by_distance(learner, task, LAG, SEED)
    assert norms == pytest.approx([nearest * HALF**distance for distance in range(len(norms))])
    ends = [int((row != IGNORED).nonzero()[place]) for row in made.targets] if name != "adding" else [LAG - 1]
    assert len(norms) == min(ends) + 1


def test_a_mean_over_seeds_is_over_distances_that_all_have():
    assert gradients.at_equal_distances([[1.0, 2.0, 3.0], [4.0, 5.0]]) == [[1.0, 2.0], [4.0, 5.0]]


ALL_OF_A_ROW = {"task": "order", "lag": 9, "untrained": [1.0, 0.5], "scores": [0.9, 0.8]}


def row(label, trained, solved, clip=1.0):
    return {
        "label": label,
        "cell": {"name": label},
        "learning": {"clip_norm": clip},
        "trained": trained,
        "gradient_norms": [[0.1], [0.2]],
        "largest_norms": [0.3, 0.2],
        "solved": solved,
        "loss_of": gradients.LAST,
    }


def test_nothing_is_concluded_of_memory_where_no_network_learned_the_task():
    rows = [row("rnn", [1.0, 0.5], [False, False]), row("lstm", [1.0, 0.1], [False, False])]
    words = gradients.reach(rows, "trained")
    assert words.startswith("The gradient is that of the loss of the last step that asks with respect to the whole ")
    assert [line[2] for line in gradients.reach_table(rows, "trained").rows] == ["0 of 2", "0 of 2"]
    assert words.endswith("No network learned the task, so none of them is one that remembers.")
    assert "is left" not in words
    both = [*rows, row("rnn", [1.0, 0.4], [False, False], clip=0.0)]
    assert gradients.clipping(both).startswith("No network learned the task. No gradient had a norm above 10")

    rows[1] = row("lstm", [1.0, 0.1], [True, False])
    both = [*rows, *(row(label, [1.0, 0.4], [False, False], clip=0.0) for label in ("rnn", "lstm"))]
    assert gradients.clipping(both).startswith("More seeds solved the task with clipping than without: lstm. ")
    assert gradients.reach(rows, "trained").endswith(" Where the task was learned, most of it is left in lstm.")
    rows[0] = row("rnn", [1.0, 0.5], [True, True])
    assert gradients.reach(rows, "trained").endswith(" Most of it is left in rnn.")


def test_a_gradient_that_explodes_between_evaluations_is_told():
    rows = [row("rnn", [1.0, 0.5], [True, True]) | {"largest_norms": [0.2, 12.0]}]
    assert gradients.clipping(rows).endswith("A gradient of norm above 10 was seen in rnn (clipped at 1).")
    table = gradients.sections({"rows": [ALL_OF_A_ROW | rows[0]]})[1].charts[-1]
    assert dict(zip(table.header, table.rows[0], strict=True))["largest"] == "12"


def test_every_norm_of_clipping_is_compared_with_none():
    solved = {1.0: [True, True], 0.1: [False, False], 0.0: [True, False]}
    rows = [row("lstm", [1.0, 0.1], of_seeds, clip) for clip, of_seeds in solved.items()]
    assert gradients.clipping(rows).startswith(
        "More seeds solved the task with clipping than without: lstm (clipped at 1). "
        "Fewer seeds solved the task with clipping than without: lstm (clipped at 0.1). "
        "One seed more or fewer may be chance. No gradient"
    )
    assert gradients.clipping(rows[:2]).startswith("Clipping was not varied where the task was learned.")


def test_a_gradient_of_zero_is_none_and_not_a_small_number():
    rows = [row("rnn_relu", [1.0, 0.0], [True]), row("lstm", [1.0, 0.1], [True]), row("sru", [0.0, 0.0], [True])]
    assert [line[3:] for line in gradients.reach_table(rows, "trained").rows] == [
        ("0", "0.000"), ("0.1", "0.100"), ("0", "0.000"),
    ]  # fmt: skip
    assert gradients.reach_chart("", rows, "trained").curves[0].y == [1.0, 0.0]


def test_a_cell_that_forget_biases_make_of_two_is_taken_once():
    cells = (CELLS["lstm"](), CELLS["lstm"](forget_bias=7.0), CELLS["rnn"]())
    config = gradients.GradientsConfig("lab", cells, (0.0, 1.0), "order", 10, (1.0,), 1, 500)
    assert [cell_label(cell) for cell in config.variants()] == ["lstm forget_bias=0", "lstm", "rnn"]


def test_a_diverged_network_is_told_and_never_the_best():
    rows = [row("rnn", [1.0, None], [True]), row("lstm", [1.0, 0.1], [True])]
    rows[0]["largest_norms"] = [0.5, None]
    assert gradients.reach(rows, "trained").endswith(" Most of it is left in lstm.")
    assert "A gradient of norm above 10 was seen in rnn (clipped at 1)" in gradients.clipping(rows)


def of_memory(label, solved, task="order", lag=10):
    return {
        "label": label, "cell": {"name": label}, "task": task, "lag": lag, "solved": solved, "scores": [0.3] * 2,
        "learning": {"max_steps": 9},
    }  # fmt: skip


def test_no_cell_is_advised_where_nobody_learned():
    rows = [of_memory(label, [False] * 2, lag=lag) for label in ("rnn", "lstm") for lag in (10, 20)]
    assert memory.conclusion(rows) == (
        "At lag 20, within 9 updates, no network solved it, so nothing is shown for one cell or against another."
    )
    assert report.advice(rows) == (
        "At equal parameters neither solved temporal order at lag 10 and temporal order at lag 20: no network "
        "learned a task, so nothing is shown for either."
    )
    rows += [of_memory("rnn", [True, False], "copy"), of_memory("lstm", [True, True], "copy")]
    rows += [of_memory("rnn", [True, True], "reber"), of_memory("lstm", [True, True], "reber")]
    assert report.advice(rows).startswith(
        "At equal parameters neither solved temporal order at lag 10 and temporal order at lag 20; "
        "lstm solved with more seeds than rnn: copy after a delay at lag 10; "
        "both solved with as many seeds: embedded Reber grammar at lag 10. Where rnn does as well"
    )
