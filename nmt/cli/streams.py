"""The standard streams as every command needs them: open, in UTF-8, with a stderr that never fails."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any


def prepare_streams() -> None:
    """Prepare stdin, stdout and stderr. Every command calls this first.

    A closed descriptor from 0 to 2 becomes /dev/null, in child processes too: otherwise the next file opened would
    get its number, and output for stderr would go into it. A closed stdout cannot be written, so results are not lost
    without an error. A descriptor that another program left non-blocking (O_NONBLOCK) blocks again: otherwise output
    for which the other end is not ready would raise an error and be lost. Text is UTF-8 in any locale; output that
    UTF-8 cannot encode is escaped. Output that stderr does not accept is dropped.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            mode = os.O_RDONLY if descriptor == 1 else os.O_RDWR
            os.set_inheritable(os.open(os.devnull, mode), True)  # gets the lowest free number: this one
        with suppress(OSError, AttributeError):  # missing on Windows
            os.set_blocking(descriptor, True)
    # Python sets a stream to None if it was closed at start. Another file may have its number by now.
    sys.stdin = sys.stdin or os.fdopen(os.open(os.devnull, os.O_RDONLY))
    sys.stdout = sys.stdout or io.TextIOWrapper(io.BufferedWriter(_Output(os.open(os.devnull, os.O_RDONLY), "wb")))
    sys.stderr = sys.stderr or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    with suppress(io.UnsupportedOperation):  # stdin has already been read from
        _reconfigure(sys.stdin, "surrogateescape")
    _reconfigure(sys.stdout, "backslashreplace")
    _reconfigure(sys.stderr, "backslashreplace")
    if os.name == "posix":  # elsewhere a terminal is not a descriptor; and only streams that nobody has replaced
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
    """The descriptor of stdout; its OSErrors name stdout."""

    def write(self, content: Any) -> Any:
        try:
            return super().write(content)
        except OSError as error:
            error.filename = "stdout"
            raise


class _Forgiving(io.FileIO):
    """The descriptor of stderr; drops output that it does not accept (its reader has gone, its disk is full)."""

    def write(self, content: Any) -> Any:
        try:
            return super().write(content)
        except OSError:
            return len(content)
