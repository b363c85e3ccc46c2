"""curves.png: loss and scores over the steps, drawn from metrics.csv."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities import rank_zero_only

from nmt.metrics.config import METRICS, Name
from nmt.pictures.charts import Curve, LineChart
from nmt.training.folder import METRICS as METRICS_FILE
from nmt.training.metrics_file import read_metrics

SHARE = 0.02  # of a run's time, at most, for drawing: with little text an epoch takes no longer than a picture
AT_FIRST = 10.0  # seconds without a picture: the run may be over by then


class Curves(Callback):
    """Draws after a validation, at most as often as SHARE allows, and when training ends. If training ends inside an
    epoch, it draws after the validation that follows."""

    def __init__(self, run_dir: Path, selection_metric: Name, clock: Callable[[], float] = time.perf_counter) -> None:
        self.run_dir, self.selection_metric, self.clock = run_dir, selection_metric, clock
        self.due = clock() + AT_FIRST  # earliest time of the next picture
        self.is_stale = self.is_over = False

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.is_stale = True
        if self.is_over or self.clock() >= self.due:
            self._draw()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.is_over = True
        if self.is_stale:
            self._draw()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        if self.is_stale:
            with suppress(OSError):  # do not hide the error that ends training
                self._draw()

    @rank_zero_only
    def _draw(self) -> None:
        metrics, began = self.run_dir / METRICS_FILE, self.clock()
        if metrics.exists():
            draw_curves(metrics, self.run_dir / "curves.png", self.selection_metric)
        self.is_stale, now = False, self.clock()
        self.due = now + (now - began) / SHARE


def draw_curves(metrics: Path, picture: Path, selection_metric: Name = "bleu") -> None:
    """Loss and scores over the steps of a metrics.csv; the legend names the selection metric."""
    from nmt.pictures.draw import save  # matplotlib takes a second to import, and only rank 0 needs it

    rows = read_metrics(metrics)

    def panel(title: str, y_label: str, columns: Mapping[str, str]) -> LineChart:
        lines: list[Curve] = []
        for column, label in columns.items():
            points = [(int(row["step"]), float(row[column])) for row in rows if row.get(column)]
            if points:
                label += " (selects the model)" if column == f"val/{selection_metric}" else ""
                steps, values = zip(*points, strict=True)
                lines.append(Curve(label, steps, values))
        return LineChart(title, "step", y_label, lines)

    loss = panel("Loss", "nats per token", {"train/nll": "training", "val/nll": "validation"})
    scores = {f"val/{name}": metric.label for name, metric in METRICS.items() if metric.scorer}
    save([loss, panel("Translations of the validation text", "score", scores)], picture)
