"""Checks of the Dockerfile that need no build."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_linter_finds_nothing():
    subprocess.run([Path(sys.executable).parent / "hadolint", ROOT / "Dockerfile"], check=True)


def test_what_the_image_needs_is_let_through_and_the_rest_is_not():
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert allowed[0] == "*"
    copied = [
        line.split()[1:-1] for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("COPY ")
    ]
    sources = {
        source for line in copied for source in line if not source.startswith("--from") and "venv" not in source
    }
    assert sources <= {line.lstrip("!").split("/")[0] for line in allowed}
    assert all((ROOT / source).exists() for source in sources)


def test_it_does_not_run_as_root():
    assert "USER 10001" in (ROOT / "Dockerfile").read_text().splitlines()
