"""Products of an exported graph: in float32 or int8."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from nmt.engine.products import quantised
from nmt.export.graph import OnnxGraph


class Float32:
    def multiply(self, graph: OnnxGraph, x: str, weight: Tensor, bias: Tensor | None) -> str:
        """Stores the weight as (O,I), so that a table that is also an embedding is stored once."""
        rest = [] if bias is None else [graph.constant(bias)]
        return graph.add("Gemm", x, graph.constant(weight), *rest, transB=1)

    def look_up(self, graph: OnnxGraph, table: Tensor, ids: str) -> str:
        return graph.add("Gather", graph.constant(table), ids)


class Int8:
    """Each row of a weight has a scale, set by its largest number, and so has each row of the input. As in
    nmt/engine, no sentence's result depends on the others of its batch."""

    def multiply(self, graph: OnnxGraph, x: str, weight: Tensor, bias: Tensor | None) -> str:
        numbers, scales = _in_bytes(graph, weight)
        largest = graph.add("ReduceMax", graph.add("Abs", x), graph.ints(-1), keepdims=1)
        scale = graph.add("Mul", graph.add("Max", largest, graph.number(1e-12)), graph.number(1 / 127))
        rounded = graph.add("Round", graph.add("Div", x, scale))
        zero = graph.constant(np.array(128, np.uint8))
        rows = graph.add("Cast", graph.add("Add", rounded, graph.number(128.0)), to=2)  # uint8
        found = graph.add("Cast", graph.add("MatMulInteger", rows, numbers, zero), to=1)  # float
        found = graph.add("Mul", graph.add("Mul", found, scale), scales)
        return found if bias is None else graph.add("Add", found, graph.constant(bias))

    def look_up(self, graph: OnnxGraph, table: Tensor, ids: str) -> str:
        """Reads the output layer's bytes if it shares the table."""
        numbers, scales = _in_bytes(graph, table)  # (E,V), (V,)
        columns = graph.add("Cast", graph.add("Gather", numbers, ids, axis=1), to=1)  # (E,B,T)
        rows = graph.add("Transpose", columns, perm=[1, 2, 0])
        return graph.add("Mul", rows, graph.add("Unsqueeze", graph.add("Gather", scales, ids), graph.ints(-1)))


def _in_bytes(graph: OnnxGraph, weight: Tensor) -> tuple[str, str]:
    """Weight (O,I) -> the names of Wᵀ in int8 (I,O) and of the scales (O,)."""
    numbers, scales = quantised(weight.detach())
    return graph.constant(numbers.t()), graph.constant(scales)
