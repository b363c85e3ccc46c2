"""Create a folder atomically, and remove the drafts that killed processes left."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from nmt.common.files import locked, naming


@contextmanager
def draft_folder(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` that takes its name when the block ends without an error. If another process was
    first, the draft is dropped: the same name means the same content.

    Drafts that killed processes left are removed.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in () if sys.platform == "win32" else folder.parent.glob(f".{'[0-9a-f]' * len(folder.name)}-*"):
        with suppress(OSError), locked(left, wait=False):
            shutil.rmtree(left, ignore_errors=True)
    with _new(folder) as draft:
        try:
            with naming(folder):
                yield draft
            try:
                draft.rename(folder)
            except OSError:
                if not folder.is_dir():
                    raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def _new(folder: Path) -> Iterator[Path]:
    """A draft with its lock. Until it is locked, another process may take it for an abandoned one and remove it."""
    with ExitStack() as locks:
        while True:
            made = folder.with_name(f".{folder.name}-{token_hex(4)}")
            made.mkdir()
            with suppress(FileNotFoundError):
                locks.enter_context(locked(made, wait=True))
                if made.exists():
                    break
        yield made
