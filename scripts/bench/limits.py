"""The upper bound of translation speed: all products with weights run at the machine's best rate, and each operation
that Python starts costs as little as the cheapest one."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from nmt import native
from nmt.engine.device import has_onednn, has_packed_products
from nmt.engine.output import Product
from nmt.engine.products import COMPUTE, linear_int8
from nmt.native.beam import NativeBeams
from nmt.native.layer import Layer
from nmt.translation.translator import Translator

aten = torch.ops.aten
OF_ROWS = {linear_int8: 0, aten.mm.default: 0, aten.addmm.default: 1}  # -> index of argument x
if has_onednn():
    OF_ROWS[torch.ops.mkldnn._linear_pointwise.default] = 0
FUSED = aten.mkldnn_rnn_layer.default  # a recurrent layer over all steps: x (T,B,E), W (G,E), R (G,H)


def of_product(weight: native.Int8Linear, x: torch.Tensor, *_: Any) -> int:
    return x.numel() * weight.outputs


def of_steps(layer: Layer, state: torch.Tensor, rows: torch.Tensor | None, *others: Any) -> int:
    *_, steps, _, _ = others
    products = (transition.product for transition in layer.transitions if transition.product)
    a_row = sum(product.inputs * product.outputs for product in products)
    return int(steps) * (state.shape[1] if rows is None else len(rows)) * a_row


class Work(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A context manager that counts operations and the multiply-adds of products with weights."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations = self.multiply_adds = 0
        self.patches = [
            patch.object(native, "attend", self.counting(native.attend, lambda *_: 0)),
            patch.object(NativeBeams, "advance", self.counting(NativeBeams.advance, lambda *_: 0)),
            patch.object(native.Int8Linear, "__call__", self.counting(native.Int8Linear.__call__, of_product)),
            patch.object(Layer, "run", self.counting(Layer.run, of_steps)),
        ]

    def __enter__(self) -> Work:
        for one in self.patches:  # invisible to torch's dispatch
            one.start()
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        for one in self.patches:
            one.stop()

    def counting(self, function: Callable[..., Any], multiply_adds: Callable[..., int]) -> Callable[..., Any]:
        def counted(*args: Any, **options: Any) -> Any:
            self.operations += 1
            self.multiply_adds += multiply_adds(*args)
            return function(*args, **options)

        return counted

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        self.operations += 1
        if func in OF_ROWS:
            self.multiply_adds += args[OF_ROWS[func]].numel() * found.shape[-1]
        elif func is FUSED:
            steps = args[0].shape[0] * args[0].shape[1]
            self.multiply_adds += steps * (args[1].numel() + args[2].numel())
        return found


@dataclass(frozen=True)
class Limits:
    """The limits of one process and thread."""

    multiply_adds_per_s: float  # of one large product, with a packed weight where supported
    operation_s: float  # of the smallest operation

    @classmethod
    def of(cls, compute: str) -> Limits:
        rows, size = 1024, 1024
        weight = torch.randn(size, size)
        product: Product = partial(torch.nn.functional.linear, weight=weight)
        if has_packed_products(weight.device):
            product = COMPUTE[compute].product(weight, torch.zeros(size), "")
        x, one = torch.randn(rows, size), torch.zeros(1)
        return cls(rows * size * size / seconds(lambda: product(x)), seconds(lambda: one.neg_()))

    def of_translating(
        self, translator: Translator, texts: Sequence[str], batch: int | None, cores: int
    ) -> dict[str, float]:
        """The operations and multiply-adds of a sentence, and the sentences/s that the limits allow on `cores`
        cores."""
        with Work() as work:
            translator.translate(list(texts), batch_size=batch, plain=True)
        operations, multiply_adds = work.operations / len(texts), work.multiply_adds / len(texts)
        products_s, operations_s = multiply_adds / self.multiply_adds_per_s, operations * self.operation_s
        return {
            "operations": round(operations, 1),
            "million_multiply_adds": round(multiply_adds / 1e6, 2),
            "limit_sentences_per_s": round(cores / (products_s + operations_s), 1),
        }


def seconds(function: Callable[[], object], repeats: int = 200) -> float:
    """The median duration of a call."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
