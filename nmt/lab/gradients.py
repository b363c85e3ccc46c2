"""How gradients vanish and explode with distance: before and after training, by forget bias, with and without
clipping."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from statistics import median
from typing import Any, cast

from torch import Generator

from nmt.cells import Cell
from nmt.common.ranges import check_ranges
from nmt.inspection.flow import flow, mean_by_distance
from nmt.inspection.trace import Traced, traced
from nmt.lab.learner import Learner, Learning, fresh, hidden_size, learn
from nmt.lab.store import Job, run_cells
from nmt.lab.tasks import TASKS, MemoryTask
from nmt.lab.words import Row, cell_label, check_different, listed, numbers, solved_words, unique
from nmt.pictures.charts import Curve, LineChart, Section, Table
from nmt.plain_data import from_dict, to_dict

ROWS = 32  # sequences over which the loss is averaged
LAST = "the last step that asks"
MORE_SOLVED = "More seeds solved the task with clipping than without"
FEWER_SOLVED = "Fewer seeds solved the task with clipping than without"
AS_MANY_SOLVED = "As many seeds solved the task with clipping as without"


@dataclass(frozen=True)
class GradientsConfig:
    lab_dir: str
    cells: tuple[Cell, ...]
    forget_biases: tuple[float, ...]  # each is tried with every cell that has one
    task: str
    lag: int
    clip_norms: tuple[float, ...]  # for the training
    seeds: int
    parameters: int
    learning: Learning = field(default_factory=Learning)
    processes: int | None = None

    def __post_init__(self) -> None:
        check_ranges(self, seeds=(1, 1000), parameters=(100, 100_000_000), lag=(4, 10_000), processes=(1, 1024))
        if not self.variants() or not self.clip_norms:
            raise ValueError("cells, forget_biases and clip_norms take one value at least each")
        check_different(
            cells=map(cell_label, self.cells),
            forget_biases=self.forget_biases,
            clip_norms=self.clip_norms,
        )
        if self.task not in TASKS:
            raise ValueError(f"task is {self.task!r}; choose one of: {', '.join(TASKS)}")

    def variants(self) -> list[Cell]:
        """The cells, each once; those with a forget bias, once for every forget bias."""
        variants: list[Cell] = []
        for cell in self.cells:
            if any(field.name == "forget_bias" for field in fields(cell)):
                variants += [replace(cast(Any, cell), forget_bias=bias) for bias in self.forget_biases]
            else:
                variants.append(cell)
        return list(dict.fromkeys(variants))


def run(config: GradientsConfig) -> list[Section]:
    """Run the missing part of the experiment, save its summary and show it."""
    jobs = [
        {
            "name": f"{cell_label(cell)}-clip-{clip:g}",
            "cell": to_dict(cell),
            "task": config.task,
            "lag": config.lag,
            "parameters": config.parameters,
            "seeds": config.seeds,
            "learning": asdict(replace(config.learning, clip_norm=clip)),
            "loss_of": LAST,
        }
        for cell in config.variants()
        for clip in config.clip_norms
    ]
    return sections({"rows": run_cells("gradients", work, jobs, Path(config.lab_dir), config.processes)})


def work(job: Job) -> dict[str, Any]:
    cell, task, lag = from_dict(Cell, job["cell"]), TASKS[job["task"]], job["lag"]
    size = hidden_size(cell, task, job["parameters"])
    seeds = range(1, job["seeds"] + 1)
    untrained = [norms_by_distance(fresh(cell, task, size, seed), task, lag, seed) for seed in seeds]
    learned, learners = learn(cell, task, lag, size, seeds, from_dict(Learning, job["learning"]))
    trained = [norms_by_distance(one, task, lag, seed) for one, seed in zip(learners, seeds, strict=True)]
    return {
        "hidden_size": size,
        "untrained": mean_by_distance(at_equal_distances(untrained)),
        "trained": mean_by_distance(at_equal_distances(trained)),
        "gradient_norms": [one.gradient_norms for one in learned],
        "largest_norms": [one.largest_norm for one in learned],
        "scores": [one.score for one in learned],
        "solved": [one.solved for one in learned],
    }


def at_equal_distances(norms: Sequence[list[float]]) -> list[list[float]]:
    """Cut to the distances that all seeds have, so each mean is over the same seeds."""
    return [one[: min(map(len, norms))] for one in norms]


def norms_by_distance(learner: Learner, task: MemoryTask, lag: int, seed: int) -> list[float]:
    """The gradient norm of the last asked step's loss with respect to the state at each distance before that step."""
    sequences = task.make(ROWS, lag, Generator().manual_seed(seed))
    layer = cast(Traced, traced(learner.layer))
    loss = task.last_loss(learner.readout(layer(sequences.inputs)), sequences)
    return flow(loss, [layer.steps], task.last_asked(sequences))


def sections(data: Mapping[str, Any]) -> list[Section]:
    rows = data["rows"]
    first = [next(row for row in rows if row["label"] == label) for label in unique(rows, "label")]
    task, means = TASKS[rows[0]["task"]].title, mean_words(rows)
    return [
        Section(
            "Gradients of untrained cells",
            [reach(first, "untrained")],
            [reach_chart(f"before learning, {means}", first, "untrained"), reach_table(first, "untrained")],
        ),
        Section(
            "Gradients of trained cells",
            [reach(rows, "trained"), clipping(rows)],
            [
                reach_chart(f"after learning: {task}, {means}", rows, "trained"),
                reach_table(rows, "trained"),
                learning_table(f"while learning: {task}, lag {rows[0]['lag']}", rows),
            ],
        ),
    ]


