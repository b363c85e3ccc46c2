"""Recurrent cells: one transition of the state, nothing else.

A cell is a small value: its settings, how many gates and states it has, and `pointwise`, a pure function that
follows the two matrix products of a transition. Layers, directions, dropout and padding belong to recurrent.py.
"""

from nmt.cells.base import MASK, Cell, ParallelCell, Parameters, State, tanh
from nmt.cells.gru import GRU, LayerNormGRU, MinimalGated, ResetBeforeGRU
from nmt.cells.linear import SRU, SSRU, IndRNN, MinGRU, MinLSTM
from nmt.cells.lstm import LSTM, LayerNormLSTM, PeepholeLSTM
from nmt.cells.odyssey import OdysseyLSTM
from nmt.cells.rnn import RNN, ReluRNN
from nmt.cells.xlstm import MLSTM, SLSTM
from nmt.common.parts import Parts

__all__ = ["CELLS", "MASK", "Cell", "ParallelCell", "Parameters", "State", "tanh"]

CELLS: Parts[type[Cell]] = Parts(
    "nmt.cells",
    type[Cell],
    {
        "rnn": RNN,
        "rnn_relu": ReluRNN,
        "indrnn": IndRNN,
        "gru": GRU,
        "gru_ln": LayerNormGRU,
        "gru_reset_before": ResetBeforeGRU,
        "minimal_gated": MinimalGated,
        "lstm": LSTM,
        "lstm_ln": LayerNormLSTM,
        "lstm_peephole": PeepholeLSTM,
        "lstm_odyssey": OdysseyLSTM,
        "slstm": SLSTM,
        "mlstm": MLSTM,
        "sru": SRU,
        "ssru": SSRU,
        "mingru": MinGRU,
        "minlstm": MinLSTM,
    },
)
