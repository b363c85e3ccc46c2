"""The recurrence over time: one layer in one direction, for every cell.

Where torch has a fused kernel for the very equations of a cell it is taken (oneDNN on CPU, cuDNN on GPU); all
others share the one loop of this file, which makes a single product of all inputs first. Dropout is variational
(Gal & Ghahramani, 2016, arXiv:1512.05287): one mask a sentence, the same at every step.

Dims: B sentences, N rows of one step, T steps, E input features, H hidden units, G gates.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nmt.model.cells import GRU, LSTM, RNN, Cell, ReluRNN, State

FUSED: dict[type[Cell], Callable[..., Any]] = {
    RNN: torch.rnn_tanh,
    ReluRNN: torch.rnn_relu,
    GRU: torch.gru,
    LSTM: torch.lstm,
}

# Weights are one parameter each, so that a model file can be checked against its config. cuDNN packs them anew at
# each call, which costs microseconds, and says so.
warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk")


def dropout_mask(rows: int, features: int, p: float, like: Tensor) -> Tensor:
    """(rows, features): 0 with probability p, else 1 / (1 - p)."""
    return torch.empty(rows, features, dtype=like.dtype, device=like.device).bernoulli_(1 - p).div_(1 - p)


class Masks(NamedTuple):
    """The dropout of one layer over one sequence; None where nothing is dropped."""

    inputs: Tensor | None = None  # (N, E)
    hidden: Tensor | None = None  # (N, H), on h before R h


class Recurrent(nn.Module):
    """One recurrent layer in one direction.

    `dropout` is applied to its inputs and `recurrent_dropout` to h where it enters R h; the latter has no fused
    kernel, so training then runs the loop.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.hidden_size = hidden_size
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        rows = len(cell.gates) * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size))
        self.weight_hh = nn.Parameter(torch.empty(rows, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(rows))
        self.bias_hh = nn.Parameter(torch.empty(rows))
        self.extra = nn.ParameterDict(
            {name: nn.Parameter(torch.empty(n, hidden_size)) for name, n in cell.parameter_rows().items()}
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Glorot for W, orthogonal for each gate's R (Saxe et al., 2014, arXiv:1312.6120), zero for the rest."""
        for gate in self.weight_ih.chunk(len(self.cell.gates)):
            nn.init.xavier_uniform_(gate)
        for gate in self.weight_hh.chunk(len(self.cell.gates)):
            nn.init.orthogonal_(gate)
        for parameter in (self.bias_ih, self.bias_hh, *self.extra.values()):
            nn.init.zeros_(parameter)
        biases = dict(zip(self.cell.gates, self.bias_ih.detach().chunk(len(self.cell.gates)), strict=True))
        for name, value in self.cell.initial_bias().items():
            biases[name].fill_(value)

    def masks(self, rows: int) -> Masks:
        """Draw the dropout of one sequence; nothing is dropped outside training."""
        if not self.training:
            return Masks()
        input_size = self.weight_ih.shape[1]
        like = self.weight_ih
        return Masks(
            dropout_mask(rows, input_size, self.dropout, like) if self.dropout else None,
            dropout_mask(rows, self.hidden_size, self.recurrent_dropout, like) if self.recurrent_dropout else None,
        )

    def initial_state(self, rows: int) -> State:
        """Zeros, each (rows, H)."""
        return tuple(self.weight_hh.new_zeros(rows, self.hidden_size) for _ in self.cell.states)

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        """x (B,T,E) and the state before the first step -> h of every step (B,T,H)."""
        masks = self.masks(len(x))
        if masks.inputs is not None:
            x = x * masks.inputs[:, None]  # (B, T, E)
        state = self.initial_state(len(x)) if state is None else state
        fused = FUSED.get(type(self.cell))
        if fused is None or masks.hidden is not None:
            return self.loop(x, state, masks)
        return self.fused(fused, x, state)

    def fused(self, kernel: Callable[..., Any], x: Tensor, state: State) -> Tensor:
        weights = [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]
        initial = tuple(part[None].to(x.dtype).contiguous() for part in state)  # each (1, B, H)
        hx = initial if len(initial) > 1 else initial[0]
        # has_biases, num_layers, dropout, train, bidirectional, batch_first
        outputs: Tensor = kernel(x, hx, weights, True, 1, 0.0, self.training, False, True)[0]
        return outputs

    def loop(self, x: Tensor, state: State, masks: Masks) -> Tensor:
        steps = F.linear(x.transpose(0, 1), self.weight_ih, self.bias_ih)  # (T, B, G*H)
        outputs = []
        for step in steps.unbind():
            state = self.recur(step, state, masks)
            outputs.append(state[0])
        return torch.stack(outputs, 1)

    def step(self, x: Tensor, state: State, masks: Masks = Masks()) -> State:  # noqa: B008 (a constant)
        """x (N,E) and the state before -> the state after, whose first part is the output (N,H)."""
        if masks.inputs is not None:
            x = x * masks.inputs
        return self.recur(F.linear(x, self.weight_ih, self.bias_ih), state, masks)

    def recur(self, x: Tensor, state: State, masks: Masks) -> State:
        h = state[0] if masks.hidden is None else state[0] * masks.hidden
        return self.cell.pointwise(x, F.linear(h, self.weight_hh, self.bias_hh), state, dict(self.extra.items()))