def mean_words(rows: Sequence[Row]) -> str:
    seeds = len(rows[0]["solved"])
    return f"geometric mean of {seeds} seeds" if seeds > 1 else "1 seed"


def learning_table(title: str, rows: Sequence[Row]) -> Table:
    """How large gradients were in training, and which seeds learned the task."""
    header = ("cell", "clipping", "median norm of the whole gradient", "largest", "scores", "solved")
    found = [
        (
            row["label"],
            clip_words(row),
            f"{median(norm for norms in row['gradient_norms'] for norm in numbers(norms)):.3g}",
            f"{largest_norm(row):.3g}",
            ", ".join(f"{score:.3g}" for score in numbers(row["scores"])),
            solved_words(row),
        )
        for row in rows
    ]
    return Table(title, header, found)


def reach_chart(title: str, rows: Sequence[Row], key: str) -> LineChart:
    """The gradient's norm over the distance; dashed for training without clipping."""
    lines = []
    for row in rows:
        label = f"{row['label']}, {clip_words(row)}" if key == "trained" else row["label"]
        is_dashed = key == "trained" and not row["learning"]["clip_norm"]
        lines.append(Curve(label, range(len(row[key])), numbers(row[key]), dashed=is_dashed))
    return LineChart(title, "distance in steps", "norm of the gradient", lines, log=True)


def largest_norm(row: Row) -> float:
    """The largest gradient norm of all updates and seeds."""
    return max(numbers(row["largest_norms"]))


def clip_words(row: Row) -> str:
    clip = row["learning"]["clip_norm"]
    return f"clipped at {clip:g}" if clip else "not clipped"


def left(norms: Sequence[float | None]) -> float:
    """The share of a gradient's norm that is left between the nearest state and the farthest; 0 if there is none at
    the nearest, or the farthest has no number, which is as useless."""
    first, *_, last = numbers([norms[0], *norms])
    return last / first if first and math.isfinite(last) else 0.0


def factor(norms: Sequence[float | None]) -> float:
    """The factor of a gradient's norm per step over the same distance."""
    return float(left(norms) ** (1 / max(1, len(norms) - 1)))


def reach(rows: Sequence[Row], key: str) -> str:
    """Which gradient the table shows, where it grows, and where else most of it is left."""
    words = f"The gradient is that of the loss of {rows[0]['loss_of']} with respect to the whole state."
    learned = rows if key == "untrained" else [row for row in rows if any(row["solved"])]
    if not learned:
        return f"{words} No network learned the task, so none of them is one that remembers."
    shares = {row["label"]: left(row[key]) for row in sorted(learned, key=lambda row: left(row[key]))}
    grows = [label for label in unique(learned, "label") if shares[label] > 1]
    found = [f"it grows with the distance in {listed(grows)}"] if grows else []
    if rest := [label for label in shares if shares[label] <= 1]:
        found.append(f"{'elsewhere ' * bool(grows)}most of it is left in {rest[-1]}")
    told = f"{'where the task was learned, ' * (len(learned) < len(rows))}{'; '.join(found)}."
    return f"{words} {told[0].upper()}{told[1:]}"


def reach_table(rows: Sequence[Row], key: str) -> Table:
    """How far back the gradient reaches."""
    is_trained = key == "trained"
    found = [
        (
            row["label"],
            *((clip_words(row), solved_words(row)) if is_trained else ()),
            f"{left(row[key]):.2g}",
            f"{factor(row[key]):.3f}",
        )
        for row in rows
    ]
    header = ("cell", *(("clipping", "solved") if is_trained else ()), "share that is left", "factor a step")
    return Table(f"the gradient over {len(rows[0][key]) - 1} steps back", header, found)


def clipping(rows: Sequence[Row]) -> str:
    """The effect of clipping: each clip norm compared with no clipping in the same cell."""
    if not any(any(row["solved"]) for row in rows):
        return f"No network learned the task.{large_words(rows)}"
    found: dict[str, list[str]] = {MORE_SOLVED: [], FEWER_SOLVED: [], AS_MANY_SOLVED: []}
    has_several = len({row["learning"]["clip_norm"] for row in rows} - {0}) > 1
    without = {row["label"]: sum(row["solved"]) for row in rows if not row["learning"]["clip_norm"]}
    for row in rows:
        solved, label = sum(row["solved"]), row["label"]
        if row["learning"]["clip_norm"] and label in without and (solved or without[label]):
            difference = solved - without[label]
            words = MORE_SOLVED if difference > 0 else FEWER_SOLVED if difference < 0 else AS_MANY_SOLVED
            found[words].append(f"{label} ({clip_words(row)})" if has_several else label)
    parts = [f"{words}: {listed(labels)}." for words, labels in found.items() if labels]
    if found[MORE_SOLVED] or found[FEWER_SOLVED]:
        parts.append("One seed more or fewer may be chance.")
    return (" ".join(parts) or "Clipping was not varied where the task was learned.") + large_words(rows)


def large_words(rows: Sequence[Row]) -> str:
    exploded = [f"{row['label']} ({clip_words(row)})" for row in rows if largest_norm(row) > 10]
    if exploded:
        return f" A gradient of norm above 10 was seen in {listed(exploded)}."
    return " No gradient had a norm above 10: here nothing exploded."
