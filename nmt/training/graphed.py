"""The loss of a batch and its gradient as one CUDA graph for each shape of batch.

A GPU finishes the kernels of a training step faster than Python can launch them; a graph launches them by itself. The
gradient is computed together with the loss and handed over in the backward pass. Clipping, gradient accumulation, the
optimiser and several processes therefore work as usual.

On other devices, and where a graph is not possible, the model computes the loss directly.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.func import functional_call

from nmt.data.batching import Batch
from nmt.kernels.graphs import Graphs, graphs_on


class GraphedLoss:
    """The loss of a model whose `loss` is Seq2Seq's, in training and in evaluation."""

    def __init__(self, model: nn.Module) -> None:
        self.loss = _Loss(model)
        self.graphs: Graphs | None = None

    def __call__(self, batch: Batch, alignment: Tensor | None = None, **settings: float) -> tuple[Tensor, Tensor]:
        """The loss, and the nll without gradient; both are valid until the next call."""
        loss, device = self.loss, batch.src.device
        if not self.takes(device):
            return loss(*batch, alignment, **settings)  # type: ignore[no-any-return]
        if self.graphs is None:
            self.graphs = graphs_on(device, "training")
        parameters = {name: part for name, part in loss.named_parameters() if part.requires_grad}
        parts = [*batch[:-1], *(() if alignment is None else (alignment,))]
        narrow = torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else None
        addresses = tuple(part.data_ptr() for part in parameters.values())
        key = loss.model.training, narrow, tuple(settings.items()), addresses
        work = partial(_loss_and_gradient, loss, parameters, settings)
        found: tuple[Tensor, Tensor] = _Precomputed.apply(  # type: ignore[no-untyped-call]
            partial(self.graphs.run, key, work, *parts), *parameters.values()
        )
        return found

    def takes(self, device: torch.device) -> bool:
        return (
            device.type == "cuda"
            and torch.is_grad_enabled()
            and not torch.are_deterministic_algorithms_enabled()
            # Float16's loss is scaled before its gradient is computed.
            and not (torch.is_autocast_enabled("cuda") and torch.get_autocast_dtype("cuda") == torch.float16)
        )


class _Loss(nn.Module):
    """A model's loss as a module's forward, for calls with other parameters."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *parts: Tensor | None, **settings: float) -> Any:
        return self.model.loss(*parts, **settings)  # type: ignore[operator]


def _loss_and_gradient(
    loss: _Loss, parameters: dict[str, nn.Parameter], settings: dict[str, float], *parts: Tensor
) -> list[Tensor]:
    torch.clear_autocast_cache()  # it may hold values computed outside the graph
    # Not the parameters themselves: autograd accumulates their gradients on the stream where it first met them, which
    # is not captured.
    leaves = {name: part.detach().requires_grad_() for name, part in parameters.items()}
    with torch.enable_grad():
        lowered, nll = functional_call(loss, leaves, (*parts[:5], None, *parts[5:]), settings)
    grads = torch.autograd.grad(lowered, list(leaves.values()), materialize_grads=True, allow_unused=True)
    torch.clear_autocast_cache()
    return [lowered.detach(), nll, *grads]


class _Precomputed(torch.autograd.Function):
    """A loss and gradients that a graph has computed, as if computed now."""

    @staticmethod
    def forward(ctx: Any, run: Callable[[], list[Tensor]], *parameters: Tensor) -> tuple[Tensor, Tensor]:
        loss, nll, *ctx.grads = run()
        loss, nll = loss.clone(), nll.clone()
        ctx.mark_non_differentiable(nll)
        return loss, nll

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_loss: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        return None, *torch._foreach_mul(ctx.grads, grad_loss)
