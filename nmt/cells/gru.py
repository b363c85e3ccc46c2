"""The gated recurrent unit and its kin."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nmt.cells.base import MASK, Cell, Parameters, State, product, tanh
from nmt.cells.norm import gain_and_bias, scaled, standardised


@dataclass(frozen=True)
class GRU(Cell):
    """The gated recurrent unit (Cho et al., 2014, arXiv:1406.1078v1), with the reset gate after the product R_n h.

    r = σ(W_r x + R_r h)
    z = σ(W_z x + R_z h)
    n = tanh(W_n x + r ⊙ R_n h)
    h' = (1 - z) ⊙ n + z ⊙ h
    """

    gates = ("r", "z", "n")
    separate = 1

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        (h,) = state
        both = 2 * h.shape[-1]
        r, z = torch.sigmoid(gates[..., :both]).chunk(2, -1)
        new = tanh(torch.addcmul(x, r, gates[..., both:]))
        return (torch.lerp(new, h, z),)


@dataclass(frozen=True)
class LayerNormGRU(GRU):
    """The GRU with layer normalisation LN (Ba et al., 2016, arXiv:1607.06450), gate by gate.

    r = σ(LN_1(W_r x + R_r h))
    z = σ(LN_2(W_z x + R_z h))
    n = tanh(LN_4(W_n x) + r ⊙ LN_3(R_n h))
    h' = (1 - z) ⊙ n + z ⊙ h

    Each LN_k(a) = γ_k ⊙ (a - mean a) / sqrt(var a + ε) + β_k over the units of a row. Where a gate needs only the sum
    of both products, the sum is normalised instead of each product, which halves the work.
    """

    def own_parameters(self, hidden_size: int) -> dict[str, Tensor]:
        return gain_and_bias(4, hidden_size)

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        (h,) = state
        normed, _, _ = standardised(torch.cat([gates, x], -1), 4)
        reset_update, recurrent, x = scaled(normed, parameters, 0, 4).tensor_split([2, 3], -2)
        r, z = torch.sigmoid(reset_update).unbind(-2)
        new = tanh(torch.addcmul(x[..., 0, :], r, recurrent[..., 0, :]))
        return (torch.lerp(new, h, z),)


@dataclass(frozen=True)
class ResetBeforeGRU(Cell):
    """The gated recurrent unit as in the last version of its paper (Cho et al., 2014, arXiv:1406.1078v3), with the
    reset gate before the product, whose matrix U is separate.

    r = σ(W_r x + R_r h)
    z = σ(W_z x + R_z h)
    n = tanh(W_n x + U (r ⊙ h))
    h' = (1 - z) ⊙ n + z ⊙ h
    """

    gates = ("r", "z", "n")
    input_only = 1
    own_product = True

    def own_parameters(self, hidden_size: int) -> dict[str, Tensor]:
        return {"reset": nn.init.orthogonal_(torch.empty(hidden_size, hidden_size))}  # U

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        (h,) = state
        r, z = torch.sigmoid(gates).chunk(2, -1)
        reset = r * h * parameters[MASK] if MASK in parameters else r * h
        return (torch.lerp(tanh(x + product(reset, parameters["reset"])), h, z),)


@dataclass(frozen=True)
class MinimalGated(Cell):
    """The minimal gated unit (Zhou et al., 2016, arXiv:1603.09420), with its gate after the product R_n h.

    f = σ(W_f x + R_f h)
    n = tanh(W_n x + f ⊙ R_n h)
    h' = (1 - f) ⊙ h + f ⊙ n
    """

    gates = ("f", "n")
    separate = 1

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        f, recurrent = gates.chunk(2, -1)
        f = torch.sigmoid(f)
        return (torch.lerp(state[0], tanh(torch.addcmul(x, f, recurrent)), f),)
