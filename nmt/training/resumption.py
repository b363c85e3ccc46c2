"""Where a run begins or goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from nmt.bundle import load_bundle
from nmt.training.checkpoint import find_checkpoint, why_finished
from nmt.training.folder import MODEL
from nmt.training.module import TrainingModule
from nmt.training.ranks import from_first


class ResumePoint(NamedTuple):
    checkpoint: Path | None
    logs: dict[str, int]  # how long they were then, in bytes
    finished: str | None  # why nothing is left to do, and what would make it go on
    measure: tuple[Any, ...] | None  # that the run began with, as ValidText.measured takes it


def find_resume_point(run_dir: Path, module: TrainingModule) -> ResumePoint:
    """As the first process finds it. The module has the measure that the run began with, from now on. Raises
    ValueError when no checkpoint of those that there are can be used."""

    def found() -> ResumePoint:
        checkpoint, content = find_checkpoint(run_dir, module)
        if content.get("progress", {}).get("best"):
            _check_best(run_dir / MODEL)
        finished = why_finished(module.config.trainer, content) if checkpoint else None
        measure = (content["measure"]["tokenize"], content.get("tokenize", {})) if "measure" in content else None
        return ResumePoint(checkpoint, content.get("logs", {}), finished, measure)

    start = from_first(found)
    if start.measure:
        module.valid = module.valid.measured(*start.measure)
    return start


def _check_best(folder: Path) -> None:
    """Raises ValueError when the best model so far is not there, or no longer what was saved."""
    try:
        load_bundle(folder)
    except ValueError as error:
        raise ValueError(
            f"the best model of the run is lost ({error}); put it back, or choose another run="
        ) from None
