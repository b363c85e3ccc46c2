#!/usr/bin/env python3
"""Write docs/cells.md from the cells' docstrings, gates, states and kernels, and the speeds in docs/speed.md. Run it
after any change of these."""

from __future__ import annotations

import argparse
import inspect
import re
from pathlib import Path

import torch
import yaml

from nmt.cells import CELLS, Cell, ParallelCell
from nmt.common.files import write_atomically
from nmt.common.resources import resource
from nmt.kernels.c import sources
from nmt.kernels.triton_scan import is_scannable
from nmt.model.recurrent import FUSED, Recurrent

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "cells.md"
SIZES = 2048, 4096  # units, with as many inputs
HEAD = """# Cells

What each choice of `nmt-train cell=NAME` computes and costs, for the encoder and the decoder. `model.cell.depth=2`
makes each step two transitions (Pascanu et al., 2014, arXiv:1312.6026).

- In the equations, x is the input and h the previous output; c and the other letters in the column "state" are parts
  of the previous state, and ' marks new values. W_k x and R_k h carry their own biases, σ is the logistic function
  and ⊙ the elementwise product.
- "Parameters" are those of one layer of H units with H inputs.
- "Time" is that of a training step of one layer on a CPU, relative to `lstm`, for sequences of 25 and of 100 steps
  ([speed](speed.md#cells-beside-one-another)).
- "Training" and "search" name the kernels, which are generated from the equations: C (for search in int8, on AVX2,
  AVX-512, AMX and NEON), and Triton for a GPU. A scan computes all steps in one kernel. Torch's own kernel is used
  where it is faster.

`scripts/write_cells.py` writes this page from `nmt/cells/`.

"""
FAMILIES = (  # the groups of the table, by the inputs of the gates
    ("Every gate sees the previous state", lambda cell: not cell.input_only or cell.input_only < len(cell.gates)),
    ("No matrix multiplies h: all steps, or most of the work, are computed at once", lambda cell: True),
)


def page() -> str:
    """The whole page, in Markdown."""
    parts, left = [HEAD], dict(CELLS)
    for title, belongs in FAMILIES:
        names = [name for name, kind in left.items() if belongs(kind())]
        parts.append(f"## {title}\n\n| cell | gates | state | parameters | time | training | search |\n")
        parts.append("|---|---|---|---|---|---|---|\n")
        parts += [row(name, left.pop(name)()) for name in names]
        parts.append("\n")
    parts.append("Other files of `conf/cell` are the cells above with other settings:\n\n| cell | is |\n|---|---|\n")
    parts += [f"| `{name}` | {what} |\n" for name, what in variants().items()]
    parts.append("\n## Equations\n")
    parts += [f"\n### {name}\n\n{equations(kind)}\n" for name, kind in CELLS.items()]
    return "".join(parts)


def row(name: str, cell: Cell) -> str:
    time = " / ".join(measured().get(name, ()))
    gates, states = ", ".join(cell.gates), ", ".join(cell.states)
    return "| " + " | ".join([f"[`{name}`](#{name})", gates, states, parameters(cell), time, *kernels(cell)]) + " |\n"


def parameters(cell: Cell) -> str:
    """The number of parameters of a layer of H units, as a H² + b H. Neglects a remainder below H."""
    counts = []
    for size in SIZES:
        with torch.device("meta"):
            counts.append(sum(parameter.numel() for parameter in Recurrent(cell, size, size).parameters()) / size)
    square = (counts[1] - counts[0]) / (SIZES[1] - SIZES[0])
    return f"{round(square)} H² + {round(counts[0] - square * SIZES[0])} H".removeprefix("1 ")


def kernels(cell: Cell) -> tuple[str, str]:
    """The kernels of its training and its search."""
    for_search, for_training = sources(cell)
    found = ["C" if for_training else "torch"]
    if isinstance(cell, ParallelCell):
        found = ["torch, all steps at once"]
    if is_scannable(cell):
        found.append("Triton's scan")
    elif for_training and not isinstance(cell, ParallelCell):
        found.append("Triton")
    if type(cell) in FUSED:
        found.append("torch's own")
    return ", ".join(found), "C" if for_search else "torch"


def measured() -> dict[str, tuple[str, str]]:
    """Cell -> its two figures in the table of docs/speed.md."""
    text = (DOCS / "speed.md").read_text(encoding="utf-8").split("## Cells beside one another\n")[1].split("\n## ")[0]
    found = {name: (short, long) for name, short, long in re.findall(r"`(\w+)` \| ([\d.]+) \| ([\d.]+) \|", text)}
    return found | {"lstm": ("1", "1")}


def variants() -> dict[str, str]:
    """The files of conf/cell that are variants of another cell."""
    found = {}
    for path in sorted((resource("conf") / "cell").glob("*.yaml")):
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        (base,) = settings.pop("defaults")
        if path.stem not in CELLS:
            base = base.removeprefix("/schema/cell/").removesuffix("@_here_")
            found[path.stem] = f"`{base}` with {', '.join(f'`{k}={str(v).lower()}`' for k, v in settings.items())}"
    return found


def equations(kind: type[Cell]) -> str:
    """The docstring, with its paragraphs of equations as code blocks."""
    paragraphs = (inspect.getdoc(kind) or "").split("\n\n")
    if not re.search(r"\b(19|20)\d\d\b", paragraphs[0]):  # the module cites the paper
        module = inspect.getdoc(inspect.getmodule(kind)) or ""
        paragraphs.insert(0, module.split("\n\n")[0])
    return "\n\n".join(
        re.sub(r"^", "    ", one, flags=re.MULTILINE) if re.match(r"\w+'? = ", one) else one for one in paragraphs
    )


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    write_atomically(PAGE, page().encode())
