"""How gradients vanish and explode over distance: untrained and trained, by forget bias, clipped or not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from statistics import median
from typing import Any, cast

from torch import Generator

from nmt.config import from_dict, to_dict
from nmt.inspection.flow import flow, mean_by_distance
from nmt.inspection.trace import Traced, traced
from nmt.lab.learner import Learner, Learning, fresh, hidden_size, learn
from nmt.lab.store import Job, run_jobs, save_summary
from nmt.lab.tasks import TASKS, Task
from nmt.lab.words import cell_label, listed, unique
from nmt.model.cells import Cell
from nmt.pictures.charts import Line, Lines, Section, Table
from nmt.ranges import check_ranges

ROWS = 32  # sequences whose loss the gradient is of
TINY = 1e-30


@dataclass(frozen=True)
class GradientsConfig:
    lab_dir: str
    cells: tuple[Cell, ...]
    forget_biases: tuple[float, ...]  # tried with every cell that has one
    task: str
    lag: int
    clip_norms: tuple[float, ...]  # of the training
    seeds: int
    parameters: int
    learning: Learning = field(default_factory=Learning)
    processes: int | None = None

    def __post_init__(self) -> None:
        check_ranges(self, seeds=(1, 1000), parameters=(100, 100_000_000), lag=(4, 10_000), processes=(1, 1024))
        if self.task not in TASKS:
            raise ValueError(f"task is {self.task!r}; choose one of: {', '.join(TASKS)}")

    def variants(self) -> list[Cell]:
        """The cells, with every forget bias where they have one."""
        return [
            variant
            for cell in self.cells
            for variant in (
                [cast(Cell, replace(cast(Any, cell), forget_bias=bias)) for bias in self.forget_biases]
                if any(f.name == "forget_bias" for f in fields(cell))
                else [cell]
            )
        ]


def run(config: GradientsConfig) -> list[Section]:
    """Do what is missing of the experiment, keep its summary, and show it."""
    folder = Path(config.lab_dir)
    cells = [cell for cell in config.variants() for _ in config.clip_norms]
    jobs = [
        {
            "name": f"{cell_label(cell)}-clip-{clip:g}",
            "cell": to_dict(cell),
            "task": config.task,
            "lag": config.lag,
            "parameters": config.parameters,
            "seeds": config.seeds,
            "learning": asdict(replace(config.learning, clip_norm=clip)),
        }
        for cell in config.variants()
        for clip in config.clip_norms
    ]
    results = run_jobs(work, jobs, folder / "gradients", config.processes)
    rows = [
        {**job, "label": cell_label(cell), **result} for cell, job, result in zip(cells, jobs, results, strict=True)
    ]
    save_summary(folder, "gradients", {"rows": rows})
    return sections({"rows": rows})


def work(job: Job) -> dict[str, Any]:
    cell, task, lag = from_dict(Cell, job["cell"]), TASKS[job["task"]], job["lag"]
    size = hidden_size(cell, task, job["parameters"])
    seeds = range(1, job["seeds"] + 1)
    untrained = [norms_by_distance(fresh(cell, task, size, seed), task, lag, seed) for seed in seeds]
    learned, learners = learn(cell, task, lag, size, seeds, from_dict(Learning, job["learning"]))
    trained = [norms_by_distance(one, task, lag, seed) for one, seed in zip(learners, seeds, strict=True)]
    return {
        "hidden_size": size,
        "untrained": mean_by_distance(untrained),
        "trained": mean_by_distance(trained),
        "gradient_norms": [one.gradient_norms for one in learned],
        "scores": [one.score for one in learned],
        "solved": [one.solved for one in learned],
    }


def norms_by_distance(learner: Learner, task: Task, lag: int, seed: int) -> list[float]:
    """The norm of the gradient of the last step's loss with respect to the state so many steps before."""
    sequences = task.make(ROWS, lag, Generator().manual_seed(seed))
    layer = cast(Traced, traced(learner.layer))
    loss = task.loss(learner.readout(layer(sequences.inputs)), sequences)
    return flow(loss, [layer.steps])


