"""Untrusted zip archives: sizes are checked before anything is unpacked."""

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
MAX_UNPACKED = 1 << 29  # bytes of a member, or of all members if the archive is copied
MAX_RATIO = 200  # unpacked size to packed size of a member
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # beginning of Microsoft files that are encrypted or older than 2007


class Member:
    """A member as a stream. Raises ValueError if it is damaged."""

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
    """Raises ValueError for a file that is not a zip archive, or has too many members."""

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
        """A member as a stream. The compression ratio is bounded, and with `whole` the size, too. Raises ValueError
        if there is no such member, or it unpacks to too much. zipfile reads no more of a member than the archive says
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
        """The content of a member. Raises ValueError as `stream`."""
        with self.stream(member) as file:
            check_size(self.file.getinfo(member).file_size, file.name)
            return file.read()

    def replaced(self, changed: Mapping[str, bytes]) -> bytes:
        """The archive with new content for some members; the content of all others stays byte for byte, in order."""
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
