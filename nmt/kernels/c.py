"""Kernels in C, for the CPU: nmt/native/cells.h is written here.

A function goes over the units of a row some times: once, and once more after each sum over the units that it needs.
What is dear and needed again is kept for the row, what is cheap is computed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from nmt.cells import Cell
from nmt.kernels.expressions import CONSTANT, LOAD, NUMBER_OF_UNITS, SUM, Expressions
from nmt.kernels.operands import Access, Kernel, digest, kernels_of, written_as
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
COST = {"exp": 12, "log1p": 12, "sigmoid": 16, "tanh": 16, "div": 6, "rsqrt": 6}  # of a vector, in cycles or so
KEPT_FROM = 6  # what costs more is kept rather than computed again


class Pass(NamedTuple):
    """One way over the units."""

    nodes: list[int]  # what is computed, in order
    sums: list[int]
    outputs: list[tuple[str, int]]  # name and number of the vector
    kept: list[int]  # what later passes need


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
    """The vectors that a pass computes; of those that an earlier one did, what is dear joins `kept`."""
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
    """Of computing a vector from what is there."""
    nodes, stack = set(), [node]
    while stack:
        node = stack.pop()
        if node not in nodes and expressions.is_vector[node] and node not in kept:
            nodes.add(node)
            stack.extend(expressions.nodes[node].arguments)
    return sum(COST.get(expressions.nodes[node].function, 1) for node in nodes)


HEADER = (
    "// A step of each cell, forward and backward, as scripts/write_kernels.py writes it: change the cells instead.\n"
)


def cells_source(cells: Iterable[Cell]) -> str:
    """What nmt/native/cells.h must be. Cells without kernels are left out, of those with the same all but one."""
    parts: dict[str, str] = {}
    for cell in cells:
        try:
            parts |= {kernel.name: source(kernel) for kernel in kernels_of(cell)}
        except NotTraceableError:
            continue
    return "\n".join([HEADER, once(f'const char nmt_cells[] = "{digest()}";'), *parts.values()])


def once(line: str) -> str:
    """What is not for each width."""
    return f"#ifndef SECOND_TIME\n{line}\n#endif\n"


def source(kernel: Kernel) -> str:
    """A function over some rows, and the one that is called from outside; `NAME` and `narrow` are macros."""
    ways = passes(kernel)
    kept = {node: place for place, node in enumerate(node for way in ways for node in way.kept)}
    lines = [
        f"static void NAME({kernel.name}_rows)(const struct Plan *p, int64_t t, int64_t chunk, int64_t first,"
        " int64_t last) {",
        "    const int64_t units = p->units, room = (units + LANES - 1) / LANES * LANES;",
    ]
    if kept:
        lines.append(f"    float *kept = kept_numbers({len(kept)} * room);")
    lines += [
        "    for (int64_t r = first; r < last; r++) {",
        "        const int64_t layer = r / p->rows_per_layer, row = r % p->rows_per_layer;",
    ]
    for place, access in enumerate(kernel.operands):
        constant = "" if access.is_written else "const "
        step = "chunk" if access.is_sum else "t"
        lines.append(
            f"        {constant}{_type(access)} *{access.name}_at = at(&p->operands[{place}], {step}, layer, row);"
        )
    scalars: set[int] = set()
    for way in ways:
        lines += ["        " + line for line in _way(kernel, way, kept, scalars)]
    lines += ["    }", "    (void)chunk; (void)room;", "}", ""]
    lines += [
        "#ifndef SECOND_TIME",
        f'const char nmt_{kernel.name}_operands[] = "{written_as(kernel.operands)}";',
        "#endif",
        f"void NAME(nmt_{kernel.name})(const struct Plan *p, int64_t t) {{ run(p, t, NAME({kernel.name}_rows)); }}",
        "",
    ]
    return "\n".join(lines)


def _type(access: Access) -> str:
    return "narrow" if access.is_narrow else "float"


def _mover(access: Access, what: str) -> str:
    """The function that loads or stores an operand's vectors."""
    return f"NAME({what})" if access.is_narrow else f"{what}_float"


def _way(kernel: Kernel, way: Pass, kept: dict[int, int], scalars: set[int]) -> Iterator[str]:
    expressions = kernel.function.expressions
    roots = [*(expressions.nodes[x].arguments[0] for x in way.sums), *way.nodes]
    roots += [kernel.function.outputs[name][k] for name, k in way.outputs]
    below = expressions.needed(x for root in roots for x in (root, *expressions.nodes[root].arguments))
    for x in below:
        node = expressions.nodes[x]
        if not expressions.is_vector[x] and node.function not in (SUM, CONSTANT) and x not in scalars:
            scalars.add(x)
            yield f"const float x{x} = {_scalar(expressions, x)};"
    for x in way.sums:
        yield f"vector sum{x} = {{0}};"
    for part in (False, True):
        yield "if (units % LANES) {" if part else "for (int64_t i = 0; i + LANES <= units; i += LANES) {"
        if part:
            yield "    const int64_t i = units / LANES * LANES;"
            yield "    const int left = units - i;"
        for line in _body(kernel, way, kept, part):
            yield "    " + line
        yield "}"
    for x in way.sums:
        yield f"const float x{x} = total(sum{x});"


def _body(kernel: Kernel, way: Pass, kept: dict[int, int], part: bool) -> Iterator[str]:
    expressions, own = kernel.function.expressions, set(way.kept)
    accesses = {access.name: access for access in kernel.operands}
    kind, left = ("_part", ", left") if part else ("", "")
    for x in way.nodes:
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
    for x in way.sums:
        of = f"x{expressions.nodes[x].arguments[0]}"
        yield f"sum{x} += {f'keep({of}, left)' if part else of};"
    for name, k in way.outputs:
        x, access = kernel.function.outputs[name][k], accesses[name]
        place, value = f"{name}_at + {k} * units + i", _value(expressions, x, vector=True)
        if access.is_sum:
            value = f"load{kind}_float({place}{left}) + {value}"
        yield f"{_mover(access, f'store{kind}')}({place}, {value}{left});"


def _value(expressions: Expressions, x: int, vector: bool) -> str:
    """A node as it stands in an expression."""
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
