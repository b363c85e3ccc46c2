"""Entry points of the commands, and their fast exit.

At exit Python tears down imported modules one by one, which takes up to two seconds for torch and Lightning; the
system frees the same memory in a moment. Threads are still joined, and atexit functions called.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module

_codes = [1]  # the last one is the exit code; 1 is Python's own after a traceback


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Wrap everything that a process does. Its exit code stays the same."""
    register()
    try:
        yield
        _codes.append(0)
    except SystemExit as stopped:
        _codes.append(stopped.code if isinstance(stopped.code, int) else int(stopped.code is not None))
        raise


@cache
def register() -> None:
    """Call this before other imports: the first function registered with atexit is called last."""
    atexit.register(_end)


def _end() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or its reader has gone: already reported
            stream.flush()
    os._exit(_codes[-1])


def _command(name: str) -> Callable[[], None]:
    def command() -> None:
        with ending_at_once():
            if os.getpid() == 1:  # in a container: there the system drops a signal that has no handler
                signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))
            import_module(f"nmt.cli.{name}").main()

    return command


compare = _command("compare")
evaluate = _command("evaluate")
export = _command("export")
inspect = _command("inspect")
lab = _command("lab")
push = _command("push")
serve = _command("serve")
train = _command("train")
translate = _command("translate")
translate_corpus = _command("translate_corpus")
tune = _command("tune")
