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
    is opened would take its place, and what is meant for stderr would be written into it. A descriptor that another
    program left without waiting (O_NONBLOCK) waits again: else what the other end is not ready for would be an error
    and lost. Text is UTF-8 whatever the locale says, and what UTF-8 cannot spell is written as an escape. What stderr
    does not take is dropped.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest free number: this one
        with suppress(OSError, AttributeError):  # what Windows has not
            os.set_blocking(descriptor, True)
    # Python has None for what was closed when it started. Its number may be another file's by now.
    sys.stdin = sys.stdin or os.fdopen(os.open(os.devnull, os.O_RDONLY))
    sys.stdout = sys.stdout or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    sys.stderr = sys.stderr or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    with suppress(io.UnsupportedOperation):  # it has been read from already
        _reconfigure(sys.stdin, "surrogateescape")
    _reconfigure(sys.stdout, "backslashreplace")
    _reconfigure(sys.stderr, "backslashreplace")
    if os.name == "posix":  # elsewhere a terminal is no descriptor; and nobody may have put another in their place
        if sys.stdout is sys.__stdout__:
            sys.stdout = _rebuilt(sys.stdout, _Output(1, "wb", closefd=False))
        if sys.stderr is sys.__stderr__:
            sys.stderr = _rebuilt(sys.stderr, _Forgiving(2, "wb", closefd=False))


def _reconfigure(stream: Any, errors: str) -> None:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors=errors)


def _rebuilt(stream: Any, raw: io.RawIOBase) -> io.TextIOWrapper:
    by_line = stream.line_buffering or stream.write_through
    return io.TextIOWrapper(io.BufferedWriter(raw), stream.encoding, stream.errors, line_buffering=by_line)


class _Output(io.FileIO):
    """The descriptor of stdout, which an OSError names."""

    def write(self, content: Any) -> Any:
        try:
            return super().write(content)
        except OSError as error:
            error.filename = "stdout"
            raise


class _Forgiving(io.FileIO):
    """The descriptor of stderr; what it does not take (its reader has gone, its disk is full) is dropped."""

    def write(self, content: Any) -> Any:
        try:
            return super().write(content)
        except OSError:
            return len(content)
