"""Kernels of cells for which nmt/native has none, such as a user's own cell: compiled at their first use.

The user's cache keeps them, named by a hash of source and options. If this is impossible, torch computes the cell.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import sys
import tempfile
from functools import cache
from pathlib import Path

from nmt.cells import Cell
from nmt.kernels.c import sources
from nmt.native.build import FOLDER, cells_library, compile_library, options

log = logging.getLogger(__name__)

TEXT = """#include "vectors.h"
#include "rows.h"
#define JOIN(a, b) a##_##b
#define NAMED(a, b) JOIN(a, b)
#define NAME(name) NAMED(name, narrow)
#define narrow float
{kernels}
#undef narrow
#define SECOND_TIME
#define narrow bfloat16
{kernels}
"""
HEADERS = "vectors.h", "rows.h"


@cache
def library_of(cell: Cell, instructions: str) -> Path | None:
    """A library with a cell's kernels for an instruction set; None if it has none or they can't be compiled here."""
    parts = [text for of_one in sources(cell) for text in of_one.values()]
    if not parts:
        return None
    if cells_library(instructions).exists() and all(text in _written() for text in parts):
        return cells_library(instructions)
    text = TEXT.format(kernels="\n".join(parts))
    name = type(cell).__name__
    try:
        return _compiled(text, name, instructions)
    except (OSError, RuntimeError) as error:  # no home directory, for example
        reason = str(error).partition("\n")[0]
        log.warning("without kernels for the cell %s, which torch computes more slowly: %s", name, reason)
        return None


def _written() -> str:
    return "".join((FOLDER / name).read_text(encoding="utf-8") for name in ("forward.h", "cells.h"))


def _compiled(text: str, name: str, instructions: str) -> Path:
    parts = [text, *((FOLDER / header).read_text(encoding="utf-8") for header in HEADERS)]
    made_of = "\0".join([*parts, *options(instructions)])
    library = cache_folder() / f"{hashlib.sha256(made_of.encode()).hexdigest()[:32]}.so"
    if not library.exists():
        log.info("compiling kernels for the cell %s, which is done once", name)
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            path = Path(folder) / "cell.c"
            path.write_text(text, encoding="utf-8")
            compile_library(path, library, options(instructions))
    return library


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/nmt/kernels, for this user only. Raises OSError if others could put a library there."""
    if sys.platform == "win32":
        raise OSError("not on Windows")
    root = os.environ.get("XDG_CACHE_HOME", "")
    folder = Path(root) if Path(root).is_absolute() else Path.home() / ".cache"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("nmt", "kernels"):
        folder /= name
        folder.mkdir(mode=0o700, exist_ok=True)
    folder = folder.resolve()
    for path in (folder, *folder.parents):
        found = path.stat()
        others_may_write = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX
        if found.st_uid not in (0, os.getuid()) or others_may_write:
            raise OSError(f"{path} is not only this user's")
    if folder.stat().st_mode & 0o077:
        raise OSError(f"{folder} must be open to this user only (mode 700)")
    return folder
