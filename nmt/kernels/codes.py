"""Codes instead of numbers: an integer identifies an expression and one of its units. So torch itself moves codes in
views, chunks and joins, and only operations that compute have to be known here.

Dims: H units, K vectors of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from nmt.kernels.expressions import Expressions

aten = torch.ops.aten


class NotTraceableError(Exception):
    """The cell computes something that is not elementwise, so it keeps torch's loop."""


class Coder:
    """Does with codes what torch does with numbers."""

    def __init__(self, units: int) -> None:
        self.units, self.expressions = units, Expressions()

    def load(self, name: str, part: Tensor) -> Tensor:
        nodes = [self.expressions.load(name, k) for k in range(part.numel() // self.units)]
        return self.codes(torch.tensor(nodes, dtype=torch.int64)).view(part.shape)

    def codes(self, nodes: Tensor) -> Tensor:
        """Nodes (...) -> codes of their units (...,H)."""
        return nodes[..., None] * self.units + torch.arange(self.units)

    def vectors(self, codes: Tensor) -> Tensor:
        """Codes (...,K*H) -> nodes (...,K); codes of single numbers (...,1) -> their nodes."""
        if codes.shape[-1] == 1:
            return codes // self.units
        if codes.shape[-1] % self.units:
            raise NotTraceableError(f"a tensor of shape {tuple(codes.shape)}")
        units = codes.view(*codes.shape[:-1], -1, self.units)
        nodes: Tensor = units[..., 0] // self.units
        is_vector = (units == self.codes(nodes)).all(-1)
        is_number = (units == units[..., :1]).all(-1)
        if not bool((is_vector | is_number).all()):
            raise NotTraceableError("units change places")
        return nodes

    def full(self, shape: Sequence[int], value: float) -> Tensor:
        return torch.full(tuple(shape), self.expressions.constant(value) * self.units)

    def apply(self, function: str, *arguments: Tensor | float) -> Tensor:
        """Apply an elementwise function to codes and numbers."""
        tensors = [part if isinstance(part, Tensor) else self.full((1,), part) for part in arguments]
        vectors = [self.vectors(part) for part in tensors]
        shape = torch.broadcast_shapes(*(part.shape for part in tensors))  # type: ignore[no-untyped-call]
        nodes = torch.broadcast_tensors(*vectors)  # type: ignore[no-untyped-call]
        together = zip(*(part.flatten().tolist() for part in nodes), strict=True)
        found = [self.expressions.apply(function, *of_one) for of_one in together]
        return self._coded(found, nodes[0].shape, shape)

    def _coded(self, nodes: list[int], grid: torch.Size, shape: torch.Size) -> Tensor:
        """Nodes in a grid (...,K) -> codes (...,K*H), or (...,1) for single numbers."""
        found = torch.tensor(nodes, dtype=torch.int64).view(grid)
        if shape[-1] == 1:
            return found * self.units
        is_vector = torch.tensor([self.expressions.is_vector[node] for node in nodes]).view(grid)
        return torch.where(is_vector[..., None], self.codes(found), found[..., None] * self.units).flatten(-2)

    def sum(self, x: Tensor, dims: Sequence[int], keepdim: bool = False) -> Tensor:
        """Over the units, or over dimensions of size 1."""
        for dim in sorted((dim % x.ndim for dim in dims), reverse=True):
            if x.shape[dim] == 1:
                x = x if keepdim else x.squeeze(dim)
            elif dim == x.ndim - 1 and x.shape[dim] == self.units:
                nodes = self.vectors(x)  # (...,1)
                sums = [self.expressions.sum(node) for node in nodes.flatten().tolist()]
                x = self._coded(sums, nodes.shape, nodes.shape)
                x = x if keepdim else x.squeeze(-1)
            else:
                raise NotTraceableError(f"a sum over dimension {dim} of {tuple(x.shape)}")
        return x.clone()

    def mean(self, x: Tensor, dims: Sequence[int] = (-1,), keepdim: bool = True) -> Tensor:
        total = self.sum(x, dims, keepdim)
        return self.apply("div", total, x.numel() / total.numel())

    def call(self, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
        """Apply an operation of torch to codes."""
        if target in MOVES:
            return target(*arguments, **options)
        if target not in FUNCTIONS or set(options) - HOW:
            raise NotTraceableError(f"{target} {options or ''}".strip())
        try:
            found = FUNCTIONS[target](self, *arguments)
        except (TypeError, ValueError):  # rare arguments
            raise NotTraceableError(f"{target} of {len(arguments)}") from None
        return arguments[0].copy_(found) if target._schema.is_mutable else found


def _unit_by_unit(function: str) -> Callable[..., Tensor]:
    return lambda coder, *arguments: coder.apply(function, *arguments)


def _exchanged(function: str) -> Callable[..., Tensor]:
    return lambda coder, x, y: coder.apply(function, y, x)


def _sum_of(coder: Coder, x: Tensor, y: Tensor | float, factor: float = 1.0) -> Tensor:
    return coder.apply("add", x, y if factor == 1 else coder.apply("mul", y, factor))


def _sign(coder: Coder, x: Tensor) -> Tensor:
    return coder.apply("sub", coder.apply("greater", x, 0.0), coder.apply("greater", 0.0, x))


def _addcmul(coder: Coder, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    return coder.apply("add", x, coder.apply("mul", y, z))


def _lerp(coder: Coder, start: Tensor, end: Tensor, weight: Tensor) -> Tensor:
    return _addcmul(coder, start, weight, coder.apply("sub", end, start))


def _sigmoid_backward(coder: Coder, grad: Tensor, y: Tensor) -> Tensor:
    return coder.apply("mul", grad, coder.apply("mul", y, coder.apply("sub", 1.0, y)))


def _tanh_backward(coder: Coder, grad: Tensor, y: Tensor) -> Tensor:
    return coder.apply("mul", grad, coder.apply("sub", 1.0, coder.apply("mul", y, y)))


def _silu(coder: Coder, x: Tensor) -> Tensor:
    return coder.apply("mul", x, coder.apply("sigmoid", x))


def _silu_backward(coder: Coder, grad: Tensor, x: Tensor) -> Tensor:
    y = coder.apply("sigmoid", x)
    slope = coder.apply("add", 1.0, coder.apply("mul", x, coder.apply("sub", 1.0, y)))
    return coder.apply("mul", grad, coder.apply("mul", y, slope))


def _power(coder: Coder, x: Tensor, exponent: float) -> Tensor:
    if exponent not in (1, 2, 3):
        raise NotTraceableError(f"a power of {exponent}")
    return x.clone() if exponent == 1 else coder.apply("mul", x, _power(coder, x, exponent - 1))


def _threshold_backward(coder: Coder, grad: Tensor, y: Tensor, threshold: float) -> Tensor:
    return coder.apply("where", coder.apply("at_least", threshold, y), 0.0, grad)  # NaN lets a gradient through


def _log_sigmoid(coder: Coder, x: Tensor) -> tuple[Tensor, Tensor]:
    """min(0, x) - log(1 + exp(-|x|)); the second result is what torch keeps for the gradient."""
    kept = coder.apply("exp", coder.apply("neg", coder.apply("abs", x)))
    return coder.apply("sub", coder.apply("minimum", x, 0.0), coder.apply("log1p", kept)), kept


def _log_sigmoid_backward(coder: Coder, grad: Tensor, x: Tensor, kept: Tensor) -> Tensor:
    return coder.apply("mul", grad, coder.apply("sigmoid", coder.apply("neg", x)))


def _layer_norm(
    coder: Coder, x: Tensor, shape: Sequence[int], gain: None, bias: None, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    mean = coder.mean(x)
    centred = coder.apply("sub", x, mean)
    variance = coder.mean(coder.apply("mul", centred, centred))
    scale = coder.apply("rsqrt", coder.apply("add", variance, epsilon))
    return coder.apply("mul", centred, scale), mean, scale


def _layer_norm_backward(
    coder: Coder, grad: Tensor, x: Tensor, shape: Sequence[int], mean: Tensor, scale: Tensor, *_: Any
) -> tuple[Tensor, None, None]:
    normed = coder.apply("mul", coder.apply("sub", x, mean), scale)
    along = coder.apply("mul", normed, coder.mean(coder.apply("mul", grad, normed)))
    centred = coder.apply("sub", coder.apply("sub", grad, coder.mean(grad)), along)
    return coder.apply("mul", centred, scale), None, None


def _slice_backward(coder: Coder, grad: Tensor, shape: Sequence[int], dim: int, *place: int) -> Tensor:
    whole = coder.full(shape, 0.0)
    aten.slice(whole, dim, *place).copy_(grad)
    return whole


def _select_backward(coder: Coder, grad: Tensor, shape: Sequence[int], dim: int, index: int) -> Tensor:
    whole = coder.full(shape, 0.0)
    whole.select(dim, index).copy_(grad)
    return whole


HOW = {"dtype", "layout", "device", "pin_memory", "memory_format"}  # options that change no number
# Operations that only move numbers: they move codes likewise, into memory of their own or not.
MOVES = {
    aten.detach.default,
    aten.alias.default,
    aten.clone.default,
    aten.slice.Tensor,
    aten.view.default,
    aten._unsafe_view.default,
    aten.reshape.default,
    aten.permute.default,
    aten.transpose.int,
    aten.t.default,
    aten.expand.default,
    aten.split.Tensor,
    aten.split_with_sizes.default,
    aten.unbind.int,
    aten.select.int,
    aten.squeeze.dim,
    aten.unsqueeze.default,
    aten.cat.default,
    aten.stack.default,
}
# Elementwise functions: of one tensor; of two tensors, or a tensor and a number; of these in the other order.
UNARY = {aten.neg: "neg", aten.exp: "exp", aten.abs: "abs", aten.sigmoid: "sigmoid", aten.tanh: "tanh"}
BINARY = {aten.sub: "sub", aten.mul: "mul", aten.div: "div", aten.gt: "greater", aten.ge: "at_least"}
EXCHANGED = {aten.rsub: "sub", aten.lt: "greater", aten.le: "at_least"}
FUNCTIONS: dict[Any, Callable[..., Any]] = {
    **{operation.default: _unit_by_unit(name) for operation, name in UNARY.items()},
    **{operation.Tensor: _unit_by_unit(name) for operation, name in BINARY.items()},
    **{operation.Scalar: _unit_by_unit(name) for operation, name in BINARY.items()},
    **{operation.Tensor: _exchanged(name) for operation, name in EXCHANGED.items()},
    **{operation.Scalar: _exchanged(name) for operation, name in EXCHANGED.items()},
    aten.add.Tensor: _sum_of,
    aten.add.Scalar: _sum_of,
    aten.sub_.Tensor: _unit_by_unit("sub"),
    aten.sgn.default: _sign,
    aten.reciprocal.default: lambda coder, x: coder.apply("div", 1.0, x),
    aten.pow.Tensor_Scalar: _power,
    aten.silu.default: _silu,
    aten.silu_backward.default: _silu_backward,
    aten.clamp_max.default: _unit_by_unit("minimum"),
    aten.relu.default: lambda coder, x: coder.apply("maximum", x, 0.0),
    aten.maximum.default: _unit_by_unit("maximum"),
    aten.minimum.default: _unit_by_unit("minimum"),
    aten.clamp_min.default: _unit_by_unit("maximum"),
    aten.eq.Tensor: _unit_by_unit("equal"),
    aten.where.self: _unit_by_unit("where"),
    aten.masked_fill_.Scalar: lambda coder, x, mask, value: coder.apply("where", mask, value, x),
    aten.masked_fill.Scalar: lambda coder, x, mask, value: coder.apply("where", mask, value, x),
    aten.zeros_like.default: lambda coder, x: coder.full(x.shape, 0.0),
    aten.empty_like.default: lambda coder, x: coder.full(x.shape, 0.0),
    aten.new_zeros.default: lambda coder, x, shape: coder.full(shape, 0.0),
    aten.fill_.Scalar: lambda coder, x, value: coder.full(x.shape, value),
    aten.scalar_tensor.default: lambda coder, value: coder.full((1,), value),
    aten.addcmul.default: _addcmul,
    aten.lerp.Tensor: _lerp,
    aten.sum.dim_IntList: lambda coder, x, dims, keepdim=False: coder.sum(x, dims, keepdim),
    aten.mean.dim: lambda coder, x, dims, keepdim=False: coder.mean(x, dims, keepdim),
    aten.sigmoid_backward.default: _sigmoid_backward,
    aten.tanh_backward.default: _tanh_backward,
    aten.threshold_backward.default: _threshold_backward,
    aten.log_sigmoid_forward.default: _log_sigmoid,
    aten.log_sigmoid_backward.default: _log_sigmoid_backward,
    aten.native_layer_norm.default: _layer_norm,
    aten.native_layer_norm_backward.default: _layer_norm_backward,
    aten.slice_backward.default: _slice_backward,
    aten.select_backward.default: _select_backward,
}
