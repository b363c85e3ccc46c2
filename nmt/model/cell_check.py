"""Checks a cell's `pointwise` on zeros, so that the author of a faulty cell gets a one-line error and not a failure
somewhere later.

Dims: N rows, D layers side by side, H hidden units.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from nmt.cells import Cell, ParallelCell, Parameters
from nmt.kernels.trace import undisturbed

LAYERS, ROWS, UNITS = 2, 3, 8  # all different, so that no dimension passes for another


@cache
@undisturbed()
def check_pointwise(cell: Cell) -> None:
    """Runs once per cell, on the CPU. Skips a cell that cannot have so few units. Raises ValueError."""
    with torch.device("cpu"):
        try:
            rows = cell.gate_rows(UNITS)
        except ValueError:
            return
        gates, x = torch.zeros(ROWS, rows.recurrent), torch.zeros(ROWS, rows.all - rows.summed)
        given = [gates, x, *cell.start(*torch.zeros(cell.num_initial_vectors, ROWS, UNITS))]
        own = cell.own_parameters(UNITS)
        _check(cell, given, own, f"{ROWS} rows of {UNITS} units")
        if not isinstance(cell, ParallelCell):  # its layers are computed one by one
            given = [torch.stack([part] * LAYERS) for part in given]
            own = {name: part[:, None, None].repeat(1, LAYERS, 1, 1) for name, part in own.items()}
            _check(cell, given, own, f"{LAYERS} layers side by side, {ROWS} rows of {UNITS} units")


def _check(cell: Cell, given: Sequence[Tensor], own: Parameters, what: str) -> None:
    gates, x, *state = given
    begin = f"the cell {type(cell).__name__}: pointwise of {what}"
    names = (f"{name} {tuple(part.shape)}" for name, part in zip(cell.states, state, strict=True))
    end = f"it must give a tuple of {', '.join(names)}"
    try:
        found = cell.pointwise(gates, x, tuple(state), own)
    except Exception as error:  # a user's code may raise anything
        first = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise ValueError(f"{begin} fails, gates {tuple(gates.shape)} ({first}); {end}") from error
    if not isinstance(found, tuple) or list(map(_told, found)) != list(map(_told, state)):
        raise ValueError(f"{begin} gives {_told(found)}; {end}")


def _told(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a tensor {tuple(value.shape)}"
    if isinstance(value, tuple):
        return f"a tuple of {', '.join(map(_told, value)) or 'nothing'}"
    return "None" if value is None else f"a {type(value).__name__}"
