"""The log on stderr, above the progress bars, with control characters escaped."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from nmt.common.bars import aside, seen
from nmt.common.shown import shown


class ShownLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(shown(line) for line in super().format(record).split("\n"))


class Terminal(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to stderr; hides the bars for each line."""

    def emit(self, record: logging.LogRecord) -> None:
        with aside():
            super().emit(record)


def show_log(quiet: bool = False, before: str = "") -> None:
    """From now on log nmt's messages to stderr, with `before` as a prefix; `quiet` leaves only warnings."""
    logger = logging.getLogger("nmt")
    logger.setLevel(logging.INFO)
    for handler in [one for one in logger.handlers if isinstance(one, Terminal)]:  # from the previous run
        logger.removeHandler(handler)
    handler = Terminal(sys.stderr)
    handler.setLevel(logging.WARNING if quiet else logging.INFO)
    handler.setFormatter(ShownLines(f"{before.replace('%', '%%')}%(message)s"))
    logger.addHandler(handler)


def place_of(error: BaseException) -> str:
    """An error's class and where it was raised, without its message, for logs that must not quote texts."""
    places = traceback.extract_tb(error.__traceback__)
    where = f"{places[-1].filename}:{places[-1].lineno}" if places else "?"
    return f"{type(error).__name__} in {where}"


@contextmanager
def shown_log(quiet: bool = False) -> Iterator[None]:
    """Within this context log nmt's messages to stderr, with bars if it is a terminal; `quiet` leaves only warnings.
    If nmt's logger already has a handler, only that one is used."""
    logger = logging.getLogger("nmt")
    level, handlers = logger.level, logger.handlers[:]
    if not handlers:
        show_log(quiet)
    logger.setLevel(logging.INFO)
    try:
        with seen(not quiet):
            yield
    finally:
        logger.setLevel(level)
        for handler in set(logger.handlers) - set(handlers):
            logger.removeHandler(handler)
