"""How a line of a log is written: as it may be shown."""

from __future__ import annotations

import logging

from nmt.bars import aside
from nmt.shown import shown


class ShownLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(shown(line) for line in super().format(record).split("\n"))


class Terminal(logging.StreamHandler):  # type: ignore[type-arg]
    """On stderr, where bars are put away for each line."""

    def emit(self, record: logging.LogRecord) -> None:
        with aside():
            super().emit(record)
