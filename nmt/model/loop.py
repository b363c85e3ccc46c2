"""The loop over time that any cell can be trained by.

Dims: B sentences, T steps, K transitions a step, E input features, H hidden units, D layers side by side; of the rows
of the gates R has the first Y, and the last X need W x by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nmt.cells import MASK, Cell, Parameters
from nmt.kernels.steps import steps_of


def stack(parts: Sequence[Tensor], dim: int = 0) -> Tensor:
    """torch.stack; of one part a view."""
    return torch.stack(tuple(parts), dim) if len(parts) > 1 else parts[0].unsqueeze(dim)


def by_transition(parameters: Mapping[str, Tensor], depth: int) -> list[Parameters]:
    """Of a cell's own parameters, stacked along the rows, those of each transition."""
    parts = {name: parameter.chunk(depth) for name, parameter in parameters.items()}
    return [{name: chunks[k] for name, chunks in parts.items()} for k in range(depth)]


class Loop(torch.autograd.Function):
    """The recurrence of any cell: inputs (D,T,B,E) -> h of every step (D,T,B,H).

    Weights, biases, states and mask have the D layers first, and the cell's parameters, named by `own`, are
    (D,K*n,H). A step of K transitions is K steps, of which the first alone has an input. W x of all steps is one
    product, and R h is added to it in place; what follows is done by nmt/kernels/steps.py. The gradient goes back a
    transition at a time, and leaves the weights to the end: theirs too is one product over all steps where autograd
    would add up T.
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
            joint = cell.gate_rows(weight_hh.shape[2]).joint
            gates, x = _products(joint, cell.depth, rows, weight_ih, bias_ih, bias_hh)
            weight = _by_transition(weight_hh.to(narrow), cell.depth).mT.unbind()
            steps = steps_of(cell, own, device, narrow, wide)
            hidden = _with_first(initial["h"].to(narrow), gates.shape[1])  # before and after every step
            states = {name: _with_first(initial[name].to(wide), gates.shape[1]) for name in steps.states}
            parts = {"gates": gates, "x": x, "hidden": hidden[:, 1:], **states}
            parts |= {f"new_{name}": part[:, 1:] for name, part in states.items()}
            parts = {name: part.transpose(0, 1) for name, part in parts.items()}
            step = [steps.forward(parts | of_transition) for of_transition in _parameters(cell, own, extra, mask)]
            for t, (of_step, h) in enumerate(zip(gates.unbind(1), hidden.unbind(1), strict=False)):
                if gates.shape[-1]:
                    h = h if mask is None else (h * mask).to(narrow)
                    add_product(of_step, h, weight[t % cell.depth])
                step[t % cell.depth](t)
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
        weight = _by_transition(weight_hh.to(narrow), cell.depth).unbind()
        steps = steps_of(cell, ctx.own, gates.device, narrow, wide)
        layers, _, batch, units = hidden.shape
        grad_gates, grad_x, grad_product = (
            torch.empty_like(gates),
            torch.empty_like(x),
            torch.zeros_like(hidden[:, 0]),
        )
        parts = {"gates": gates, "x": x, "hidden": hidden[:, 1:], **states}
        parts |= {"grad_output": _at_last_transition(grad_outputs, cell.depth), "grad_product": grad_product[:, None]}
        parts |= {"grad_gates": grad_gates, "grad_x": grad_x}
        parts = {name: part.transpose(0, 1) for name, part in parts.items()}
        # What a step writes the step before reads, from the other half.
        grad_states = {name: weight_hh.new_zeros(2, 1, *shape) for name, shape in ctx.shapes.items()}
        halves = [
            {f"grad_new_{name}": part[half] for name, part in grad_states.items()}
            | {f"grad_{name}": part[1 - half] for name, part in grad_states.items()}
            for half in (0, 1)
        ]
        parameters = _parameters(cell, ctx.own, extra, mask)
        sums = steps.sums(layers * batch, units)
        grad_own = [
            {f"grad_{name}": own[name].new_zeros(sums, *own[name].shape[1:]) for name in ctx.own}
            for own in parameters
        ]
        step = [
            [steps.backward(parts | own | grads | half) for half in halves]
            for own, grads in zip(parameters, grad_own, strict=True)
        ]
        for t, of_step in reversed(list(enumerate(grad_gates.unbind(1)))):
            step[t % cell.depth][t % 2](t)
            if gates.shape[-1]:
                torch.bmm(of_step, weight[t % cell.depth], out=grad_product)
                if mask is not None:
                    grad_product *= mask
        of_initial = [part[1, 0] for part in grad_states.values()]  # t = 0 reads the first half, writes the second
        of_initial[0] += grad_product
        of_inputs, *of_weights = _weight_gradients(cell, mask, rows, hidden, weight_ih, grad_gates, grad_x)
        of_own = [
            torch.cat([grads[f"grad_{name}"].sum(0).view(layers, -1, units) for grads in grad_own], 1)
            for name in ctx.own
        ]
        return None, None, None, of_inputs.to(ctx.inputs_dtype), *of_weights, *of_initial, *of_own


def add_product(gates: Tensor, h: Tensor, weight: Tensor) -> None:
    """gates (D,B,Y) += h (D,B,H) weight (D,H,Y)."""
    if gates.device.type == "cpu":  # whose batched product of a transposed matrix takes twice the time
        for layer in range(len(gates)):
            gates[layer].addmm_(h[layer], weight[layer])
    else:
        gates.baddbmm_(h, weight)


def _with_first(first: Tensor, steps: int) -> Tensor:
    """Room for one more than so many steps, with the first of them: (D,...) -> (D,T+1,...)."""
    room = first.new_empty(len(first), steps + 1, *first.shape[1:])
    room[:, 0] = first
    return room


def _products(
    joint: int, depth: int, rows: Tensor, weight: Tensor, bias_ih: Tensor, bias_hh: Tensor
) -> tuple[Tensor, Tensor]:
    """rows (D,T,B,E) -> of all transitions the gates (D,T*K,B,Y), but for R h, and the W x that stand by themselves
    (D,T*K,B,X)."""
    (layers, length, batch, _), seeing = rows.shape, bias_hh.shape[1] // depth
    of_joint = bias_ih.view(layers, depth, -1)[..., :joint] + bias_hh.view(layers, depth, -1)[..., :joint]
    bias = torch.cat([of_joint, bias_ih.view(layers, depth, -1)[..., joint:]], -1).to(rows.dtype)  # (D, K, G)
    gates = rows.new_empty(layers, length, depth, batch, seeing)
    x = rows.new_empty(layers, length, depth, batch, weight.shape[1] - joint)
    for layer, (row, w) in enumerate(zip(rows.flatten(1, 2), weight.to(rows.dtype), strict=True)):
        if depth == 1 and joint == len(w):
            torch.addmm(bias[layer, 0], row, w.T, out=gates[layer].view(-1, joint))
            continue
        product = torch.addmm(bias[layer, 0], row, w.T).view(length, batch, -1)
        gates[layer, :, 0, :, :joint], x[layer, :, 0] = product[..., :joint], product[..., joint:]
        gates[layer, :, 1:, :, :joint] = bias[layer, 1:, None, :joint]
        gates[layer, ..., joint:] = bias_hh[layer].view(depth, 1, -1)[..., joint:]
        x[layer, :, 1:] = bias[layer, 1:, None, joint:]
    return gates.flatten(1, 2), x.flatten(1, 2)


def _parameters(
    cell: Cell, own: Sequence[str], extra: Sequence[Tensor], mask: Tensor | None
) -> list[dict[str, Tensor]]:
    """Of each transition the cell's parameters, from (D,K*n,H) to (1,D,1,n*H), and where `pointwise` needs it the
    mask (1,D,B,H)."""
    chunks = [part.chunk(cell.depth, 1) for part in extra]
    found = [
        {name: parts[k].reshape(1, len(parts[k]), 1, -1) for name, parts in zip(own, chunks, strict=True)}
        for k in range(cell.depth)
    ]
    return [{**part, MASK: mask[None]} for part in found] if mask is not None and cell.own_product else found


def _at_last_transition(grads: Tensor, depth: int) -> Tensor:
    """Of the outputs (D,T,B,H) -> of every transition (D,T*K,B,H)."""
    if depth == 1:
        return grads.contiguous()
    spread = grads.new_zeros(*grads.shape[:2], depth, *grads.shape[2:])
    spread[:, :, -1] = grads
    return spread.flatten(1, 2)


def _weight_gradients(
    cell: Cell,
    mask: Tensor | None,
    rows: Tensor,
    hidden: Tensor,
    weight_ih: Tensor,
    grad_gates: Tensor,
    grad_x: Tensor,
) -> tuple[Tensor, ...]:
    """Of the inputs (D,T,B,E), and of W, R and their biases."""
    narrow, wide, depth = grad_gates.dtype, weight_ih.dtype, cell.depth
    h = hidden[:, :-1] if mask is None else (hidden[:, :-1] * mask[:, None]).to(narrow)
    grad_gates, grad_x, h = (_by_weight(part, depth) for part in (grad_gates, grad_x, h))
    grad_weight_hh = _weight_gradient(grad_gates, h, wide)
    grad_bias_hh = _sum(grad_gates, wide)
    grad_bias_ih = grad_bias_hh.clone()  # two gradients must not share memory
    if grad_x.shape[-1]:  # from here on the gradient of W x
        joint = weight_ih.shape[1] - grad_x.shape[-1]
        grad_gates = torch.cat([grad_gates[..., :joint], grad_x], -1)
        grad_bias_ih = torch.cat([grad_bias_hh[..., :joint], _sum(grad_x, wide)], -1)
    grad_weight_ih = _weight_gradient(grad_gates[:, :1], rows.flatten(1, 2)[:, None], wide)
    grad_inputs = (grad_gates[:, 0] @ weight_ih.to(narrow)).view(rows.shape)
    weights = (grad_weight_ih, grad_weight_hh, grad_bias_ih, grad_bias_hh)
    return grad_inputs, *(part.flatten(1, 2) for part in weights)


def _by_transition(x: Tensor, depth: int) -> Tensor:
    """A parameter (D,K*F,...) -> (K,D,F,...)."""
    return x.view(len(x), depth, x.shape[1] // depth, *x.shape[2:]).transpose(0, 1)


def _by_weight(x: Tensor, depth: int) -> Tensor:
    """(D,T*K,B,F) -> (D,K,T*B,F)."""
    return x.view(len(x), x.shape[1] // depth, depth, *x.shape[2:]).transpose(1, 2).flatten(2, 3)


def _weight_gradient(grad: Tensor, inputs: Tensor, dtype: torch.dtype) -> Tensor:
    """From the gradient of the outputs (D,K,P,G) and the inputs (D,K,P,E) -> (D,K,G,E); a batched product would
    be far slower."""
    shape = grad.shape[-1], inputs.shape[-1]
    pairs = zip(grad.flatten(0, 1), inputs.flatten(0, 1), strict=True)
    return stack([of_one.T @ x for of_one, x in pairs]).view(*grad.shape[:2], *shape).to(dtype)


def _sum(x: Tensor, dtype: torch.dtype) -> Tensor:
    """(D,K,P,F) -> (D,K,F): as a product, because a sum of narrow numbers is many times slower."""
    flat = x.flatten(0, 1)
    return (x.new_ones(len(flat), 1, x.shape[2]) @ flat).view(*x.shape[:2], x.shape[-1]).to(dtype)
