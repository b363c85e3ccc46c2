"""Matrix products with weights that never change, packed once: what search multiplies by.

- float32: the numbers as they were trained.
- bfloat16: half the bytes; fast where the processor multiplies them by itself.
- int8: a quarter of the bytes. Each row of a weight has a scale, by its largest number, and so has each row of the
  inputs (native/), or all of them have one (torch); then the last digits of a result may depend on its neighbours.

Inputs and results are float32 everywhere.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nmt import native
from nmt.engine.output import Product, Rows, spread_first
from nmt.process import has_amx

ROWS = 64  # of the inputs for which oneDNN arranges a weight
FILL = 32  # rows that AMX multiplies at once, or nearly


@dataclass(frozen=True)
class Compute:
    """How one precision multiplies."""

    # weight (O,I), bias (O,) -> x (N,I) to W x + b (N,O), in float32
    product: Callable[[Tensor, Tensor], Product]
    rows: Callable[[Tensor], Rows]
    fused: torch.dtype  # of a cell's own kernel


def has_fast_bfloat16() -> bool:
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def filled(x: Tensor, product: Product) -> Tensor:
    """The product of x (N,I), for AMX with rows of zeros below it where there are many. For each number of rows
    oneDNN makes code, in the time of five products and in half a megabyte, and the fewer there are, the more of it
    is kept."""
    rows = len(x)
    if not has_amx() or x.ndim > 2 or rows < FILL or rows % FILL == 0:
        return product(x)
    return product(F.pad(x, (0, 0, 0, -rows % FILL)))[:rows]


def float32_product(weight: Tensor, bias: Tensor) -> Product:
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS)
    return lambda x: linear_packed(x, packed, bias, "none", [], "")


def bfloat16_product(weight: Tensor, bias: Tensor) -> Product:
    product = float32_product(weight.bfloat16(), bias.bfloat16())
    return lambda x: filled(x.bfloat16(), product).float()


def in_few_sizes(asked: int, all_there_are: int) -> int:
    """With AMX, whose products cost less than to make the code for another size (see `filled`), all rows, or half of
    them, a quarter ..., as many as are enough."""
    return all_there_are >> (all_there_are // asked).bit_length() - 1 if has_amx() else asked


class BFloat16Rows(Rows):
    def __init__(self, weight: Tensor) -> None:
        super().__init__(weight.bfloat16())

    def product(self, pieces: Tensor, bias: Tensor, spread: float) -> Product:
        weight = self.weight.index_select(0, pieces)

        def product(features: Tensor) -> Tensor:
            narrow = filled(features.bfloat16(), lambda x: F.linear(x, weight))
            return spread_first(narrow.float().add_(bias), features, spread)

        return product

    def taken(self, asked: int) -> int:
        return in_few_sizes(asked, len(self.weight))


# A named overload starts faster.
linear_packed = torch.ops.mkldnn._linear_pointwise.default
linear_int8 = torch.ops.quantized.linear_dynamic.default


def int8_product(weight: Tensor, bias: Tensor) -> Product:
    scales = _scales(weight)
    if native.is_here():
        return native.Int8Linear(_bytes(weight, scales), scales, bias)
    zeros = torch.zeros(len(weight), dtype=torch.int)
    return by_fbgemm(lambda: torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8), bias)


class Int8Rows(Rows):
    def __init__(self, weight: Tensor) -> None:
        self.scales = _scales(weight)
        super().__init__(_bytes(weight, self.scales))

    def product(self, pieces: Tensor, bias: Tensor, spread: float) -> Product:
        scales = self.scales.index_select(0, pieces)
        if native.is_here():
            return native.Int8Linear(self.weight, scales, bias, pieces, spread)
        # The scales stay outside: a weight that has one takes FBGEMM a fraction of the time to pack.
        weight = self.weight.index_select(0, pieces)
        bytes_alone = by_fbgemm(lambda: torch._make_per_tensor_quantized_tensor(weight, 1.0, 0), None)
        return lambda features: spread_first(torch.addcmul(bias, bytes_alone(features), scales), features, spread)


def by_fbgemm(quantised: Callable[[], Tensor], bias: Tensor | None) -> Product:
    """torch means to retire its quantised tensors, but nothing else in it multiplies bytes as fast at a step's
    sizes."""
    before, torch.backends.quantized.engine = torch.backends.quantized.engine, "fbgemm"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            packed = torch.ops.quantized.linear_prepack(quantised(), bias)
    finally:
        torch.backends.quantized.engine = before
    return lambda x: linear_int8(x, packed)


def _bytes(weight: Tensor, scales: Tensor) -> Tensor:
    return (weight / scales[:, None]).round_().to(torch.int8)


def _scales(weight: Tensor) -> Tensor:
    """Of each row, so that its largest number becomes 127."""
    return weight.abs().amax(1).clamp_(min=1e-12) / 127


COMPUTE = {
    "float32": Compute(float32_product, Rows, torch.float32),
    "bfloat16": Compute(bfloat16_product, BFloat16Rows, torch.bfloat16),
    "int8": Compute(int8_product, Int8Rows, torch.bfloat16 if has_fast_bfloat16() else torch.float32),
}


class Linear:
    """A trained layer with its weight packed, and maybe multiplied by a factor: x (...,I) -> W x + b (...,O)."""

    def __init__(self, layer: nn.Linear, compute: Compute, factor: float = 1.0) -> None:
        weight = layer.weight.detach()
        bias = weight.new_zeros(len(weight)) if layer.bias is None else layer.bias.detach()
        self.product = compute.product(factor * weight, factor * bias)

    def __call__(self, x: Tensor) -> Tensor:
        return self.product(x)


def has_packed_products(device: torch.device) -> bool:
    return device.type == "cpu" and bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


def available_compute(device: torch.device) -> list[str]:
    """The precisions that this machine can do; the last is the fastest."""
    if device.type == "cuda":
        return ["float32", "bfloat16", "float16"]
    able = ["float32"]
    if has_packed_products(device):
        if has_fast_bfloat16():
            able.append("bfloat16")
        if native.is_here() or "fbgemm" in torch.backends.quantized.supported_engines:
            able.append("int8")
    return able


def resolve_compute(compute: str, device: torch.device) -> str:
    """ "auto" is the fastest here. Raises ValueError for a precision that this machine cannot do."""
    able = available_compute(device)
    if compute == "auto":
        return able[-1]
    if compute not in able:
        raise ValueError(f"compute is {compute!r}; here choose one of: auto, {', '.join(able)}")
    return compute


def resolve_device(device: str) -> str:
    """ "auto" is the GPU when there is one. Raises ValueError for a device that is not here."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise ValueError(f"device is {device!r}; choose one of: auto, cpu, cuda, cuda:N")
    if device.startswith("cuda") and int(device.partition(":")[2] or 0) >= torch.cuda.device_count():
        raise ValueError(f"device is {device!r}, but there are {torch.cuda.device_count()} GPUs to be seen here")
    return device
