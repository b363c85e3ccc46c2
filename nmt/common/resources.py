"""Where the files that ship with the project are: beside the package in a wheel, above it in a checkout."""

from __future__ import annotations

from pathlib import Path


def resource(name: str) -> Path:
    """The path of `conf` or `data/demo`. Raises FileNotFoundError when the installation lacks it."""
    package = Path(__file__).resolve().parents[1]
    for root in (package, package.parent):
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(f"{name} is missing from this installation of nmt")
