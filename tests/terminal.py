"""A pseudo-terminal, and the output of a command on it."""

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
    """The descriptors of both ends; the second is for the command."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    return reader, writer


def read_all(reader: int) -> str:
    """Read until no process holds the other end open."""
    content = b""
    while True:
        try:
            chunk = os.read(reader, 1 << 16)
        except OSError:  # how Linux reports this
            break
        if not chunk:
            break
        content += chunk
    os.close(reader)
    return content.decode()


def run(command: list[object], stdin: int | IO[bytes] | bytes) -> tuple[int, bytes, str]:
    """The exit code, stdout, and the output to stderr, which is a terminal."""
    reader, writer = open_terminal()
    given = subprocess.PIPE if isinstance(stdin, bytes) else stdin
    with subprocess.Popen(
        [str(part) for part in command], stdin=given, stdout=subprocess.PIPE, stderr=writer
    ) as process:
        os.close(writer)
        if isinstance(stdin, bytes):
            process.stdin.write(stdin)
            process.stdin.close()
        stdout = process.stdout.read()  # fits into the pipe's buffer, like the terminal's output
        shown = read_all(reader)
    return process.returncode, stdout, shown
