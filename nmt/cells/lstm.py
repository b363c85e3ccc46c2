"""Long short-term memory and its kin."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nmt.cells.base import ForgetfulCell, Parameters, State, tanh
from nmt.cells.norm import gain_and_bias, scaled, standardised


@dataclass(frozen=True)
class LSTM(ForgetfulCell):
    """Long short-term memory with a forget gate (Gers, Schmidhuber & Cummins, 2000, "Learning to forget").

    i = σ(W_i x + R_i h)
    f = σ(W_f x + R_f h)
    g = tanh(W_g x + R_g h)
    o = σ(W_o x + R_o h)
    c' = f ⊙ c + i ⊙ g
    h' = o ⊙ tanh(c')
    """

    gates = ("i", "f", "g", "o")
    states = ("h", "c")

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

    The input and forget gates see the cell of the previous step, the output gate that of this step. The weights p are
    diagonal, one per unit, and start at zero: before training this is the plain LSTM.
    """

    def own_parameters(self, hidden_size: int) -> dict[str, Tensor]:
        return {"peephole": torch.zeros(3, hidden_size)}  # p_i, p_f, p_o

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        _, c = state
        i, f, g, o = gates.chunk(4, -1)
        p_i, p_f, p_o = parameters["peephole"]
        forget = torch.sigmoid(torch.addcmul(f, p_f, c))
        admit = torch.sigmoid(torch.addcmul(i, p_i, c))
        c = torch.addcmul(forget * c, admit, tanh(g))
        return torch.sigmoid(torch.addcmul(o, p_o, c)) * tanh(c), c


@dataclass(frozen=True)
class LayerNormLSTM(LSTM):
    """The LSTM with layer normalisation LN (Ba et al., 2016, arXiv:1607.06450), gate by gate.

    i = σ(LN_1(W_i x + R_i h))
    f = σ(LN_2(W_f x + R_f h))
    g = tanh(LN_3(W_g x + R_g h))
    o = σ(LN_4(W_o x + R_o h))
    c' = f ⊙ c + i ⊙ g
    h' = o ⊙ tanh(LN_5(c'))

    Each LN_k(a) = γ_k ⊙ (a - mean a) / sqrt(var a + ε) + β_k over the units of a row. The sum of both products is
    normalised instead of each product, which halves the work. `forget_bias` is the initial value of β_2, because
    normalisation removes a bias that all units share.
    """

    def initial_bias(self) -> dict[str, float]:
        return {}

    def own_parameters(self, hidden_size: int) -> dict[str, Tensor]:
        own = gain_and_bias(5, hidden_size)
        own["bias"][self.gates.index("f")] = self.forget_bias
        return own

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        _, c = state
        normed, _, _ = standardised(gates, 4)
        i, f, g, o = scaled(normed, parameters, 0, 4).unbind(-2)
        c = torch.addcmul(torch.sigmoid(f) * c, torch.sigmoid(i), tanh(g))
        normed, _, _ = standardised(c, 1)
        return torch.sigmoid(o) * tanh(scaled(normed, parameters, 4, 1)[..., 0, :]), c
