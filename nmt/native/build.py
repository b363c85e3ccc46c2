"""Compile the C code of this folder to libraries, when nmt is installed. Imports no package, not even nmt.

kernels.c (search) and cells.c (training) are compiled for several instruction sets. processor.c tells at run time
which is the best one.
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
CELLS = {  # torch's name of an instruction set -> compiler flags
    "AVX512": "-march=x86-64-v4",
    "AVX2": "-march=x86-64-v3",
    "DEFAULT": "",
}
OPTIONS = ["-O2", "-fno-math-errno", "-ffp-contract=fast"]  # for cells.c
KERNELS = {  # processor.c's name of an instruction set -> compiler flags
    "amx": "-march=x86-64-v4 -mavx512vnni -mamx-tile -mamx-int8",
    "avx512": "-march=x86-64-v4 -mavx512vnni",
    "avx_vnni": "-march=x86-64-v3 -mavxvnni",
    "avx2": "-march=x86-64-v3",
    "neon_dot": "-march=armv8.2-a+dotprod",
    "neon": "",
}
KERNEL_OPTIONS = ["-O3", "-fno-math-errno", "-ffp-contract=off"]  # equal rounding everywhere


def machine() -> str:
    """The processor to compile for: this one, or when cross-compiling the one in _PYTHON_HOST_PLATFORM, such as
    linux-aarch64."""
    other = os.environ.get("_PYTHON_HOST_PLATFORM", "").rpartition("-")[2]
    return other or platform.machine()


def kernels_library(instructions: str) -> Path:
    """The path of kernels.c's library for an instruction set."""
    return _path(f"kernels_{instructions}")


def processor_library() -> Path:
    """The path of processor.c's library."""
    return _path("processor")


def cells_library(instructions: str) -> Path:
    """The path of cells.c's library for an instruction set, by torch's name."""
    return _path(f"cells_{instructions if instructions in CELLS else 'DEFAULT'}".lower())


def _path(name: str) -> Path:
    """The name contains a hash of the sources: a library of another version is never loaded."""
    source = b"".join(path.read_bytes() for path in sorted(FOLDER.glob("*.[ch]")))
    return FOLDER / f"{name}-{hashlib.sha256(source).hexdigest()[:12]}.so"


def compile_libraries() -> list[Path]:
    """Compile all libraries anew with $CC or `cc`. Warns about each one that this compiler cannot build. Raises
    OSError with the reason if it can build none."""
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
    """The libraries for this kind of processor, each with its source and compiler options."""
    is_x86 = machine() in X86
    yield processor_library(), "processor.c", ["-O2"]
    for instructions, flags in KERNELS.items():
        if instructions.startswith("neon") != is_x86:
            yield kernels_library(instructions), "kernels.c", [*KERNEL_OPTIONS, *flags.split()]
    for instructions, flag in CELLS.items():
        if is_x86 or not flag:
            yield cells_library(instructions), "cells.c", options(instructions)


def options(instructions: str) -> list[str]:
    """The compiler options of cells.c for an instruction set."""
    flag = CELLS.get(instructions) if machine() in X86 else None
    return [*OPTIONS, flag] if flag else OPTIONS


def compile_library(source: Path, library: Path, options: list[str]) -> Path:
    """Compile in a temporary folder and move the result into place, so it is never incomplete. Raises OSError."""
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
            os.fsync(file.fileno())  # after a power cut it is complete or absent
        made.replace(library)
    return library


if __name__ == "__main__":
    compile_libraries()
