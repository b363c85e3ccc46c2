"""The loop over time that any cell can be trained by.

Dims: B sentences, T steps, K transitions a step, E input features, H hidden units, G rows of the
gates, of which R has the first Y, D layers side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nmt.model.cells import MASK, Cell, Parameters
from nmt.model.gradients import GRADIENTS, by_autograd


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
    (n,D,1,H). A step of K transitions is K steps, of which the first alone has an input. W x of all steps is one
    product, and R h is added to it in place. The gradient goes back a transition at a time (gradients.py), and leaves
    the weights to the end: theirs too is one product over all steps where autograd would add up T of them.
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
        state, extra = rest[: len(cell.states)], rest[len(cell.states) :]
        parameters = [
            cell.with_mask(part, mask) for part in by_transition(dict(zip(own, extra, strict=True)), cell.depth)
        ]
        device, wide = inputs.device.type, weight_hh.dtype
        # Under autocast the products are narrow; gates and states are not.
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else wide
        with torch.autocast(device, enabled=False):
            joint = cell.gate_rows(weight_hh.shape[2]).joint
            weight_hh, bias_ih, bias_hh = (_by_transition(part, cell.depth) for part in (weight_hh, bias_ih, bias_hh))
            seeing = bias_hh.shape[2]
            bias = torch.cat([bias_ih[..., :joint] + bias_hh[..., :joint], bias_ih[..., joint:]], -1).to(dtype)
            rows, weight = _by_layer(inputs.to(dtype)), weight_ih.to(dtype)
            products = [torch.addmm(b, x, w.T) for b, x, w in zip(bias[0], rows, weight, strict=True)]
            gates = stack([product.view(*inputs.shape[::2], -1) for product in products], 1)  # (T, D, B, G)
            if cell.depth > 1:
                others = bias[1:, :, None].expand(len(gates), -1, -1, gates.shape[2], -1)
                gates = torch.cat([gates[:, None], others], 1).flatten(0, 1)  # (T*K, D, B, G)
            x = gates[..., joint:].clone()
            gates = gates[..., :seeing].contiguous()  # (T*K, D, B, Y)
            gates.view(len(inputs), cell.depth, *gates.shape[1:])[..., joint:] = bias_hh[:, :, None, joint:]
            state = tuple(part.to(wide) for part in state)
            weight = weight_hh.transpose(2, 3).to(dtype)
            hidden = gates.new_empty(len(gates) + 1, *state[0].shape)  # h before and after every step, narrow
            hidden[0] = state[0]
            states = [state]
            for t in range(len(gates)):
                k = t % cell.depth
                gates[t].baddbmm_(hidden[t] if mask is None else (state[0] * mask).to(dtype), weight[k])
                state = cell.pointwise(gates[t].to(wide), x[t].to(wide), state, parameters[k])
                hidden[t + 1] = state[0]
                states.append(state)
        ctx.cell, ctx.mask, ctx.inputs_dtype = cell, mask, inputs.dtype
        ctx.states, ctx.parameters = states, parameters
        ctx.save_for_backward(rows, gates, x, hidden, weight_ih, weight_hh)
        return hidden[cell.depth :: cell.depth]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        rows, gates, x, hidden, weight_ih, weight_hh = ctx.saved_tensors
        cell, mask, states, parameters = ctx.cell, ctx.mask, ctx.states, ctx.parameters
        dtype, wide = gates.dtype, weight_hh.dtype
        narrow_weight = weight_hh.to(dtype)
        gradient = GRADIENTS.get(type(cell), by_autograd)
        grad_gates, grad_x = torch.empty_like(gates), torch.empty_like(x)
        grad_state = [torch.zeros_like(part) for part in states[0]]
        grad_own = [
            {name: torch.zeros_like(part) for name, part in own.items() if name != MASK} for own in parameters
        ]
        for t in reversed(range(len(gates))):
            step, k = divmod(t, cell.depth)
            if k == cell.depth - 1:
                grad_state[0] = grad_state[0] + grad_outputs[step]
            grad_gates[t], grad_x[t], of_state, of_own = gradient(
                cell, gates[t].to(wide), x[t].to(wide), states[t], states[t + 1], parameters[k], grad_state
            )
            grad_h = torch.bmm(grad_gates[t], narrow_weight[k])
            grad_h = grad_h.to(wide) if mask is None else grad_h * mask
            grad_state = [grad_h if of_state[0] is None else grad_h.add_(of_state[0]), *of_state[1:]]
            grad_own[k] = {name: total + of_own[name] for name, total in grad_own[k].items()}
        h = hidden[:-1] if mask is None else (hidden[:-1] * mask).to(dtype)
        grad_gates, grad_x, h = (_by_weight(part, cell.depth) for part in (grad_gates, grad_x, h))
        grad_weight_hh = _weight_gradient(grad_gates, h, wide)
        grad_bias_hh = _sum(grad_gates, wide)
        grad_bias_ih = grad_bias_hh.clone()  # two gradients must not share memory
        if grad_x.shape[-1]:  # from here on the gradient of W x
            joint = weight_ih.shape[1] - grad_x.shape[-1]
            grad_gates = torch.cat([grad_gates[..., :joint], grad_x], -1)
            grad_bias_ih = torch.cat([grad_bias_hh[..., :joint], _sum(grad_x, wide)], -1)
        grad_weight_ih = _weight_gradient(grad_gates[:1], rows[None], wide)
        grad_inputs = grad_gates[0] @ weight_ih.to(dtype)  # (D, T*B, E)
        shape = len(grad_inputs), len(grad_outputs), -1, grad_inputs.shape[-1]
        grad_inputs = grad_inputs.view(shape).transpose(0, 1).to(ctx.inputs_dtype)
        grads = (
            part.transpose(0, 1).flatten(1, 2)
            for part in (grad_weight_ih, grad_weight_hh, grad_bias_ih, grad_bias_hh)
        )
        of_all_own = (torch.cat([part[name] for part in grad_own]) for name in grad_own[0])
        return None, None, None, grad_inputs, *grads, *grad_state, *of_all_own


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
