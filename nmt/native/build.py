"""kernels.c and what it includes as a library. It is compiled when nmt is installed; this file needs no package, not
even nmt."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent


def library() -> Path:
    """Where the library belongs: its name tells the source, so one of another version is never loaded."""
    source = b"".join(path.read_bytes() for path in sorted(FOLDER.glob("*.[ch]")))
    return FOLDER / f"kernels-{hashlib.sha256(source).hexdigest()[:12]}.so"


def compile_library() -> Path:
    """Compile it anew, with $CC or `cc`. Raises OSError with the reason where that can't be done."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise OSError("it is written for Linux on x86-64")
    compiler = os.environ.get("CC", "cc")
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        made = Path(folder) / "kernels.so"
        command = [*compiler.split(), "-O3", "-shared", "-fPIC", "-o", str(made), str(FOLDER / "kernels.c"), "-lm"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise OSError(f"`{' '.join(command)}` failed:\n{result.stderr}")
        made.replace(library())
    for other in set(FOLDER.glob("kernels-*.so")) - {library()}:
        other.unlink()
    return library()
