"""Every gate and every state has words, whatever the cell."""

from __future__ import annotations

import pytest

from nmt.cells import CELLS, Cell
from nmt.inspection.cell_terms import OF_CELL, UNKNOWN, gate_term, state_term
from nmt.plain_data import from_dict


@pytest.mark.parametrize("name", sorted(CELLS))
def test_every_gate_and_state_has_words(name):
    cell = from_dict(Cell, {"name": name})
    for gate in cell.gates:
        assert gate_term(name, f"{gate} (2)") == gate_term(name, gate) != UNKNOWN
    assert all(state_term(state).what for state in cell.states)


def test_a_letter_that_means_something_else_is_told_so():
    assert set(OF_CELL) <= set(CELLS)
    assert gate_term("gru", "z").what == "how much of what was there is kept"  # h' = (1 - z) ⊙ n + z ⊙ h
    assert gate_term("mingru", "z").what == "how much of the state is made anew"  # h' = (1 - z) ⊙ h + z ⊙ W_n x
