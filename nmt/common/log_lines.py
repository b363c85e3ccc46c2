"""The log as a user sees it: lines that no terminal obeys, on stderr, above the progress bars."""

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
    """On stderr, where bars are put away for each line."""

    def emit(self, record: logging.LogRecord) -> None:
        with aside():
            super().emit(record)


def show_log(quiet: bool = False, before: str = "") -> None:
    """From here on what nmt logs is on stderr, with these words `before` each line; `quiet` leaves only warnings."""
    logger = logging.getLogger("nmt")
    logger.setLevel(logging.INFO)
    for handler in [one for one in logger.handlers if isinstance(one, Terminal)]:  # of the run before
        logger.removeHandler(handler)
    handler = Terminal(sys.stderr)
    handler.setLevel(logging.WARNING if quiet else logging.INFO)
    handler.setFormatter(ShownLines(f"{before.replace('%', '%%')}%(message)s"))
    logger.addHandler(handler)


def place_of(error: BaseException) -> str:
    """An error for a log that must not quote a text: its class and where it was raised, without its message."""
    places = traceback.extract_tb(error.__traceback__)
    where = f"{places[-1].filename}:{places[-1].lineno}" if places else "?"
    return f"{type(error).__name__} in {where}"


@contextmanager
def shown_log(quiet: bool = False) -> Iterator[None]:
    """Within this context what nmt logs is on stderr, with bars if that is a terminal; `quiet` leaves only warnings.
    Where nmt's logger has a handler already, that one alone is used."""
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
