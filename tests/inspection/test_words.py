"""Every gate and every state has words, whatever the cell."""

from __future__ import annotations

import pytest

from nmt.cells import CELLS, Cell
from nmt.inspection.words import OF_CELL, UNKNOWN, gate_words, state_words
from nmt.plain_data import from_dict


@pytest.mark.parametrize("name", sorted(CELLS))
def test_every_gate_and_state_has_words(name):
    cell = from_dict(Cell, {"name": name})
    for gate in cell.gates:
        assert gate_words(name, f"{gate} (2)") == gate_words(name, gate) != UNKNOWN
    assert all(state_words(state).what for state in cell.states)


def test_a_letter_that_means_something_else_is_told_so():
    assert set(OF_CELL) <= set(CELLS)
    assert gate_words("gru", "z").what == "how much of what was there is kept"  # h' = (1 - z) ⊙ n + z ⊙ h
    assert gate_words("mingru", "z").what == "how much of the state is made anew"  # h' = (1 - z) ⊙ h + z ⊙ W_n x
