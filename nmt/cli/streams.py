"""The standard streams as every command needs them: there, in UTF-8, and a stderr that never fails."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any


def prepare_streams() -> None:
    """The first thing that a command does.

    A descriptor of 0 to 2 that is closed is /dev/null from here on, in child processes too: else the next file that
    is opened would take its place, and what is meant for stderr would be written into it. Text is UTF-8 whatever the
    locale says, and what UTF-8 cannot spell is written as an escape. What stderr does not take is dropped.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest free number: this one
    # Python has None for what was closed when it started. Its number may be another file's by now.
    sys.stdin = sys.stdin or os.fdopen(os.open(os.devnull, os.O_RDONLY))
    sys.stdout = sys.stdout or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    with suppress(io.UnsupportedOperation):  # it has been read from already
        _reconfigure(sys.stdin, "surrogateescape")
    _reconfigure(sys.stdout, "backslashreplace")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    elif sys.__stderr__ is sys.stderr:  # nobody has put another in its place
        raw = io.BufferedWriter(_Forgiving(sys.__stderr__.fileno()))
        sys.stderr = io.TextIOWrapper(raw, "utf-8", "backslashreplace", line_buffering=True)


def _reconfigure(stream: Any, errors: str) -> None:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors=errors)


class _Forgiving(io.RawIOBase):
    """Writes to a descriptor; what that does not take (its reader has gone, its disk is full) is dropped."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def write(self, content: Any) -> int:
        try:
            return os.write(self.descriptor, content)
        except OSError:
            return len(content)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.descriptor

    def isatty(self) -> bool:
        return os.isatty(self.descriptor)
