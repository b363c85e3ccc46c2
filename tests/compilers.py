"""C programs that tests compile and run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from nmt.native.build import FOLDER

NOT_INLINED = "-Dalways_inline=unused"  # compiles each function only once; it is still checked
SANITIZERS = ["-O0", NOT_INLINED, "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def found(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(name), reason=f"no {name}")


def compiled(folder: Path, program: str, options: Sequence[str], compiler: str, *flags: str) -> Path:
    """The executable of a program of every kernel. Skips the test if the compiler lacks a flag."""
    source, target = folder / "every_kernel.c", folder / "every_kernel"
    source.write_text(program)
    command = [compiler, *options, *flags, "-I", FOLDER, "-o", target, source, "-lm"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode and ("unrecognized" in result.stderr or "cannot find" in result.stderr):
        pytest.skip(f"{compiler} can't: {result.stderr.splitlines()[-1]}")
    assert result.returncode == 0, result.stderr
    return target


def printed(*command: str | Path) -> bytes:
    """What a command prints, which complains of nothing."""
    result = subprocess.run(command, capture_output=True, env=os.environ | {"ASAN_OPTIONS": "detect_leaks=0"})
    assert result.returncode == 0, result.stderr.decode()
    assert not result.stderr
    return result.stdout
