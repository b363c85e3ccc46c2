"""A recurrent layer before its first step: weights, states, and what is dropped."""

from __future__ import annotations

import pytest
import torch
import toy

from nmt.cells import CELLS
from nmt.model.recurrent import Dropout, Masks, Recurrent

B, T, E, H = 2, 4, 3, 6
KINDS = toy.CELL_KINDS


@pytest.mark.parametrize("name", sorted(KINDS))
def test_weights_start_as_glorot_and_saxe_say(name):
    """Gate by gate: W uniform within sqrt(6 / (E + rows)), R and every matrix of the cell's own orthogonal."""
    cell, units = KINDS[name], 40
    made, sizes = Recurrent(cell, E, units), cell.gate_sizes(units)
    for gate in made.weight_ih.split(sizes):
        bound = (6 / (E + len(gate))) ** 0.5
        assert (gate.abs() <= bound).all()
        assert len(gate) < units or -gate.min() > 0.9 * bound < gate.max()
    matrices = list(made.weight_hh.split(units)) if made.rows.recurrent else []
    for own, weight in made.extra.items():
        if own == "reset" or own.startswith("from_"):
            matrices.extend(weight.chunk(cell.depth))
        assert own != "peephole" or not weight.any()
        assert own != "recurrent" or 0 <= weight.min() < 0.2 < 0.8 < weight.max() <= 1
    for matrix in matrices:
        torch.testing.assert_close(matrix.T @ matrix, torch.eye(units), rtol=0, atol=1e-5)
        assert (matrix != 0).all()


def test_states_start_from_their_vectors_and_the_rest_at_what_changes_nothing():
    h, c, k = vectors = torch.randn(3, B, H)
    assert [part.unique().tolist() for part in CELLS["slstm"]().start(h, c)[2:]] == [[1], [0]]
    assert [part.unique().tolist() for part in KINDS["lstm_fgr"].start(h, c)[2:]] == [[0]] * 3
    output, memory, n, m = CELLS["mlstm"](heads=4).start(*vectors)  # two heads, as four do not divide six units
    torch.testing.assert_close(n, k.view(B, 2, 3) / 3**0.5)
    torch.testing.assert_close(memory, torch.einsum("bav,bak->bavk", c.view(B, 2, 3), n))
    assert output.equal(h)
    assert not m.any()


@pytest.mark.parametrize("name", ["lstm", "lstm_peephole"])
def test_the_forget_gate_starts_open_and_peepholes_start_closed(name):
    made = Recurrent(CELLS[name](depth=2), E, H)
    for biases in made.bias_ih.chunk(2):
        gates = dict(zip(made.cell.gates, biases.chunk(4), strict=True))
        assert (gates["f"] == 1).all()
        assert all((gates[gate] == 0).all() for gate in "igo")
    assert all((parameter == 0).all() for parameter in made.extra.values())


def test_the_forget_gate_starts_open_behind_a_normalisation():
    made = Recurrent(CELLS["lstm_ln"](depth=2, forget_bias=2.0), E, H)
    assert made.extra["bias"].view(2, 5, H).mean(2).tolist() == [[0, 2, 0, 0, 0]] * 2
    assert (made.extra["gain"] == 1).all()
    assert (made.bias_ih == 0).all()


def test_dropout_goes_from_the_first_rate_to_the_last():
    dropout, like = Dropout(0.5, first=0.0), torch.zeros(1, dtype=torch.double)
    for share, rate in ((0.0, 0.0), (0.5, 0.25), (1.0, 0.5)):
        dropout.rise(share)
        mask = dropout.mask(200, 200, like)
        assert mask.dtype == like.dtype
        assert mask.unique().tolist() == pytest.approx([0, 1 / (1 - rate)] if rate else [1])
        assert (mask == 0).double().mean() == pytest.approx(rate, abs=0.01)


def test_dropout_that_does_not_rise_stays_and_none_has_no_mask():
    dropout = Dropout(0.5)
    dropout.rise(0.0)
    assert dropout.mask(2, 50, torch.zeros(1)).unique().tolist() == [0, 2]
    assert Dropout().mask(2, 50, torch.zeros(1)) is None
    assert Dropout(0.0, first=0.5).mask(2, 50, torch.zeros(1)).unique().tolist() == [0, 2]


def test_input_dropout_hits_every_step_alike():
    made = Recurrent(CELLS["rnn"](), E, H, dropout=Dropout(0.5))
    x = torch.randn(B, T, E)
    torch.manual_seed(7)
    mask = made.masks(B).inputs
    assert set(mask.unique().tolist()) == {0.0, 2.0}
    torch.manual_seed(7)
    dropped = made(x)
    step = made.step(x[:, 0], made.initial_state(B), Masks(mask))
    torch.testing.assert_close(dropped, made.eval()(x * mask[:, None]))
    torch.testing.assert_close(step[0], dropped[:, 0])
