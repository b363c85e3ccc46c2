"""Where a run begins or resumes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from nmt.bundle import load_bundle
from nmt.config import TrainerConfig
from nmt.data.datamodule import DataModule
from nmt.training.checkpoint import FOLDER, LAST, PIECES, PREVIOUS, is_whole, pieces_hash, read_checkpoint
from nmt.training.folder import MODEL
from nmt.training.module import TrainingModule
from nmt.training.ranks import from_first

log = logging.getLogger(__name__)

# The parts of a checkpoint that resuming needs, among others: the type of each, or {key: type}, with ... for the
# keys of all others.
CHECKPOINT: dict[Any, Any] = {
    "epoch": int,
    "global_step": int,
    "pytorch-lightning_version": str,
    "state_dict": {},
    "loops": {"fit_loop": {}},
    "callbacks": {},
    "optimizer_states": list,
    "lr_schedulers": list,
    "progress": {"without_gain": int},
    "tokenize": {...: str},
    "logs": {...: int},
    PIECES: str,
    DataModule.__qualname__: {"epoch": int, "batches_done": int, "shards": int},
}


class ResumePoint(NamedTuple):
    checkpoint: Path | None
    logs: dict[str, int]  # their sizes at that time, in bytes
    finished: str | None  # why nothing is left to do, and how to continue
    tokenize: dict[str, Any]  # BLEU's tokenisation for each target language, as decided when the run began


def find_resume_point(run_dir: Path, module: TrainingModule) -> ResumePoint:
    """The resume point that the first process finds. The module gets the measure that the run began with.
    Raises ValueError when none of the existing checkpoints can be used."""

    def found() -> ResumePoint:
        checkpoint, content = find_checkpoint(run_dir, module)
        if checkpoint is None:
            return ResumePoint(None, {}, None, {})
        if content["progress"]["best"]:
            _check_best(run_dir / MODEL)
        finished = why_finished(module.config.trainer, content)
        return ResumePoint(checkpoint, content["logs"], finished, content["tokenize"])

    start = from_first(found)
    if start.tokenize:
        module.valid = module.valid.measured(start.tokenize)
    return start


def _check_best(folder: Path) -> None:
    """Raises ValueError when the best model so far is missing or is not what was saved."""
    try:
        load_bundle(folder)
    except ValueError as error:
        raise ValueError(
            f"the best model of the run is lost ({error}); put it back, or choose another run="
        ) from None


def find_checkpoint(run_dir: Path, module: TrainingModule | None = None) -> tuple[Path | None, dict[str, Any]]:
    """The newest sound checkpoint from which the module can resume, and its content; None and {} without one.

    Raises ValueError when there are checkpoints, but none is sound and of this run.
    """
    paths = [path for name in (LAST, PREVIOUS) if (path := run_dir / FOLDER / name).exists()]
    faults = []
    for path in paths:
        content = _content(path) if path.is_file() else None
        fault = "is damaged" if content is None else _mismatch(content, module) if module else None
        if content is not None and fault is None:
            return path, content
        faults.append(f"{path} {fault}")
        log.warning(faults[-1])
    if paths:
        raise ValueError(f"{faults[0]}; delete {paths[0].parent} to begin anew, or choose another run=")
    return None, {}


def _content(path: Path) -> dict[str, Any] | None:
    """None for a file that is not a checkpoint or is damaged. Another kind of ZIP may raise any exception."""
    if not is_whole(path):
        return None
    try:
        content = read_checkpoint(path)
    except (OSError, MemoryError):
        raise
    except Exception:
        return None
    return content if isinstance(content, dict) else None


def _mismatch(content: Mapping[str, Any], module: TrainingModule) -> str | None:
    """Why the module cannot resume from a checkpoint, if it cannot."""
    if not _has(content, CHECKPOINT):
        return "is no checkpoint of a training"
    shapes, found = (
        {name: getattr(value, "shape", None) for name, value in state.items()}
        for state in (module.state_dict(), content["state_dict"])
    )
    if shapes != found:
        return "is a checkpoint of another model"
    if content[PIECES] != pieces_hash(module.prepared.tokenizer):
        return "is of other pieces than the tokenizer has now"
    return None


def _has(content: Any, wanted: Any) -> bool:
    """Whether it has all that is wanted (see CHECKPOINT)."""
    if not isinstance(wanted, dict) or not isinstance(content, dict):
        return type(content) is wanted
    others = dict.fromkeys(content.keys() - wanted.keys(), wanted[...]) if ... in wanted else {}
    named = {key: kind for key, kind in wanted.items() if key is not ...}
    return all(key in content and _has(content[key], kind) for key, kind in (named | others).items())


def why_finished(config: TrainerConfig, content: Mapping[str, Any]) -> str | None:
    """Why training is over at a checkpoint, and how to continue; None if it is not."""
    epochs, steps = content[DataModule.__qualname__]["epoch"], content["global_step"]
    waited = content["progress"]["without_gain"]
    if epochs >= config.max_epochs:
        return f"{epochs} epoch(s) are done; trainer.max_epochs={epochs + 1}, or more, goes on"
    if config.max_steps is not None and steps >= config.max_steps:
        return f"{steps} update(s) are done; trainer.max_steps={steps + 1}, or more, goes on"
    if config.patience is not None and waited >= config.patience:
        return f"{waited} validation(s) brought nothing better; trainer.patience={waited + 1}, or more, goes on"
    seconds = content["callbacks"].get("Timer", {}).get("time_elapsed", {}).get("train", 0)
    if config.max_minutes is not None and seconds >= 60 * config.max_minutes:
        return f"{seconds / 60:.4g} minutes are over; a larger trainer.max_minutes goes on"
    return None
