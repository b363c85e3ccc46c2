"""The recurrence over time: one layer in one direction, for every cell.

Where torch has a fast fused kernel for the very equations of a cell it is taken (oneDNN on CPU, cuDNN on GPU); all
others share the one loop of this file, which makes a single product of all inputs first. Dropout is variational
(Gal & Ghahramani, 2016, arXiv:1512.05287): one mask a sentence, the same at every step.

Dims: B sentences, N rows of one step, T steps, E input features, H hidden units, G gates, D layers side by side.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from nmt.model.cells import GRU, LSTM, RNN, Cell, ReluRNN, State
from nmt.model.gradients import GRADIENTS, by_autograd

FUSED: dict[type[Cell], Callable[..., Any]] = {
    RNN: torch.rnn_tanh,
    ReluRNN: torch.rnn_relu,
    GRU: torch.gru,
    LSTM: torch.lstm,
}
# oneDNN has the LSTM alone; for the others torch loops over the steps, more slowly than the loop below.
FUSED_ON_CPU: dict[type[Cell], Callable[..., Any]] = {LSTM: torch.lstm}

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
        return self.side_by_side([self], [x], [self.initial_state(len(x)) if state is None else state])[0]

    @staticmethod
    def side_by_side(
        layers: Sequence[Recurrent], inputs: Sequence[Tensor], states: Sequence[State]
    ) -> Sequence[Tensor]:
        """Layers of one kind and size, each over its inputs (B,T,E) from its state -> h of every step (B,T,H)."""
        masks = [layer.masks(len(x)) for layer, x in zip(layers, inputs, strict=True)]
        inputs = [
            x if mask.inputs is None else x * mask.inputs[:, None] for x, mask in zip(inputs, masks, strict=True)
        ]
        kernel = (FUSED if inputs[0].is_cuda else FUSED_ON_CPU).get(type(layers[0].cell))
        if kernel is None or masks[0].hidden is not None:
            return loop(layers, inputs, states, [mask.hidden for mask in masks])
        return [layer.fused(kernel, x, state) for layer, x, state in zip(layers, inputs, states, strict=True)]

    def fused(self, kernel: Callable[..., Any], x: Tensor, state: State) -> Tensor:
        weights = [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]
        return run_fused(kernel, x, state, weights, self.training)

    def step(
        self,
        x: Tensor,
        state: State,
        masks: Masks = Masks(),  # noqa: B008 (a constant)
        beside: Tensor | None = None,
    ) -> State:
        """x (N,E), or what of it `beside` (N,·) does not hold, and the state before -> the state after, whose first
        part is the output (N,H)."""
        if beside is not None:
            x = torch.cat([x, beside], -1)
        if masks.inputs is not None:
            x = x * masks.inputs
        return self.recur(F.linear(x, self.weight_ih, self.bias_ih), state, masks)

    def recur(self, x: Tensor, state: State, masks: Masks) -> State:
        h = state[0] if masks.hidden is None else state[0] * masks.hidden
        dtype = self.weight_hh.dtype  # products are narrower under autocast; gates and states are not
        gates = F.linear(h, self.weight_hh, self.bias_hh).to(dtype)
        joint = self.cell.joint_gates * self.hidden_size
        gates = torch.cat([gates[:, :joint] + x[:, :joint], gates[:, joint:]], -1)
        state = tuple(part.to(dtype) for part in state)
        return self.cell.pointwise(gates, x[:, joint:].to(dtype), state, dict(self.extra.items()))


def run_fused(
    kernel: Callable[..., Any], x: Tensor, state: State, weights: Sequence[Tensor], training: bool = False
) -> Tensor:
    """One of torch's kernels over x (B,T,E) -> h of every step (B,T,H)."""
    initial = tuple(part[None].to(x.dtype).contiguous() for part in state)  # each (1, B, H)
    hx = initial if len(initial) > 1 else initial[0]
    # has_biases, num_layers, dropout, train, bidirectional, batch_first
    outputs: Tensor = kernel(x, hx, list(weights), True, 1, 0.0, training, False, True)[0]
    return outputs


