"""metrics.csv: the metrics that training logs."""

from __future__ import annotations

import csv
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from nmt.common.files import naming
from nmt.data.directions import Directions
from nmt.metrics.config import Name

COLUMNS = (
    "step",
    "train/loss",
    "train/nll",
    "train/lr",
    "train/tokens_per_s",
    "val/nll",
    "val/ppl",
    "val/bleu",
    "val/chrf",
    "val/bleu_of_average",
    "train/risk",
)


def columns(metric: Name, directions: Directions) -> tuple[str, ...]:
    """The columns of metrics.csv, including one for the selection metric if it needs its own, and those of each
    direction when there are several."""
    every = () if directions.only else directions.every
    names = dict.fromkeys(("bleu", "chrf", *(() if metric == "nll" else (metric,))))
    of_directions = [f"val/{name}/{direction}" for direction in every for name in names]
    return tuple(dict.fromkeys((*COLUMNS, f"val/{metric}", *of_directions)))


class MetricsFile(Logger):
    """metrics.csv: a row each time something is logged, with empty cells for columns that were not. A resumed run
    appends (logs.py removes the rows that it will write again)."""

    def __init__(self, path: Path, columns: Sequence[str] = COLUMNS) -> None:
        super().__init__()
        self.path = path
        self.columns = columns

    @property
    def name(self) -> str:
        return "metrics"

    @property
    def version(self) -> str:
        return ""

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Does nothing: config.yaml has them."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        row = {"step": step, **{name: value for name, value in metrics.items() if name in self.columns}}
        with naming(self.path), self.path.open("a+", newline="") as file:
            file.seek(0)
            before = next(csv.reader(file), None)  # the version that began the run may have had fewer
            writer = csv.DictWriter(file, before or self.columns, extrasaction="ignore", lineterminator="\n")
            if not before:
                writer.writeheader()
            writer.writerow(row)


def read_metrics(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
