"""Atomic writes (a reader finds either the old content or the new one, whatever happens), and locks."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)  # the file system has no locks


def from_home(path: str | Path) -> Path:
    """The path that a user gives, whose leading ~ is the home folder: a shell replaces it only where a word begins
    with it, so not in KEY=~/FOLDER, and Python never does."""
    with suppress(RuntimeError):  # ~NAME, and there is no such user
        return Path(path).expanduser()
    return Path(path)


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Within this context an OSError without a file name, such as a full disk's, gets this path."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = os.fspath(path)
        raise


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A draft file that replaces `path`, synced to disk, when the block ends without an error.

    The draft is in the same folder, so one rename is enough. The file keeps the mode of the one it replaces; a new
    file's mode follows the umask. The draft is never more permissive. A symbolic link is replaced, not followed: in
    an untrusted folder it may lead anywhere. Raises OSError, and leaves `path` alone.
    """
    with naming(path):
        old = path.stat() if path.is_file() and not path.is_symlink() else None
        # The system applies the umask: reading it would change it for a moment, in other threads too.
        mode = 0o666 if old is None else old.st_mode & 0o700
        with _draft_of(path, mode) as file:
            draft = Path(file.name)
            try:
                yield file
                file.flush()
                if old is not None:
                    _give_rights(draft, old)
                os.fsync(file.fileno())
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def _draft_of(path: Path, mode: int) -> BinaryIO:
    """A new file beside `path`; an error names `path` instead."""
    draft = path.with_name(f".{path.name}-{token_hex(4)}")
    try:
        return open(draft, "x+b", opener=lambda name, flags: os.open(name, flags, mode))
    except OSError as error:
        error.filename = os.fspath(path)
        raise


def _give_rights(draft: Path, old: os.stat_result) -> None:
    """Copy the mode of the replaced file, and its owner and group as far as allowed. If the group cannot be set, the
    draft's group gets the permissions of others."""
    mode, new = old.st_mode & 0o777, draft.stat()
    if sys.platform != "win32" and (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        for user in (-1, old.st_uid):
            with suppress(OSError):
                os.chown(draft, user, old.st_gid)
        if draft.stat().st_gid != old.st_gid:
            mode = mode & 0o707 | (mode & 0o007) << 3
    draft.chmod(mode)


@contextmanager
def output_at(path: Path) -> Iterator[BinaryIO]:
    """As `replacing`, for a path given by the user: a link stays and its target is replaced; anything but a regular
    file, such as a pipe, is written to directly."""
    if path.exists() and not path.is_file():
        with naming(path), path.open("wb") as file:
            yield file
    else:
        with replacing(Path(os.path.realpath(path))) as file:
            yield file


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file by a complete one, synced to disk."""
    with replacing(path) as file:
        file.write(content)


def check_writable(folder: Path) -> None:
    """Raises OSError if long work could not write to this folder in the end, or could not make it. Leaves nothing
    behind."""
    there = next(path for path in (folder, *folder.parents) if path.exists() or path == path.parent)
    try:
        with _draft_of(there / "draft", 0o600) as draft:
            Path(draft.name).unlink()
    except OSError as error:
        error.filename = os.fspath(folder)
        raise


def check_output(folder: Path, own: str) -> None:
    """Raises ValueError for a folder that has files, unless the file `own` shows that an earlier run wrote them, and
    OSError for one that cannot be written."""
    if folder.is_file():
        raise ValueError(f"{folder} is a file; the output must be a folder")
    if folder.is_dir() and not (folder / own).is_file() and (others := sorted(folder.iterdir())):
        raise ValueError(f"{folder} has other files, such as {others[0].name}; choose a new folder for the output")
    check_writable(folder)


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> dict[str, int]:
    """Write files, given by name -> their sizes in bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        write_atomically(folder / name, content)
    return {name: len(content) for name, content in contents.items()}


@contextmanager
def _descriptor(path: Path, flags: int = os.O_RDONLY) -> Iterator[int]:
    descriptor = os.open(path, flags, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make sure that renames into the folder survive a power cut."""
    if os.name == "posix":
        with _descriptor(folder) as descriptor, naming(folder):
            os.fsync(descriptor)


@contextmanager
def locked(folder: Path, wait: bool) -> Iterator[None]:
    """Hold a folder's lock; the end of the process releases it. Raises BlockingIOError when another process has it,
    unless `wait`. Does nothing on Windows."""
    if sys.platform == "win32":
        yield
        return
    with _descriptor(folder) as descriptor:
        with naming(folder):
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


@contextmanager
def claimed(path: Path, byte: int, wait: bool = False) -> Iterator[int | None]:
    """Lock a byte of a file for this process. Yields the file's descriptor, or, unless `wait`, None when another
    process has the byte. The lock ends with the process, however it dies. On Windows and on file systems without
    locks every process gets it. Closing any descriptor of the file releases all the process's bytes (POSIX)."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)  # Windows has text files
    with _descriptor(path, flags) as descriptor:
        yield descriptor if _lock(descriptor, byte, wait) else None


def _lock(descriptor: int, byte: int, wait: bool) -> bool:
    if sys.platform != "win32":
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 1, byte)
        except (BlockingIOError, PermissionError):
            return False
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
    return True


def remove_drafts(folder: Path) -> None:
    """Remove the drafts that `replacing` left when its process was killed; nothing else may write there now."""
    for path in folder.glob(".*-????????"):
        if path.is_file():
            path.unlink()


def sha256(path: Path) -> str:
    """The checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
