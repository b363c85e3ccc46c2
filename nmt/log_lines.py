"""How a line of a log is written: as it may be shown."""

from __future__ import annotations

import logging

from nmt.shown import shown


class ShownLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(shown(line) for line in super().format(record).split("\n"))
