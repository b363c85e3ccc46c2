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
MAX_UNPACKED = 1 << 29  # bytes of an archive whose members are all copied
MAX_RATIO = 200  # of a member that is unpacked to what it is packed to
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # how Microsoft's files begin that are encrypted, or of before 2007


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


class Archive:
    """Raises ValueError for what is no zip archive, or has too many members."""

    def __init__(self, file: IO[bytes] | bytes, name: str) -> None:
        stream = io.BytesIO(file) if isinstance(file, bytes) else file
        if stream.read(len(COMPOUND)) == COMPOUND:
            raise ValueError(f"{name} is encrypted, or of an Office before 2007; save it anew, without a password")
        try:
            self.file = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise ValueError(f"{name} is no zip archive, as one of its kind must be: {error}") from None
        self.name = name
        self.members = self.file.namelist()
        if len(self.members) > MAX_MEMBERS:
            raise ValueError(f"{name} has more than {MAX_MEMBERS} members")

    def stream(self, member: str, whole: bool = True) -> Member:
        """A member, to be read bit by bit: as a `whole` of bounded size, or of any size that text has. Raises
        ValueError where there is none, or it unpacks to too much. zipfile reads no more of it than the archive says
        it has."""
        name = f"{self.name}: {member}"
        try:
            info = self.file.getinfo(member)
            if whole and info.file_size > MAX_UNPACKED:
                raise ValueError(f"{name} unpacks to more than {MAX_UNPACKED >> 20} MiB")
            if info.file_size > max(MAX_BYTES, MAX_RATIO * info.compress_size):
                raise ValueError(f"{name} is packed to less than 1/{MAX_RATIO}, as no text is")
            return Member(self.file.open(info), name)
        except KeyError:
            raise ValueError(f"{self.name} has no {member}: it is damaged, or of another kind") from None
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise ValueError(f"{name} cannot be unpacked: {error}") from None

    def content(self, member: str) -> bytes:
        """All that a member holds. Raises ValueError as `stream`."""
        with self.stream(member) as file:
            check_size(self.file.getinfo(member).file_size, file.name)
            return file.read()

    def replaced(self, changed: Mapping[str, bytes]) -> bytes:
        """The archive with other content for some members; all others stay to the byte, in their order."""
        if sum(info.file_size for info in self.file.infolist()) > MAX_UNPACKED:
            raise ValueError(f"{self.name} unpacks to more than {MAX_UNPACKED >> 20} MiB")
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as made:
            for info in self.file.infolist():
                found = changed.get(info.filename)
                if found is None:
                    with self.stream(info.filename, whole=False) as file:
                        found = file.read()
                made.writestr(copy(info), found)
        return out.getvalue()
