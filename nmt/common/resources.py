"""Paths of the files that ship with the project: inside the package in a wheel, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path


def resource(name: str) -> Path:
    """The path of a resource, such as `conf` or `data/demo`. Raises FileNotFoundError when it is not installed."""
    package = Path(__file__).resolve().parents[1]
    for root in (package, package.parent):
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(f"{name} is missing from this installation of nmt")
