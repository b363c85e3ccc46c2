"""Recurrent cells: one transition of the state, nothing else.

A cell is a small value: its settings, how many gates and states it has, and `pointwise`, a pure function that
follows the two matrix products of a transition. Layers, directions, dropout and padding belong to recurrent.py.
"""

from nmt.model.cells.base import Cell, Parameters, State, tanh
from nmt.model.cells.gru import GRU, LayerNormGRU
from nmt.model.cells.lstm import LSTM, LayerNormLSTM, PeepholeLSTM
from nmt.model.cells.rnn import RNN, ReluRNN

__all__ = ["CELLS", "Cell", "Parameters", "State", "tanh"]

CELLS: dict[str, type[Cell]] = {
    "rnn": RNN,
    "rnn_relu": ReluRNN,
    "gru": GRU,
    "gru_ln": LayerNormGRU,
    "lstm": LSTM,
    "lstm_ln": LayerNormLSTM,
    "lstm_peephole": PeepholeLSTM,
}
