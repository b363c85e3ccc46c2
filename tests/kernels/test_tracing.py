"""What is traced of a cell is what `pointwise` and autograd compute."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
import toy
from hypothesis import given
from hypothesis import strategies as st
from row_functions import FEW, NOT_TRACEABLE, TRACEABLE, by_torch, computed, step_gradients, step_inputs, traced
from row_functions import FUNCTIONS as BY_TORCH

from nmt.cells import CELLS, Cell
from nmt.cells.gru import GRU
from nmt.cells.rnn import RNN
from nmt.kernels.expressions import CONSTANT, FUNCTIONS, Expressions
from nmt.kernels.operands import parameter_names
from nmt.kernels.trace import NotTraceableError, RowFunction, matrix_names, smallest_sizes, trace, trace_phases

B = 3


@pytest.mark.parametrize("name", TRACEABLE)
def test_it_is_the_cell_and_its_gradient(name):
    for units in (1, 5, 7, 16):
        check(toy.CELL_KINDS[name], units)


def check(cell, units):
    inputs, own = step_inputs(cell, B, units)
    grads = step_gradients(cell, B, units)
    if "grad_new_h" not in traced(cell).backward.inputs:  # h goes on as R h alone
        grads["grad_new_h"].zero_()
    new, expected = by_torch(cell, inputs, own, grads)
    given = inputs | {key: part.view(1, -1) for key, part in own.items()}
    for key, found in computed(traced(cell).forward, given, units).items():
        torch.testing.assert_close(found, new[key])
    found = computed(traced(cell).backward, given | grads, units)
    for key, grad in expected.items():
        if key in found and key.removeprefix("grad_") in own:
            torch.testing.assert_close(found[key].sum(0).view_as(grad), grad)
        elif key in found:
            torch.testing.assert_close(found[key], grad)
        else:
            assert not grad.any()


def test_cells_with_a_product_or_chunks_alone_are_not_traceable():
    assert {name for name, cell in toy.CELL_KINDS.items() if traced(cell) is None} == NOT_TRACEABLE


@dataclass(frozen=True)
class Rolled(RNN):
    def pointwise(self, gates, x, state, parameters):
        return (gates.roll(1, -1),)


@dataclass(frozen=True)
class Flipped(RNN):
    def pointwise(self, gates, x, state, parameters):
        half = gates.shape[-1] // 2
        return (torch.cat([gates[..., half:], gates[..., :half]], -1),)


@dataclass(frozen=True)
class Running(RNN):
    def pointwise(self, gates, x, state, parameters):
        return (gates.cumsum(-1),)


@pytest.mark.parametrize("kind", [Rolled, Flipped, Running])
def test_units_that_see_other_units_are_refused(kind):
    """But for sums over all of them."""
    with pytest.raises(NotTraceableError):
        trace(kind())


@dataclass(frozen=True)
class Unlike(GRU):
    """Much of what a cell of one's own may compute, in unlike ways."""

    def pointwise(self, gates, x, state, parameters):
        (h,) = state
        r, z, n = gates.split(h.shape[-1], -1)
        r = 1 / (1 + torch.exp(-r))
        mean = n.mean(-1, keepdim=True)
        n = torch.where(n > mean, n, 0.5 * n) - x.abs().sum(-1, keepdim=True) / 3
        n = torch.tanh(n.clamp_min(-1) * r).square() + torch.relu(z) - F.silu(h) ** 3
        return (torch.minimum(n, h) * F.logsigmoid(z) + torch.maximum(r, h),)


def test_a_cell_of_ones_own():
    for units in (1, 6, 7):
        check(Unlike(), units)


@dataclass(frozen=True)
class Deaf(GRU):
    """It has gates that it does not read."""

    def pointwise(self, gates, x, state, parameters):
        return (torch.tanh(state[0]),)


def test_the_gradient_of_gates_that_are_not_read_is_zero_and_written():
    function = trace(Deaf()).backward
    assert {"grad_gates", "grad_x"} <= set(function.outputs)
    check(Deaf(), 5)


@dataclass(frozen=True)
class Scaled(RNN):
    def pointwise(self, gates, x, state, parameters):
        return (torch.tanh(gates / gates.shape[-1] ** 0.5),)


def test_what_depends_on_the_number_of_units_otherwise_is_refused():
    with pytest.raises(NotTraceableError, match="a number depends on that of the units"):
        trace(Scaled())


@torch.inference_mode()
def test_tracing_draws_no_random_numbers_and_works_in_any_mode():
    before = torch.get_rng_state()
    with torch.autocast("cpu", torch.bfloat16):
        trace(CELLS["lstm_ln"]())
    assert torch.equal(before, torch.get_rng_state())


numbers = st.sampled_from([0.0, 1.0, -1.0, 0.5, 3.0])
VALUES = {"a": torch.tensor([[0.7, -1.3, 2.0]], dtype=torch.double)}
VALUES["b"] = torch.tensor([[1.5, 0.4, -0.6]], dtype=torch.double)


