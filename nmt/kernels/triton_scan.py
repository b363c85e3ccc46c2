"""Writes Triton kernels over all steps of an elementwise cell whose gates see only x.

One program handles some units of one row and goes from step to step with their state in registers. On the way back it
adds up the gradients of the cell's parameters. Tensors are contiguous: (B,T,F) for the steps' inputs and outputs,
(B,T+1,H) for the state before and after each step, (B,F) for one step, (F,) for a parameter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache

from nmt.cells import Cell
from nmt.kernels.expressions import NUMBER_OF_UNITS, SUM
from nmt.kernels.operands import has_kernels, kept_states, kernels_of, parameter_names
from nmt.kernels.trace import RowFunction
from nmt.kernels.triton_source import HEADER, LOADED, OF_STEPS, function_source, store, value_of, values

ZEROS = "tl.zeros((BLOCK,), tl.float32)"
AT = ["at = b * length + t", "state_at = b * (length + 1) + t"]
OF_ROW = [
    "b = tl.program_id(0).to(tl.int64)",
    "i = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)",
    "here = i < units",
]


@cache
def is_scannable(cell: Cell) -> bool:
    """Whether a cell has kernels, and a unit's step needs no other unit."""
    if not has_kernels(cell):
        return False
    nodes = (node.function for kernel in kernels_of(cell) for node in kernel.function.expressions.nodes)
    return cell.input_only == len(cell.gates) and {SUM, NUMBER_OF_UNITS}.isdisjoint(nodes)


def scan_source(cell: Cell) -> str:
    """The source of a module with two kernels, `forward` and `backward`; `scan_operands` gives their operands."""
    forward, backward = kernels_of(cell)
    states, own = kept_states(cell), parameter_names(cell)
    operands, of_gradient = scan_operands(cell)
    return "\n\n".join(
        [
            HEADER,
            function_source("forward", ["length"], operands, list(_forward(forward.function, states, own))),
            function_source("backward", ["length"], of_gradient, list(_backward(backward.function, states, own))),
        ]
    )


def scan_operands(cell: Cell) -> tuple[list[str], list[str]]:
    """The operands of the kernels forward and backward: those read, then those written; the state is both."""
    states, own = kept_states(cell), parameter_names(cell)
    grads = [f"grad_{name}" for name in ["output", "x", *states, *own]]
    return ["x", "hidden", *states, *own], ["x", *states, *own, *grads]


def _forward(function: RowFunction, states: tuple[str, ...], own: Collection[str]) -> Iterator[str]:
    yield from OF_ROW
    for name in states:
        yield f"state_{name} = {LOADED.format(name=name, place='(b * (length + 1))', count=1, k=0)}"
    yield "for t in range(length):"
    for line in [*AT, *values(function, _places(function, own), LOADED, {name: f"state_{name}" for name in states})]:
        yield f"    {line}"
    outputs = {name: value_of(function.expressions, nodes[0]) for name, nodes in function.outputs.items()}
    yield f"    {store('hidden', 0, 1, 'at', outputs['hidden'])}"
    for name in states:
        yield f"    {store(name, 0, 1, '(state_at + 1)', outputs[f'new_{name}'])}"
    for name in states:
        yield f"    state_{name} = {outputs[f'new_{name}']}"


def _backward(function: RowFunction, states: tuple[str, ...], own: Collection[str]) -> Iterator[str]:
    vectors = {
        (name, k): value_of(function.expressions, node)
        for name, nodes in function.outputs.items()
        for k, node in enumerate(nodes)
    }
    sums = [(name, k) for name, k in vectors if name.removeprefix("grad_") in own]
    known = {f"grad_new_{name}": f"arriving_{name}" for name in states} | {"grad_product": ZEROS}  # no gate sees h
    yield from OF_ROW
    for name in [*(f"arriving_{name}" for name in states), *(f"sum_{name}_{k}" for name, k in sums)]:
        yield f"{name} = {ZEROS}"
    yield "for step in range(length):"
    for line in ["t = length - 1 - step", *AT, *values(function, _places(function, own), LOADED, known)]:
        yield f"    {line}"
    for k in range(len(function.outputs["grad_x"])):
        yield f"    {store('grad_x', k, len(function.outputs['grad_x']), 'at', vectors['grad_x', k])}"
    for name in states:
        yield f"    arriving_{name} = {vectors.get((f'grad_{name}', 0), ZEROS)}"
    for name, k in sums:
        yield f"    sum_{name}_{k} += {vectors[name, k]}"
    for name in states:
        yield store(f"grad_{name}", 0, 1, "b", f"arriving_{name}")
    for name, k in sums:
        yield store(name, k, len(function.outputs[name]), "b", f"sum_{name}_{k}")


def _places(function: RowFunction, own: Collection[str]) -> Mapping[str, str]:
    return {name: "0" if name in own else "at" if name in OF_STEPS else "state_at" for name in function.inputs}