def loop(
    layers: Sequence[Recurrent],
    inputs: Sequence[Tensor],
    states: Sequence[State],
    masks: Sequence[Tensor | None],
) -> Sequence[Tensor]:
    """`side_by_side` without a fused kernel: one loop for all layers, with `masks` (B,H) on h before R h."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    weights = (_stack([getattr(layer, name) for layer in layers]) for name in names)
    mask = None if masks[0] is None else _stack([part for part in masks if part is not None])
    x = _stack(inputs).permute(2, 0, 1, 3)  # (T, D, B, E)
    state = (_stack(parts) for parts in zip(*states, strict=True))
    extra = (_stack([layer.extra[name] for layer in layers], 1)[:, :, None] for name in layers[0].extra)
    outputs: Tensor = _Loop.apply(  # type: ignore[no-untyped-call]
        layers[0].cell, mask, x, *weights, *state, *extra
    )
    return outputs.permute(1, 2, 0, 3).unbind()


def _stack(parts: Sequence[Tensor], dim: int = 0) -> Tensor:
    """torch.stack; of one part a view."""
    return torch.stack(tuple(parts), dim) if len(parts) > 1 else parts[0].unsqueeze(dim)


class _Loop(torch.autograd.Function):
    """The recurrence of any cell: inputs (T,D,B,E) -> h of every step (T,D,B,H).

    Weights, biases, states and mask have the D layers first, a cell's own parameters are (n,D,1,H). W x of all steps
    is one product, and R h is added to it in place. The gradient goes back a step at a time (gradients.py), and
    leaves the weights to the end: theirs too is one product over all steps where autograd would add up T of them.
    """

    @staticmethod
    def forward(
        ctx: Any,
        cell: Cell,
        mask: Tensor | None,
        inputs: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor,
        bias_hh: Tensor,
        *rest: Tensor,
    ) -> Tensor:
        state, extra = rest[: len(cell.states)], rest[len(cell.states) :]
        parameters = dict(zip(cell.parameter_rows(), extra, strict=True))
        device, wide = inputs.device.type, weight_hh.dtype
        # Under autocast the products are narrow; gates and states are not.
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else wide
        with torch.autocast(device, enabled=False):
            joint = cell.joint_gates * weight_hh.shape[2]
            bias = torch.cat([bias_ih[:, :joint] + bias_hh[:, :joint], bias_ih[:, joint:]], 1).to(dtype)
            rows, weight = _by_layer(inputs.to(dtype)), weight_ih.to(dtype)
            products = [torch.addmm(b, x, w.T) for b, x, w in zip(bias, rows, weight, strict=True)]
            gates = _stack([product.view(*inputs.shape[::2], -1) for product in products], 1)  # (T, D, B, G*H)
            x = gates[..., joint:].clone()  # (T, D, B, apart*H)
            gates[..., joint:] = bias_hh[:, None, joint:]
            state = tuple(part.to(wide) for part in state)
            weight = weight_hh.transpose(1, 2).to(dtype)
            hidden = gates.new_empty(len(gates) + 1, *state[0].shape)  # h before and after every step, narrow
            hidden[0] = state[0]
            states = [state]
            for t in range(len(gates)):
                gates[t].baddbmm_(hidden[t] if mask is None else (state[0] * mask).to(dtype), weight)
                state = cell.pointwise(gates[t].to(wide), x[t].to(wide), state, parameters)
                hidden[t + 1] = state[0]
                states.append(state)
        ctx.cell, ctx.mask, ctx.states, ctx.extra, ctx.inputs_dtype = cell, mask, states, extra, inputs.dtype
        ctx.save_for_backward(rows, gates, x, hidden, weight_ih, weight_hh)
        return hidden[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        rows, gates, x, hidden, weight_ih, weight_hh = ctx.saved_tensors
        cell, mask, states = ctx.cell, ctx.mask, ctx.states
        dtype, wide = gates.dtype, weight_hh.dtype
        narrow_weight = weight_hh.to(dtype)
        gradient = GRADIENTS.get(type(cell), by_autograd)
        parameters = dict(zip(cell.parameter_rows(), ctx.extra, strict=True))
        grad_gates, grad_x = torch.empty_like(gates), torch.empty_like(x)
        grad_state = [torch.zeros_like(part) for part in states[0]]
        grad_extra = [torch.zeros_like(part) for part in ctx.extra]
        for t in reversed(range(len(gates))):
            grad_state[0] = grad_state[0] + grad_outputs[t]
            grad_gates[t], grad_x[t], of_state, of_extra = gradient(
                cell, gates[t].to(wide), x[t].to(wide), states[t], states[t + 1], parameters, grad_state
            )
            grad_h = torch.bmm(grad_gates[t], narrow_weight)
            grad_h = grad_h.to(wide) if mask is None else grad_h * mask
            grad_state = [grad_h if of_state[0] is None else grad_h.add_(of_state[0]), *of_state[1:]]
            grad_extra = [total + grad for total, grad in zip(grad_extra, of_extra, strict=True)]
        h = hidden[:-1] if mask is None else (hidden[:-1] * mask).to(dtype)
        grad_gates, grad_x, h = _by_layer(grad_gates), _by_layer(grad_x), _by_layer(h)
        grad_weight_hh = _weight_gradient(grad_gates, h, wide)
        grad_bias_ih = grad_bias_hh = _sum(grad_gates, wide)
        if cell.apart:  # from here on the gradient of W x, in place
            grad_gates[..., -grad_x.shape[-1] :] = grad_x
            grad_bias_ih = torch.cat([grad_bias_hh[:, : -grad_x.shape[-1]], _sum(grad_x, wide)], 1)
        grad_weight_ih = _weight_gradient(grad_gates, rows, wide)
        grad_inputs = grad_gates @ weight_ih.to(dtype)  # (D, T*B, E)
        grad_inputs = grad_inputs.unflatten(1, (len(gates), -1)).transpose(0, 1).to(ctx.inputs_dtype)
        grads = grad_inputs, grad_weight_ih, grad_weight_hh, grad_bias_ih, grad_bias_hh
        return None, None, *grads, *grad_state, *grad_extra


def _by_layer(x: Tensor) -> Tensor:
    """(T,D,B,F) -> (D,T*B,F)."""
    return x.transpose(0, 1).flatten(1, 2)


def _weight_gradient(grad: Tensor, inputs: Tensor, dtype: torch.dtype) -> Tensor:
    """From the gradient of the outputs (D,P,G*H) and the inputs (D,P,E); a batched product would be far slower."""
    return _stack([of_one.T @ x for of_one, x in zip(grad, inputs, strict=True)]).to(dtype)


def _sum(x: Tensor, dtype: torch.dtype) -> Tensor:
    """(D,P,F) -> (D,F): as a product, because a sum of narrow numbers is many times slower."""
    return (x.new_ones(len(x), 1, x.shape[1]) @ x)[:, 0].to(dtype)
