"""Writes the kernels in C, for the CPU: nmt/native/forward.h and cells.h.

A function passes over the units of a row once, and again after each sum over the units that it needs. Expensive
values that are needed again are kept for the row; cheap ones are recomputed. Training calls a function for all rows
of a step (cells.h), search for one row after the other (nmt_step_... in forward.h).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from nmt.cells import Cell
from nmt.kernels.expressions import CONSTANT, LOAD, NUMBER_OF_UNITS, SUM, Expressions
from nmt.kernels.operands import (
    Access,
    Kernel,
    StepKernels,
    digest,
    kernel_name,
    kernels_of,
    step_kernels_of,
    vector_names,
    written_as,
)
from nmt.kernels.trace import NotTraceableError

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
CALLS = {
    "exp": "exponential",
    "log1p": "log_plus_one",
    "sigmoid": "sigmoid",
    "tanh": "hyperbolic_tangent",
    "abs": "absolute",
    "rsqrt": "inverse_root",
    "maximum": "maximum",
    "minimum": "minimum",
}
COMPARISONS = {"greater": ">", "at_least": ">=", "equal": "=="}
COST = {"exp": 12, "log1p": 12, "sigmoid": 16, "tanh": 16, "div": 6, "rsqrt": 6}  # of a vector, roughly in cycles
KEPT_FROM = 6  # values that cost more are kept, not recomputed


class Pass(NamedTuple):
    """One pass over the units."""

    nodes: list[int]  # to compute, in order
    sums: list[int]
    outputs: list[tuple[str, int]]  # name and number of the vector
    kept: list[int]  # vectors that later passes need


def passes(kernel: Kernel) -> list[Pass]:
    expressions = kernel.function.expressions
    outputs = [(name, k, node) for name, vectors in kernel.function.outputs.items() for k, node in enumerate(vectors)]
    needed = expressions.needed(node for _, _, node in outputs)
    rounds = expressions.rounds(needed)
    computed: dict[int, int] = {}  # node -> the pass that computed it first
    kept: set[int] = set()
    found = []
    for number in range(max(rounds.values()) + 1):
        sums = [x for x in needed if expressions.nodes[x].function == SUM and rounds[x] == number + 1]
        own = [(name, k) for name, k, node in outputs if rounds[node] == number]
        roots = [expressions.nodes[x].arguments[0] for x in sums]
        roots += [node for _, _, node in outputs if rounds[node] == number]
        nodes = _wanted(expressions, roots, computed, kept)
        for node in nodes:
            computed.setdefault(node, number)
        found.append(Pass(nodes, sums, own, []))
    for node in sorted(kept):
        found[computed[node]].kept.append(node)
    return found


def _wanted(expressions: Expressions, roots: Iterable[int], computed: dict[int, int], kept: set[int]) -> list[int]:
    """The vectors that a pass computes. Expensive ones that an earlier pass computed are added to `kept`."""
    wanted, stack = set(), list(roots)
    while stack:
        node = stack.pop()
        if node in wanted or not expressions.is_vector[node]:
            continue
        wanted.add(node)
        if node in computed and _cost(expressions, node, kept) > KEPT_FROM:
            kept.add(node)
        elif node not in kept:
            stack.extend(expressions.nodes[node].arguments)
    return sorted(wanted)


def _cost(expressions: Expressions, node: int, kept: set[int]) -> int:
    """The cost of computing a vector, given the kept ones."""
    nodes, stack = set(), [node]
    while stack:
        node = stack.pop()
        if node not in nodes and expressions.is_vector[node] and node not in kept:
            nodes.add(node)
            stack.extend(expressions.nodes[node].arguments)
    return sum(COST.get(expressions.nodes[node].function, 1) for node in nodes)


HEADER = "// {}, as scripts/write_kernels.py writes it: change the cells instead.\n"
ROW = "int64_t units, float *kept"  # arguments of a row's function besides its operands


def cells_source(cells: Iterable[Cell]) -> dict[str, str]:
    """The content of nmt/native/forward.h and cells.h. Cells without kernels are left out; cells with the same
    kernels appear once."""
    forward, rest = dict[str, str](), dict[str, str]()
    for cell in cells:
        own_forward, own_rest = sources(cell)
        forward |= own_forward
        rest |= own_rest
    digest_of_all = once(f'const char nmt_cells[] = "{digest()}";')
    what = "The gradient of a step of each cell, and both for many rows"
    return {
        "forward.h": "\n".join([HEADER.format("A step of each cell"), digest_of_all, *forward.values()]),
        "cells.h": "\n".join([HEADER.format(what), *rest.values()]),
    }


def sources(cell: Cell) -> tuple[dict[str, str], dict[str, str]]:
    """A cell's parts for search, and its further parts for training, by name; empty if it has no kernels. `NAME` and
    `narrow` are macros."""
    forward, rest = dict[str, str](), dict[str, str]()
    with suppress(NotTraceableError):
        of_search = step_kernels_of(cell)
        forward = {kernel.name: row_source(kernel) for kernel in of_search.kernels}
        forward[f"step of {kernel_name(cell)}"] = step_source(cell, of_search)
    with suppress(NotTraceableError):
        step, gradient = kernels_of(cell)
        rest = {step.name: rows_source(step), gradient.name: row_source(gradient) + rows_source(gradient)}
    return forward, rest


def once(*lines: str) -> str:
    """Lines that are not repeated for each width."""
    return "\n".join(["#ifndef SECOND_TIME", *lines, "#endif\n"])


def row_source(kernel: Kernel) -> str:
    """The function for one row."""
    each = passes(kernel)
    kept = {node: place for place, node in enumerate(node for one in each for node in one.kept)}
    operands = (f"{_type(access)} *{access.name}_at" for access in kernel.operands)
    lines = [f"INLINE void NAME({kernel.name}_row)({', '.join([ROW, *operands])}) {{"]
    lines.append("    const int64_t room = room_of(units);" if kept else "    (void)kept;")
    scalars: set[int] = set()
    for one in each:
        lines += ["    " + line for line in _pass_source(kernel, one, kept, scalars)]
    return "\n".join([*lines, "}", f"enum {{ NAME({kernel.name}_kept) = {len(kept)} }};", ""])


def rows_source(kernel: Kernel) -> str:
    """The function that training calls, for all rows of a step."""
    name, operands = kernel.name, enumerate(kernel.operands)
    at = (f"at(&p->operands[{k}], {'chunk' if access.is_sum else 't'}, layer, row)" for k, access in operands)
    return "\n".join(
        [
            f"static void NAME({name}_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first,"
            " int64_t last) {",
            f"    float *kept = kept_numbers(NAME({name}_kept) * room_of(p->units));",
            "    for (int64_t r = first; r < last; r++) {",
            "        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;",
            f"        NAME({name}_row)(p->units, kept, {', '.join(at)});",
            "    }",
            "    (void)chunk;",
            "}",
            once(f'const char nmt_{name}_operands[] = "{written_as(kernel.operands)}";'),
            f"void NAME(nmt_{name})(const struct Plan *p, int64_t t) {{ run(p, t, NAME({name}_rows)); }}",
            "",
        ]
    )


def step_source(cell: Cell, step: StepKernels) -> str:
    """The functions that search calls, one per kernel, for one row. The parts of a state are `far` numbers apart,
    the cell's own vectors are adjacent; each function but the last leaves the next product's factor in `after`."""
    places, first = {"gates": "gates", "x": "x", "hidden": "after", "multiplied": "after"}, 0
    for k, state in enumerate(cell.states):
        places |= {state: f"state + {k} * far", f"new_{state}": f"after + {k} * far_after"}
    for name in vector_names(cell):
        places[name] = f"own + {first} * units"
        first += step.kernels[0].function.inputs[name]
    places |= {f"product_{k}": f"products[{k}]" for k in range(len(step.matrices))}
    name = kernel_name(cell)
    lines = [f'const char nmt_step_{name}[] = "{" ".join(step.matrices)}";']
    for k, kernel in enumerate(step.kernels):
        arguments = ", ".join(places[access.name] for access in kernel.operands)
        lines += [
            f"void nmt_step_{name}_{k}(int64_t units, const float *gates, const float *x, const float *own,"
            " const float *const *products, const float *state, int64_t far, float *after, int64_t far_after) {",
            "    (void)gates, (void)x, (void)own, (void)products, (void)state, (void)far, (void)far_after;",
            f"    float *kept = kept_numbers(NAME({kernel.name}_kept) * room_of(units));",
            f"    NAME({kernel.name}_row)(units, kept, {arguments});",
            "}",
        ]
    return once(*lines)


def _type(access: Access) -> str:
    return ("" if access.is_written else "const ") + ("narrow" if access.is_narrow else "float")


def _mover(access: Access, what: str) -> str:
    """The function that loads or stores an operand's vectors."""
    return f"NAME({what})" if access.is_narrow else f"{what}_float"


