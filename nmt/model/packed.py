"""A model made ready for search: its matrix products in a chosen precision, with every weight packed once.

- float32: the numbers as they were trained.
- bfloat16: half the bytes; fast where the processor multiplies them by itself.
- int8: a quarter of the bytes. Each row of a weight has a scale, and so has each batch of inputs (the largest number
  in it), so in the last digits a translation may depend on its neighbours.

Gates, states, attention's scores and all that is not a product stay in float32. A packed model has `start` and `step`
as the model has, and shares its embeddings; nothing of it can be trained.

Dims: N rows of one step, B sentences, T steps, E input features, H hidden units, G gates.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from functools import cached_property

import torch
from torch import Tensor, nn

from nmt.model.cells import State
from nmt.model.output import MakeProduct, OutputLayer, Product, plain_product, shortlisted, without
from nmt.model.recurrent import Masks, Recurrent
from nmt.model.seq2seq import Seq2Seq

ROWS = 64  # of the inputs for which oneDNN arranges a weight


def float32_product(weight: Tensor, bias: Tensor) -> Product:
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS)
    return lambda x: torch.ops.mkldnn._linear_pointwise(x, packed, bias, "none", [], "")


def bfloat16_product(weight: Tensor, bias: Tensor) -> Product:
    product = float32_product(weight.bfloat16(), bias.bfloat16())
    return lambda x: product(x.bfloat16()).float()


def int8_product(weight: Tensor, bias: Tensor) -> Product:
    # torch means to retire these; nothing else in it multiplies bytes at a step's sizes as fast. This is their only door.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scales = weight.abs().amax(1).clamp_(min=1e-12) / 127
        zeros = torch.zeros(len(weight), dtype=torch.int)
        quantised = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        packed = torch.ops.quantized.linear_prepack(quantised, bias)
    return lambda x: torch.ops.quantized.linear_dynamic(x, packed)


PRODUCTS: dict[str, MakeProduct] = {
    "float32": float32_product,
    "bfloat16": bfloat16_product,
    "int8": int8_product,
}
COMPUTE = tuple(PRODUCTS)


def resolve_compute(compute: str, device: torch.device) -> str:
    """ "auto" is the fastest here. Raises ValueError for a precision that this machine cannot do."""
    able = ["float32"]
    if device.type == "cpu" and torch.backends.mkldnn.is_available():
        if torch.ops.mkldnn._is_mkldnn_bf16_supported():
            able.append("bfloat16")
        if "fbgemm" in torch.backends.quantized.supported_engines:
            able.append("int8")
    if compute == "auto":
        return able[-1]
    if compute not in able:
        raise ValueError(f"compute is {compute!r}; here choose one of: auto, {', '.join(able)}")
    return compute


def pack(model: Seq2Seq, compute: str) -> Seq2Seq:
    """The model for search on a CPU; elsewhere, and without oneDNN, the model as it is."""
    if model.output_bias.device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return model
    packed = _swap(model, PRODUCTS[compute])
    assert isinstance(packed, PackedSeq2Seq)
    return packed.requires_grad_(False)


def _swap(module: nn.Module, make: MakeProduct) -> nn.Module:
    """A copy with products made by `make`; parameters that are not packed are shared."""
    if isinstance(module, nn.Linear):
        return PackedLinear(module, make)
    if isinstance(module, Recurrent):
        return PackedRecurrent(module, make)
    swapped = copy.copy(module)
    if isinstance(swapped, Seq2Seq):
        swapped.__class__ = PackedSeq2Seq
        swapped.make = make
    swapped._modules = {name: child and _swap(child, make) for name, child in module._modules.items()}
    return swapped


class PackedLinear(nn.Module):
    def __init__(self, layer: nn.Linear, make: MakeProduct) -> None:
        super().__init__()
        bias = layer.weight.new_zeros(len(layer.weight)) if layer.bias is None else layer.bias
        self.product = make(layer.weight.detach(), bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        return self.product(x)


class PackedRecurrent(nn.Module):
    """A recurrent layer whose weights are packed at their first use: W and R one by one for a sequence, whose inputs
    are all there, and side by side for a step."""

    def __init__(self, layer: Recurrent, make: MakeProduct) -> None:
        super().__init__()
        self.layer = [layer]  # in a list, so that its parameters are not this module's
        self.cell, self.hidden_size, self.make = layer.cell, layer.hidden_size, make
        self.extra = {name: parameter.detach() for name, parameter in layer.extra.items()}
        self.joint = layer.cell.joint_gates * layer.hidden_size

    @cached_property
    def inputs(self) -> Product:
        """x (...,E) -> W x, biases included where W x and R h are but added."""
        (layer,) = self.layer
        bias = layer.bias_ih.detach().clone()
        bias[: self.joint] += layer.bias_hh[: self.joint]
        return self.make(layer.weight_ih.detach(), bias)

    @cached_property
    def hidden(self) -> Product:
        """h (N,H) -> R h, with the biases of the gates that need it apart."""
        (layer,) = self.layer
        bias = layer.bias_hh.detach().clone()
        bias[: self.joint] = 0
        return self.make(layer.weight_hh.detach(), bias)

    @cached_property
    def both(self) -> Product:
        """[x; h] (N,E+H) -> W x + R h for the joint gates, then for each gate apart its R h, then its W x."""
        (layer,) = self.layer
        w, r, joint = layer.weight_ih.detach(), layer.weight_hh.detach(), self.joint
        rows = [torch.cat([w[:joint], r[:joint]], 1)]
        rows += [torch.cat([torch.zeros_like(w[joint:]), r[joint:]], 1)]
        rows += [torch.cat([w[joint:], torch.zeros_like(r[joint:])], 1)]
        b, c = layer.bias_ih.detach(), layer.bias_hh.detach()
        return self.make(torch.cat(rows), torch.cat([b[:joint] + c[:joint], c[joint:], b[joint:]]))

    def masks(self, rows: int) -> Masks:
        return Masks()

    def initial_state(self, rows: int) -> State:
        return self.layer[0].initial_state(rows)

    def step(self, x: Tensor, state: State, masks: Masks) -> State:
        """As Recurrent.step."""
        products = self.both(torch.cat([x, state[0]], 1))
        gates = len(self.cell.gates) * self.hidden_size
        return self.cell.pointwise(products[:, :gates], products[:, gates:], state, self.extra)

    def forward(self, x: Tensor, state: State) -> Tensor:
        """As Recurrent.forward."""
        inputs = self.inputs(x.transpose(0, 1).contiguous())  # (T, B, G*H)
        outputs = []
        for step in inputs.unbind():
            gates = self.hidden(state[0])
            gates[:, : self.joint] += step[:, : self.joint]
            state = self.cell.pointwise(gates, step[:, self.joint :], state, self.extra)
            outputs.append(state[0])
        return torch.stack(outputs, 1)

    @staticmethod
    def side_by_side(layers: Sequence[PackedRecurrent], inputs: Sequence[Tensor], states: Sequence[State]) -> Sequence[Tensor]:
        return [layer(x, state) for layer, x, state in zip(layers, inputs, states, strict=True)]


class PackedSeq2Seq(Seq2Seq):
    """What `pack` makes of a model."""

    make: MakeProduct

    @cached_property
    def all_pieces(self) -> OutputLayer:
        return OutputLayer(self.make(self.output_table.detach(), without(self.output_bias, self.banned)))

    def output_layer(self, allowed: Tensor | None) -> OutputLayer:
        if allowed is None:
            return self.all_pieces
        return shortlisted(self.make, self.output_table.detach(), without(self.output_bias, self.banned), allowed)
