"""A cell whose `pointwise` is wrong is refused in one line, and the right ones leave a seed's numbers alone."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
import toy

from nmt.cells import CELLS, Cell
from nmt.model.cell_check import check_pointwise
from nmt.model.recurrent import Recurrent

E, H = 3, 5


@dataclass(frozen=True)
class Light(Cell):
    """Right: h' = (1 - z) ⊙ n + z ⊙ h."""

    gates = ("z", "n")

    def pointwise(self, gates, x, state, parameters):
        z, n = gates.chunk(2, -1)
        return (torch.lerp(torch.relu(n), state[0], torch.sigmoid(z)),)


class NoTuple(Light):
    def pointwise(self, *given):
        return super().pointwise(*given)[0]


class Nothing(Light):
    def pointwise(self, *given):
        super().pointwise(*given)


class ThreeGates(Light):
    gates = ("z", "n", "k")


class TooWide(Light):
    def pointwise(self, gates, x, state, parameters):
        return (gates,)


class TooFew(Light):
    states = ("h", "c")


class WrongDim(Light):
    def pointwise(self, gates, x, state, parameters):
        z, n = gates.chunk(2, 1)
        return (z * n,)


class OfAllRows(Light):
    def pointwise(self, gates, x, state, parameters):
        return super().pointwise(gates - gates.mean(-2, keepdim=True), x, state, parameters)


class OneNumber(Light):
    def own_parameters(self, hidden_size):
        return {"a": torch.ones(hidden_size)}


class NoSuchGate(Light):
    def initial_bias(self):
        return {"forget": 1.0}


class InPlace(Light):
    def pointwise(self, gates, x, state, parameters):
        return (state[0].mul_(gates.chunk(2, -1)[0]),)


@dataclass(frozen=True)
class NoGates(Cell):
    pass


GIVES = "^the cell {}: pointwise of {} gives {}; it must give a tuple of {}$"
ROWS = "3 rows of 8 units"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (NoTuple, GIVES.format("NoTuple", ROWS, r"a tensor \(3, 8\)", r"h \(3, 8\)")),
        (Nothing, GIVES.format("Nothing", ROWS, "None", r"h \(3, 8\)")),
        (TooWide, GIVES.format("TooWide", ROWS, r"a tuple of a tensor \(3, 16\)", r"h \(3, 8\)")),
        (TooFew, GIVES.format("TooFew", ROWS, r"a tuple of a tensor \(3, 8\)", r"h \(3, 8\), c \(3, 8\)")),
        (WrongDim, "^the cell WrongDim: pointwise of 2 layers side by side, 3 rows of 8 units gives .*$"),
        (OneNumber, r"^the cell OneNumber: own_parameters\(8\) gives a \(8,\); it must have rows of 8: \(k, 8\)$"),
        (NoSuchGate, "^the cell NoSuchGate: initial_bias names 'forget', but the gates are z, n$"),
        (InPlace, "^the cell InPlace: pointwise of .* changes what it is given; it must compute new tensors$"),
        (NoGates, "^the cell NoGates has no gates; they are a tuple of names$"),
        (ThreeGates, r"^the cell ThreeGates: pointwise of .* fails, gates \(3, 24\) \(RuntimeError: The size .*$"),
    ],
)
@pytest.mark.parametrize("device", ["cpu", "meta"])  # as it is trained, and as it is loaded
def test_a_cell_that_gives_no_state_is_named(cell, message, device):
    with torch.device(device), pytest.raises(ValueError, match=message) as refused:
        Recurrent(cell(), E, H)
    assert "\n" not in str(refused.value)


def test_a_cell_whose_rows_are_not_independent_is_refused():
    """Its kernels would compute other numbers, as they are made from one row."""
    with pytest.raises(ValueError, match="^the cell OfAllRows: pointwise of a row depends on the other rows$"):
        Recurrent(OfAllRows(), E, H)


def test_a_cell_that_is_trained_by_other_equations_than_it_is_searched_by_is_refused():
    class Halved(CELLS["mingru"]):
        def pointwise(self, *given):
            return tuple(part / 2 for part in super().pointwise(*given))

    with pytest.raises(ValueError, match="^the cell Halved: over_time gives other numbers than pointwise$"):
        Recurrent(Halved(), E, H)


@pytest.mark.parametrize("cell", [Light(), *toy.CELL_KINDS.values()], ids=repr)
def test_a_right_cell_is_tried_without_a_number_of_the_seeds(cell):
    check_pointwise.cache_clear()
    before = torch.get_rng_state()
    check_pointwise(cell)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_cell_that_cannot_have_so_few_units_is_not_tried():
    class Many(NoTuple):
        def gate_sizes(self, hidden_size):
            if hidden_size < 16:
                raise ValueError("too few")
            return super().gate_sizes(hidden_size)

    Recurrent(Many(), E, 16)


def test_a_cell_is_tried_in_float32_whatever_torchs_default_type(default_dtype):
    default_dtype(torch.bfloat16)  # in which torch draws no orthogonal matrix
    check_pointwise.__wrapped__(toy.CELL_KINDS["gru_reset_before"])
    assert torch.get_default_dtype() == torch.bfloat16
