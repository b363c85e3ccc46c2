"""The gradients of the cells' pointwise part: by autograd for any cell, by hand for the common ones.

All have one form: `gradient(cell, x, r, state, after, parameters, grads)` takes what `Cell.pointwise` took, the state
`after` that it returned and the gradient of each part of it, and returns the gradients of x, of r, of each part of
the state (None for h where all of it went through R h) and of each parameter. Gates are made again from x and r:
cheaper than keeping them for every step.

Written by hand it is about half the time of autograd's, which builds and walks a graph of small nodes a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from nmt.model.cells import GRU, LSTM, RNN, Cell, Parameters, PeepholeLSTM, ReluRNN, State

Gradients = tuple[Tensor, Tensor, tuple[Any, ...], tuple[Tensor, ...]]
Gradient = Callable[[Cell, Tensor, Tensor, State, State, Parameters, Sequence[Tensor]], Gradients]

sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input
tanh_backward = torch.ops.aten.tanh_backward.grad_input


def by_autograd(
    cell: Cell, x: Tensor, r: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    wants_gradient = [part.detach().requires_grad_() for part in (x, r, *state, *parameters.values())]
    x, r, *rest = wants_gradient
    before, extra = rest[: len(state)], rest[len(state) :]
    with torch.enable_grad():
        outputs = cell.pointwise(x, r, tuple(before), dict(zip(parameters, extra, strict=True)))
    found = torch.autograd.grad(outputs, wants_gradient, list(grads), allow_unused=True, materialize_grads=True)
    return found[0], found[1], found[2 : 2 + len(state)], found[2 + len(state) :]


def of_rnn(
    cell: Cell, x: Tensor, r: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    grad = torch.ops.aten.tanh_backward(grads[0], after[0])
    return grad, grad, (None,), ()


def of_relu_rnn(
    cell: Cell, x: Tensor, r: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    grad = torch.ops.aten.threshold_backward(grads[0], after[0], 0)
    return grad, grad, (None,), ()


def of_gru(
    cell: Cell, x: Tensor, r: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    (h,), (grad,) = state, grads
    both = 2 * h.shape[-1]
    gates = torch.add(x[:, :both], r[:, :both]).sigmoid_()
    reset, update = gates.chunk(2, -1)
    r_new = r[:, both:]
    new = torch.addcmul(x[:, both:], reset, r_new).tanh_()
    grad_x = torch.empty_like(x)
    grad_reset, grad_update, grad_new = grad_x.chunk(3, -1)
    grad_h = grad * update
    tanh_backward(grad - grad_h, new, grad_input=grad_new)
    torch.mul(grad, h - new, out=grad_update)
    torch.mul(grad_new, r_new, out=grad_reset)
    sigmoid_backward(grad_x[:, :both], gates, grad_input=grad_x[:, :both])
    grad_r = grad_x.clone()
    grad_r[:, both:] *= reset
    return grad_x, grad_r, (grad_h,), ()


def of_lstm(
    cell: Cell, x: Tensor, r: Tensor, state: State, after: State, parameters: Parameters, grads: Sequence[Tensor]
) -> Gradients:
    """Of the LSTM with peepholes or without."""
    (_, c), c_after, (grad_h, grad_c) = state, after[1], grads
    peephole = parameters.get("peephole")
    both = 2 * c.shape[-1]
    gates = x + r
    i, f, g, o = gates.chunk(4, -1)
    if peephole is not None:
        p_i, p_f, p_o = peephole
        i.addcmul_(p_i, c)
        f.addcmul_(p_f, c)
        o.addcmul_(p_o, c_after)
    gates[:, :both].sigmoid_()
    g.tanh_()
    o.sigmoid_()
    tanh_c = torch.tanh(c_after)
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
    sigmoid_backward(grad[:, :both], gates[:, :both], grad_input=grad[:, :both])
    tanh_backward(grad_g, g, grad_input=grad_g)
    grad_before = grad_c * f
    extra: tuple[Tensor, ...] = ()
    if peephole is not None:
        grad_before.addcmul_(grad_i, p_i).addcmul_(grad_f, p_f)
        extra = (torch.stack([(grad_i * c).sum(0), (grad_f * c).sum(0), (grad_o * c_after).sum(0)]),)
    return grad, grad, (None, grad_before), extra


GRADIENTS: dict[type[Cell], Gradient] = {
    RNN: of_rnn,
    ReluRNN: of_relu_rnn,
    GRU: of_gru,
    LSTM: of_lstm,
    PeepholeLSTM: of_lstm,
}
