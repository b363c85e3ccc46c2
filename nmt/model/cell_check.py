"""Checks a cell's `pointwise` on a few numbers, so that the author of a faulty cell gets a one-line error, and not a
failure or wrong results somewhere later.

Dims: N rows, D layers side by side, H hidden units.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from nmt.cells import Cell, ParallelCell, Parameters, State
from nmt.kernels.trace import undisturbed
from nmt.kernels.trial import wave

LAYERS, ROWS, STEPS, UNITS = 2, 3, 4, 8  # all different, so that no dimension passes for another


@cache
@undisturbed()
def check_pointwise(cell: Cell) -> None:
    """Runs once per cell, on the CPU. Skips a cell that cannot have so few units. Raises ValueError."""
    cpu = torch.device("cpu")
    with cpu:
        try:
            rows = cell.gate_rows(UNITS)
        except NotImplementedError:
            raise ValueError(f"the cell {type(cell).__name__} has no gates; they are a tuple of names") from None
        except ValueError:
            return
        gates, x = (wave(ROWS, width, device=cpu) for width in (rows.recurrent, rows.all - rows.summed))
        given = [gates, x, *cell.start(*wave(cell.num_initial_vectors, ROWS, UNITS, device=cpu))]
        own = _own_parameters(cell)
        together = _checked(cell, given, own, f"{ROWS} rows of {UNITS} units")
        alone = _checked(cell, [part[:1] for part in given], own, f"1 row of {UNITS} units")
        if not all(map(_is_close, (part[:1] for part in together), alone)):
            raise ValueError(f"the cell {type(cell).__name__}: pointwise of a row depends on the other rows")
        if isinstance(cell, ParallelCell):
            _check_over_time(cell, tuple(given[2:]), own, rows.all)
        else:  # its layers may be computed side by side
            given = [torch.stack([part] * LAYERS) for part in given]
            own = {name: part[:, None, None].repeat(1, LAYERS, 1, 1) for name, part in own.items()}
            _checked(cell, given, own, f"{LAYERS} layers side by side, {ROWS} rows of {UNITS} units")


def _own_parameters(cell: Cell) -> Parameters:
    """Those of few units. Raises ValueError for other shapes than rows of them, and for a bias of no gate."""
    own = cell.own_parameters(UNITS)
    for name, part in own.items():
        if part.ndim != 2 or part.shape[1] != UNITS:
            found = f"own_parameters({UNITS}) gives {name} {tuple(part.shape)}"
            raise ValueError(f"the cell {type(cell).__name__}: {found}; it must have rows of {UNITS}: (k, {UNITS})")
    for gate in cell.initial_bias():
        if gate not in cell.gates:
            known = ", ".join(cell.gates)
            raise ValueError(
                f"the cell {type(cell).__name__}: initial_bias names {gate!r}, but the gates are {known}"
            )
    return own


def _check_over_time(cell: ParallelCell, state: State, own: Parameters, width: int) -> None:
    x = wave(ROWS, STEPS, width, device=torch.device("cpu"))
    found = cell.over_time(x, state, own)
    for step in range(STEPS):
        state = cell.pointwise(x[:, step, :0], x[:, step], state, own)
        if not _is_close(found[:, step], state[0]):
            raise ValueError(f"the cell {type(cell).__name__}: over_time gives other numbers than pointwise")


def _checked(cell: Cell, given: Sequence[Tensor], own: Parameters, what: str) -> State:
    gates, x, *state = given
    begin = f"the cell {type(cell).__name__}: pointwise of {what}"
    names = (f"{name} {tuple(part.shape)}" for name, part in zip(cell.states, state, strict=True))
    end = f"it must give a tuple of {', '.join(names)}"
    before = [part.clone() for part in given]
    try:
        found = cell.pointwise(gates, x, tuple(state), own)
    except Exception as error:  # a user's code may raise anything
        first = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise ValueError(f"{begin} fails, gates {tuple(gates.shape)} ({first}); {end}") from error
    if not isinstance(found, tuple) or list(map(_told, found)) != list(map(_told, state)):
        raise ValueError(f"{begin} gives {_told(found)}; {end}")
    if not all(map(torch.equal, given, before)):
        raise ValueError(f"{begin} changes what it is given; it must compute new tensors")
    return found


def _is_close(found: Tensor, expected: Tensor) -> bool:
    return torch.allclose(found, expected, rtol=1e-3, atol=1e-5, equal_nan=True)


def _told(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a tensor {tuple(value.shape)}"
    if isinstance(value, tuple):
        return f"a tuple of {', '.join(map(_told, value)) or 'nothing'}"
    return "None" if value is None else f"a {type(value).__name__}"
