"""The gradients of the cells' pointwise part: by autograd for any cell, by hand for the common ones.

All have one form: `gradient(cell, gates, x, state, after, parameters, grads)` takes what `Cell.pointwise` took, the
state `after` that it returned and the gradient of each part of it, and returns the gradients of gates, of x, of each
part of the state (None for h where all of it went through R h) and of each parameter by its name. Sigmoids and the
like are made again: cheaper than keeping them for every step.

Written by hand it is about half the time of autograd's, which builds and walks a graph of small nodes a step;
torch.compile on a CPU calls at a higher price than it saves, and needs a compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nmt.model.cells import MASK, Cell, Parameters, State, tanh
from nmt.model.cells.gru import GRU, LayerNormGRU, MinimalGated, ResetBeforeGRU
from nmt.model.cells.linear import SRU, IndRNN
from nmt.model.cells.lstm import LSTM, LayerNormLSTM, PeepholeLSTM
from nmt.model.cells.norm import scaled, standardised
from nmt.model.cells.rnn import RNN, ReluRNN
from nmt.model.cells.xlstm import SLSTM

Gradients = tuple[Tensor, Tensor, tuple[Any, ...], Parameters]
Gradient = Callable[[Cell, Tensor, Tensor, State, State, Parameters, Sequence[Tensor]], Gradients]

sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input
tanh_backward = torch.ops.aten.tanh_backward.grad_input


def by_autograd(
    cell: Cell, gates: Tensor, x: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    wants_gradient = [part.detach().requires_grad_() for part in (gates, x, *state, *parameters.values())]
    gates, x, *rest = wants_gradient
    before, extra = rest[: len(state)], rest[len(state) :]
    with torch.enable_grad():
        outputs = cell.pointwise(gates, x, tuple(before), dict(zip(parameters, extra, strict=True)))
    found = torch.autograd.grad(outputs, wants_gradient, list(grads), allow_unused=True, materialize_grads=True)
    of_parameters = dict(zip(parameters, found[2 + len(state) :], strict=True))
    return found[0], found[1], found[2 : 2 + len(state)], of_parameters


def of_rnn(
    cell: Cell, gates: Tensor, x: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    grad = torch.ops.aten.tanh_backward(grads[0], after[0])
    return grad, x, (None,), {}


def of_relu_rnn(
    cell: Cell, gates: Tensor, x: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    grad = torch.ops.aten.threshold_backward(grads[0], after[0], 0)
    return grad, x, (None,), {}


def of_gru(
    cell: Cell, gates: Tensor, x: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    (h,), (grad,) = state, grads
    both = 2 * h.shape[-1]
    recurrent = gates[..., both:]
    reset_update = torch.sigmoid(gates[..., :both])
    reset, update = reset_update.chunk(2, -1)
    new = tanh(torch.addcmul(x, reset, recurrent))
    grad_gates = torch.empty_like(gates)
    grad_reset, grad_update, grad_recurrent = grad_gates.chunk(3, -1)
    grad_h = grad * update
    grad_x = torch.ops.aten.tanh_backward(grad - grad_h, new)
    torch.mul(grad, torch.sub(h, new, out=new), out=grad_update)
    torch.mul(grad_x, recurrent, out=grad_reset)
    sigmoid_backward(grad_gates[..., :both], reset_update, grad_input=grad_gates[..., :both])
    torch.mul(grad_x, reset, out=grad_recurrent)
    return grad_gates, grad_x, (grad_h,), {}


def of_lstm(
    cell: Cell, gates: Tensor, x: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    """Of the LSTM with peepholes or without."""
    (_, c), c_after, (grad_h, grad_c) = state, after[1], grads
    peephole = parameters.get("peephole")
    both = 2 * c.shape[-1]
    i, f, g, o = gates.chunk(4, -1)
    if peephole is None:
        input_forget, o = torch.sigmoid(gates[..., :both]), torch.sigmoid(o)
    else:
        p_i, p_f, p_o = peephole
        input_forget = torch.empty_like(gates[..., :both])
        for gate, weight, out in zip((i, f), (p_i, p_f), input_forget.chunk(2, -1), strict=True):
            torch.addcmul(gate, weight, c, out=out)
        input_forget.sigmoid_()
        o = torch.addcmul(o, p_o, c_after).sigmoid_()
    i, f = input_forget.chunk(2, -1)
    g, tanh_c = tanh(g), tanh(c_after)
    grad = torch.empty_like(gates)
    grad_i, grad_f, grad_g, grad_o = grad.chunk(4, -1)
    torch.mul(grad_h, tanh_c, out=grad_o)
    sigmoid_backward(grad_o, o, grad_input=grad_o)
    grad_c = grad_c + torch.ops.aten.tanh_backward(grad_h * o, tanh_c)
    if peephole is not None:
        grad_c.addcmul_(grad_o, p_o)
    torch.mul(grad_c, g, out=grad_i)
    torch.mul(grad_c, c, out=grad_f)
    torch.mul(grad_c, i, out=grad_g)
    sigmoid_backward(grad[..., :both], input_forget, grad_input=grad[..., :both])
    tanh_backward(grad_g, g, grad_input=grad_g)
    grad_before = grad_c * f
    extra = {}
    if peephole is not None:
        grad_before.addcmul_(grad_i, p_i).addcmul_(grad_f, p_f)
        sums = (part.sum_to_size(p_i.shape) for part in (grad_i * c, grad_f * c, grad_o * c_after))
        extra["peephole"] = torch.stack(tuple(sums))
    return grad, x, (None, grad_before), extra


class _Norm:
    """The layer normalisation of K vectors, by the gains and biases from the `first` on, and its way back."""

    def __init__(self, x: Tensor, parameters: Parameters, first: int, vectors: int) -> None:
        """x (...,K*H)"""
        self.x = x.view(*x.shape[:-1], vectors, -1)
        self.normed, self.mean, self.rstd = standardised(x, vectors)
        self.gain = parameters["gain"][first : first + vectors]
        self.value = scaled(self.normed, parameters, first, vectors).flatten(-2)  # (..., K*H)

    def backward(self, grad: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The gradient of the value (...,K*H) -> those of x and of the gains and biases."""
        grad = grad.view_as(self.normed)  # (..., K, H)
        sums = ((grad * self.normed).movedim(-2, 0), grad.movedim(-2, 0))  # each (K, ..., N, H)
        of_gain, of_bias = (part.sum(-2, keepdim=self.gain.ndim > 2) for part in sums)
        grad = grad * self.gain.movedim(0, -2)
        of_x, _, _ = torch.ops.aten.native_layer_norm_backward(
            grad, self.x, self.x.shape[-1:], self.mean, self.rstd, None, None, [True, False, False]
        )
        return of_x.flatten(-2), {"gain": of_gain, "bias": of_bias}


