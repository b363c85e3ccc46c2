"""A pseudo-terminal, and what a command shows on it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from typing import IO

COLUMNS = 120


def open_terminal() -> tuple[int, int]:
    """The descriptors of both ends; the second is what a command is given."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    return reader, writer


def read_all(reader: int) -> str:
    """Until nobody holds the other end any more."""
    content = b""
    while True:
        try:
            chunk = os.read(reader, 1 << 16)
        except OSError:  # Linux's way to say so
            break
        if not chunk:
            break
        content += chunk
    os.close(reader)
    return content.decode()


def run(command: list[object], stdin: int | IO[bytes] | bytes) -> tuple[int, bytes, str]:
    """The exit code, stdout, and what stderr, a terminal, is shown."""
    reader, writer = open_terminal()
    given = subprocess.PIPE if isinstance(stdin, bytes) else stdin
    with subprocess.Popen(
        [str(part) for part in command], stdin=given, stdout=subprocess.PIPE, stderr=writer
    ) as process:
        os.close(writer)
        if isinstance(stdin, bytes):
            process.stdin.write(stdin)
            process.stdin.close()
        stdout = process.stdout.read()  # short enough for a pipe, as is what the terminal is shown
        shown = read_all(reader)
    return process.returncode, stdout, shown
