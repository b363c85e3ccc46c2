"""Recurrent cells: one step of recurrence, nothing else.

A cell is a small value: its settings, how many gates and states it has, and `pointwise`, a pure function that
follows the two matrix products of a step. Layers, directions, dropout and padding belong to recurrent.py.

Dims: N rows, H hidden units, G gates. In every docstring x = x_t, h = h_{t-1}, c = c_{t-1}; W_k x and R_k h carry
their own biases (b_ih and b_hh); σ is the logistic function and ⊙ the product unit by unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from nmt.ranges import check_ranges

State = tuple[Tensor, ...]  # each (N, H); the first is h, the cell's output
Parameters = Mapping[str, Tensor]


def tanh(x: Tensor) -> Tensor:
    """tanh x = 2 σ(2x) - 1, right to 3e-7 in float32: on a CPU torch's σ is six times as fast as its tanh, which
    pays from some thousand numbers on."""
    if x.device.type != "cpu" or x.numel() < 4096:
        return torch.tanh(x)
    return (x * 2).sigmoid_().mul(2).sub_(1)


@dataclass(frozen=True)
class Cell:
    """What a cell must tell. Gates are stacked along the rows of W and R in the order of `gates`."""

    gates: ClassVar[tuple[str, ...]]
    apart: ClassVar[int] = 0  # how many of the last gates need W x and R h each by itself, not their sum
    states: ClassVar[tuple[str, ...]] = ("h",)

    @property
    def joint_gates(self) -> int:
        """How many gates need no more than the sum."""
        return len(self.gates) - self.apart

    def parameter_rows(self) -> dict[str, int]:
        """Further parameters of the cell beside W, R and their biases: name -> rows of H numbers."""
        return {}

    def initial_bias(self) -> dict[str, float]:
        """Gate -> the value that its bias starts at; the others start at zero."""
        return {}

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        """What follows the products of a step, changing none of its inputs -> the new state, each part (N, H).

        `gates` (N, G*H) is W x + R h, biases included; for the last `apart` gates it is R h alone, and their W x is
        in `x` (N, apart*H).
        """
        raise NotImplementedError


@dataclass(frozen=True)
class RNN(Cell):
    """The simple recurrent network (Elman, 1990, "Finding structure in time").

    h' = tanh(W x + R h)
    """

    gates = ("n",)

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        return (tanh(gates),)


@dataclass(frozen=True)
class ReluRNN(Cell):
    """The simple recurrent network with a rectifier, as in Le et al. (2015), arXiv:1504.00941.

    h' = max(0, W x + R h)
    """

    gates = ("n",)

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        return (torch.relu(gates),)


@dataclass(frozen=True)
class GRU(Cell):
    """The gated recurrent unit (Cho et al., 2014, arXiv:1406.1078), with the reset gate after the product R_n h.

    r = σ(W_r x + R_r h)
    z = σ(W_z x + R_z h)
    n = tanh(W_n x + r ⊙ R_n h)
    h' = (1 - z) ⊙ n + z ⊙ h
    """

    gates = ("r", "z", "n")
    apart = 1

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        (h,) = state
        both = 2 * h.shape[-1]
        r, z = torch.sigmoid(gates[..., :both]).chunk(2, -1)
        new = tanh(torch.addcmul(x, r, gates[..., both:]))
        return (torch.lerp(new, h, z),)


@dataclass(frozen=True)
class LSTM(Cell):
    """Long short-term memory with a forget gate (Gers, Schmidhuber & Cummins, 2000, "Learning to forget").

    i = σ(W_i x + R_i h)
    f = σ(W_f x + R_f h)
    g = tanh(W_g x + R_g h)
    o = σ(W_o x + R_o h)
    c' = f ⊙ c + i ⊙ g
    h' = o ⊙ tanh(c')

    The forget gate starts open (bias `forget_bias`), so that gradients reach far back from the first step on
    (Jozefowicz et al., 2015, "An empirical exploration of recurrent network architectures").
    """

    gates = ("i", "f", "g", "o")
    states = ("h", "c")

    forget_bias: float = 1.0

    def __post_init__(self) -> None:
        check_ranges(self, forget_bias=(-10, 10))

    def initial_bias(self) -> dict[str, float]:
        return {"f": self.forget_bias}

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        _, c = state
        i, f, g, o = gates.chunk(4, -1)
        c = torch.addcmul(torch.sigmoid(f) * c, torch.sigmoid(i), tanh(g))
        return torch.sigmoid(o) * tanh(c), c


@dataclass(frozen=True)
class PeepholeLSTM(LSTM):
    """The LSTM whose gates also see the cell (Gers & Schmidhuber, 2000, "Recurrent nets that time and count").

    i = σ(W_i x + R_i h + p_i ⊙ c)
    f = σ(W_f x + R_f h + p_f ⊙ c)
    g = tanh(W_g x + R_g h)
    c' = f ⊙ c + i ⊙ g
    o = σ(W_o x + R_o h + p_o ⊙ c')
    h' = o ⊙ tanh(c')

    The input and forget gate see the cell as the last step left it, the output gate as this step made it.
    The weights p are diagonal, one a unit, and start at zero: before training this is the plain LSTM.
    """

    def parameter_rows(self) -> dict[str, int]:
        return {"peephole": 3}  # p_i, p_f, p_o

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        _, c = state
        i, f, g, o = gates.chunk(4, -1)
        p_i, p_f, p_o = parameters["peephole"]
        forget = torch.sigmoid(torch.addcmul(f, p_f, c))
        admit = torch.sigmoid(torch.addcmul(i, p_i, c))
        c = torch.addcmul(forget * c, admit, tanh(g))
        return torch.sigmoid(torch.addcmul(o, p_o, c)) * tanh(c), c


CELLS: dict[str, type[Cell]] = {
    "rnn": RNN,
    "rnn_relu": ReluRNN,
    "gru": GRU,
    "lstm": LSTM,
    "lstm_peephole": PeepholeLSTM,
}
