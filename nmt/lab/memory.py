"""How far back a cell remembers: classic tests, score against lag, with equal parameters and several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import comb
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import Any

from nmt.cells import Cell
from nmt.common.ranges import check_ranges
from nmt.lab.learner import Learning, hidden_size, learn, parameters_of
from nmt.lab.store import Job, run_cells
from nmt.lab.tasks import TASKS, MemoryTask
from nmt.lab.words import Row, cell_label, check_different, listed, numbers, solved_words, spread, unique
from nmt.pictures.charts import Curve, LineChart, Section, Table
from nmt.plain_data import from_dict, to_dict

MAX_LAG = 100_000
RARE = 0.05  # at most this often by chance


@dataclass(frozen=True)
class MemoryConfig:
    lab_dir: str
    cells: tuple[Cell, ...]
    tasks: tuple[str, ...]
    lags: dict[str, tuple[int, ...]]  # by task, in steps
    max_steps: dict[str, int]  # by task
    seeds: int
    parameters: int  # per network, at most
    learning: Learning = field(default_factory=Learning)
    processes: int | None = None

    def __post_init__(self) -> None:
        check_ranges(self, seeds=(1, 1000), parameters=(100, 100_000_000), processes=(1, 1024))
        if not self.cells or not self.tasks:
            raise ValueError("cells and tasks take one name at least each")
        check_different(cells=map(cell_label, self.cells), tasks=self.tasks)
        for task in self.tasks:
            if task not in TASKS:
                raise ValueError(f"tasks has {task!r}; choose from: {', '.join(TASKS)}")
            for name, of in (("lags", self.lags), ("max_steps", self.max_steps)):
                if task not in of:
                    raise ValueError(f"{name}.{task} is missing")
            if not self.lags[task] or not all(4 <= lag <= MAX_LAG for lag in self.lags[task]):
                allowed = f"numbers of steps, from 4 to {MAX_LAG}"
                raise ValueError(f"lags.{task} is {list(self.lags[task])}; it takes {allowed}")
            check_different(**{f"lags.{task}": self.lags[task]})
            replace(self.learning, max_steps=self.max_steps[task])  # before the first job: it checks the number


def run(config: MemoryConfig) -> list[Section]:
    """Run the missing part of the experiment, save its summary and show it."""
    jobs = [
        {
            "name": f"{task}-{lag}-{cell_label(cell)}",
            "task": task,
            "lag": lag,
            "cell": to_dict(cell),
            "parameters": config.parameters,
            "seeds": config.seeds,
            "learning": asdict(config.learning) | {"max_steps": config.max_steps[task]},
        }
        for task in config.tasks
        for lag in config.lags[task]
        for cell in config.cells
    ]
    return sections({"rows": run_cells("memory", work, jobs, Path(config.lab_dir), config.processes)})


def work(job: Job) -> dict[str, Any]:
    cell, task = from_dict(Cell, job["cell"]), TASKS[job["task"]]
    size = hidden_size(cell, task, job["parameters"])
    learned, _ = learn(cell, task, job["lag"], size, range(1, job["seeds"] + 1), from_dict(Learning, job["learning"]))
    return {
        "hidden_size": size,
        "network_parameters": parameters_of(cell, task.inputs, size, task.outputs),
        "scores": [one.score for one in learned],
        "steps": [one.steps for one in learned],
        "solved": [one.solved for one in learned],
    }


def sections(data: Mapping[str, Any]) -> list[Section]:
    rows = sorted(data["rows"], key=itemgetter("lag"))
    return [
        _task_section(task, [row for row in rows if row["task"] == task]) for task in unique(data["rows"], "task")
    ]


def _task_section(name: str, rows: Sequence[Row]) -> Section:
    task = TASKS[name]
    about = task.about.replace("`lag`", "lag")
    return Section(f"Memory: {task.title}", [about, conclusion(rows)], [_chart(task, rows), _table(task, rows)])


def _chart(task: MemoryTask, rows: Sequence[Row]) -> LineChart:
    lines = []
    for label in unique(rows, "label"):
        own = [row for row in rows if row["label"] == label]
        scores = [numbers(row["scores"]) for row in own]
        lags = [row["lag"] for row in own]
        lines.append(Curve(label, lags, [*map(median, scores)], [*map(min, scores)], [*map(max, scores)]))
    seeds = len(rows[0]["scores"])
    return LineChart(
        f"{task.title}: {task.score_name}, {f'median and range of {seeds} seeds' if seeds > 1 else '1 seed'}",
        "lag in steps",
        task.score_name,
        lines,
        log=task.score_name == "MSE",
        level=task.chance,
        level_label="without memory",
    )


def _table(task: MemoryTask, rows: Sequence[Row]) -> Table:
    header = ("lag", "cell", "units", "parameters", "median", "all seeds", "solved", "updates (median)")
    found = [
        (
            str(row["lag"]),
            row["label"],
            str(row["hidden_size"]),
            f"{row['network_parameters']:,}",
            f"{median(numbers(row['scores'])):.3g}",
            spread(row["scores"]),
            solved_words(row),
            f"{median(row['steps']):g}",
        )
        for row in rows
    ]
    solved = f"solved at {task.solved_at:g} on the sequences that end a training, scored on others"
    return Table(f"{task.title}: {task.score_name} ({solved})", header, found)


def conclusion(rows: Sequence[Row]) -> str:
    """One task's outcome at the longest lag, in words that hold for any result."""
    lag = max(row["lag"] for row in rows)
    longest = [row for row in rows if row["lag"] == lag]
    budget = longest[0]["learning"]["max_steps"]
    all_of = [row["label"] for row in longest if all(row["solved"])]
    none_of = [row["label"] for row in longest if not any(row["solved"])]
    some = [f"{row['label']} ({solved_words(row)})" for row in longest if row["label"] not in (*all_of, *none_of)]
    parts = [f"At lag {lag}, within {budget} updates,"]
    if len(none_of) == len(longest):
        return f"{parts[0]} no network solved it, so nothing is shown for one cell or against another."
    outcomes, several = [], any(len(row["solved"]) > 1 for row in longest)
    if all_of:
        outcomes.append(f"{listed(all_of)} solved it" + " with every seed" * several)
    if some:
        outcomes.append(f"{listed(some)} with some seeds only")
    if none_of:
        outcomes.append(f"{listed(none_of)} {'with no seed' if several else 'did not'}")
    parts.append("; ".join(outcomes) + ("." if several else "; one seed each."))
    parts += [_compared(*pair) for pair in peephole_pairs(longest) if any(any(row["solved"]) for row in pair)]
    if all_of and len(all_of) == len(longest):
        parts.append("So at this lag the task does not tell the cells apart; a longer one might.")
    return " ".join(parts)


