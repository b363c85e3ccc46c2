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
from torch.autograd.function import once_differentiable

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
        outputs: Tensor = _Loop.apply(  # type: ignore[no-untyped-call]
            self.cell, masks.hidden, steps, self.weight_hh, self.bias_hh, *state, *self.extra.values()
        )
        return outputs.transpose(0, 1)

    def step(self, x: Tensor, state: State, masks: Masks = Masks()) -> State:  # noqa: B008 (a constant)
        """x (N,E) and the state before -> the state after, whose first part is the output (N,H)."""
        if masks.inputs is not None:
            x = x * masks.inputs
        return self.recur(F.linear(x, self.weight_ih, self.bias_ih), state, masks)

    def recur(self, x: Tensor, state: State, masks: Masks) -> State:
        h = state[0] if masks.hidden is None else state[0] * masks.hidden
        r = F.linear(h, self.weight_hh, self.bias_hh)
        dtype = self.weight_hh.dtype  # products are narrower under autocast; gates and states are not
        state = tuple(part.to(dtype) for part in state)
        return self.cell.pointwise(x.to(dtype), r.to(dtype), state, dict(self.extra.items()))


class _Loop(torch.autograd.Function):
    """The recurrence of any cell over T steps: x (T,B,G*H) = W x of every step -> h of every step (T,B,H).

    The gradient goes back through `pointwise` a step at a time, by autograd, and leaves the weights to the end: R's
    gradient is one product over all steps where autograd alone would add up T of them.
    """

    @staticmethod
    def forward(
        ctx: Any, cell: Cell, mask: Tensor | None, x: Tensor, weight: Tensor, bias: Tensor, *rest: Tensor
    ) -> Tensor:
        state, extra = rest[: len(cell.states)], rest[len(cell.states) :]
        parameters = dict(zip(cell.parameter_rows(), extra, strict=True))
        dtype, wide = x.dtype, weight.dtype  # under autocast the products are narrow; gates and states are not
        state = tuple(part.to(wide) for part in state)
        with torch.autocast(x.device.type, enabled=False):
            narrow_weight, narrow_bias = weight.to(dtype), bias.to(dtype)
            r = torch.empty_like(x)
            outputs = torch.empty(*x.shape[:2], weight.shape[1], dtype=wide, device=x.device)
            states = []
            for t in range(len(x)):
                states.append(state)
                h = state[0] if mask is None else state[0] * mask
                torch.addmm(narrow_bias, h.to(dtype), narrow_weight.T, out=r[t])
                state = cell.pointwise(x[t].to(wide), r[t].to(wide), state, parameters)
                outputs[t] = state[0]
        ctx.cell, ctx.mask, ctx.states, ctx.extra = cell, mask, states, extra
        ctx.save_for_backward(x, r, weight, outputs)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        x, r, weight, outputs = ctx.saved_tensors
        cell, mask, states = ctx.cell, ctx.mask, ctx.states
        narrow_weight = weight.to(x.dtype)
        grad_x, grad_r = torch.empty_like(x), torch.empty_like(r)
        grad_state = [torch.zeros_like(part) for part in states[0]]
        grad_extra = [torch.zeros_like(part) for part in ctx.extra]
        for t in reversed(range(len(x))):
            grad_state[0] = grad_state[0] + grad_outputs[t]
            inputs = [
                part.detach().to(weight.dtype).requires_grad_() for part in (x[t], r[t], *states[t], *ctx.extra)
            ]
            with torch.enable_grad():
                before, extra = inputs[2 : 2 + len(grad_state)], inputs[2 + len(grad_state) :]
                after = cell.pointwise(
                    *inputs[:2], tuple(before), dict(zip(cell.parameter_rows(), extra, strict=True))
                )
            grads = torch.autograd.grad(after, inputs, grad_state, allow_unused=True, materialize_grads=True)
            grad_x[t], grad_r[t] = grads[:2]
            grad_h = (grad_r[t] @ narrow_weight).to(weight.dtype)
            grad_state = list(grads[2 : 2 + len(grad_state)])
            grad_state[0] = grad_state[0] + (grad_h if mask is None else grad_h * mask)
            grad_extra = [total + grad for total, grad in zip(grad_extra, grads[2 + len(grad_state) :], strict=True)]
        h = torch.cat([states[0][0][None], outputs[:-1]])  # (T, B, H), before each step
        h = (h if mask is None else h * mask).to(x.dtype)
        grad_weight = (grad_r.flatten(0, 1).T @ h.flatten(0, 1)).to(weight.dtype)
        grad_bias = grad_r.sum((0, 1), dtype=weight.dtype)
        return None, None, grad_x, grad_weight, grad_bias, *grad_state, *grad_extra
