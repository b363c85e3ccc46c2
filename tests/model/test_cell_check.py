"""A cell whose `pointwise` is wrong is refused in one line, and the right ones leave a seed's numbers alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch
import toy

from nmt.cells import CELLS, Cell
from nmt.composition import defaults
from nmt.model.cell_check import check_pointwise
from nmt.model.recurrent import Dropout, Recurrent

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


class CellFirst(Light):
    states = ("c", "h")


class OneName(Light):
    gates = "zn"


class ParameterOfAnotherName(Light):
    """A parameter or a part of the state that the loop would take for another tensor, with wrong gradients."""

    states = ("h", "product")


class Double(Light):
    def pointwise(self, *given):
        return (super().pointwise(*given)[0].double(),)


class DoubleParameter(Light):
    def own_parameters(self, hidden_size):
        return {"a": torch.ones(1, hidden_size, dtype=torch.double)}


class NoParameters(Light):
    def own_parameters(self, hidden_size):
        pass


class FailsBefore(Light):
    def own_parameters(self, hidden_size):
        return {"a": torch.ones(1, hidden_size)[1]}


class BiasOfAVector(Light):
    def initial_bias(self):
        return {"z": torch.ones(8)}


class StartsWithCounts(Light):
    states = ("h", "count")

    def start(self, *vectors):
        return vectors[0], torch.zeros(len(vectors[0]), 1, dtype=torch.long)


class StartsWithOneRow(Light):
    def start(self, *vectors):
        return (vectors[0][:1],)


class StartsWithout(Light):
    states = ("h", "c")

    def start(self, *vectors):
        return vectors[:1]


class OneNameOfStates(Light):
    states = "hc"


class OfOddUnits(Light):
    def own_parameters(self, hidden_size):
        raise ValueError("units must be odd")


class Drawn(Light):
    def pointwise(self, gates, x, state, parameters):
        return super().pointwise(gates + torch.rand_like(gates), x, state, parameters)


@dataclass(frozen=True)
class Listed(Light):
    sizes: list[int] = field(default_factory=lambda: [1, 2])


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
        (CellFirst, r"^the cell CellFirst: states is \('c', 'h'\); the first must be 'h', the cell's output$"),
        (OneName, r"^the cell OneName: gates is 'zn'; it must be a tuple of names, such as \('zn',\)$"),
        (ParameterOfAnotherName, "called 'product', which is taken; choose another$"),
        (Double, r"gives a tuple of a tensor \(3, 8\) of float64; it must give a tuple of h \(3, 8\)$"),
        (DoubleParameter, r"own_parameters\(8\) gives a \(1, 8\) of float64; it must have rows of 8"),
        (NoParameters, r"^the cell NoParameters: own_parameters\(8\) gives None; it must give a dict of tensors$"),
        (FailsBefore, r"^the cell FailsBefore: own_parameters fails \(IndexError: index 1 is out of bounds .*\)$"),
        (BiasOfAVector, r"initial_bias gives a tensor \(8,\) for 'z'; it must be one number$"),
        (StartsWithCounts, r"start of 3 rows gives .* of int64; it must give a tuple of float32 .* for h, count$"),
        (StartsWithOneRow, r"start of 3 rows gives a tuple of a tensor \(1, 8\); it must give a tuple of float32"),
        (StartsWithout, r"start of 3 rows gives a tuple of a tensor \(3, 8\); it must give .* for h, c$"),
        (OneNameOfStates, r"states is 'hc'; it must be a tuple of names, such as \('hc',\)$"),
        (OfOddUnits, "^units must be odd$"),
        (Drawn, "^the cell Drawn: pointwise called twice gives two results; it must draw nothing and keep nothing$"),
        (
            Listed,
            "^the cell Listed: a setting is no plain value .unhashable type: 'list'.; of several, make a tuple$",
        ),
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


@pytest.mark.parametrize(
    "name",
    [
        "gates",
        "x",
        "hidden",
        "output",
        "product",
        "multiplied",
        "mask",
        "grad_h",
        "new_a",
        "product_1",
        "h",
        "a.b",
        "values",
    ],
)
def test_a_parameter_whose_name_is_taken_is_refused(name):
    class Named(Light):
        def own_parameters(self, hidden_size):
            return {name: torch.ones(1, hidden_size)}

    with pytest.raises(ValueError, match=f"^the cell Named: a state or a parameter cannot be called '{name}', which"):
        Recurrent(Named(), E, H)


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


class Undropped(CELLS["gru_reset_before"]):
    """Its own product would spare h the dropout."""

    def pointwise(self, gates, x, state, parameters):
        return super().pointwise(gates, x, state, {"reset": parameters["reset"]})


def test_a_cell_that_ignores_its_recurrent_dropout_is_refused_where_there_is_any():
    Recurrent(Undropped(), E, H)
    Recurrent(CELLS["gru_reset_before"](), E, H, recurrent_dropout=Dropout(0.1))
    with pytest.raises(
        ValueError, match="own_product is true, but pointwise does not multiply h by parameters.'mask'.$"
    ):
        Recurrent(Undropped(), E, H, recurrent_dropout=Dropout(0.1))


class AtOnce(CELLS["mingru"]):
    found = staticmethod(lambda x: x)

    def over_time(self, x, state, parameters):
        return self.found(x[..., : state[0].shape[-1]])


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            lambda x: x[:, 0],
            r"over_time of x \(3, 4, 16\) gives a tensor \(3, 8\); it must give a tensor \(3, 4, 8\)",
        ),
        (lambda x: (x, x), "gives a tuple of a tensor .*; it must give a tensor"),
        (lambda x: x.float(), r"gives a tensor \(3, 4, 8\); it must give a tensor \(3, 4, 8\) of bfloat16"),
        (lambda x: 1 / 0, r"^the cell Own: over_time fails \(ZeroDivisionError: division by zero\)$"),
    ],
)
def test_a_cell_that_gives_no_outputs_of_all_steps_is_named(found, message):
    with pytest.raises(ValueError, match=message):
        Recurrent(type("Own", (AtOnce,), {"found": staticmethod(found)})(), E, H)


def test_a_cell_at_once_whose_gates_see_h_is_refused():
    with pytest.raises(ValueError, match="input_only is 0, but no gate of a ParallelCell sees h: 2$"):
        Recurrent(type("Own", (AtOnce,), {"input_only": 0})(), E, H)


class OnCondition(Light):
    def pointwise(self, gates, x, state, parameters):
        return super().pointwise(gates / 2 if gates.max() > 9 else gates, x, state, parameters)


class ChangedAfterwards(Light):
    def pointwise(self, gates, x, state, parameters):
        z, n = torch.tanh(gates).chunk(2, -1)
        return (z.clone().sigmoid_().mul_(n),)


class Detached(Light):
    def pointwise(self, *given):
        return (super().pointwise(*given)[0].detach(),)


class OutputDetached(CELLS["lstm"]):
    def pointwise(self, *given):
        h, c = super().pointwise(*given)
        return h.detach(), c


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (OnCondition, "pointwise reads a number of a tensor, as `if` does, which mixes rows; use torch.where$"),
        (ChangedAfterwards, r"pointwise has no gradient \(RuntimeError: .*\); it must change nothing in place$"),
        (OutputDetached, "h has no gradient"),
        (Detached, "h has no gradient; pointwise must compute it by torch, without no_grad or detach$"),
    ],
)
def test_a_cell_that_cannot_be_trained_is_named_before_training(cell, message):
    with torch.device("meta"):
        Recurrent(cell(), E, H)
    with pytest.raises(ValueError, match=f"^the cell {cell.__name__}: {message}"):
        Recurrent(cell(), E, H)


class Lenient(Light):
    """A list for a tuple, an int for a float, a logarithm of less than 0."""

    def start(self, *vectors):
        return list(vectors)

    def initial_bias(self):
        return {"z": 1}

    def pointwise(self, gates, x, state, parameters):
        return super().pointwise(torch.log(gates), x, state, parameters)


class OneLetter(CELLS["rnn"]):
    gates = states = "h"  # as good as a tuple of one name


@pytest.mark.parametrize("cell", [Light(), Lenient(), OneLetter(), *toy.CELL_KINDS.values()], ids=repr)
def test_a_right_cell_is_tried_without_a_number_of_the_seeds(cell):
    check_pointwise.cache_clear()
    before = torch.get_rng_state()
    check_pointwise(cell)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_cell_that_cannot_have_so_few_units_is_not_tried():
    class Many(NoTuple):
        own_product = True

        def gate_sizes(self, hidden_size):
            if hidden_size < 16:
                raise ValueError("too few")
            return super().gate_sizes(hidden_size)

    Recurrent(Many(), E, 16, recurrent_dropout=Dropout(0.1))


def test_a_cell_is_tried_in_float32_whatever_torchs_default_type(default_dtype):
    default_dtype(torch.bfloat16)  # in which torch draws no orthogonal matrix
    check_pointwise.__wrapped__(toy.CELL_KINDS["gru_reset_before"])
    assert torch.get_default_dtype() == torch.bfloat16


def test_a_setting_of_an_unknown_type_is_named_and_a_made_default_is_taken():
    @dataclass(frozen=True)
    class Unknown(Light):
        width: Nowhere = 1  # noqa: F821

    @dataclass(frozen=True)
    class Made(Light):
        widths: tuple[int, ...] = field(default_factory=lambda: (1, 2))

    with pytest.raises(ValueError, match="^the settings of Unknown cannot be read: name 'Nowhere' is not defined$"):
        defaults(Unknown)
    assert defaults(Made) == {"depth": 1, "widths": [1, 2]}
