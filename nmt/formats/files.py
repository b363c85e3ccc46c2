"""Open files, gzipped or not, and bound the size of those that are read as a whole."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from nmt.common.suggestions import near_file

MAX_BYTES = 1 << 26  # of a file that is read as a whole, unpacked; its parsed tree takes ten times as much
UNREAD = (".bz2", ".xz", ".zst")  # as text, what they compress would be nonsense


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file, gzipped or not. Raises ValueError for one that is missing or cannot be read."""
    check_compression(path)
    try:
        file = gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 (closed below)
    except FileNotFoundError:
        raise ValueError(f"{path} is missing{near_file(path)}") from None
    except OSError as error:
        what = "is a folder, not a file" if path.is_dir() else f"cannot be read: {error.strerror}"
        raise ValueError(f"{path} {what}") from None
    try:
        with file:
            yield cast(BinaryIO, file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None


def check_compression(path: Path) -> None:
    """Raises ValueError for a name that says another compression than gzip."""
    if path.suffix in UNREAD:
        raise ValueError(f"{path} ends in {path.suffix}; of compressed files only .gz is read and written here")


def whole(file: BinaryIO, name: str) -> bytes:
    """The whole content of a file. Raises ValueError if it is too large."""
    data = file.read(MAX_BYTES + 1)
    check_size(len(data), name)
    return data


def check_size(size: int, name: str) -> None:
    """Raises ValueError for a file that is too large to be read as a whole."""
    if size > MAX_BYTES:
        raise ValueError(f"{name} is larger than {MAX_BYTES >> 20} MiB; divide it")
