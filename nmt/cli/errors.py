"""How a command ends when something is wrong: one line on stderr, no traceback."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

USER_ERROR = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE


@contextmanager
def one_line_errors(command: str) -> Iterator[None]:
    """Turn a ValueError (the user's) or an OSError (the machine's) into one line and exit code 2.

    A reader who has gone, and Ctrl-C, end the command quietly, with the exit code that a shell gives the signal.
    """
    try:
        try:
            yield
        except SystemExit as stopped:
            if stopped.code:
                raise
            sys.stdout.flush()
            raise
        sys.stdout.flush()
    except BrokenPipeError:
        _settle_stdout()
        raise SystemExit(EXIT_BROKEN_PIPE) from None
    except KeyboardInterrupt:
        raise SystemExit(EXIT_INTERRUPTED) from None
    except ValueError as error:
        fail(command, str(error))
    except OSError as error:
        _settle_stdout()
        fail(command, f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error))


def _settle_stdout() -> None:
    """What cannot be written any more is dropped: Python would complain again when it flushes stdout at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Parser(argparse.ArgumentParser):
    """argparse, without the lines of usage before an error."""

    def error(self, message: str) -> NoReturn:
        fail(self.prog, f"{message} (see --help)")


def fail(command: str, message: str, code: int = USER_ERROR) -> NoReturn:
    print(f"{command}: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(code)
