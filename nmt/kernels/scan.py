"""All steps of an elementwise cell whose gates see only x, in one kernel forward and one backward, on a GPU.

Dims: B sentences, T steps, H hidden units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nmt.cells import Cell, Parameters, State
from nmt.kernels import triton_steps
from nmt.kernels.check import TOLERANCE
from nmt.kernels.operands import kept_states, kernel_name, parameter_names
from nmt.kernels.trace import undisturbed
from nmt.kernels.trial import is_trusted
from nmt.kernels.triton_scan import is_scannable, scan_operands, scan_source

LANES = 128  # per program: few, so that there are many programs


def can_scan(cell: Cell, device: torch.device, narrow: torch.dtype, wide: torch.dtype) -> bool:
    """Whether there are kernels and they agree with torch here."""
    return (
        triton_steps.can_compute(cell, device, narrow, wide, 1)
        and is_scannable(cell)
        and agrees(cell, device, narrow)
    )


@cache
def agrees(cell: Cell, device: torch.device, narrow: torch.dtype) -> bool:
    """Tried once, on a few small numbers."""
    results = partial(_results, cell=cell, device=device, narrow=narrow)
    return is_trusted(f"{type(cell).__name__} on {device}", results, scan, by_pointwise, TOLERANCE[narrow])


@undisturbed()
def _results(way: Any, cell: Cell, device: torch.device, narrow: torch.dtype) -> list[Tensor]:
    generator, batch, steps, units = torch.Generator().manual_seed(0), 3, 4, LANES + 2

    def random(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.randn(shape, generator=generator).to(device, dtype).requires_grad_()

    x = random(batch, steps, cell.gate_rows(units).all, dtype=narrow)
    given = [random(batch, units) for _ in range(cell.num_initial_vectors)]
    parameters = {name: random(*part.shape) for name, part in cell.own_parameters(units).items()}
    h = way(cell, x, cell.start(*given), parameters)
    slopes = random(*h.shape, dtype=narrow).detach()
    leaves = [x, *given, *parameters.values()]
    grads = torch.autograd.grad(h, leaves, slopes, allow_unused=True)
    return [h.detach(), *(grad for grad in grads if grad is not None and grad.any())]


def by_pointwise(cell: Cell, x: Tensor, state: State, parameters: Parameters) -> Tensor:
    """The same as `scan`, step by step."""
    outputs = []
    for part in x.to(state[0].dtype).unbind(1):
        state = cell.pointwise(part[..., :0], part, state, parameters)
        outputs.append(state[0])
    return torch.stack(outputs, 1).to(x.dtype)


def scan(cell: Cell, x: Tensor, state: State, parameters: Parameters) -> Tensor:
    """W x (B,T,rows), possibly in a narrower type than the initial state (B,H) -> h of every step (B,T,H), in W x's
    type."""
    outputs: Tensor = _Scan.apply(cell, x, *state, *parameters.values())  # type: ignore[no-untyped-call]
    return outputs


@cache
def kernels(cell: Cell) -> tuple[Any, Any]:
    """The kernels forward and backward."""
    module = triton_steps.module_of(scan_source(cell), f"{kernel_name(cell)}_scan")
    return module.forward, module.backward


def _start(kernel: Any, operands: Sequence[str], tensors: Mapping[str, Tensor]) -> None:
    batch, length, units = tensors["shape"].shape
    grid = batch, -(-units // LANES)
    parts = [tensors[name] for name in operands]
    assert all(part.is_contiguous() for part in parts)
    triton_steps.start(kernel, grid, (length,), units, parts, LANES)


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, cell: Cell, x: Tensor, *rest: Tensor) -> Tensor:
        own = parameter_names(cell)
        initial = dict(zip(cell.states, rest, strict=False))
        parameters = {name: part.contiguous() for name, part in zip(own, rest[len(cell.states) :], strict=True)}
        x, units = x.contiguous(), rest[0].shape[1]
        hidden = x.new_empty(*x.shape[:2], units)
        states = {}
        for name in kept_states(cell):
            states[name] = initial[name].new_empty(len(x), x.shape[1] + 1, units)
            states[name][:, 0] = initial[name]
        tensors = {"x": x, "hidden": hidden, "shape": hidden, **states, **parameters}
        _start(kernels(cell)[0], scan_operands(cell)[0], tensors)
        ctx.cell = cell
        ctx.save_for_backward(x, *states.values(), *parameters.values())
        return hidden

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        cell, (x, *rest) = ctx.cell, ctx.saved_tensors
        kept = kept_states(cell)
        states, own = dict(zip(kept, rest, strict=False)), parameter_names(cell)
        parameters = dict(zip(own, rest[len(kept) :], strict=True))
        tensors = {"x": x, "shape": grad, "grad_output": grad.to(x.dtype).contiguous(), **states, **parameters}
        of_initial = {name: grad.new_zeros(len(x), grad.shape[2], dtype=rest[0].dtype) for name in cell.states}
        of_own = {name: part.new_zeros(len(x), *part.shape) for name, part in parameters.items()}
        grads = {"x": torch.empty_like(x), **of_initial, **of_own}
        tensors |= {f"grad_{name}": part for name, part in grads.items()}
        _start(kernels(cell)[1], scan_operands(cell)[1], tensors)
        return None, grads["x"], *of_initial.values(), *(part.sum(0) for part in of_own.values())
