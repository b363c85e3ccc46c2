"""The features of a step for the output layer, made ready for search."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nmt import native
from nmt.cells import tanh
from nmt.engine.attention import is_weighted_mean
from nmt.engine.output import Product
from nmt.engine.products import Compute
from nmt.model.decoder import Decoder, GatedReadout, Readout


def readout_of(decoder: Decoder, compute: Compute) -> Callable[..., Tensor]:
    readout, attention = decoder.readout, decoder.attention
    if isinstance(readout, GatedReadout):
        return PackedGatedReadout(readout, compute)
    assert isinstance(readout, Readout)
    # With one head the context is linear in the encoder's values.
    is_linear = attention.heads == 1 and is_weighted_mean(attention)
    if is_linear and decoder.wiring.context_is_last(decoder.config.num_layers):
        return SplitReadout(readout, attention.context_size, compute)
    product = compute.product(readout.weight.detach(), readout.bias.detach(), "readout")
    return lambda *inputs: squashed(product, torch.cat(inputs, -1))


def squashed(product: Product, x: Tensor, added: Tensor | None = None) -> Tensor:
    """tanh(W x + b + added)"""
    if isinstance(product, native.Int8Linear):
        return product(x, added, squashed=True)
    y = product(x)
    return tanh(y if added is None else y.add_(added))


class SplitReadout:
    """A readout of the output h (N,H) and the context. Instead of the context, it multiplies the values that the
    context averages: once per source token, not once per step."""

    def __init__(self, readout: Readout, context_size: int, compute: Compute) -> None:
        weight, bias = readout.weight.detach(), readout.bias.detach()
        self.of_hidden = compute.product(weight[:, :-context_size], bias, "readout.hidden")
        self.of_values = compute.product(weight[:, -context_size:], torch.zeros_like(bias), "readout.values")

    def __call__(self, hidden: Tensor, context: Tensor) -> Tensor:
        return squashed(self.of_hidden, hidden, context)


class PackedGatedReadout:
    def __init__(self, readout: GatedReadout, compute: Compute) -> None:
        self.gate = compute.linear(readout.gate, "readout.gate")
        self.of_target = compute.linear(readout.of_target, "readout.target")
        self.of_context = compute.linear(readout.of_context, "readout.context")

    def __call__(self, *inputs: Tensor) -> Tensor:
        *target, context = inputs
        z = torch.sigmoid(self.gate(torch.cat(inputs, -1)))
        return tanh(torch.lerp(self.of_target(torch.cat(target, -1)), self.of_context(context), z))
