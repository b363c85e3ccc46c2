"""Cells of which no gate sees h: a step's work is unit by unit, and most are trained by a scan over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from nmt.cells.base import Cell, ForgetfulCell, ParallelCell, Parameters, State
from nmt.cells.scan import gated_mean

sigmoid_backward = torch.ops.aten.sigmoid_backward


class LinearCell(ParallelCell):
    """A cell whose last part of the state is a gated mean, c' = a ⊙ c + (1 - a) ⊙ n, a and n from x only, n as the
    last of the gates."""

    def keep(self, gates: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """W x of all gates but n (...,rows) -> a (...,H) and, of a gradient of a, that of the gates."""
        raise NotImplementedError

    def output(self, c: Tensor) -> Tensor:
        """c' -> h'; where h is c itself, c."""
        return c

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        gates, n = x.tensor_split([-state[-1].shape[-1]], -1)
        c = torch.lerp(n, state[-1], self.keep(gates)[0])
        return (self.output(c), c)[-len(self.states) :]

    def over_time(self, x: Tensor, state: State, parameters: Parameters) -> Tensor:
        return self.output(gated_mean(self.keep, x, state[-1]))


@dataclass(frozen=True)
class SSRU(LinearCell):
    """The simpler simple recurrent unit (Kim et al., 2019, "From research to production and back").

    f = σ(W_f x)
    c' = f ⊙ c + (1 - f) ⊙ W_n x
    h' = max(0, c')
    """

    gates = ("f", "n")
    states = ("h", "c")
    input_only = 2

    def keep(self, gates: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        f = torch.sigmoid(gates)
        return f, lambda grad: sigmoid_backward(grad, f)

    def output(self, c: Tensor) -> Tensor:
        return torch.relu(c)


@dataclass(frozen=True)
class MinGRU(LinearCell):
    """The minimal GRU of Feng et al. (2024), arXiv:2410.01201.

    z = σ(W_z x)
    h' = (1 - z) ⊙ h + z ⊙ W_n x
    """

    gates = ("z", "n")
    input_only = 2

    def keep(self, gates: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        a = torch.sigmoid(-gates)  # 1 - σ(z)
        return a, lambda grad: sigmoid_backward(grad, a).neg_()


@dataclass(frozen=True)
class MinLSTM(LinearCell, ForgetfulCell):
    """The minimal LSTM of Feng et al. (2024), arXiv:2410.01201.

    f = σ(W_f x)
    i = σ(W_i x)
    h' = f / (f + i) ⊙ h + i / (f + i) ⊙ W_n x
    """

    gates = ("f", "i", "n")
    input_only = 3

    def keep(self, gates: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        both = torch.sigmoid(gates)
        f, i = both.chunk(2, -1)
        a = f / (f + i).clamp_min(torch.finfo(f.dtype).tiny)  # both may be too small for a number

        def backward(grad: Tensor) -> Tensor:
            grad = sigmoid_backward(grad, a)  # a = σ(log f - log i)
            grad = torch.cat([grad, -grad], -1)
            return grad.addcmul_(grad, both, value=-1)

        return a, backward


@dataclass(frozen=True)
class SRU(Cell):
    """The simple recurrent unit (Lei et al., 2018, arXiv:1709.02755).

    f = σ(W_f x + v_f ⊙ c)
    r = σ(W_r x + v_r ⊙ c)
    c' = f ⊙ c + (1 - f) ⊙ W_n x
    h' = r ⊙ c' + (1 - r) ⊙ W_s x

    The paper's highway passes x itself on, which needs as many features as units; here it passes on W_s x. The gates
    see c, so the steps cannot be scanned in parallel, but each is elementwise, without a matrix product.
    """

    gates = ("f", "r", "n", "s")
    states = ("h", "c")
    input_only = 4

    def own_parameters(self, hidden_size: int) -> dict[str, Tensor]:
        return {"peephole": torch.zeros(2, hidden_size)}  # v_f, v_r

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        _, c = state
        f, r, n, s = x.chunk(4, -1)
        v_f, v_r = parameters["peephole"]
        f, r = torch.sigmoid(torch.addcmul(f, v_f, c)), torch.sigmoid(torch.addcmul(r, v_r, c))
        c = torch.lerp(n, c, f)
        return torch.lerp(s, c, r), c


@dataclass(frozen=True)
class IndRNN(Cell):
    """The independently recurrent network (Li et al., 2018, arXiv:1803.04831): a unit sees only its own past.

    h' = max(0, W x + u ⊙ h)

    The weights u are diagonal, one per unit. They start between 0 and 1, which gives memories of all lengths.
    """

    gates = ("n",)
    input_only = 1

    def own_parameters(self, hidden_size: int) -> dict[str, Tensor]:
        return {"recurrent": torch.empty(1, hidden_size).uniform_()}

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        return (torch.relu(torch.addcmul(x, parameters["recurrent"][0], state[0])),)
