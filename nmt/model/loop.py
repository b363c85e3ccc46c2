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
    """The recurrence of any cell: inputs (T,D,B,E) -> h of every step (T,D,B,H).

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
        initial, extra = rest[: len(cell.states)], rest[len(cell.states) :]
        device, wide = inputs.device, weight_hh.dtype
        # Under autocast the products are narrow; gates and states are not.
        autocast = torch.is_autocast_enabled(device.type)
        narrow = torch.get_autocast_dtype(device.type) if autocast else wide
        with torch.autocast(device.type, enabled=False):
            rows = _by_layer(inputs.to(narrow))
            joint = cell.gate_rows(weight_hh.shape[2]).joint
            gates, x = _products(
                joint, cell.depth, rows.view(len(rows), *inputs.shape[::2], -1), weight_ih, bias_ih, bias_hh
            )
            weight = _by_transition(weight_hh, cell.depth).transpose(2, 3).to(narrow).contiguous()
            steps = steps_of(cell, own, device, narrow, wide)
            hidden = gates.new_empty(len(gates) + 1, *initial[0].shape)  # h before and after every step
            before = dict(zip(cell.states, initial, strict=True))
            hidden[0] = before["h"]
            states = {name: hidden.new_empty(len(hidden), *before[name].shape, dtype=wide) for name in steps.states}
            for name, part in states.items():
                part[0] = before[name]
            parameters = _parameters(cell, own, extra, mask)
            parts = {"gates": gates, "x": x, "hidden": hidden[1:], **states}
            parts |= {f"new_{name}": part[1:] for name, part in states.items()}
            step = [steps.forward({**parts, **of_transition}) for of_transition in parameters]
            for t in range(len(gates)):
                k = t % cell.depth
                if gates.shape[-1]:
                    gates[t].baddbmm_(hidden[t] if mask is None else (hidden[t] * mask).to(narrow), weight[k])
                step[k](t)
        ctx.cell, ctx.own, ctx.mask, ctx.states = cell, own, mask, tuple(states)
        ctx.inputs_dtype, ctx.shapes = inputs.dtype, [part.shape for part in initial]
        ctx.save_for_backward(rows, gates, x, hidden, weight_ih, weight_hh, *extra, *states.values())
        return hidden[cell.depth :: cell.depth]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        rows, gates, x, hidden, weight_ih, weight_hh, *rest = ctx.saved_tensors
        cell, mask = ctx.cell, ctx.mask
        extra, states = rest[: len(ctx.own)], dict(zip(ctx.states, rest[len(ctx.own) :], strict=True))
        narrow, wide = gates.dtype, weight_hh.dtype
        weight = _by_transition(weight_hh, cell.depth).to(narrow)
        steps = steps_of(cell, ctx.own, gates.device, narrow, wide)
        grad_gates, grad_x = torch.empty_like(gates), torch.empty_like(x)
        _, layers, batch, units = hidden.shape
        grad_product = hidden.new_zeros(1, layers, batch, units)
        # What a step writes the step before reads, from the other half.
        grad_states = {
            name: hidden.new_zeros(2, 1, *shape, dtype=wide)
            for name, shape in zip(cell.states, ctx.shapes, strict=True)
        }
        sums = steps.sums(layers * batch, units)
        grad_own = [
            {
                name: part.new_zeros(sums, layers, 1, part[0].numel() // cell.depth)
                for name, part in zip(ctx.own, extra, strict=True)
            }
            for _ in range(cell.depth)
        ]
        parts = {
            "gates": gates,
            "x": x,
            "hidden": hidden[1:],
            "grad_output": _at_last_transition(grad_outputs, cell.depth),
        }
        parts |= states | {"grad_product": grad_product, "grad_gates": grad_gates, "grad_x": grad_x}
        step = []
        for of_transition, grads in zip(_parameters(cell, ctx.own, extra, mask), grad_own, strict=True):
            own = {**parts, **of_transition, **{f"grad_{name}": part for name, part in grads.items()}}
            halves = [
                {f"grad_new_{name}": part[half] for name, part in grad_states.items()}
                | {f"grad_{name}": part[1 - half] for name, part in grad_states.items()}
                for half in (0, 1)
            ]
            step.append([steps.backward(own | half) for half in halves])
        for t in reversed(range(len(gates))):
            k = t % cell.depth
            step[k][t % 2](t)
            if gates.shape[-1]:
                torch.bmm(grad_gates[t], weight[k], out=grad_product[0])
                if mask is not None:
                    grad_product *= mask
        of_initial = [part[1][0] for part in grad_states.values()]  # t = 0 reads the first half and writes the second
        of_initial[0] += grad_product[0]
        of_inputs, *of_weights = _weight_gradients(cell, mask, rows, hidden, weight_ih, grad_gates, grad_x)
        of_all_own = [
            torch.cat([of_one[name].sum(0).view(layers, -1, units) for of_one in grad_own], 1) for name in ctx.own
        ]
        return None, None, None, of_inputs.to(ctx.inputs_dtype), *of_weights, *of_initial, *of_all_own


def _products(
    joint: int, depth: int, rows: Tensor, weight: Tensor, bias_ih: Tensor, bias_hh: Tensor
) -> tuple[Tensor, Tensor]:
    """rows (D,T,B,E) -> of all transitions the gates (T*K,D,B,Y), but for R h, and the W x that stand by themselves
    (T*K,D,B,X)."""
    (layers, length, batch, _), narrow = rows.shape, rows.dtype
    bias_ih, bias_hh = (_by_transition(part, depth) for part in (bias_ih, bias_hh))  # (K, D, rows)
    seeing = bias_hh.shape[2]
    both = torch.cat([bias_ih[..., :joint] + bias_hh[..., :joint], bias_ih[..., joint:]], -1).to(narrow)
    products = (
        torch.addmm(b, x.flatten(0, 1), w.T).view(length, batch, -1)
        for b, x, w in zip(both[0], rows, weight.to(narrow), strict=True)
    )
    if depth == layers == 1 and joint == weight.shape[1]:
        gates = next(products)[:, None]
        return gates, gates[..., :0]
    gates = rows.new_empty(length, depth, layers, batch, seeing)
    x = rows.new_empty(length, depth, layers, batch, weight.shape[1] - joint)
    for layer, product in enumerate(products):
        gates[:, 0, layer, :, :joint], x[:, 0, layer] = product[..., :joint], product[..., joint:]
    gates[:, 1:, ..., :joint] = both[1:, :, None, :joint]
    x[:, 1:] = both[1:, :, None, joint:]
    gates[..., joint:] = bias_hh[:, :, None, joint:]
    return gates.flatten(0, 1), x.flatten(0, 1)


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
    """Of the outputs (T,D,B,H) -> of every transition (T*K,D,B,H)."""
    if depth == 1:
        return grads.contiguous()
    spread = grads.new_zeros(len(grads), depth, *grads.shape[1:])
    spread[:, -1] = grads
    return spread.flatten(0, 1)


def _weight_gradients(
    cell: Cell,
    mask: Tensor | None,
    rows: Tensor,
    hidden: Tensor,
    weight_ih: Tensor,
    grad_gates: Tensor,
    grad_x: Tensor,
) -> tuple[Tensor, ...]:
    """Of W, R and their biases, and that of the inputs (T,D,B,E)."""
    narrow, wide, depth = grad_gates.dtype, weight_ih.dtype, cell.depth
    h = hidden[:-1] if mask is None else (hidden[:-1] * mask).to(narrow)
    length = len(h) // depth
    grad_gates, grad_x, h = (_by_weight(part, depth) for part in (grad_gates, grad_x, h))
    grad_weight_hh = _weight_gradient(grad_gates, h, wide)
    grad_bias_hh = _sum(grad_gates, wide)
    grad_bias_ih = grad_bias_hh.clone()  # two gradients must not share memory
    if grad_x.shape[-1]:  # from here on the gradient of W x
        joint = weight_ih.shape[1] - grad_x.shape[-1]
        grad_gates = torch.cat([grad_gates[..., :joint], grad_x], -1)
        grad_bias_ih = torch.cat([grad_bias_hh[..., :joint], _sum(grad_x, wide)], -1)
    grad_weight_ih = _weight_gradient(grad_gates[:1], rows[None], wide)
    grad_inputs = grad_gates[0] @ weight_ih.to(narrow)  # (D, T*B, E)
    grad_inputs = grad_inputs.view(len(rows), length, -1, rows.shape[-1]).transpose(0, 1)
    weights = (grad_weight_ih, grad_weight_hh, grad_bias_ih, grad_bias_hh)
    return grad_inputs, *(part.transpose(0, 1).flatten(1, 2) for part in weights)


def _by_layer(x: Tensor) -> Tensor:
    """(T,D,B,F) -> (D,T*B,F)."""
    return x.transpose(0, 1).flatten(1, 2)


def _by_transition(x: Tensor, depth: int) -> Tensor:
    """A parameter (D,K*F,...) -> (K,D,F,...)."""
    return x.view(len(x), depth, x.shape[1] // depth, *x.shape[2:]).transpose(0, 1)


def _by_weight(x: Tensor, depth: int) -> Tensor:
    """(T*K,D,B,F) -> (K,D,T*B,F)."""
    return x.view(len(x) // depth, depth, *x.shape[1:]).permute(1, 2, 0, 3, 4).flatten(2, 3)


def _weight_gradient(grad: Tensor, inputs: Tensor, dtype: torch.dtype) -> Tensor:
    """From the gradient of the outputs (K,D,P,G) and the inputs (K,D,P,E) -> (K,D,G,E); a batched product would
    be far slower."""
    shape = grad.shape[-1], inputs.shape[-1]
    pairs = zip(grad.flatten(0, 1), inputs.flatten(0, 1), strict=True)
    return stack([of_one.T @ x for of_one, x in pairs]).view(*grad.shape[:2], *shape).to(dtype)


def _sum(x: Tensor, dtype: torch.dtype) -> Tensor:
    """(K,D,P,F) -> (K,D,F): as a product, because a sum of narrow numbers is many times slower."""
    flat = x.flatten(0, 1)
    return (x.new_ones(len(flat), 1, x.shape[2]) @ flat).view(*x.shape[:2], x.shape[-1]).to(dtype)