def _pass_source(kernel: Kernel, one: Pass, kept: dict[int, int], scalars: set[int]) -> Iterator[str]:
    expressions = kernel.function.expressions
    roots = [*(expressions.nodes[x].arguments[0] for x in one.sums), *one.nodes]
    roots += [kernel.function.outputs[name][k] for name, k in one.outputs]
    below = expressions.needed(x for root in roots for x in (root, *expressions.nodes[root].arguments))
    for x in below:
        node = expressions.nodes[x]
        if not expressions.is_vector[x] and node.function not in (SUM, CONSTANT) and x not in scalars:
            scalars.add(x)
            yield f"const float x{x} = {_scalar(expressions, x)};"
    for x in one.sums:
        yield f"struct sums sum{x} = {{0}};"
    for part in (False, True):
        yield "if (units % LANES) {" if part else "for (int64_t i = 0; i + LANES <= units; i += LANES) {"
        if part:
            yield "    const int64_t i = units / LANES * LANES;"
            yield "    const int left = units - i;"
        for line in _body(kernel, one, kept, part):
            yield "    " + line
        yield "}"
    for x in one.sums:
        yield f"const float x{x} = total_of(sum{x});"


def _body(kernel: Kernel, one: Pass, kept: dict[int, int], part: bool) -> Iterator[str]:
    expressions, own = kernel.function.expressions, set(one.kept)
    accesses = {access.name: access for access in kernel.operands}
    kind, left = ("_part", ", left") if part else ("", "")
    for x in one.nodes:
        node = expressions.nodes[x]
        if x in kept and x not in own:
            value = f"load_float(kept + {kept[x]} * room + i)"
        elif node.function == LOAD:
            value = (
                f"{_mover(accesses[node.name], f'load{kind}')}({node.name}_at + {int(node.value)} * units + i{left})"
            )
        else:
            value = _vector(expressions, x)
        yield f"const vector x{x} = {value};"
        if x in own:
            yield f"store_float(kept + {kept[x]} * room + i, x{x});"
    for x in one.sums:
        of = f"x{expressions.nodes[x].arguments[0]}"
        yield f"sum{x}.part[i / LANES % PARTS] += {f'keep({of}, left)' if part else of};"
    for name, k in one.outputs:
        x, access = kernel.function.outputs[name][k], accesses[name]
        place, value = f"{name}_at + {k} * units + i", _value(expressions, x, vector=True)
        if access.is_sum:
            value = f"load{kind}_float({place}{left}) + {value}"
        yield f"{_mover(access, f'store{kind}')}({place}, {value}{left});"


