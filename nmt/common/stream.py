"""Bytes in, lines out: the contract of the stdin filter.

A line ends at "\\n" and nowhere else; the last one need not end with it. One "\\r" before the "\\n" is dropped, and
so is a BOM at the very start. Bytes that are not UTF-8 become U+FFFD. Everything else (a lone "\\r", U+2028, NUL, a
form feed) is content. A line longer than `max_bytes` is cut, which bounds memory for any input.

Lines are passed on as soon as no more input is waiting, so interactive input is answered at once; otherwise they come
in large groups.
"""

from __future__ import annotations

import os
import select
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

CHUNK_BYTES = 1 << 16
GROUP_BYTES = 1 << 22
NOT_UTF_8 = "not UTF-8"
REPLACED = f"{NOT_UTF_8}; U+FFFD stands for what is wrong"
BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    number: int  # from 1
    text: str
    fault: str | None = None  # what is wrong with the input


def read_groups(descriptor: int, group_size: int, max_bytes: int = 1 << 20) -> Iterator[list[Line]]:
    """The lines of a file descriptor in groups of at most `group_size` lines and about GROUP_BYTES bytes."""
    chunks = iter(lambda: os.read(descriptor, CHUNK_BYTES), b"")
    return group_lines(chunks, group_size, max_bytes, more_waits=lambda: _input_waits(descriptor))


def group_lines(
    chunks: Iterable[bytes],
    group_size: int,
    max_bytes: int = 1 << 20,
    first: int = 1,
    *,
    begins: bool = True,
    more_waits: Callable[[], bool] = lambda: True,
) -> Iterator[list[Line]]:
    """As `read_groups`, from chunks of bytes cut anywhere. `first` is the number of the first line; `begins` says
    whether it begins a file."""
    group: list[Line] = []
    number, size = first - 1, 0  # of the group, in bytes
    for lines in split_lines(chunks, max_bytes):
        for raw in lines:
            number += 1
            group.append(_line(number, raw, max_bytes, begins and number == first))
            size += len(raw)
            if len(group) == group_size or size > GROUP_BYTES:
                yield group
                group, size = [], 0
        if group and not more_waits():
            yield group
            group, size = [], 0
    if group:
        yield group


def split_lines(chunks: Iterable[bytes], max_bytes: int) -> Iterator[list[bytes]]:
    """For each chunk the lines that end in it, without their line ends; at last an unterminated line, if any. A line
    longer than `max_bytes` keeps a few bytes more, from which `decoded` recognises it."""
    limit = max_bytes + len(BOM) + len(b"\r") + 1
    pending = bytearray()  # the incomplete line
    for chunk in chunks:
        *complete, rest = chunk.split(b"\n")
        if complete:
            complete[0] = bytes(pending + complete[0][: limit - len(pending)])
            pending.clear()
        pending += rest[: limit - len(pending)]
        yield complete
    if pending:
        yield [bytes(pending)]


def decoded(raw: bytes, max_bytes: int, begins: bool = False) -> tuple[str, str]:
    """The text of a line, and its fault or "". `begins` says whether it begins a file."""
    raw = raw.removesuffix(b"\r").removeprefix(BOM if begins else b"")
    if len(raw) > max_bytes:
        return raw[:max_bytes].decode(errors="ignore"), f"longer than {max_bytes} bytes"
    try:
        return raw.decode(), ""
    except UnicodeDecodeError:
        return raw.decode(errors="replace"), NOT_UTF_8


def valid(text: str) -> str:
    """The text with U+FFFD for lone surrogates, which UTF-8 cannot encode and SentencePiece does not accept. They
    come from arguments that are not UTF-8, JSON, and the escapes of XLSX."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def lines_left(descriptor: int) -> int | None:
    """How many lines `read_groups` will find in a regular file; None for anything else. Consumes nothing."""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        place, lines, last = os.lseek(descriptor, 0, os.SEEK_CUR), 0, b"\n"
        while chunk := os.pread(descriptor, 1 << 20, place):
            place, lines, last = place + len(chunk), lines + chunk.count(b"\n"), chunk[-1:]
    except (OSError, AttributeError):  # Windows has no pread
        return None
    return lines + (last != b"\n")


def _line(number: int, raw: bytes, max_bytes: int, begins: bool) -> Line:
    text, fault = decoded(raw, max_bytes, begins)
    if fault:
        fault = REPLACED if fault == NOT_UTF_8 else f"{fault}; the rest is left out"
    return Line(number, text, fault or None)


def _input_waits(descriptor: int) -> bool:
    """Whether a read would return at once, with data or the end."""
    try:
        return bool(select.select([descriptor], [], [], 0)[0])
    except (OSError, ValueError):  # Windows supports sockets only
        return False
