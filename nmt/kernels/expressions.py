"""The computation of a kernel for one row, as a graph of expressions.

A value is a vector of H numbers, one per unit, or a single number that all units share. Equal expressions are one
node, so values common to a cell and its gradient are computed once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

LOAD, CONSTANT, SUM = "load", "constant", "sum"
NUMBER_OF_UNITS = "units"  # H, as a number
FUNCTIONS = {  # name -> how many values it takes
    "add": 2,
    "sub": 2,
    "mul": 2,
    "div": 2,
    "neg": 1,
    "exp": 1,
    "log1p": 1,
    "sigmoid": 1,
    "tanh": 1,
    "abs": 1,
    "rsqrt": 1,
    "maximum": 2,
    "minimum": 2,
    "greater": 2,  # 1 or 0
    "at_least": 2,
    "equal": 2,
    "where": 3,  # the second if the first is 1, the third if it is 0
}


class Expression(NamedTuple):
    """One node: a `LOAD` of vector number k of the input `name`, a `CONSTANT`, the `SUM` of a vector's numbers,
    the `NUMBER_OF_UNITS`, or a function of other nodes."""

    function: str
    arguments: tuple[int, ...] = ()  # nodes, by index
    name: str = ""
    value: float = 0.0  # of a constant; of a load, k


class Expressions:
    """Nodes, each after its arguments."""

    def __init__(self) -> None:
        self.nodes: list[Expression] = []
        self.is_vector: list[bool] = []
        self._places: dict[Expression, int] = {}

    def _add(self, node: Expression, is_vector: bool) -> int:
        if node not in self._places:
            self._places[node] = len(self.nodes)
            self.nodes.append(node)
            self.is_vector.append(is_vector)
        return self._places[node]

    def load(self, name: str, k: int) -> int:
        return self._add(Expression(LOAD, name=name, value=k), True)

    def constant(self, value: float) -> int:
        return self._add(Expression(CONSTANT, value=float(value)), False)

    def units(self) -> int:
        return self._add(Expression(NUMBER_OF_UNITS), False)

    def sum(self, x: int) -> int:
        """The sum over the units. A number that all share counts H times."""
        if not self.is_vector[x]:
            return self.apply("mul", x, self.units())
        return self._add(Expression(SUM, (x,)), False)

    def apply(self, function: str, *arguments: int) -> int:
        if len(arguments) != FUNCTIONS[function]:
            raise ValueError(f"{function} takes {FUNCTIONS[function]} values, not {len(arguments)}")
        simpler = self._simplified(function, arguments)
        if simpler is not None:
            return simpler
        return self._add(Expression(function, arguments), any(self.is_vector[x] for x in arguments))

    def copied(self, node: Expression, places: Mapping[int, int]) -> int:
        """Copy a node from other expressions; `places` maps their nodes to those here."""
        if node.function in (LOAD, CONSTANT, NUMBER_OF_UNITS):
            return self._add(node, node.function == LOAD)
        arguments = [places[x] for x in node.arguments]
        return self.sum(*arguments) if node.function == SUM else self.apply(node.function, *arguments)

    def value_of(self, x: int) -> float | None:
        """The value of a constant, else None."""
        return self.nodes[x].value if self.nodes[x].function == CONSTANT else None

    def _simplified(self, function: str, arguments: tuple[int, ...]) -> int | None:
        """Simplify what autograd leaves behind: products with 0 and 1, sums with 0, signs."""
        values = [self.value_of(x) for x in arguments]
        if function == "add" and 0.0 in values:
            return arguments[1 - values.index(0.0)]
        if function == "sub" and values[1] == 0.0:
            return arguments[0]
        if function == "sub" and values[0] == 0.0:
            return self.apply("neg", arguments[1])
        if function == "mul" and 0.0 in values:
            return self.constant(0.0)
        if function == "mul" and 1.0 in values:
            return arguments[1 - values.index(1.0)]
        if function == "div" and values[1] == 1.0:
            return arguments[0]
        if function == "div" and values[0] == 0.0:
            return self.constant(0.0)
        if function == "neg" and values[0] is not None:
            return self.constant(-values[0])
        if function == "neg" and self.nodes[arguments[0]].function == "neg":
            return self.nodes[arguments[0]].arguments[0]
        return None

    def needed(self, outputs: Iterable[int]) -> list[int]:
        """The outputs and all nodes that they depend on, in order."""
        wanted, stack = set(), list(outputs)
        while stack:
            node = stack.pop()
            if node not in wanted:
                wanted.add(node)
                stack.extend(self.nodes[node].arguments)
        return sorted(wanted)

    def rounds(self, nodes: Iterable[int]) -> dict[int, int]:
        """For each node, how many successive sums over the units it has to wait for."""
        rounds: dict[int, int] = {}
        for node in nodes:
            before = max((rounds[x] for x in self.nodes[node].arguments), default=0)
            rounds[node] = before + (self.nodes[node].function == SUM)
        return rounds
