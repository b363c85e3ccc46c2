"""A cell's computation for one row and its gradient, as expressions: `Cell.pointwise` is traced once.

Each operation of torch that `pointwise` and its backward pass by autograd call is done on codes (codes.py) as well as
on numbers (recorder.py). All this is done for two numbers of units, to find the values that depend on this number.

Dims: H units, Y and X rows of gates that do and do not see h (see cells/base.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nmt.cells import Cell, State
from nmt.kernels.codes import Coder, NotTraceableError
from nmt.kernels.expressions import CONSTANT, Expressions
from nmt.kernels.recorder import Recorder

__all__ = ["NotTraceableError", "RowFunction", "TracedCell", "trace", "undisturbed"]

SIZES = 7, 11  # units while tracing: sizes that no other dimension has
MOST_UNITS = 65536  # of any layer


@dataclass(frozen=True)
class RowFunction:
    """A kernel's computation for one row. Inputs and outputs are vectors of H numbers, one or more per name."""

    expressions: Expressions
    inputs: dict[str, int]  # name -> how many vectors
    outputs: dict[str, tuple[int, ...]]  # name -> its vectors' nodes

    @property
    def loads(self) -> set[str]:
        """The inputs that it reads."""
        nodes = self.expressions.needed(node for vectors in self.outputs.values() for node in vectors)
        return {self.expressions.nodes[node].name for node in nodes} - {""}


class TracedCell(NamedTuple):
    """`forward`: gates, x, the parts of the state and the cell's parameters, by their names -> `hidden`, which is the
    cell's output, and the parts of the new state, `new_c` and so on; `new_h` if a step needs h itself.

    `backward`: the same inputs and the gradients of the results -> `grad_gates`, `grad_x`, `grad_h` and so on, and a
    row's part of each parameter's `grad_`. The output has three gradients: `grad_output` from above, `grad_product`
    from R h of the next step, and `grad_new_h` from other uses of h in that step; `grad_new_c` and so on are the
    others. Anything that is always zero is left out.
    """

    forward: RowFunction
    backward: RowFunction


class _Wanted(Exception):  # noqa: N818 (not an error)
    """Interrupts tracing with the input of one of the cell's own products."""

    def __init__(self, name: str, x: Tensor) -> None:
        self.name, self.x = name, x


class Phase(NamedTuple):
    """A part of a step that ends before one of the cell's own products, or with the step."""

    function: RowFunction  # its inputs are those of `forward` and the products before: `product_0` and so on
    matrix: str | None  # the parameter that multiplies its output `multiplied`; None: the last, which is as `forward`


@contextmanager
def undisturbed() -> Iterator[None]:
    """A context with gradients on and in float32, whatever the caller has switched off or set. Random numbers drawn
    inside do not change those of a run, which must not depend on when a cell is traced or tried."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with (
            torch.random.fork_rng(devices=[]),
            torch.inference_mode(mode=False),
            torch.enable_grad(),
            torch.autocast("cpu", enabled=False),
        ):
            yield
    finally:
        torch.set_default_dtype(default)


@undisturbed()
def trace(cell: Cell) -> TracedCell:
    """Raises NotTraceableError for a cell with products of its own or with a state that is not vectors of H."""
    small, large = (_trace(cell, units) for units in SIZES)
    return TracedCell(_of_any_size(small.forward, large.forward), _of_any_size(small.backward, large.backward))


@cache
def smallest_sizes(cell: Cell) -> tuple[int, int]:
    """The two smallest numbers of units that the cell can have; twice the same if there is only one."""

    def is_possible(units: int) -> bool:
        try:
            return bool(cell.gate_sizes(units))
        except ValueError:
            return False

    found = list(islice(filter(is_possible, range(1, MOST_UNITS + 1)), 2))
    return found[0], found[-1]


@cache
@undisturbed()
def matrix_names(cell: Cell) -> set[str]:
    """The names of the cell's own parameters that `cells.base.product` multiplies by: both their dimensions grow."""
    small, large = map(cell.own_parameters, smallest_sizes(cell))
    return {name for name, own in small.items() if len(own) != len(large[name])}


@undisturbed()
def trace_phases(cell: Cell) -> list[Phase]:
    """A forward step of a cell that may have products of its own. Raises NotTraceableError."""
    found: list[Phase] = []
    while not found or found[-1].matrix:
        before = [phase.matrix for phase in found if phase.matrix]
        (small, matrix), (large, _) = (_phase(cell, before, units) for units in SIZES)
        found.append(Phase(_of_any_size(small, large), matrix))
    return found


def _phase(cell: Cell, before: Sequence[str], units: int) -> tuple[RowFunction, str | None]:
    """The phase after products by these parameters."""
    inputs, own = _inputs(cell, units)
    matrices = {name: own.pop(name) for name in matrix_names(cell)}
    for name in matrices:
        del inputs[name]
    inputs |= {f"product_{k}": torch.rand(1, len(matrices[name])) for k, name in enumerate(before)}
    names, wanted = ["hidden", *(f"new_{name}" for name in cell.states[1:])], list[str]()

    def phase(gates: Tensor, x: Tensor, *rest: Tensor) -> State:
        state, parameters = rest[: len(cell.states)], dict(zip(own, rest[len(cell.states) :], strict=False))
        products = iter(rest[len(cell.states) + len(own) :])

        def multiply(name: str, x: Tensor) -> Tensor:
            product = next(products, None)
            if product is None:
                raise _Wanted(name, x)
            return product

        by_product: dict[str, Any] = {name: partial(multiply, name) for name in matrices}
        try:
            return cell.pointwise(gates, x, state, parameters | by_product)
        except _Wanted as product:
            wanted.append(product.name)
            names[:] = ["multiplied"]
            return (product.x,)

    function = _row_function(phase, inputs, names, units)
    return function, wanted[0] if wanted else None