def first_of_kind(rows: Sequence[Row]) -> dict[str, Row]:
    """The first row of each kind of cell, regardless of settings."""
    return {row["cell"]["name"]: row for row in reversed(rows)}


def peephole_pairs(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Pairs of a plain LSTM and the LSTM with peepholes and the same settings."""
    return [
        (plain, peephole)
        for plain in rows
        for peephole in rows
        if plain["cell"]["name"] == "lstm" and peephole["cell"] == plain["cell"] | {"name": "lstm_peephole"}
    ]


def _compared(plain: Row, peephole: Row) -> str:
    found = [numbers(row["scores"]) for row in (plain, peephole)]
    low, high = max(map(min, found)), min(map(max, found))
    values = f"{peephole['label']} has {spread(peephole['scores'])}, {plain['label']} {spread(plain['scores'])}"
    chance = 2 / comb(sum(map(len, found)), len(found[0]))  # that ranges of equally good cells do not overlap
    if low <= high:
        why = "the ranges overlap"
    elif all([*plain["solved"], *peephole["solved"]]):
        why = "every seed ended where it had solved the task"
    elif chance > RARE:
        why = f"the ranges do not overlap, which chance does with so few seeds in {chance:.0%} of cases"
    else:
        return f"{values}: the ranges do not overlap, so here peepholes made a difference."
    return f"{values}: {why}, so nothing is shown for peepholes or against them."
