"""Writes Triton kernels for GPUs from a cell's computation for a row.

A step has two: forward, and backward without the gradients of the cell's parameters. These are sums over all rows and
steps, which a third kernel computes after the loop: it goes over many rows, repeats the backward step's computation
and adds up in registers, so no program waits for another.

One program handles one row, with a lane for each unit, rounded up to a power of two. Tensors are contiguous:
(D,T,B,F) for the steps' inputs and outputs, (D,T+1,B,F) for the state before and after each step, (D,B,F) for one
step, (D,F) for a parameter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from nmt.cells import Cell
from nmt.kernels.expressions import CONSTANT, LOAD, NUMBER_OF_UNITS, SUM, Expressions
from nmt.kernels.operands import CellKernels, Kernel, kernels_of, parameter_names
from nmt.kernels.trace import RowFunction

INFIX = {"add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}", "neg": "-{}"}
CALLS = {
    "exp": "tl.exp({})",
    "log1p": "tl.log(1.0 + {})",  # for numbers from 0 on, where it is accurate to 1e-7
    "sigmoid": "tl.sigmoid({})",
    "tanh": "(2.0 * tl.sigmoid(2.0 * {}) - 1.0)",  # the interpreter has no other tanh; accurate to 3e-7
    "abs": "tl.abs({})",
    "rsqrt": "tl.rsqrt({})",
    "maximum": "tl.where({0} < {1}, {1}, {0})",  # keeps NaN, which tl.maximum would hide
    "minimum": "tl.where({0} > {1}, {1}, {0})",
    "greater": "({} > {}).to(tl.float32)",
    "at_least": "({} >= {}).to(tl.float32)",
    "equal": "({} == {}).to(tl.float32)",
    "where": "tl.where({} != 0, {}, {})",
}
OF_NUMBERS = INFIX | CALLS
HEADER = "import triton\nimport triton.language as tl\n"
LANES = ["i = tl.arange(0, BLOCK)", "here = i < units"]
PARAMETERS = "_parameters"  # the end of the third kernel's name

Places = Mapping[str, str]  # operand -> its current row in a program, as an expression


def cell_source(cell: Cell) -> str:
    """The source of a module with a cell's kernels. Raises NotTraceableError for a cell that has none."""
    kernels, own = kernels_of(cell), parameter_names(cell)
    parts = [HEADER, step_source(kernels.forward, own), step_source(backward_of_a_step(kernels), own)]
    of_parameters = backward_of_parameters(kernels)
    if of_parameters is not None:
        parts.append(parameters_source(of_parameters, own))
    return "\n\n".join(parts)


def backward_of_a_step(kernels: CellKernels) -> Kernel:
    return _cut(kernels.backward, kernels.backward.name, sums=False)


def backward_of_parameters(kernels: CellKernels) -> Kernel | None:
    """None if the cell has no parameters."""
    if not any(access.is_sum for access in kernels.backward.operands):
        return None
    return _cut(kernels.backward, kernels.backward.name + PARAMETERS, sums=True)


def _cut(kernel: Kernel, name: str, sums: bool) -> Kernel:
    """Keep only the outputs that are sums, or only those that are not."""
    written = [access for access in kernel.operands if access.is_written and access.is_sum == sums]
    outputs = {access.name: kernel.function.outputs[access.name] for access in written}
    function = RowFunction(kernel.function.expressions, kernel.function.inputs, outputs)
    read = [access for access in kernel.operands if not access.is_written and access.name in function.loads]
    return Kernel(name, function, (*read, *written))


OF_STEPS = {"gates", "x", "grad_output", "grad_gates", "grad_x"}  # other operands of all steps have T+1, as the state


def places_of(kernel: Kernel, own: Collection[str]) -> dict[str, str]:
    """The place of each operand. If the cell has parameters, the gradients that arrive at a backward step are kept
    for theirs."""

    def place(name: str) -> str:
        if name in own:
            return "layer"
        if name in OF_STEPS:
            return "at"
        return "row" if name.startswith("grad_") and not own else "state_at"

    return {access.name: place(access.name) for access in kernel.operands}


AT = ["at = (layer * length + t) * batch + b", "state_at = (layer * (length + 1) + t) * batch + b"]


