"""The loop over time that trains any cell.

Dims: B sentences, T steps, K transitions a step, E input features, H hidden units, D layers side by side; R has the
first Y rows of the gates, and the last X rows need W x separately.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nmt.cells import Cell, Parameters
from nmt.kernels.state_gradients import StateGradients, state_gradients
from nmt.kernels.steps import Steps, steps_of
from nmt.model.weight_gradients import weight_gradients


class Loop(torch.autograd.Function):
    """The recurrence of any cell: inputs (D,T,B,E) -> h of every step (D,T,B,H).

    The first dimension of weights, biases, states and mask is D; the cell's parameters, named by `own`, are
    (D,K*n,H). A step of K transitions runs as K steps, and only the first has an input. W x of all steps is one
    product; R h is added to it in place, and nmt/kernels/steps.py does the rest. The backward pass takes one
    transition at a time. The weights' gradients come last, as one product over all steps; autograd would sum up T.
    """

    @staticmethod
    def forward(
        ctx: Any,
        cell: Cell,
        own: tuple[str, ...],
        mask: Tensor | None,
        inputs: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor,
        bias_hh: Tensor,
        *rest: Tensor,
    ) -> Tensor:
        initial, extra = dict(zip(cell.states, rest, strict=False)), rest[len(cell.states) :]
        device, wide = inputs.device, weight_hh.dtype
        # Under autocast the products are narrow; gates and states are not.
        autocast = torch.is_autocast_enabled(device.type)
        narrow = torch.get_autocast_dtype(device.type) if autocast else wide
        with torch.autocast(device.type, enabled=False):
            rows = inputs.to(narrow)
            layers, length, batch, _ = rows.shape
            sizes = layers, length * cell.depth, batch, weight_hh.shape[2]
            steps = steps_of(cell, device, narrow, wide, sizes[-1])
            gates, x = _products(cell.gate_rows(sizes[-1]).summed, cell.depth, rows, weight_ih, bias_ih, bias_hh)
            weight = _by_transition(weight_hh.to(narrow), cell.depth).mT.unbind()
            hidden = _with_first(initial["h"].to(narrow), sizes[1])  # before and after every step
            states = {name: _with_first(initial[name].to(wide), sizes[1]) for name in steps.states}
            parts = {"gates": gates, "x": x, "hidden": hidden[:, 1:], **states}
            parts |= {f"new_{name}": part[:, 1:] for name, part in states.items()}
            parts = {name: part.transpose(0, 1) for name, part in parts.items()}
            of_transitions = parameters_of_transitions(cell, own, extra, mask)
            _forward([steps.forward({**parts, **own}) for own in of_transitions], mask, gates, hidden, weight)
        ctx.cell, ctx.own, ctx.mask, ctx.states = cell, own, mask, tuple(states)
        ctx.inputs_dtype, ctx.shapes = inputs.dtype, {name: part.shape for name, part in initial.items()}
        ctx.save_for_backward(rows, gates, x, hidden, weight_ih, weight_hh, *extra, *states.values())
        return hidden[:, cell.depth :: cell.depth]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        rows, gates, x, hidden, weight_ih, weight_hh, *rest = ctx.saved_tensors
        cell, mask = ctx.cell, ctx.mask
        extra, states = rest[: len(ctx.own)], dict(zip(ctx.states, rest[len(ctx.own) :], strict=True))
        narrow, wide = gates.dtype, weight_hh.dtype
        layers, length, batch, units = hidden[:, 1:].shape
        steps = steps_of(cell, gates.device, narrow, wide, units)
        weight = _by_transition(weight_hh.to(narrow), cell.depth).unbind()
        grad_gates, grad_x = torch.empty_like(gates), torch.empty_like(x)
        parts = {"gates": gates, "x": x, "hidden": hidden[:, 1:], **states}
        parts |= {"grad_output": _at_last_transition(grad_outputs, cell.depth)}
        parts |= {"grad_gates": grad_gates, "grad_x": grad_x}
        parts = {name: part.transpose(0, 1) for name, part in parts.items()}
        arriving = state_gradients(steps.keeps_gradients, hidden, ctx.shapes, wide)
        sums = steps.sums(length // cell.depth, layers * batch, units)
        of_transitions = []
        for own in parameters_of_transitions(cell, ctx.own, extra, mask):
            grads = {f"grad_{name}": own[name].new_zeros(sums, *own[name].shape[1:]) for name in ctx.own}
            of_transitions.append({**parts, **own, **grads})
        _backward(cell, steps, mask, grad_gates, weight, arriving, of_transitions)
        of_initial = list(arriving.of_initial)
        of_initial[0] = of_initial[0] + arriving.product[:, 0]
        of_inputs, *of_weights = weight_gradients(cell, mask, rows, hidden, weight_ih, grad_gates, grad_x)
        of_own = [
            torch.cat([own[f"grad_{name}"].sum(0).view(layers, -1, units) for own in of_transitions], 1)
            for name in ctx.own
        ]
        return None, None, None, of_inputs.to(ctx.inputs_dtype), *of_weights, *of_initial, *of_own


def _backward(
    cell: Cell,
    steps: Steps,
    mask: Tensor | None,
    grad_gates: Tensor,
    weight: Sequence[Tensor],
    arriving: StateGradients,
    of_transitions: Sequence[Mapping[str, Tensor]],
) -> None:
    """All steps, from the last to the first."""
    step = [[steps.backward({**own, **part}) for part in arriving.parts] for own in of_transitions]
    products = arriving.product.unbind(1)
    for t, of_step in reversed(list(enumerate(grad_gates.unbind(1)))):
        step[t % cell.depth][t % len(arriving.parts)](t)
        if grad_gates.shape[-1]:
            grad_product = products[t if steps.keeps_gradients else 0]
            torch.bmm(of_step, weight[t % cell.depth], out=grad_product)
            if mask is not None:
                grad_product *= mask
    for k, own in enumerate(of_transitions):
        steps.after_backward({**own, **arriving.parts[0]}, k, cell.depth)


def _forward(
    step: Sequence[Callable[[int], None]],
    mask: Tensor | None,
    gates: Tensor,
    hidden: Tensor,
    weight: Sequence[Tensor],
) -> None:
    """All steps; `step` has, for each transition, the work that follows its product."""
    for t, (of_step, h) in enumerate(zip(gates.unbind(1), hidden.unbind(1), strict=False)):
        if gates.shape[-1]:
            h = h if mask is None else (h * mask).to(gates.dtype)
            add_product(of_step, h, weight[t % len(step)])
        step[t % len(step)](t)


def add_product(gates: Tensor, h: Tensor, weight: Tensor) -> None:
    """gates (D,B,Y) += h (D,B,H) weight (D,H,Y)."""
    if gates.device.type == "cpu":  # its batched product with a transposed matrix takes twice the time
        for layer in range(len(gates)):
            gates[layer].addmm_(h[layer], weight[layer])
    else:
        gates.baddbmm_(h, weight)


def _with_first(first: Tensor, steps: int) -> Tensor:
    """A buffer of T + 1 steps whose first one is filled: (D,...) -> (D,T+1,...)."""
    room = first.new_empty(len(first), steps + 1, *first.shape[1:])
    room[:, 0] = first
    return room


def _products(
    summed: int, depth: int, rows: Tensor, weight: Tensor, bias_ih: Tensor, bias_hh: Tensor
) -> tuple[Tensor, Tensor]:
    """rows (D,T,B,E) -> the gates of all transitions, without R h (D,T*K,B,Y), and the separate W x (D,T*K,B,X)."""
    (layers, length, batch, _), recurrent_rows = rows.shape, bias_hh.shape[1] // depth
    summed_bias = bias_ih.view(layers, depth, -1)[..., :summed] + bias_hh.view(layers, depth, -1)[..., :summed]
    bias = torch.cat([summed_bias, bias_ih.view(layers, depth, -1)[..., summed:]], -1).to(rows.dtype)  # (D, K, G)
    gates = rows.new_empty(layers, length, depth, batch, recurrent_rows)
    x = rows.new_empty(layers, length, depth, batch, weight.shape[1] - summed)
    for layer, (row, w) in enumerate(zip(rows.flatten(1, 2), weight.to(rows.dtype), strict=True)):
        if depth == 1 and summed == len(w):
            torch.addmm(bias[layer, 0], row, w.T, out=gates[layer].view(-1, summed))
            continue
        product = torch.addmm(bias[layer, 0], row, w.T).view(length, batch, -1)
        gates[layer, :, 0, :, :summed], x[layer, :, 0] = product[..., :summed], product[..., summed:]
        gates[layer, :, 1:, :, :summed] = bias[layer, 1:, None, :summed]
        gates[layer, ..., summed:] = bias_hh[layer].view(depth, 1, -1)[..., summed:]
        x[layer, :, 1:] = bias[layer, 1:, None, summed:]
    return gates.flatten(1, 2), x.flatten(1, 2)


def parameters_of_transitions(
    cell: Cell, own: Sequence[str], extra: Sequence[Tensor], mask: Tensor | None
) -> list[Parameters]:
    """The cell's parameters of each transition, from (D,K*n,H) to (1,D,1,n*H), and the mask (1,D,B,H) if `pointwise`
    needs it."""
    chunks = [part.chunk(cell.depth, 1) for part in extra]
    of_transitions = [
        {name: parts[k].reshape(1, len(parts[k]), 1, -1) for name, parts in zip(own, chunks, strict=True)}
        for k in range(cell.depth)
    ]
    return [cell.with_mask(part, None if mask is None else mask[None]) for part in of_transitions]


def _at_last_transition(grads: Tensor, depth: int) -> Tensor:
    """Gradients of the outputs (D,T,B,H) -> of all transitions (D,T*K,B,H)."""
    if depth == 1:
        return grads.contiguous()
    spread = grads.new_zeros(*grads.shape[:2], depth, *grads.shape[2:])
    spread[:, :, -1] = grads
    return spread.flatten(1, 2)


def _by_transition(x: Tensor, depth: int) -> Tensor:
    """A parameter (D,K*F,...) -> (K,D,F,...)."""
    return x.view(len(x), depth, x.shape[1] // depth, *x.shape[2:]).transpose(0, 1)
