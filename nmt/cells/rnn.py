"""Cells without gates."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nmt.cells.base import Cell, Parameters, State, tanh


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

    In the paper R starts as the identity; here it starts orthogonal, as in the other cells.
    """

    gates = ("n",)

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        return (torch.relu(gates),)