@given(st.data())
def test_what_is_simplified_keeps_its_value(data):
    """Against the same functions, applied without looking."""
    expressions = Expressions()
    nodes = [(expressions.load(name, 0), value) for name, value in VALUES.items()]
    for number in data.draw(st.lists(numbers, min_size=1, max_size=3)):
        nodes.append((expressions.constant(number), torch.full((1, 1), number, dtype=torch.double)))
    names = sorted(set(FUNCTIONS) - {"rsqrt", "log1p", "exp"})
    for _ in range(data.draw(st.integers(1, 8))):
        name = data.draw(st.sampled_from(names))
        picked = [nodes[data.draw(st.integers(0, len(nodes) - 1))] for _ in range(FUNCTIONS[name])]
        value = BY_TORCH[name](*(value for _, value in picked))
        if value.isfinite().all():  # 0 / 0 has no value to keep
            nodes.append((expressions.apply(name, *(node for node, _ in picked)), value))
    node, value = nodes[-1]
    found = computed(RowFunction(expressions, {"a": 1, "b": 1}, {"out": (node,)}), VALUES, 3)["out"]
    torch.testing.assert_close(found, value.expand(1, 3))


def test_equal_expressions_are_one():
    expressions = Expressions()
    a, b = expressions.load("a", 0), expressions.load("b", 0)
    assert expressions.apply("add", a, b) == expressions.apply("add", a, b)
    assert expressions.load("a", 0) == a
    assert expressions.load("a", 1) != a
    assert len(expressions.nodes) == 4


def test_a_sum_of_what_units_share_is_their_number_times_it():
    expressions = Expressions()
    total = expressions.sum(expressions.constant(2.0))
    assert not expressions.is_vector[total]
    function = RowFunction(expressions, {}, {"out": (total,)})
    assert computed(function, {"a": torch.zeros(1, 1)}, 5)["out"].tolist() == [[10.0] * 5]


def test_a_function_takes_as_many_values_as_it_has():
    with pytest.raises(ValueError, match="exp takes 1 values, not 2"):
        Expressions().apply("exp", 0, 0)


def test_no_cell_leaves_a_constant_expression():
    """What is known while tracing is computed then."""
    for name in TRACEABLE:
        for function in traced(toy.CELL_KINDS[name]):
            nodes = function.expressions.nodes
            for x in function.expressions.needed(node for part in function.outputs.values() for node in part):
                arguments = [nodes[y].function for y in nodes[x].arguments]
                assert not arguments or set(arguments) != {CONSTANT}, (name, nodes[x])


def test_a_few_cells_have_the_functions_of_all():
    def functions(names):
        both_ways = (function for name in names for function in traced(toy.CELL_KINDS[name]))
        return {node.function for function in both_ways for node in function.expressions.nodes}

    assert functions(FEW) == functions(TRACEABLE)


def test_settings_that_change_a_step_change_the_trace():
    cells: list[Cell] = [CELLS["lstm_odyssey"](), CELLS["lstm_odyssey"](peepholes=False)]
    one, other = (trace(cell).forward.loads for cell in cells)
    assert one - other == {"peephole"}
    assert math.isclose(CELLS["lstm"]().forget_bias, 1)


def in_place(h):
    y = torch.zeros_like(h)
    y[..., :1].fill_(1)
    return y * h


def of_a_view(h):
    y = h * 2
    y.view(-1)[1:].sub_(h.view(-1)[1:])
    return y


def beside_a_copy(h):
    y = h * 2
    return y * y.clone().sub_(h) * y[..., None].sum(-1).sub_(2)


ODD = {
    "alpha": lambda h: torch.add(h, h, alpha=2),
    "value": lambda h: torch.addcmul(h, h, h, value=2),
    "rounding": lambda h: torch.div(h, 2, rounding_mode="floor"),
    "rsub": lambda h: torch.rsub(h, 1, alpha=2),
    "rsub of tensors": lambda h: torch.rsub(h, h * 2),
    "in place": in_place,
    "of a view": of_a_view,
    "beside a copy": beside_a_copy,
    "power": lambda h: h**1.5,
    "constant": torch.ones_like,
    "by value": lambda h: h if h.sum() > 0 else -h,
}


@dataclass(frozen=True)
class Changing(RNN):
    def pointwise(self, gates, x, state, parameters):
        return (torch.tanh(gates.sub_(1)),)


@dataclass(frozen=True)
class Even(GRU):
    def gate_sizes(self, hidden_size):
        if hidden_size % 2:
            raise ValueError(f"hidden_size is {hidden_size}; it must be even")
        return super().gate_sizes(hidden_size)

    def own_parameters(self, hidden_size):
        return {
            "matrix": torch.ones(self.gate_sizes(hidden_size)[0], hidden_size),
            "gain": torch.ones(1, hidden_size),
        }


@pytest.mark.parametrize("way", [trace, trace_phases])
@pytest.mark.parametrize("cell", [Changing(), Even()])
def test_a_cell_that_changes_what_it_is_given_or_refuses_a_size_is_refused(way, cell):
    with pytest.raises(NotTraceableError):
        way(cell)


def test_a_cells_own_parameters_are_told_apart_at_sizes_that_it_can_have():
    assert smallest_sizes(Even()) == (2, 4)
    assert (parameter_names(Even()), matrix_names(Even())) == (("matrix", "gain"), {"matrix"})


@dataclass(frozen=True)
class Odd(RNN):
    what: str = ""

    def pointwise(self, gates, x, state, parameters):
        return (torch.tanh(ODD[self.what](gates)),)


@pytest.mark.parametrize("what", ODD)
def test_a_rare_option_is_refused_or_right(what):
    if what in ("rsub of tensors", "beside a copy"):
        check(Odd(what=what), 5)
    else:
        with pytest.raises(NotTraceableError):
            trace(Odd(what=what))
