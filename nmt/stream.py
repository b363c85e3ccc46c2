"""Bytes in, lines out: the contract of the stdin filter.

A line ends at "\\n" and nowhere else; the last one need not end at all. One "\\r" before the "\\n" is dropped, and so
is a BOM at the very start. Bytes that are not UTF-8 become U+FFFD. Everything else (a lone "\\r", U+2028, NUL, a
form feed) is content. A line beyond `max_bytes` is cut, so that memory stays bounded whatever comes.

Lines are handed on as soon as no more input is waiting, so that somebody who types is answered at once, and in
large groups otherwise.
"""

from __future__ import annotations

import os
import select
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

CHUNK_BYTES = 1 << 16
GROUP_BYTES = 1 << 22
FAULT = "not UTF-8; U+FFFD stands for what is wrong"
BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    number: int  # from 1
    text: str
    fault: str | None = None  # what was wrong with it


def read_groups(descriptor: int, group_size: int, max_bytes: int = 1 << 20) -> Iterator[list[Line]]:
    """The lines of a file descriptor in groups of at most `group_size`; a group of long lines ends at GROUP_BYTES."""
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
    """The same of bytes however they are cut. `first` is the number of the first line, and `begins` says whether a
    file begins there."""
    group: list[Line] = []
    size = 0  # of the group, in bytes
    pending = bytearray()  # the line that is not complete yet; one byte over the limit tells that it was cut
    number, bom_at = first - 1, first if begins else 0
    for chunk in chunks:
        *complete, rest = chunk.split(b"\n")
        for part in complete:
            number += 1
            pending += part[: max_bytes + 1 - len(pending)]
            group.append(_line(number, bytes(pending), max_bytes, number == bom_at))
            size += len(pending)
            pending.clear()
            if len(group) == group_size or size > GROUP_BYTES:
                yield group
                group, size = [], 0
        pending += rest[: max_bytes + 1 - len(pending)]
        if group and not more_waits():
            yield group
            group, size = [], 0
    if pending:
        number += 1
        group.append(_line(number, bytes(pending), max_bytes, number == bom_at))
    if group:
        yield group


def lines_left(descriptor: int) -> int | None:
    """How many lines `read_groups` will find, in a regular file; None elsewhere. Nothing is taken from it."""
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
    if len(raw) > max_bytes:
        text = raw[:max_bytes].decode(errors="ignore")
        return Line(number, text, f"longer than {max_bytes} bytes; the rest is left out")
    raw = raw.removesuffix(b"\r").removeprefix(BOM if begins else b"")
    try:
        return Line(number, raw.decode())
    except UnicodeDecodeError:
        return Line(number, raw.decode(errors="replace"), FAULT)


def _input_waits(descriptor: int) -> bool:
    """Whether a read would return at once, with data or the end."""
    try:
        return bool(select.select([descriptor], [], [], 0)[0])
    except (OSError, ValueError):  # Windows asks only sockets
        return False
