"""How a command ends when something is wrong: one line on stderr, no traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

USER_ERROR = 2


@contextmanager
def one_line_errors(command: str) -> Iterator[None]:
    """Turn a ValueError (the user's) or an OSError (the machine's) into one line and exit code 2."""
    try:
        yield
    except BrokenPipeError:
        raise
    except ValueError as error:
        fail(command, str(error))
    except OSError as error:
        fail(command, f"{error.filename}: {error.strerror}" if error.filename else str(error))


def fail(command: str, message: str) -> None:
    print(f"{command}: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(USER_ERROR)