def _inputs(cell: Cell, units: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The inputs of `pointwise` for this many units, by name, and those that are the cell's own parameters."""
    try:
        rows, own = cell.gate_rows(units), cell.own_parameters(units)
        state = cell.start(*torch.rand(cell.num_initial_vectors, 1, units))
    except (RuntimeError, ValueError) as error:  # it may refuse this many units
        raise NotTraceableError(str(error)) from None
    inputs = {"gates": torch.rand(1, rows.recurrent), "x": torch.rand(1, rows.all - rows.summed)}
    inputs |= dict(zip(cell.states, state, strict=True)) | {name: torch.rand_like(part) for name, part in own.items()}
    if any(part.shape[-1] % units for part in inputs.values()):
        raise NotTraceableError("a part of the state or of the gates is no vector of the units")
    return inputs, own


def _trace(cell: Cell, units: int) -> TracedCell:
    """Trace a cell with this many units."""
    inputs, own = _inputs(cell, units)
    number = len(inputs)

    def forward(gates: Tensor, x: Tensor, *rest: Tensor) -> State:
        state, parameters = rest[: len(cell.states)], rest[len(cell.states) :]
        return cell.pointwise(gates, x, state, dict(zip(own, parameters, strict=True)))

    def backward(*arguments: Tensor) -> Sequence[Tensor]:
        wanted = [part.detach().requires_grad_() for part in arguments[:number]]
        of_output, of_product, *of_state = arguments[number:]
        of_h = of_output + of_product
        grads = [of_h + of_state.pop(0) if keeps_h else of_h, *of_state]
        return torch.autograd.grad(forward(*wanted), wanted, grads, allow_unused=True, materialize_grads=True)

    names = [f"grad_{name}" for name in inputs]
    for keeps_h in (False, True):
        kept = [f"grad_new_{name}" for name in cell.states[not keeps_h :]]
        grads = {name: torch.rand(1, units) for name in ["grad_output", "grad_product", *kept]}
        of_backward = _without_zeros(_row_function(backward, inputs | grads, names, units))
        if "grad_h" not in of_backward.outputs:
            break
    of_forward = _row_function(forward, inputs, ["hidden", *(f"new_{name}" for name in cell.states[1:])], units)
    if "h" in of_forward.loads | of_backward.loads:
        of_forward = replace(of_forward, outputs={**of_forward.outputs, "new_h": of_forward.outputs["hidden"]})
    return TracedCell(of_forward, of_backward)


def _of_any_size(small: RowFunction, large: RowFunction) -> RowFunction:
    """Merge the traces of both SIZES: a number that equals the size in each becomes the number of units."""
    expressions, places = Expressions(), dict[int, int]()
    nodes = small.expressions.nodes, large.expressions.nodes
    if (small.inputs, small.outputs) != (large.inputs, large.outputs) or len(nodes[0]) != len(nodes[1]):
        raise NotTraceableError("what is computed depends on the number of units")
    for place, (node, same) in enumerate(zip(*nodes, strict=True)):
        is_size = node.function == CONSTANT == same.function and (node.value, same.value) == SIZES
        if node != same and not is_size:
            raise NotTraceableError("a number depends on that of the units")
        places[place] = expressions.units() if is_size else expressions.copied(node, places)
    outputs = {name: tuple(places[x] for x in vectors) for name, vectors in small.outputs.items()}
    return replace(small, expressions=expressions, outputs=outputs)


def _without_zeros(function: RowFunction) -> RowFunction:
    """Drop outputs that are always 0, but not the gates' gradients, which enter products."""
    value_of, kept = function.expressions.value_of, {}
    for name, nodes in function.outputs.items():
        if any(value_of(node) != 0 for node in nodes) or (nodes and name in ("grad_gates", "grad_x")):
            kept[name] = nodes
    return replace(function, outputs=kept)


def _row_function(
    function: Callable[..., Sequence[Tensor]], inputs: dict[str, Tensor], names: list[str], units: int
) -> RowFunction:
    coder = Coder(units)
    codes = {name: coder.load(name, part) for name, part in inputs.items()}
    try:
        with Recorder(coder) as recorder:
            recorder.learn(inputs.values(), codes.values())
            found = [recorder.codes_of(part) for part in function(*inputs.values())]
    except RuntimeError as error:  # for example, torch refuses to change an input
        raise NotTraceableError(str(error)) from None
    if any(not codes[name].equal(coder.load(name, part)) for name, part in inputs.items()):
        raise NotTraceableError("an input is changed")
    vectors = [tuple(coder.vectors(part).flatten().tolist()) for part in found]
    sizes = {name: part.numel() // units for name, part in inputs.items()}
    return RowFunction(coder.expressions, sizes, dict(zip(names, vectors, strict=True)))
