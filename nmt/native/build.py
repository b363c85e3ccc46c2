"""What is in C here, as libraries. They are compiled when nmt is installed; this file needs no package, not even nmt.

kernels.c, of search, is written for one instruction set; cells.c, of training, is compiled for several, of which the
best is taken when it is used.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
X86, ARM = {"x86_64", "AMD64"}, {"aarch64", "arm64"}
CELLS = {  # torch's name of an instruction set -> the compiler's
    "AVX512": "-march=x86-64-v4",
    "AVX2": "-march=x86-64-v3",
    "DEFAULT": "",
}
OPTIONS = ["-O2", "-fno-math-errno", "-ffp-contract=fast"]  # of cells.c


def library() -> Path:
    """Where kernels.c as a library belongs."""
    return _path("kernels")


def cells_library(instructions: str) -> Path:
    """Where cells.c for an instruction set belongs, as torch names it."""
    return _path(f"cells_{instructions if instructions in CELLS else 'DEFAULT'}".lower())


def _path(name: str) -> Path:
    """The name tells the source, so that a library of another version is never loaded."""
    source = b"".join(path.read_bytes() for path in sorted(FOLDER.glob("*.[ch]")))
    return FOLDER / f"{name}-{hashlib.sha256(source).hexdigest()[:12]}.so"


def compile_libraries() -> list[Path]:
    """Compile them anew, with $CC or `cc`. Raises OSError with the reason where that can't be done."""
    made = []
    if sys.platform == "linux" and platform.machine() in X86:
        made.append(compile_library(FOLDER / "kernels.c", library(), ["-O3"]))
    for instructions, flag in CELLS.items():
        if platform.machine() in X86 or not flag:
            made.append(compile_library(FOLDER / "cells.c", cells_library(instructions), options(instructions)))
    for other in set(FOLDER.glob("*-*.so")) - set(made):
        other.unlink()
    return made


def options(instructions: str) -> list[str]:
    """Of the compiler, for cells.c and an instruction set."""
    flag = CELLS.get(instructions) if platform.machine() in X86 else None
    return [*OPTIONS, flag] if flag else OPTIONS


def compile_library(source: Path, library: Path, options: list[str]) -> Path:
    """It is made beside where it belongs, and never there in part. Raises OSError."""
    if sys.platform not in ("linux", "darwin") or platform.machine() not in X86 | ARM:
        raise OSError("it is written for Linux and macOS on x86-64 and arm64")
    compiler = os.environ.get("CC", "cc")
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        made = Path(folder) / library.name
        command = [
            *compiler.split(),
            *options,
            "-shared",
            "-fPIC",
            f"-I{FOLDER}",
            "-o",
            str(made),
            str(source),
            "-lm",
        ]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise OSError(f"`{' '.join(command)}` failed:\n{result.stderr}")
        with made.open("rb") as file:
            os.fsync(file.fileno())  # after a power cut it is there whole, or not at all
        made.replace(library)
    return library
