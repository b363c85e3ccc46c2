#!/usr/bin/env python3
"""Generate the kernels of all cells from `Cell.pointwise`: nmt/native/forward.h and cells.h. Run it after any change
of a cell.

scripts/write_kernels.py && python nmt/native/build.py
"""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml

from nmt.cells import CELLS, Cell
from nmt.common.resources import resource
from nmt.kernels.c import cells_source
from nmt.native.build import FOLDER


def configured_cells() -> list[Cell]:
    """The cells of conf/cell, with the settings there."""
    cells = []
    for path in sorted((resource("conf") / "cell").glob("*.yaml")):
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        name = settings.pop("defaults")[0].partition("@")[0].rpartition("/")[2]
        cells.append(CELLS[name](**settings))
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=FOLDER, help="a folder (default: %(default)s)")
    options = parser.parse_args()
    for name, text in cells_source(configured_cells()).items():
        (options.output / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
