"""A run's logs (train.log, metrics.csv and TensorBoard's), which a resumed run continues where its checkpoint was."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nmt.common.files import naming
from nmt.common.log_lines import ShownLines
from nmt.training.folder import LOG, METRICS, TENSORBOARD
from nmt.training.ranks import is_first_process


def log_sizes(run_dir: Path) -> dict[str, int]:
    """The sizes of the logs, in bytes, after syncing them to the disk."""
    sizes = {}
    for name in _logs(run_dir):
        with (run_dir / name).open("rb") as file:
            os.fsync(file.fileno())
            sizes[name] = file.seek(0, os.SEEK_END)
    return sizes


def cut_logs(run_dir: Path, sizes: Mapping[str, int]) -> None:
    """Cut the logs to these sizes: what followed will be done, and logged, again."""
    for name in _logs(run_dir):
        if (run_dir / name).stat().st_size > sizes.get(name, 0):
            os.truncate(run_dir / name, sizes.get(name, 0))


def _logs(run_dir: Path) -> list[str]:
    """The paths, in the folder, of the existing logs. TensorBoard adds a file each time a run starts."""
    found = (path for name in (METRICS, LOG, f"{TENSORBOARD}/events.*") for path in run_dir.glob(name))
    return [path.relative_to(run_dir).as_posix() for path in found]


class _Handler(logging.FileHandler):
    def emit(self, record: logging.LogRecord) -> None:
        with naming(self.baseFilename):
            super().emit(record)

    def close(self) -> None:
        with naming(self.baseFilename):  # closing retries failed writes
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Ends the run when its log cannot be written; logging would print a traceback and lose the line."""
        raise


@contextmanager
def open_log(path: Path) -> Iterator[None]:
    """Also write nmt's log to `path`. A resumed run appends."""
    if not is_first_process():
        yield
        return
    handler = _Handler(path, encoding="utf-8")
    handler.setFormatter(ShownLines("%(asctime)s %(message)s"))
    logger = logging.getLogger("nmt")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
