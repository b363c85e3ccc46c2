"""What is in C here, as libraries. They are compiled when nmt is installed; this file needs no package, not even nmt.

kernels.c, of search, and cells.c, of training, are compiled for several instruction sets, of which the best is taken
when they are used; processor.c tells it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
X86, ARM = {"x86_64", "AMD64"}, {"aarch64", "arm64"}
CELLS = {  # torch's name of an instruction set -> the compiler's
    "AVX512": "-march=x86-64-v4",
    "AVX2": "-march=x86-64-v3",
    "DEFAULT": "",
}
OPTIONS = ["-O2", "-fno-math-errno", "-ffp-contract=fast"]  # of cells.c
KERNELS = {  # as processor.c names an instruction set -> the compiler's
    "amx": "-march=x86-64-v4 -mavx512vnni -mamx-tile -mamx-int8",
    "avx512": "-march=x86-64-v4 -mavx512vnni",
    "avx_vnni": "-march=x86-64-v3 -mavxvnni",
    "avx2": "-march=x86-64-v3",
    "neon_dot": "-march=armv8.2-a+dotprod",
    "neon": "",
}
KERNEL_OPTIONS = ["-O3", "-fno-math-errno", "-ffp-contract=off"]  # each operation is rounded alike everywhere


def machine() -> str:
    """The processor to compile for: this one, or what a cross compilation says as Python's do, by
    _PYTHON_HOST_PLATFORM=linux-aarch64."""
    other = os.environ.get("_PYTHON_HOST_PLATFORM", "").rpartition("-")[2]
    return other or platform.machine()


def kernels_library(instructions: str) -> Path:
    """Where kernels.c for an instruction set belongs."""
    return _path(f"kernels_{instructions}")


def processor_library() -> Path:
    """Where processor.c belongs."""
    return _path("processor")


def cells_library(instructions: str) -> Path:
    """Where cells.c for an instruction set belongs, as torch names it."""
    return _path(f"cells_{instructions if instructions in CELLS else 'DEFAULT'}".lower())


def _path(name: str) -> Path:
    """The name tells the source, so that a library of another version is never loaded."""
    source = b"".join(path.read_bytes() for path in sorted(FOLDER.glob("*.[ch]")))
    return FOLDER / f"{name}-{hashlib.sha256(source).hexdigest()[:12]}.so"


def compile_libraries() -> list[Path]:
    """Compile them anew, with $CC or `cc`: all but those that this compiler can't, which is said in a warning. Raises
    OSError with the reason where there is none that it can."""
    made, failed = [], []
    for library, source, options in wanted():
        try:
            made.append(compile_library(FOLDER / source, library, options))
        except OSError as error:
            failed.append(error)
    if not made:
        raise failed[0]
    for reason in failed:
        warnings.warn(f"one library of nmt/native is missing: {reason}", stacklevel=2)
    for other in set(FOLDER.glob("*-*.so")) - set(made):
        other.unlink()
    return made


def wanted() -> Iterator[tuple[Path, str, list[str]]]:
    """The libraries for this kind of processor, with the source and the compiler's options."""
    is_x86 = machine() in X86
    yield processor_library(), "processor.c", ["-O2"]
    for instructions, flags in KERNELS.items():
        if instructions.startswith("neon") != is_x86:
            yield kernels_library(instructions), "kernels.c", [*KERNEL_OPTIONS, *flags.split()]
    for instructions, flag in CELLS.items():
        if is_x86 or not flag:
            yield cells_library(instructions), "cells.c", options(instructions)


def options(instructions: str) -> list[str]:
    """Of the compiler, for cells.c and an instruction set."""
    flag = CELLS.get(instructions) if machine() in X86 else None
    return [*OPTIONS, flag] if flag else OPTIONS


def compile_library(source: Path, library: Path, options: list[str]) -> Path:
    """It is made beside where it belongs, and never there in part. Raises OSError."""
    if sys.platform not in ("linux", "darwin") or machine() not in X86 | ARM:
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


if __name__ == "__main__":
    compile_libraries()