def sections(data: Mapping[str, Any]) -> list[Section]:
    rows = data["rows"]
    first = [next(row for row in rows if row["label"] == label) for label in unique(rows, "label")]
    lag, task = rows[0]["lag"], TASKS[rows[0]["task"]].title
    untrained = Lines(
        "before learning",
        "distance in steps",
        "norm of the gradient",
        [_line(row["label"], row["untrained"]) for row in first],
        log=True,
    )
    trained = Lines(
        f"after learning: {task}",
        "distance in steps",
        "norm of the gradient",
        [
            _line(f"{row['label']}, {clip_words(row)}", row["trained"], not row["learning"]["clip_norm"])
            for row in rows
        ],
        log=True,
    )
    table = Table(
        f"while learning: {task}, lag {lag}",
        ("cell", "clipping", "median norm of the whole gradient", "largest", "scores", "solved"),
        [
            (
                row["label"],
                clip_words(row),
                f"{median(_all_norms(row)):.3g}",
                f"{max(_all_norms(row)):.3g}",
                ", ".join(f"{score:.3g}" for score in row["scores"]),
                f"{sum(row['solved'])} of {len(row['solved'])}",
            )
            for row in rows
        ],
    )
    return [
        Section("Gradients of untrained cells", [reach(first, "untrained")], [untrained]),
        Section("Gradients of trained cells", [reach(rows, "trained"), clipping(rows)], [trained, table]),
    ]


def _line(label: str, norms: Sequence[float], dashed: bool = False) -> Line:
    return Line(label, range(len(norms)), [max(norm, TINY) for norm in norms], dashed=dashed)


def _all_norms(row: Mapping[str, Any]) -> list[float]:
    return [norm for of_seed in row["gradient_norms"] for norm in of_seed]


def clip_words(row: Mapping[str, Any]) -> str:
    clip = row["learning"]["clip_norm"]
    return f"clipped at {clip:g}" if clip else "not clipped"


def factor(norms: Sequence[float]) -> float:
    """By what a gradient is multiplied a step, on the way from the nearest state to the farthest."""
    ends = [max(norm, TINY) for norm in (norms[0], norms[-1])]
    return math.exp(math.log(ends[1] / ends[0]) / max(1, len(norms) - 1))


def reach(rows: Sequence[Mapping[str, Any]], key: str) -> str:
    """How far back the gradient reaches, in words that hold whatever was found."""
    distance = len(rows[0][key]) - 1
    parts = []
    for row in rows:
        norms = row[key]
        name = row["label"] if key == "untrained" else f"{row['label']} ({clip_words(row)})"
        ratio = max(norms[-1], TINY) / max(norms[0], TINY)
        what = f"{'shrinks to' if ratio < 1 else 'grows to'} {ratio:.2g} of what it was"
        parts.append(f"in {name} it {what}, {factor(norms):.3f} a step")
    best = max(rows, key=lambda row: max(row[key][-1], TINY) / max(row[key][0], TINY))
    return (
        f"Over {distance} steps back, the gradient with respect to the whole state: {'; '.join(parts)}. "
        f"It keeps most in {best['label']}."
    )


def clipping(rows: Sequence[Mapping[str, Any]]) -> str:
    """What clipping did, by the rows of one cell that differ in it alone."""
    better: list[str] = []
    worse: list[str] = []
    equal: list[str] = []
    for label in unique(rows, "label"):
        own = {bool(row["learning"]["clip_norm"]): sum(row["solved"]) for row in rows if row["label"] == label}
        if len(own) == 2:
            (better if own[True] > own[False] else worse if own[True] < own[False] else equal).append(label)
    parts = [
        f"{words} {listed(names)}" for names, words in
        ((better, "more seeds with clipping:"), (worse, "fewer seeds with clipping:"), (equal, "no difference:"))
        if names
    ]  # fmt: skip
    exploded = [f"{row['label']} ({clip_words(row)})" for row in rows if max(_all_norms(row)) > 10]
    large = f" A gradient of norm above 10 was seen in {listed(exploded)}." if exploded else (
        " No gradient had a norm above 10: here nothing exploded, so clipping had little to do."
    )  # fmt: skip
    return (f"Solved, {'; '.join(parts)}." if parts else "Clipping was not varied.") + large