def _value(expressions: Expressions, x: int, vector: bool) -> str:
    """A node as it is written in an expression."""
    node = expressions.nodes[x]
    text = f"{node.value!r}f" if node.function == CONSTANT else f"x{x}"
    if node.function == CONSTANT and node.value < 0:
        text = f"({text})"
    return f"all({text})" if vector and not expressions.is_vector[x] else text


def _vector(expressions: Expressions, x: int) -> str:
    function, arguments, *_ = expressions.nodes[x]
    if function in INFIX:
        a, b = (_value(expressions, y, vector=False) for y in arguments)
        return f"{a} {INFIX[function]} {b}"
    if function == "neg":
        return f"-{_value(expressions, arguments[0], vector=False)}"
    values = [_value(expressions, y, vector=True) for y in arguments]
    if function in COMPARISONS:
        return f"truth({values[0]} {COMPARISONS[function]} {values[1]})"
    if function == "where":
        return f"choose({values[0]} != 0, {values[1]}, {values[2]})"
    return f"{CALLS[function]}({', '.join(values)})"


def _scalar(expressions: Expressions, x: int) -> str:
    function = expressions.nodes[x].function
    if function == NUMBER_OF_UNITS:
        return "units"
    if function in INFIX or function == "neg":
        return _vector(expressions, x)
    return f"({_vector(expressions, x)})[0]"
