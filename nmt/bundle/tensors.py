"""Tensors of a file in the format of safetensors: the length of a header (8 bytes), the header in JSON, the numbers.

The safetensors library maps a file into memory, so later changes to the file change the tensors. Here they are the
very bytes of which the checksum was computed, and views of one buffer, so reading takes no memory beyond the file's
size.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import torch

DTYPES = {"F32": torch.float32, "I32": torch.int32, "I8": torch.int8}  # the format's names
Expected = tuple[str, tuple[int | None, ...]]  # a name of DTYPES, and the shape with None for any size
MAX_HEADER_BYTES = 1_000_000  # a model has some hundred tensors of about a hundred bytes each
MAX_DIMS = 8
CHUNK_BYTES = 1 << 20


class Entry(NamedTuple):
    """A tensor's entry in the header."""

    dtype: str
    shape: list[int]
    start: int  # in the file, in bytes
    end: int


def read_tensors(
    path: Path, expected: Mapping[str, Expected], others: Mapping[str, Expected] = MappingProxyType({})
) -> tuple[dict[str, torch.Tensor], str]:
    """The tensors of a file, which must be those in `expected`, and the SHA-256 of the bytes read. `others` maps
    allowed ends of further names likewise.

    Allocates nothing that the file does not hold. Raises ValueError with the file and what is wrong with it.
    """
    try:
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(8)
            length = int.from_bytes(head, "little")
            if not 0 < length <= min(MAX_HEADER_BYTES, size - 8):
                raise ValueError(f"{path} cannot be read: it has no header")
            head += file.read(length)
            entries = _entries(path, head[8:], len(head), size)
            ends = tuple(others)
            further = {name for name in entries if name.endswith(ends)} - expected.keys()
            expected = {**expected, **{name: others[name[name.rindex(".") :]] for name in further}}
            _check(path, entries, expected)
            content, checksum = bytearray(size), hashlib.sha256(head)
            place = len(head)
            with memoryview(content) as view:
                while place < size and (count := file.readinto(view[place : place + CHUNK_BYTES])):
                    checksum.update(view[place : place + count])
                    place += count
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except MemoryError:
        raise ValueError(f"{path} has {size} bytes, more than there is memory for") from None
    return {name: _view(content, entries[name]) for name in expected}, checksum.hexdigest()


def _entries(path: Path, header: bytes, start: int, size: int) -> dict[str, Entry]:
    """The entries of the header, checked: the tensors fill the file from `start` to its end without gaps."""
    try:
        data = json.loads(header.decode())
        data.pop("__metadata__", None)
        entries = {name: _entry(entry, start) for name, entry in data.items()}
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{path} cannot be read: its header is damaged") from None
    place = start
    for _, _, begin, end in sorted(entries.values(), key=lambda entry: (entry.start, entry.end)):
        if begin != place:
            raise ValueError(f"{path} cannot be read: its tensors do not follow one another")
        place = end
    if place != size:
        raise ValueError(f"{path} cannot be read: it has {size} bytes, and its header is of {place}")
    return entries


def _entry(data: Mapping[str, Any], start: int) -> Entry:
    """Parse an entry. Raises ValueError, KeyError or TypeError if it is malformed."""
    if data.keys() != {"dtype", "shape", "data_offsets"}:
        raise KeyError
    dtype, shape, (begin, end) = data["dtype"], data["shape"], data["data_offsets"]
    if type(dtype) is not str or type(shape) is not list or len(shape) > MAX_DIMS:
        raise TypeError
    if not all(type(number) is int and 0 <= number < 1 << 63 for number in (*shape, begin, end)):
        raise ValueError
    if dtype in DTYPES and math.prod(shape) * DTYPES[dtype].itemsize != end - begin:
        raise ValueError
    return Entry(dtype, shape, start + begin, start + end)


def _check(path: Path, entries: Mapping[str, Entry], expected: Mapping[str, Expected]) -> None:
    for wrong, what in (
        (expected.keys() - entries.keys(), "lacks"),
        (entries.keys() - expected.keys(), "has, against the config,"),
    ):
        if wrong:
            raise ValueError(f"{path} {what} the weight {min(wrong)}")
    for name, (dtype, shape) in expected.items():
        found = entries[name]
        fits = len(found.shape) == len(shape) and all(b in (None, a) for a, b in zip(found.shape, shape, strict=True))
        if not fits or found.dtype != dtype:
            raise ValueError(f"{path}: {name} is {found.dtype} {found.shape}; the config says {dtype} {list(shape)}")


def _view(content: bytearray, entry: Entry) -> torch.Tensor:
    dtype, count = DTYPES[entry.dtype], entry.end - entry.start
    if not count:
        return torch.empty(entry.shape, dtype=dtype)
    raw = torch.frombuffer(content, dtype=torch.uint8, count=count, offset=entry.start)
    if raw.data_ptr() % dtype.itemsize:  # the format allows misaligned numbers
        raw = raw.clone()
    return raw.view(dtype).view(entry.shape)
