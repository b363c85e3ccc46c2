"""Compressed files, by their suffix: gzip and Zstandard, read and written as a stream."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

SUFFIXES = ("gz", "zst")
FAST = 1  # gzip level for files that are read once and removed
CHUNK_BYTES = 1 << 20


def compression_of(path: Path) -> str:
    """`gz`, `zst`, or "" for none."""
    return next((suffix for suffix in SUFFIXES if path.name.endswith(f".{suffix}")), "")


@contextmanager
def reading(file: BinaryIO, compression: str) -> Iterator[Any]:
    """A file's content; several members or frames may follow one another."""
    if compression == "gz":
        with gzip.GzipFile(fileobj=file, mode="rb") as content:
            yield content
    elif compression == "zst":
        import pyarrow

        with pyarrow.CompressedInputStream(pyarrow.PythonFile(file, mode="r"), "zstd") as content:
            yield content
    else:
        yield file


@contextmanager
def writing(file: BinaryIO, compression: str, level: int = 6) -> Iterator[Any]:
    """A compressed stream, complete when the block ends. The same content gives the same bytes."""
    if compression == "gz":
        with gzip.GzipFile("", "wb", level, file, mtime=0) as content:
            yield content
    elif compression == "zst":
        import pyarrow

        sink = pyarrow.PythonFile(_Unclosed(file), mode="w")
        with pyarrow.CompressedOutputStream(sink, "zstd") as content:
            yield content
    else:
        yield file


def chunks_of(file: BinaryIO, compression: str, name: str) -> Iterator[bytes]:
    """All of a file's content. Raises ValueError if it is damaged or truncated."""
    try:
        with reading(file, compression) as content:
            while chunk := content.read(CHUNK_BYTES):
                yield chunk
    except (EOFError, zlib.error, OSError) as error:
        raise ValueError(f"{name} cannot be read: {' '.join(str(error).split())}") from None


class _Unclosed:
    """A file that stays open when the stream written into it is closed."""

    def __init__(self, file: BinaryIO) -> None:
        self.write, self.flush = file.write, file.flush
        self.closed = False

    def close(self) -> None:
        self.closed = True
