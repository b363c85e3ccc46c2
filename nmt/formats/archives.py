"""Zip archives of strangers: what is read of them is bounded before it is unpacked."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Mapping
from copy import copy
from typing import IO

from nmt.formats.files import MAX_BYTES, check_size

MAX_MEMBERS = 10_000
MAX_RATIO = 200  # of a member that is unpacked to what it is packed to
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # how such files of Microsoft's begin
MAX_UNPACKED = 1 << 29  # bytes of an archive whose members are all copied


def opened(file: IO[bytes] | bytes, name: str) -> zipfile.ZipFile:
    """Raises ValueError for what is no zip archive, or has too many members."""
    stream = io.BytesIO(file) if isinstance(file, bytes) else file
    if stream.read(len(COMPOUND)) == COMPOUND:
        raise ValueError(f"{name} is encrypted, or of an Office before 2007; save it anew, without a password")
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ValueError(f"{name} is no zip archive, as one of its kind must be: {error}") from None
    if len(archive.namelist()) > MAX_MEMBERS:
        raise ValueError(f"{name} has more than {MAX_MEMBERS} members")
    return archive


class Member:
    """A member that is read, bit by bit. Raises ValueError where it is damaged."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.file, self.name = file, name

    def __enter__(self) -> Member:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self.file.read(size)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError) as error:
            raise ValueError(f"{self.name} cannot be unpacked: {error}") from None


def stream(archive: zipfile.ZipFile, member: str, name: str, whole: bool = True) -> Member:
    """A member, to be read bit by bit: as a `whole` of bounded size, or of any size that text has. Raises ValueError
    where there is none, or it unpacks to too much. zipfile reads no more of it than the archive says it has."""
    try:
        info = archive.getinfo(member)
        if whole and info.file_size > MAX_UNPACKED:
            raise ValueError(f"{name}: {member} unpacks to more than {MAX_UNPACKED >> 20} MiB")
        if info.file_size > max(MAX_BYTES, MAX_RATIO * info.compress_size):
            raise ValueError(f"{name}: {member} is packed to less than 1/{MAX_RATIO}, as no text is")
        return Member(archive.open(info), f"{name}: {member}")
    except KeyError:
        raise ValueError(f"{name} has no {member}: it is damaged, or of another kind") from None
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise ValueError(f"{name}: {member} cannot be unpacked: {error}") from None


def content(archive: zipfile.ZipFile, member: str, name: str) -> bytes:
    """All that a member holds. Raises ValueError as `stream`."""
    with stream(archive, member, name) as file:
        check_size(archive.getinfo(member).file_size, file.name)
        return file.read()


def replaced(archive: zipfile.ZipFile, changed: Mapping[str, bytes], name: str) -> bytes:
    """The archive with other content for some members; all others stay to the byte, in their order."""
    if sum(info.file_size for info in archive.infolist()) > MAX_UNPACKED:
        raise ValueError(f"{name} unpacks to more than {MAX_UNPACKED >> 20} MiB")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for info in archive.infolist():
            found = changed.get(info.filename)
            if found is None:
                with stream(archive, info.filename, name, whole=False) as file:
                    found = file.read()
            made.writestr(copy(info), found)
    return out.getvalue()
