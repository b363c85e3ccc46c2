"""Steps of a layer in C against the same products and `pointwise`, for every cell."""

from __future__ import annotations

import pytest
import torch
import toy
from hypothesis import given, settings
from hypothesis import strategies as st
from instruction_sets import everywhere

from nmt import native
from nmt.engine.compiled import CompiledRecurrent, packed_layer
from nmt.engine.products import COMPUTE
from nmt.engine.recurrent import RecurrentByTorch
from nmt.kernels.trace import matrix_names
from nmt.model.recurrent import Masks, Recurrent

INT8 = COMPUTE["int8"]
E, P, BESIDE = 7, 9, 3

pytestmark = pytest.mark.skipif(not native.is_here(), reason="not compiled, or not for this processor")
cells = pytest.mark.parametrize("name", sorted(toy.CELL_KINDS))
rows = st.sampled_from([1, 2, 3, 5, 6, 13, 32, 33, 70])


def trained(name, inputs, units):
    layer = Recurrent(toy.CELL_KINDS[name], inputs, units)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return layer


def searched(layer, embedded=None, by_torch=False):
    """With a table of what is embedded (P,E), if anything is."""
    made = RecurrentByTorch(layer, INT8) if by_torch else packed_layer(layer, INT8)
    assert by_torch or isinstance(made, CompiledRecurrent)
    if embedded is not None:
        made.look_up(lambda ids: embedded[ids], P, E)
        made.table.learn(torch.arange(P))
        made.table.rows.copy_(made.table.rows.bfloat16())
    return made


@cells
@settings(max_examples=8, deadline=None)
@given(n=rows, units=st.integers(1, 40), tabled=st.booleans(), beside=st.booleans(), seed=st.integers(0, 99))
def test_a_step(name, n, units, tabled, beside, seed):
    torch.manual_seed(seed)
    layer, embedded = trained(name, E + BESIDE * beside, units), torch.randn(P, E)
    ids, others = torch.randint(P, (n,)), torch.randn(n, BESIDE) if beside else None
    given, places = torch.randn(layer.cell.num_initial_vectors, n + 2, units), torch.randint(n + 2, (n,))
    x, table = (ids, embedded) if tabled else (embedded[ids], None)

    def found():
        made = searched(layer, table)
        state = made.start(*given).select(places)
        one = made.step(x, state, Masks(), others)
        two = made.step(x, one, Masks(), others)
        return made.output(state), one.numbers, two.numbers

    before, *after = everywhere(found)
    made = searched(layer, table, by_torch=True)
    state = tuple(part[places] for part in made.start(*given))
    torch.testing.assert_close(before, state[0])
    is_multiplied = matrix_names(layer.cell) or layer.cell.depth > 1  # and may be rounded the other way
    tolerance = 0.05 if is_multiplied else 1e-4
    for numbers in after:
        expected = made.step(x, state, Masks(), others)
        joined = torch.cat([part.flatten(1) for part in expected], 1)  # (N, ...)
        torch.testing.assert_close(numbers.transpose(0, 1).flatten(1), joined, rtol=tolerance, atol=tolerance)
        parts = numbers.transpose(0, 1).flatten(1).split([part[0].numel() for part in expected], 1)
        state = tuple(part.view_as(old) for part, old in zip(parts, expected, strict=True))


@cells
@settings(max_examples=4, deadline=None)
@given(n=rows, units=st.integers(1, 40), tabled=st.booleans(), seed=st.integers(0, 99))
def test_a_sequence_is_its_steps_and_no_row_depends_on_others(name, n, units, tabled, seed):
    torch.manual_seed(seed)
    layer, embedded, ids = trained(name, E, units), torch.randn(P, E), torch.randint(P, (n, 4))
    x, table = (ids, embedded) if tabled else (embedded[ids], None)
    made = searched(layer, table)

    def outputs(some):
        return made.side_by_side([made], [some], [made.initial_state(len(some))])[0]

    together = outputs(x)
    assert outputs(x[n // 2 :]).equal(together[n // 2 :])
    of_steps = searched(layer, embedded)
    if not tabled:
        of_steps.table.rows.copy_(made.inputs(embedded).bfloat16())
    state = of_steps.initial_state(n)
    for t in range(ids.shape[1]):
        state = of_steps.step(ids[:, t], state, Masks())
        assert together[:, t].equal(of_steps.output(state))


@pytest.mark.parametrize("wrong", [-1, 9])
def test_a_piece_that_no_table_has_is_refused_and_so_is_a_state(wrong):
    made = searched(trained("lstm", E, 5), torch.randn(P, E))
    state, ids = made.initial_state(3), torch.tensor([1, 2, wrong])
    with pytest.raises(IndexError, match="the table has 9 rows, and there are 3 states"):
        made.step(ids, state, Masks())
    with pytest.raises(IndexError, match="the table has 9 rows, and there are 3 states"):
        made.step(ids[:2], state.select(torch.tensor([0, wrong])), Masks())


@cells
def test_large_numbers_stay_finite(name):
    layer = trained(name, E, 5)
    made = searched(layer)
    state = made.start(*torch.full((layer.cell.num_initial_vectors, 2, 5), 3.0))
    for _ in range(3):
        state = made.step(torch.full((2, E), 1e6), state, Masks())
        assert state.numbers.isfinite().all()
