"""Matrix products of a search: their weights never change and are packed once.

- float32: the numbers as they were trained.
- bfloat16: half the bytes; fast if the processor supports it natively.
- int8: a quarter of the bytes. Each row of a weight has a scale, set by its largest number. Each row of the inputs
  has its own scale, too (native/), or all share one (torch): a result's last digits then may depend on neighbours.

Inputs and results are float32 everywhere.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nmt import native
from nmt.common.process import has_amx
from nmt.engine.device import has_fast_bfloat16
from nmt.engine.output import Product, Rows, spread_first

ROWS = 64  # the number of input rows for which oneDNN lays out a weight
FILL = 32  # about as many rows as AMX multiplies at once
BYTES, SCALES = ".bytes", ".scales"


class StoredWeights:
    """The int8 weights of a network's products and their scales, by name: `given` in a model's file, and `used`."""

    def __init__(self, given: Mapping[str, Tensor]) -> None:
        self.given = given
        self.used: dict[str, Tensor] = {}

    def weights(self, weight: Tensor, name: str) -> tuple[Tensor, Tensor]:
        """The int8 numbers (O,I) and scales (O,) of a product's weight, which may be NaN if they are given.

        Raises ValueError if it is NaN and they are not given, or if the given ones have another shape.
        """
        names = name + BYTES, name + SCALES
        if missing := [one for one in names if one not in self.given]:
            found = quantised(weight)
            if not found[1].isfinite().all():
                raise ValueError(f"the packed weights lack {missing[0]}")
        else:
            found = self.given[names[0]], self.given[names[1]]
        for one, part, shape in zip(names, found, (weight.shape, weight.shape[:1]), strict=True):
            if part.shape != shape:
                raise ValueError(f"of the packed weights {one} is {list(part.shape)}; the config says {list(shape)}")
            self.used[one] = part
        return found


@dataclass(frozen=True)
class Compute:
    """The products of one precision, in a part of a network."""

    # weight (O,I), bias (O,) -> x (N,I) to W x + b (N,O), in float32
    make: Callable[..., Product]
    rows: Callable[[Tensor], Rows]
    fused: torch.dtype  # for a cell's fused kernel
    in_bytes: bool = False
    stored: StoredWeights | None = None  # for int8
    part: str = ""

    def at(self, part: str) -> Compute:
        return replace(self, part=f"{self.part}{part}.")

    def product(self, weight: Tensor, bias: Tensor, name: str) -> Product:
        if not self.in_bytes:
            return self.make(weight, bias)
        in_bytes = self.stored.weights(weight, f"{self.part}{name}") if self.stored else quantised(weight)
        return self.make(*in_bytes, bias)

    def linear(self, layer: nn.Linear, name: str, factor: float = 1.0) -> Product:
        """A trained layer, its weight and bias multiplied by a factor: x (...,I) -> W x + b (...,O)."""
        weight = layer.weight.detach()
        bias = weight.new_zeros(len(weight)) if layer.bias is None else layer.bias.detach()
        return self.product(factor * weight, factor * bias, name)


def filled(x: Tensor, product: Product) -> Tensor:
    """The product of x (N,I); for AMX, many rows are padded with zeros. oneDNN generates code for each number of
    rows, in the time of five products and in half a megabyte. The fewer numbers there are, the more of the code stays
    cached."""
    rows = len(x)
    if not has_amx() or x.ndim > 2 or rows < FILL or rows % FILL == 0:
        return product(x)
    return product(F.pad(x, (0, 0, 0, -rows % FILL)))[:rows]


def float32_product(weight: Tensor, bias: Tensor) -> Product:
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS)
    linear = torch.ops.mkldnn._linear_pointwise.default  # a named overload starts faster
    return lambda x: linear(x, packed, bias, "none", [], "")


def bfloat16_product(weight: Tensor, bias: Tensor) -> Product:
    product = float32_product(weight.bfloat16(), bias.bfloat16())
    return lambda x: filled(x.bfloat16(), product).float()


def in_few_sizes(asked: int, all_there_are: int) -> int:
    """With AMX the smallest sufficient one of all rows, half of them, a quarter ...: products then cost less than
    generating code for another size (see `filled`)."""
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


linear_int8 = torch.ops.quantized.linear_dynamic.default


def int8_product(weight: Tensor, scales: Tensor, bias: Tensor) -> Product:
    """For an int8 weight (O,I) with scales (O,)."""
    if native.is_here():
        return native.Int8Linear(weight, scales, bias)
    zeros = torch.zeros(len(weight), dtype=torch.int)
    return by_fbgemm(lambda: torch._make_per_channel_quantized_tensor(weight, scales, zeros, 0), bias)


class Int8Rows(Rows):
    def __init__(self, weight: Tensor) -> None:
        numbers, self.scales = quantised(weight)
        super().__init__(numbers)

    def product(self, pieces: Tensor, bias: Tensor, spread: float) -> Product:
        scales = self.scales.index_select(0, pieces)
        if native.is_here():
            return native.Int8Linear(self.weight, scales, bias, pieces, spread)
        # The scales stay outside: FBGEMM packs a weight with a single scale in a fraction of the time.
        weight = self.weight.index_select(0, pieces)
        bytes_alone = by_fbgemm(lambda: torch._make_per_tensor_quantized_tensor(weight, 1.0, 0), None)
        return lambda features: spread_first(torch.addcmul(bias, bytes_alone(features), scales), features, spread)


def by_fbgemm(quantised: Callable[[], Tensor], bias: Tensor | None) -> Product:
    """torch plans to retire its quantised tensors, but has no other int8 product as fast at a step's sizes."""
    before, torch.backends.quantized.engine = torch.backends.quantized.engine, "fbgemm"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            packed = torch.ops.quantized.linear_prepack(quantised(), bias)
    finally:
        torch.backends.quantized.engine = before
    return lambda x: linear_int8(x, packed)


def quantised(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A weight (O,I) in int8, and the scale of each row (O,), which makes its largest number 127."""
    scales = weight.abs().amax(1).clamp_(min=1e-12) / 127
    return (weight / scales[:, None]).round_().to(torch.int8), scales


COMPUTE = {
    "float32": Compute(float32_product, Rows, torch.float32),
    "bfloat16": Compute(bfloat16_product, BFloat16Rows, torch.bfloat16),
    "int8": Compute(int8_product, Int8Rows, torch.bfloat16 if has_fast_bfloat16() else torch.float32, in_bytes=True),
}
