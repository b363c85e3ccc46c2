"""Checks a cell on a few numbers, so that the author of a faulty cell gets a one-line error, and not a failure or
wrong results somewhere later.

Dims: N rows, D layers side by side, H hidden units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from nmt.cells import MASK, Cell, ParallelCell, Parameters, State
from nmt.common.shown import error_line
from nmt.kernels.trace import undisturbed
from nmt.kernels.trial import wave

T = TypeVar("T")

LAYERS, ROWS, STEPS, UNITS = 2, 3, 4, 8  # all different, so that no dimension passes for another

# The loop and its kernels call other tensors of a step by these names.
TAKEN = {"gates", "x", "hidden", "output", "product", "multiplied", MASK}
TAKEN_BEGINNINGS = ("grad_", "new_", "product_")


def check_cell(cell: Cell) -> None:
    """Runs once per cell, on the CPU. Skips a cell that cannot have so few units. Raises ValueError."""
    try:
        hash(cell)
    except TypeError as error:
        raise _fault(cell, f"a setting is no plain value ({error}); of several, make a tuple") from None
    check_pointwise(cell)


@cache
@undisturbed()
def check_pointwise(cell: Cell) -> None:
    """As `check_cell`, of what `pointwise` computes."""
    with torch.device("cpu"):
        given, own = _arguments(cell)
        if not given:
            return
        together, again = (_checked(cell, given, own, f"{ROWS} rows of {UNITS} units") for _ in range(2))
        if not all(map(_is_close, together, again)):
            raise _fault(cell, "pointwise called twice gives two results; it must draw nothing and keep nothing")
        alone = _checked(cell, [part[:1] for part in given], own, f"1 row of {UNITS} units")
        if not all(map(_is_close, (part[:1] for part in together), alone)):
            raise _fault(cell, "pointwise of a row depends on the other rows")
        if isinstance(cell, ParallelCell):
            _check_over_time(cell, tuple(given[2:]), own)
        else:  # its layers may be computed side by side
            given = [torch.stack([part] * LAYERS) for part in given]
            own = {name: part[:, None, None].repeat(1, LAYERS, 1, 1) for name, part in own.items()}
            _checked(cell, given, own, f"{LAYERS} layers side by side, {ROWS} rows of {UNITS} units")


@cache
@undisturbed()
def check_gradient(cell: Cell) -> None:
    """As `check_cell`, of what training needs beside."""
    with torch.device("cpu"):
        inputs, parameters = _arguments(cell)
        if not inputs:
            return
        gates, x, *state = given = [part.clone().requires_grad_() for part in inputs]
        own = {name: part.detach().clone().requires_grad_() for name, part in parameters.items()}
        try:
            with _Reading():  # type: ignore[no-untyped-call]
                found = cell.pointwise(gates, x, tuple(state), own)
            wanted = [*given, *own.values()]
            torch.autograd.grad([part.sum() for part in found if part.requires_grad], wanted, allow_unused=True)
            has_gradient = found[0].requires_grad
        except _ReadError:
            what = "reads a number of a tensor, as `if` does, which mixes rows; use torch.where"
            raise _fault(cell, f"pointwise {what}") from None
        except Exception as error:  # a user's code may raise anything
            needs = "it must change nothing in place"
            raise _fault(cell, f"pointwise has no gradient ({error_line(error)}); {needs}") from error
        if not has_gradient:
            raise _fault(cell, "h has no gradient; pointwise must compute it by torch, without no_grad or detach")


@cache
@undisturbed()
def check_dropout(cell: Cell) -> None:
    """As `check_cell`, of a cell with a product of its own, before training with recurrent dropout."""
    with torch.device("cpu"):
        given, own = _arguments(cell)
        if not given or not cell.own_product:
            return
        gates, x, *state = given
        kept, dropped = (
            cell.pointwise(gates, x, tuple(state), {**own, MASK: torch.full((ROWS, UNITS), share)})
            for share in (1.0, 0.0)
        )
        if all(map(_is_close, kept, dropped)):
            raise _fault(cell, f"own_product is true, but pointwise does not multiply h by parameters[{MASK!r}]")


class _ReadError(Exception):
    """Python has read a number of a tensor."""


class _Reading(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Raises _ReadError where Python reads a number of a tensor."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or torch would import its compiler, for seconds

    def __torch_dispatch__(self, target: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        if target is torch.ops.aten._local_scalar_dense.default:
            raise _ReadError
        return target(*arguments, **(options or {}))


def _arguments(cell: Cell) -> tuple[list[Tensor], Parameters]:
    """Gates, x and the parts of a state, and the cell's own parameters; nothing for a cell that cannot have so few
    units."""
    try:
        gates = cell.gates
    except NotImplementedError:
        raise ValueError(f"the cell {type(cell).__name__} has no gates; they are a tuple of names") from None
    names: tuple[tuple[str, object], ...] = ("gates", gates), ("states", cell.states)
    for name, found in names:
        if isinstance(found, str) and len(found) > 1:
            raise _fault(cell, f"{name} is {found!r}; it must be a tuple of names, such as ({found!r},)")
    try:
        rows = cell.gate_rows(UNITS)
    except ValueError:
        return [], {}
    if isinstance(cell, ParallelCell) and rows.recurrent:
        raise _fault(cell, f"input_only is {cell.input_only}, but no gate of a ParallelCell sees h: {len(gates)}")
    cpu = torch.device("cpu")
    widths = rows.recurrent, rows.all - rows.summed
    given = [*(wave(ROWS, width, device=cpu) for width in widths), *_start(cell)]
    own = _own_parameters(cell)
    _check_names(cell, own)
    return given, own


def _start(cell: Cell) -> State:
    vectors = wave(cell.num_initial_vectors, ROWS, UNITS, device=torch.device("cpu"))
    found = _called(cell, "start", partial(cell.start, *vectors))
    is_state = isinstance(found, tuple | list) and len(found) == len(cell.states)
    if not is_state or any(part.dtype != torch.float32 or len(part) != ROWS for part in found):
        needs = f"float32 tensors of so many rows for {', '.join(cell.states)}"
        raise _fault(cell, f"start of {ROWS} rows gives {_told(found)}; it must give a tuple of {needs}")
    return tuple(found)


def _own_parameters(cell: Cell) -> Parameters:
    """Those of few units. Raises ValueError for other shapes than rows of them, and for a bias of no gate."""
    own = _called(cell, "own_parameters", partial(cell.own_parameters, UNITS))
    if not isinstance(own, dict):
        raise _fault(cell, f"own_parameters({UNITS}) gives {_told(own)}; it must give a dict of tensors")
    for name, part in own.items():
        if part.ndim != 2 or part.shape[1] != UNITS or part.dtype != torch.float32:
            found = f"own_parameters({UNITS}) gives {name} {_shape(part)}"
            raise _fault(cell, f"{found}; it must have rows of {UNITS}: (k, {UNITS})")
    for gate, bias in _called(cell, "initial_bias", cell.initial_bias).items():
        if gate not in cell.gates:
            known = ", ".join(cell.gates)
            raise _fault(cell, f"initial_bias names {gate!r}, but the gates are {known}")
        if not isinstance(bias, float | int):
            raise _fault(cell, f"initial_bias gives {_told(bias)} for {gate!r}; it must be one number")
    return own


def _check_names(cell: Cell, own: Parameters) -> None:
    if cell.states[0] != "h":
        raise _fault(cell, f"states is {cell.states!r}; the first must be 'h', the cell's output")
    names = [*cell.states, *own]
    for name in names:
        is_taken = name in TAKEN or name.startswith(TAKEN_BEGINNINGS) or names.count(name) > 1
        if is_taken or (name in own and ("." in name or hasattr(nn.ParameterDict, name))):
            raise _fault(cell, f"a state or a parameter cannot be called {name!r}, which is taken; choose another")


def _check_over_time(cell: ParallelCell, state: State, own: Parameters) -> None:
    x = wave(ROWS, STEPS, sum(cell.gate_sizes(UNITS)), device=torch.device("cpu"))
    for of_type in (x, x.bfloat16()):
        found = _called(cell, "over_time", partial(cell.over_time, of_type, state, own))
        if not isinstance(found, Tensor) or found.shape != (ROWS, STEPS, UNITS) or found.dtype != of_type.dtype:
            needs = f"{_told(of_type[..., :UNITS])}, as wide as x"
            raise _fault(cell, f"over_time of x {_shape(of_type)} gives {_told(found)}; it must give {needs}")
        if of_type is x:
            expected = found
    for step in range(STEPS):
        state = cell.pointwise(x[:, step, :0], x[:, step], state, own)
        if not _is_close(expected[:, step], state[0]):
            raise _fault(cell, "over_time gives other numbers than pointwise")


def _checked(cell: Cell, given: Sequence[Tensor], own: Parameters, what: str) -> State:
    gates, x, *state = given
    begin = f"the cell {type(cell).__name__}: pointwise of {what}"
    names = (f"{name} {_shape(part)}" for name, part in zip(cell.states, state, strict=True))
    end = f"it must give a tuple of {', '.join(names)}"
    before = [part.clone() for part in given]
    try:
        found = cell.pointwise(gates, x, tuple(state), own)
    except Exception as error:  # a user's code may raise anything
        raise ValueError(f"{begin} fails, gates {_shape(gates)} ({error_line(error)}); {end}") from error
    if not isinstance(found, tuple) or list(map(_told, found)) != list(map(_told, state)):
        raise ValueError(f"{begin} gives {_told(found)}; {end}")
    if not all(map(torch.equal, given, before)):
        raise ValueError(f"{begin} changes what it is given; it must compute new tensors")
    return found


def _called(cell: Cell, name: str, call: Callable[[], T]) -> T:
    """What one of the cell's methods returns. Raises ValueError if it fails."""
    try:
        return call()
    except ValueError:
        raise
    except Exception as error:
        raise _fault(cell, f"{name} fails ({error_line(error)})") from error


def _fault(cell: Cell, what: str) -> ValueError:
    return ValueError(f"the cell {type(cell).__name__}: {what}")


def _is_close(found: Tensor, expected: Tensor) -> bool:
    return torch.allclose(found, expected, rtol=1e-3, atol=1e-5, equal_nan=True)


def _shape(part: Tensor) -> str:
    """With its type, unless it is that of all numbers here."""
    return f"{tuple(part.shape)}" + (f" of {part.dtype}".replace("torch.", "") * (part.dtype != torch.float32))


def _told(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a tensor {_shape(value)}"
    if isinstance(value, tuple):
        return f"a tuple of {', '.join(map(_told, value)) or 'nothing'}"
    return "None" if value is None else f"a {type(value).__name__}"