def of_layer_norm_gru(
    cell: Cell, gates: Tensor, x: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    norm = _Norm(torch.cat([gates, x], -1), parameters, 0, 4)
    normed_gates, normed_x = norm.value.tensor_split([gates.shape[-1]], -1)
    of_gates, of_x, of_state, _ = of_gru(cell, normed_gates, normed_x, state, after, {}, grads)
    grad, extra = norm.backward(torch.cat([of_gates, of_x], -1))
    of_gates, of_x = grad.tensor_split([gates.shape[-1]], -1)
    return of_gates, of_x, of_state, extra


def of_layer_norm_lstm(
    cell: Cell, gates: Tensor, x: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    (_, c), c_after, (grad_h, grad_c) = state, after[1], grads
    of_gates, of_cell = _Norm(gates, parameters, 0, 4), _Norm(c_after, parameters, 4, 1)
    both = 2 * c.shape[-1]
    i, f = (input_forget := torch.sigmoid(of_gates.value[..., :both])).chunk(2, -1)
    g, o = of_gates.value[..., both:].chunk(2, -1)
    g, o, tanh_c = tanh(g), torch.sigmoid(o), tanh(of_cell.value)
    grad = torch.empty_like(gates)
    grad_i, grad_f, grad_g, grad_o = grad.chunk(4, -1)
    torch.mul(grad_h, tanh_c, out=grad_o)
    sigmoid_backward(grad_o, o, grad_input=grad_o)
    through_output, of_last = of_cell.backward(torch.ops.aten.tanh_backward(grad_h * o, tanh_c))
    grad_c = grad_c + through_output
    torch.mul(grad_c, g, out=grad_i)
    torch.mul(grad_c, c, out=grad_f)
    torch.mul(grad_c, i, out=grad_g)
    sigmoid_backward(grad[..., :both], input_forget, grad_input=grad[..., :both])
    tanh_backward(grad_g, g, grad_input=grad_g)
    grad, extra = of_gates.backward(grad)
    return grad, x, (None, grad_c * f), {name: torch.cat([extra[name], of_last[name]]) for name in extra}


def of_indrnn(
    cell: Cell, gates: Tensor, x: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    (h,), (u,) = state, parameters["recurrent"]
    grad = torch.ops.aten.threshold_backward(grads[0], after[0], 0)
    return gates, grad, (grad * u,), {"recurrent": (grad * h).sum_to_size(u.shape)[None]}


def of_minimal_gated(
    cell: Cell, gates: Tensor, x: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    (h,), (grad,) = state, grads
    f, recurrent = gates.chunk(2, -1)
    f = torch.sigmoid(f)
    new = tanh(torch.addcmul(x, f, recurrent))
    passed = grad * f
    grad_x = torch.ops.aten.tanh_backward(passed, new)
    grad_gates = torch.empty_like(gates)
    grad_f, grad_recurrent = grad_gates.chunk(2, -1)
    torch.addcmul(grad_x * recurrent, grad, new.sub_(h), out=grad_f)
    sigmoid_backward(grad_f, f, grad_input=grad_f)
    torch.mul(grad_x, f, out=grad_recurrent)
    return grad_gates, grad_x, (grad - passed,), {}


def of_reset_before_gru(
    cell: Cell, gates: Tensor, x: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    (h,), (grad,), own, mask = state, grads, parameters["reset"], parameters.get(MASK)
    weight = own.view(len(own), *h.shape[:-2], -1).movedim(0, -2)  # (H, H), or of each layer (D, H, H)
    reset_update = torch.sigmoid(gates)
    r, z = reset_update.chunk(2, -1)
    reset = r * h if mask is None else r * h * mask
    new = tanh(x + reset @ weight.mT)
    grad_h = grad * z
    grad_x = torch.ops.aten.tanh_backward(grad - grad_h, new)
    grad_reset = grad_x @ weight if mask is None else grad_x @ weight * mask
    grad_gates = torch.empty_like(gates)
    grad_r, grad_z = grad_gates.chunk(2, -1)
    torch.mul(grad_reset, h, out=grad_r)
    torch.mul(grad, new.neg_().add_(h), out=grad_z)
    sigmoid_backward(grad_gates, reset_update, grad_input=grad_gates)
    of_own = (grad_x.mT @ reset).movedim(-2, 0).reshape(own.shape)
    return grad_gates, grad_x, (grad_h.addcmul_(grad_reset, r),), {"reset": of_own}


def of_slstm(
    cell: Cell, gates: Tensor, x: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    (_, c, n, m), (h_after, c_after, n_after, m_after), (grad_h, grad_c, grad_n, grad_m) = state, after, grads
    i, f, g, o = gates.chunk(4, -1)
    kept = F.logsigmoid(f).add_(m)
    from_kept = kept >= i  # the larger of both is m_after
    i, kept, g, o = torch.exp(i - m_after), kept.sub_(m_after).exp_(), tanh(g), torch.sigmoid(o)
    grad = torch.empty_like(gates)
    grad_i, grad_f, grad_g, grad_o = grad.chunk(4, -1)
    grad_h = grad_h / n_after
    torch.mul(grad_h, c_after, out=grad_o)
    sigmoid_backward(grad_o, o, grad_input=grad_o)
    grad_c, grad_n = torch.addcmul(grad_c, grad_h, o), torch.addcmul(grad_n, grad_h, h_after, value=-1)
    torch.mul(grad_c, i, out=grad_g)
    tanh_backward(grad_g, g, grad_input=grad_g)
    of_i = torch.addcmul(grad_n, grad_c, g).mul_(i)  # of the logarithms of what i and f are relative to m_after
    grad_c, of_n = grad_c.mul_(kept), grad_n.mul_(kept)
    of_kept = (grad_c * c).addcmul_(of_n, n)
    torch.where(from_kept, of_i, grad_m - of_kept, out=grad_i)
    of_m = torch.where(from_kept, grad_m - of_i, of_kept)
    torch.mul(of_m, torch.sigmoid(-f), out=grad_f)
    return grad, x, (None, grad_c, of_n, of_m), {}


def of_sru(
    cell: Cell, gates: Tensor, x: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    (_, c), c_after, (grad_h, grad_c) = state, after[1], grads
    v_f, v_r = parameters["peephole"]
    f, r, n, s = x.chunk(4, -1)
    f, r = torch.addcmul(f, v_f, c).sigmoid_(), torch.addcmul(r, v_r, c).sigmoid_()
    grad = torch.empty_like(x)
    grad_f, grad_r, grad_n, grad_s = grad.chunk(4, -1)
    through = grad_h * r
    torch.sub(grad_h, through, out=grad_s)
    torch.mul(grad_h, c_after - s, out=grad_r)
    sigmoid_backward(grad_r, r, grad_input=grad_r)
    grad_c = grad_c + through
    grad_before = grad_c * f
    torch.sub(grad_c, grad_before, out=grad_n)
    torch.mul(grad_c, c - n, out=grad_f)
    sigmoid_backward(grad_f, f, grad_input=grad_f)
    grad_before.addcmul_(grad_f, v_f).addcmul_(grad_r, v_r)
    sums = (part.sum_to_size(v_f.shape) for part in (grad_f * c, grad_r * c))
    return gates, grad, (None, grad_before), {"peephole": torch.stack(tuple(sums))}


GRADIENTS: dict[type[Cell], Gradient] = {
    RNN: of_rnn,
    ReluRNN: of_relu_rnn,
    IndRNN: of_indrnn,
    GRU: of_gru,
    ResetBeforeGRU: of_reset_before_gru,
    MinimalGated: of_minimal_gated,
    LayerNormGRU: of_layer_norm_gru,
    LSTM: of_lstm,
    LayerNormLSTM: of_layer_norm_lstm,
    PeepholeLSTM: of_lstm,
    SLSTM: of_slstm,
    SRU: of_sru,
}