def step_source(kernel: Kernel, own: Collection[str]) -> str:
    """A kernel for step t of `length`."""
    places = places_of(kernel, own)
    lines = [
        "b = tl.program_id(0)",
        "layer = tl.program_id(1).to(tl.int64)",
        "row = layer * batch + b",
        *AT,
        *LANES,
        *values(kernel.function, places, LOADED),
        *stores(kernel.function, places),
    ]
    return function_source(kernel.name, ["t", "length", "batch"], list(places), lines)


def parameters_source(kernel: Kernel, own: Collection[str]) -> str:
    """A kernel for `count` of `length` steps: `first`, `first` + `every` and so on. Each layer has several programs,
    each of which computes a part of the sums (programs,D,1,F)."""
    places, function = places_of(kernel, own), kernel.function
    outputs = [(name, k, node) for name, nodes in function.outputs.items() for k, node in enumerate(nodes)]
    body = [
        "b = n % batch",
        "t = first + n // batch * every",
        *AT,
        *values(function, places, LOADED),
        *(f"sum_{name}_{k} += {value_of(function.expressions, node)}" for name, k, node in outputs),
    ]
    lines = [
        "program = tl.program_id(0)",
        "layer = tl.program_id(1).to(tl.int64)",
        *LANES,
        *(f"sum_{name}_{k} = tl.zeros((BLOCK,), tl.float32)" for name, k, _ in outputs),
        "for n in range(program, count * batch, tl.num_programs(0)):",
        *(f"    {line}" for line in body),
        "part = program * tl.num_programs(1) + layer",
        *(store(name, k, len(function.outputs[name]), "part", f"sum_{name}_{k}") for name, k, _ in outputs),
    ]
    return function_source(kernel.name, ["first", "every", "count", "length", "batch"], list(places), lines)


def function_source(name: str, numbers: list[str], operands: list[str], lines: list[str]) -> str:
    """`numbers` differ from call to call without a new compilation."""
    told = ", ".join(f'"{number}"' for number in numbers)
    arguments = ", ".join([*numbers, "units", *operands, "BLOCK: tl.constexpr"])
    body = "\n".join(f"    {line}" for line in lines)
    return f"@triton.jit(do_not_specialize=[{told}])\ndef {name}({arguments}):\n{body}\n"


LOADED = "tl.load({name} + ({place} * {count} + {k}) * units + i, mask=here, other=0.0).to(tl.float32)"


def values(
    function: RowFunction, places: Places, loaded: str, known: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The computation, in order. `known` has the values of some inputs; `loaded` says how to load the others."""
    expressions, known = function.expressions, known or {}
    for x in expressions.needed(node for nodes in function.outputs.values() for node in nodes):
        node = expressions.nodes[x]
        if node.function == LOAD:
            k, count = int(node.value), function.inputs[node.name]
            text = known.get(node.name) or loaded.format(name=node.name, place=places[node.name], count=count, k=k)
        elif node.function == SUM:
            text = f"tl.sum(tl.where(here, {value_of(expressions, node.arguments[0])}, 0.0), 0)"
        elif node.function == NUMBER_OF_UNITS:
            text = "units * 1.0"
        elif node.function == CONSTANT:
            continue
        else:
            arguments = [_number(expressions, y) for y in node.arguments]
            if node.function not in INFIX and all(expressions.value_of(y) is not None for y in node.arguments):
                arguments = [f"tl.full((), {text}, tl.float32)" for text in arguments]
            text = OF_NUMBERS[node.function].format(*arguments)
        yield f"x{x} = {text}"


def stores(function: RowFunction, places: Places) -> Iterator[str]:
    for name, nodes in function.outputs.items():
        for k, node in enumerate(nodes):
            yield store(name, k, len(nodes), places[name], value_of(function.expressions, node))


def store(name: str, k: int, count: int, place: str, value: str) -> str:
    to = f"{name} + ({place} * {count} + {k}) * units + i"
    return f"tl.store({to}, ({value}).to({name}.dtype.element_ty), mask=here)"


def value_of(expressions: Expressions, x: int) -> str:
    """A node as a vector."""
    text = _number(expressions, x)
    return text if expressions.is_vector[x] else f"tl.zeros((BLOCK,), tl.float32) + {text}"


def _number(expressions: Expressions, x: int) -> str:
    """A node as it is written in an expression."""
    value = expressions.value_of(x)
    if value is None:
        return f"x{x}"
    return f"({value!r})" if value < 0 else repr(value)
