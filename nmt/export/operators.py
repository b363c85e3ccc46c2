"""The ONNX counterpart of each torch operation. A new one takes one line.

Operations are those that remain after torch's core decompositions: `lerp`, `stack` or `masked_fill` never arrive
here. Arguments are torch's; a tensor is a `Value` of the graph or a weight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

if TYPE_CHECKING:
    from nmt.export.graph import OnnxGraph

KINDS = {torch.float32: 1, torch.int64: 7, torch.bool: 9}  # ONNX's numbers of types

aten = torch.ops.aten
SAME = {aten.alias.default, aten.clone.default, aten.lift_fresh_copy.default}
LAST_AXIS = 2**62  # beyond any axis: a slice to this index goes to the end


def _name(graph: OnnxGraph, x: Any) -> str:
    """The name of a tensor or a number."""
    if isinstance(x, Tensor):
        return graph.constant(x)
    return graph.number(x) if isinstance(x, int | float) else cast(str, x.name)


def _alike(graph: OnnxGraph, *parts: Any, real: bool = False) -> list[str]:
    """The names of tensors and numbers, all of the type that torch computes in; a `real` function has no integers."""
    dtype = reduce(torch.promote_types, [part.dtype for part in parts if not isinstance(part, int | float)])
    if not dtype.is_floating_point and (real or any(isinstance(part, float) for part in parts)):
        dtype = torch.float32
    return [
        graph.number(part, dtype) if isinstance(part, int | float) else _cast(graph, None, part, dtype)
        for part in parts
    ]


def _cast(graph: OnnxGraph, shape: Any, x: Any, dtype: torch.dtype | None = None, **_: Any) -> str:
    return _name(graph, x) if dtype in (None, x.dtype) else graph.add("Cast", _name(graph, x), to=KINDS[dtype])


def _counted(graph: OnnxGraph, x: Any) -> str:
    """x for a sum, which counts truth values."""
    return _cast(graph, None, x, torch.int64 if x.dtype == torch.bool else None)


def _elementwise(op: str) -> Callable[..., str]:
    return lambda graph, shape, *arguments, **_: graph.add(op, *_alike(graph, *arguments, real=op in REAL))


def _where(graph: OnnxGraph, shape: Any, condition: Any, x: Any, y: Any) -> str:
    return graph.add("Where", _name(graph, condition), *_alike(graph, x, y))


def _add(op: str) -> Callable[..., str]:
    def write(graph: OnnxGraph, shape: Any, x: Any, y: Any, alpha: float = 1) -> str:
        x, y = _alike(graph, x, y)
        return graph.add(op, x, y if alpha == 1 else graph.add("Mul", y, graph.number(alpha)))

    return write


def _power(graph: OnnxGraph, shape: Any, x: Any, exponent: float) -> str:
    return graph.add("Pow", _name(graph, x), graph.number(float(exponent)))


def _clamp(graph: OnnxGraph, shape: Any, x: Any, least: float | None = None, most: float | None = None) -> str:
    bounds = ("" if bound is None else graph.number(bound, x.dtype) for bound in (least, most))
    return graph.add("Clip", _name(graph, x), *bounds)


def _layer_norm(
    graph: OnnxGraph, shape: Any, x: Any, of: Sequence[int], gain: Any, bias: Any, epsilon: float
) -> list[str]:
    scale = torch.ones(list(of)) if gain is None else gain
    rest = [] if bias is None else [_name(graph, bias)]
    return [
        graph.add("LayerNormalization", _name(graph, x), _name(graph, scale), *rest, axis=-len(of), epsilon=epsilon)
    ]


def _reduce(op: str) -> Callable[..., str]:
    def write(graph: OnnxGraph, shape: Any, x: Any, dims: Any, keepdim: bool = False, **_: Any) -> str:
        axes = [dims] if isinstance(dims, int) else dims
        return graph.add(op, _counted(graph, x), graph.ints(*axes), keepdims=int(keepdim))

    return write


def _softmax(op: str) -> Callable[..., str]:
    return lambda graph, shape, x, dim, *_: graph.add(op, _name(graph, x), axis=dim)


def _multiply(graph: OnnxGraph, shape: Any, x: Any, y: Any) -> str:
    if isinstance(y, Tensor) and y.ndim == 2:
        return graph.products.multiply(graph, _name(graph, x), y.t(), None)
    return graph.add("MatMul", _name(graph, x), _name(graph, y))


def _linear(graph: OnnxGraph, shape: Any, bias: Any, x: Any, y: Any) -> str:
    return graph.products.multiply(graph, _name(graph, x), y.t(), bias)


def _reshape(graph: OnnxGraph, shape: Any, x: Any, *_: Any) -> str:
    if shape == x.shape:
        return _name(graph, x)
    unknown = [axis for axis, dim in enumerate(shape) if not isinstance(dim, int)]
    if len(unknown) == 1 and 0 not in shape:
        return graph.add("Reshape", _name(graph, x), graph.ints(*(d if isinstance(d, int) else -1 for d in shape)))
    return graph.add("Reshape", _name(graph, x), graph.shape(shape), allowzero=1)


def _expand(graph: OnnxGraph, shape: Any, x: Any, *_: Any, **__: Any) -> str:
    if not isinstance(x, Tensor) and shape == x.shape:
        return _name(graph, x)
    return graph.add("Expand", _name(graph, x), graph.shape(shape))


def _permute(graph: OnnxGraph, shape: Any, x: Any, dims: Sequence[int]) -> str:
    return graph.add("Transpose", _name(graph, x), perm=[dim % len(shape) for dim in dims])


def _cat(graph: OnnxGraph, shape: Any, parts: Sequence[Any], dim: int = 0) -> str:
    kept = [part for part in parts if not any(size == 0 for size in part.shape)] or parts[:1]
    if len(kept) == 1:
        return _name(graph, kept[0])
    return graph.add("Concat", *(_name(graph, part) for part in kept), axis=dim)


def _split(graph: OnnxGraph, shape: Any, x: Any, sizes: Any, dim: int = 0) -> list[str]:
    if len(shape) == 1:
        return [_name(graph, x)]
    lengths = [part[dim] for part in shape]
    if 0 in lengths:
        raise ValueError("a part of a split is empty")
    return graph.add_several("Split", len(shape), _name(graph, x), graph.ints(*lengths), axis=dim)


def _slice(
    graph: OnnxGraph, shape: Any, x: Any, dim: int = 0, start: Any = 0, end: Any = LAST_AXIS, step: int = 1
) -> str:
    if shape == x.shape and step == 1:
        return _name(graph, x)
    first, last = (min(bound or 0, LAST_AXIS) if isinstance(bound, int) else bound for bound in (start or 0, end))
    return graph.add("Slice", _name(graph, x), graph.size(first), graph.size(last), graph.ints(dim), graph.ints(step))


def _select(graph: OnnxGraph, shape: Any, x: Any, dim: int, index: int) -> str:
    return graph.add("Gather", _name(graph, x), graph.number(index, torch.int64), axis=dim)


def _axes(op: str) -> Callable[..., str]:
    def write(graph: OnnxGraph, shape: Any, x: Any, dims: Any) -> str:
        axes = [dims] if isinstance(dims, int) else dims
        return graph.add(op, _name(graph, x), graph.ints(*axes))

    return write


def _full(graph: OnnxGraph, shape: Any, of: Any, value: float, **_: Any) -> str:
    return graph.add("Expand", graph.number(value), graph.shape(shape))


def _arange(
    graph: OnnxGraph, shape: Any, start: Any, end: Any, step: int = 1, dtype: torch.dtype | None = None, **_: Any
) -> str:
    first, last = (graph.add("Squeeze", graph.size(one), graph.ints(0)) for one in (start, end))
    found = graph.add("Range", first, last, graph.number(step, torch.int64))
    return found if dtype in (None, torch.int64) else graph.add("Cast", found, to=KINDS[dtype])


def _index(graph: OnnxGraph, shape: Any, x: Any, indices: Sequence[Any]) -> str:
    if len(indices) != 1:
        raise ValueError("an index of several tensors has no counterpart in ONNX")
    return graph.add("Gather", _name(graph, x), _name(graph, indices[0]))


def _embedding(graph: OnnxGraph, shape: Any, table: Any, ids: Any, *_: Any) -> str:
    return graph.products.look_up(graph, table, _name(graph, ids))


# Elementwise operations: of one tensor; and of two tensors, or a tensor and a number.
UNARY = {
    aten.abs: "Abs", aten.bitwise_not: "Not", aten.cos: "Cos", aten.erf: "Erf", aten.exp: "Exp", aten.floor: "Floor",
    aten.log: "Log", aten.logical_not: "Not", aten.neg: "Neg", aten.reciprocal: "Reciprocal", aten.relu: "Relu",
    aten.sigmoid: "Sigmoid", aten.sign: "Sign", aten.sin: "Sin", aten.sqrt: "Sqrt", aten.tanh: "Tanh",
}  # fmt: skip
BINARY = {
    aten.div: "Div", aten.eq: "Equal", aten.ge: "GreaterOrEqual", aten.gt: "Greater", aten.le: "LessOrEqual",
    aten.lt: "Less", aten.mul: "Mul",
}  # fmt: skip
REAL = {"Cos", "Div", "Erf", "Exp", "Log", "Reciprocal", "Sigmoid", "Sin", "Sqrt", "Tanh"}  # of real numbers only

OPERATORS: dict[Any, Callable[..., Any]] = {
    **{operation.default: _elementwise(op) for operation, op in UNARY.items()},
    **{operation.Tensor: _elementwise(op) for operation, op in BINARY.items()},
    **{operation.Scalar: _elementwise(op) for operation, op in BINARY.items()},
    aten.add.Tensor: _add("Add"),
    aten.add.Scalar: _add("Add"),
    aten.sub.Tensor: _add("Sub"),
    aten.log1p.default: lambda graph, shape, x: graph.add(
        "Log", graph.add("Add", _name(graph, x), graph.number(1.0))
    ),
    aten.bitwise_and.Tensor: _elementwise("And"),  # of truth values
    aten.logical_and.default: _elementwise("And"),
    aten.bitwise_or.Tensor: _elementwise("Or"),
    aten.logical_or.default: _elementwise("Or"),
    aten.cumsum.default: lambda graph, shape, x, dim, **_: graph.add("CumSum", _counted(graph, x), graph.ints(dim)),
    aten.maximum.default: _elementwise("Max"),
    aten.minimum.default: _elementwise("Min"),
    aten.where.self: _where,
    aten.rsqrt.default: lambda graph, shape, x: graph.add("Reciprocal", graph.add("Sqrt", _name(graph, x))),
    aten.pow.Tensor_Scalar: _power,
    aten.clamp.default: _clamp,
    aten.native_layer_norm.default: _layer_norm,
    aten.sum.dim_IntList: _reduce("ReduceSum"),
    aten.mean.dim: _reduce("ReduceMean"),
    aten.amax.default: _reduce("ReduceMax"),
    aten.amin.default: _reduce("ReduceMin"),
    aten._softmax.default: _softmax("Softmax"),
    aten._log_softmax.default: _softmax("LogSoftmax"),
    aten.mm.default: _multiply,
    aten.bmm.default: _multiply,
    aten.addmm.default: _linear,
    aten.view.default: _reshape,
    aten.expand.default: _expand,
    aten.permute.default: _permute,
    aten.cat.default: _cat,
    aten.split_with_sizes.default: _split,
    aten.slice.Tensor: _slice,
    aten.select.int: _select,
    aten.unsqueeze.default: _axes("Unsqueeze"),
    aten.squeeze.dims: _axes("Squeeze"),
    aten.full.default: _full,
    aten.full_like.default: _full,
    aten._to_copy.default: _cast,
    aten.embedding.default: _embedding,
    aten.arange.start_step: _arange,
    aten.index.Tensor: _index,
}
