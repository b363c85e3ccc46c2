"""What a cell computes for one row, and its gradient, as expressions: `Cell.pointwise` is traced once.

torch writes down the operations that `pointwise` and its backward pass by autograd call (make_fx). They are then done
again on codes instead of numbers: an integer tells of which expression a number is a unit, and which one. So torch
itself moves codes about in views, chunks and joins, and only what computes has to be known here.

Dims: H units, Y and X rows of gates that do and do not see h (see cells/base.py).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nmt.cells import Cell, State
from nmt.kernels.expressions import Expressions

aten = torch.ops.aten
H = 7  # units while tracing: a number that no other dimension has


class NotTraceableError(Exception):
    """The cell computes something that is not done unit by unit: it keeps torch's loop."""


@dataclass(frozen=True)
class RowFunction:
    """What a kernel computes for one row. Inputs and outputs are vectors of H numbers, some of each name."""

    expressions: Expressions
    inputs: dict[str, int]  # name -> how many vectors
    outputs: dict[str, tuple[int, ...]]  # name -> its vectors' nodes

    @property
    def loads(self) -> set[str]:
        """The inputs that it reads."""
        nodes = self.expressions.needed(node for vectors in self.outputs.values() for node in vectors)
        return {self.expressions.nodes[node].name for node in nodes} - {""}


class TracedCell(NamedTuple):
    """`forward`: gates, x, the parts of the state and the cell's parameters, by their names -> `hidden`, which is the
    cell's output, and the parts of the state after, `new_c` and so on; `new_h` where a step needs h itself.

    `backward`: the same inputs, of the output the gradients `grad_output`, which comes from above, `grad_product`,
    from R h of the step after, and `grad_new_h`, from what else that step makes of h, and `grad_new_c` and so on ->
    `grad_gates`, `grad_x`, `grad_h` and so on, and `grad_` of each parameter, a row's part of it. What is always zero
    is left out.
    """

    forward: RowFunction
    backward: RowFunction


def trace(cell: Cell) -> TracedCell:
    """Raises NotTraceableError for a cell with a product of its own, or more than vectors of H in its state."""
    rows, own = cell.gate_rows(H), cell.own_parameters(H)
    try:
        state = cell.start(*torch.rand(cell.given, 1, H))
    except RuntimeError as error:
        raise NotTraceableError(str(error)) from None
    inputs = {"gates": torch.rand(1, rows.seeing), "x": torch.rand(1, rows.all - rows.joint)}
    inputs |= dict(zip(cell.states, state, strict=True)) | {name: torch.rand_like(part) for name, part in own.items()}
    if any(part.shape[-1] % H for part in inputs.values()):
        raise NotTraceableError("a part of the state or of the gates is no vector of the units")
    number = len(inputs)

    def forward(gates: Tensor, x: Tensor, *rest: Tensor) -> State:
        state, parameters = rest[: len(cell.states)], rest[len(cell.states) :]
        return cell.pointwise(gates, x, state, dict(zip(own, parameters, strict=True)))

    def backward(*arguments: Tensor) -> Sequence[Tensor]:
        wanted = [part.detach().requires_grad_() for part in arguments[:number]]
        of_output, of_product, *of_state = arguments[number:]
        of_h = of_output + of_product
        grads = [of_h + of_state.pop(0) if keeps_h else of_h, *of_state]
        return torch.autograd.grad(forward(*wanted), wanted, grads, allow_unused=True, materialize_grads=True)

    names = [f"grad_{name}" for name in inputs]
    for keeps_h in (False, True):
        kept = [f"grad_new_{name}" for name in cell.states[not keeps_h :]]
        grads = {name: torch.rand(1, H) for name in ["grad_output", "grad_product", *kept]}
        way_back = _without_zeros(_row_function(backward, inputs | grads, names))
        if "grad_h" not in way_back.outputs:
            break
    way = _row_function(forward, inputs, ["hidden", *(f"new_{name}" for name in cell.states[1:])])
    if "h" in way.loads | way_back.loads:
        way = replace(way, outputs={**way.outputs, "new_h": way.outputs["hidden"]})
    return TracedCell(way, way_back)


def _without_zeros(function: RowFunction) -> RowFunction:
    """Without the outputs that are always 0."""
    value_of = function.expressions.value_of
    kept = {name: nodes for name, nodes in function.outputs.items() if any(value_of(node) != 0 for node in nodes)}
    return replace(function, outputs=kept)


def _row_function(
    function: Callable[..., Sequence[Tensor]], inputs: dict[str, Tensor], names: list[str]
) -> RowFunction:
    from torch.fx.experimental.proxy_tensor import make_fx  # takes a second to import

    graph = make_fx(function)(*inputs.values()).graph
    coder = _Coder()
    values: dict[torch.fx.Node, Any] = {}
    given = iter(inputs.items())
    for node in graph.nodes:
        if node.op == "placeholder":
            values[node] = coder.load(*next(given))
            continue
        arguments = torch.fx.node.map_arg(node.args, values.__getitem__)
        if node.op == "output":
            outputs = {
                name: tuple(coder.vectors(part).flatten().tolist())
                for name, part in zip(names, arguments[0], strict=True)
            }
        else:
            values[node] = coder.call(node.target, arguments, dict(node.kwargs))
    sizes = {name: part.numel() // H for name, part in inputs.items()}
    return RowFunction(coder.expressions, sizes, outputs)


class _Coder:
    """Does on codes what torch does on numbers."""

    def __init__(self) -> None:
        self.expressions = Expressions()

    def load(self, name: str, part: Tensor) -> Tensor:
        nodes = [self.expressions.load(name, k) for k in range(part.numel() // H)]
        return self.codes(torch.tensor(nodes, dtype=torch.int64)).view(part.shape)

    def codes(self, nodes: Tensor) -> Tensor:
        """Nodes (...) -> the codes of their units (...,H)."""
        return nodes[..., None] * H + torch.arange(H)

    def vectors(self, codes: Tensor) -> Tensor:
        """Codes (...,K*H) -> nodes (...,K); of single numbers (...,1) their nodes."""
        if codes.shape[-1] == 1:
            return codes // H
        if codes.shape[-1] % H:
            raise NotTraceableError(f"a tensor of shape {tuple(codes.shape)}")
        units = codes.view(*codes.shape[:-1], -1, H)
        nodes: Tensor = units[..., 0] // H
        is_vector = (units == self.codes(nodes)).all(-1)
        is_number = (units == units[..., :1]).all(-1)
        if not bool((is_vector | is_number).all()):
            raise NotTraceableError("units change places")
        return nodes

    def full(self, shape: Sequence[int], value: float) -> Tensor:
        return torch.full(tuple(shape), self.expressions.constant(value) * H)

    def apply(self, function: str, *arguments: Tensor | float) -> Tensor:
        """A function unit by unit, of codes and numbers."""
        tensors = [part if isinstance(part, Tensor) else self.full((1,), part) for part in arguments]
        vectors = [self.vectors(part) for part in tensors]
        shape = torch.broadcast_shapes(*(part.shape for part in tensors))  # type: ignore[no-untyped-call]
        nodes = torch.broadcast_tensors(*vectors)  # type: ignore[no-untyped-call]
        together = zip(*(part.flatten().tolist() for part in nodes), strict=True)
        found = [self.expressions.apply(function, *of_one) for of_one in together]
        return self._coded(found, nodes[0].shape, shape)

    def _coded(self, nodes: list[int], grid: torch.Size, shape: torch.Size) -> Tensor:
        """Nodes, in a grid (...,K), -> codes (...,K*H), or of single numbers (...,1)."""
        found = torch.tensor(nodes, dtype=torch.int64).view(grid)
        if shape[-1] == 1:
            return found * H
        is_vector = torch.tensor([self.expressions.is_vector[node] for node in nodes]).view(grid)
        return torch.where(is_vector[..., None], self.codes(found), found[..., None] * H).flatten(-2)

    def sum(self, x: Tensor, dims: Sequence[int], keepdim: bool = False) -> Tensor:
        """Over the units, or over dimensions of size 1."""
        for dim in sorted((dim % x.ndim for dim in dims), reverse=True):
            if x.shape[dim] == 1:
                x = x if keepdim else x.squeeze(dim)
            elif dim == x.ndim - 1 and x.shape[dim] == H:
                nodes = self.vectors(x)  # (...,1)
                sums = [self.expressions.sum(node) for node in nodes.flatten().tolist()]
                x = self._coded(sums, nodes.shape, nodes.shape)
                x = x if keepdim else x.squeeze(-1)
            else:
                raise NotTraceableError(f"a sum over dimension {dim} of {tuple(x.shape)}")
        return x

    def mean(self, x: Tensor) -> Tensor:
        return self.apply("div", self.sum(x, [-1], keepdim=True), self._units(x))

    def _units(self, x: Tensor) -> Tensor:
        return torch.full((*x.shape[:-1], 1), self.expressions.units() * H)

    def call(self, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
        if target is operator.getitem:
            return arguments[0][arguments[1]]
        if target in MOVES:
            return target(*arguments, **options)
        if target in FUNCTIONS:
            return FUNCTIONS[target](self, *arguments)
        raise NotTraceableError(str(target))


def _same(coder: _Coder, x: Tensor, *_: Any) -> Tensor:
    return x


def _unit_by_unit(function: str) -> Callable[..., Tensor]:
    return lambda coder, *arguments: coder.apply(function, *arguments)


def _sum_of(coder: _Coder, x: Tensor, y: Tensor | float, factor: float = 1.0) -> Tensor:
    return coder.apply("add", x, y if factor == 1 else coder.apply("mul", y, factor))


def _addcmul(coder: _Coder, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    return coder.apply("add", x, coder.apply("mul", y, z))


def _lerp(coder: _Coder, start: Tensor, end: Tensor, weight: Tensor) -> Tensor:
    return _addcmul(coder, start, weight, coder.apply("sub", end, start))


def _sigmoid_backward(coder: _Coder, grad: Tensor, y: Tensor) -> Tensor:
    return coder.apply("mul", grad, coder.apply("mul", y, coder.apply("sub", 1.0, y)))


def _tanh_backward(coder: _Coder, grad: Tensor, y: Tensor) -> Tensor:
    return coder.apply("mul", grad, coder.apply("sub", 1.0, coder.apply("mul", y, y)))


def _threshold_backward(coder: _Coder, grad: Tensor, y: Tensor, threshold: float) -> Tensor:
    return coder.apply("where", coder.apply("greater", y, threshold), grad, 0.0)


def _log_sigmoid(coder: _Coder, x: Tensor) -> tuple[Tensor, Tensor]:
    """min(0, x) - log(1 + exp(-|x|)); the second is what torch keeps for the gradient."""
    kept = coder.apply("exp", coder.apply("neg", coder.apply("abs", x)))
    return coder.apply("sub", coder.apply("minimum", x, 0.0), coder.apply("log1p", kept)), kept


def _log_sigmoid_backward(coder: _Coder, grad: Tensor, x: Tensor, kept: Tensor) -> Tensor:
    return coder.apply("mul", grad, coder.apply("sigmoid", coder.apply("neg", x)))


def _layer_norm(
    coder: _Coder, x: Tensor, shape: Sequence[int], gain: None, bias: None, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    mean = coder.mean(x)
    centred = coder.apply("sub", x, mean)
    variance = coder.mean(coder.apply("mul", centred, centred))
    scale = coder.apply("rsqrt", coder.apply("add", variance, epsilon))
    return coder.apply("mul", centred, scale), mean, scale


def _layer_norm_backward(
    coder: _Coder, grad: Tensor, x: Tensor, shape: Sequence[int], mean: Tensor, scale: Tensor, *_: Any
) -> tuple[Tensor, None, None]:
    normed = coder.apply("mul", coder.apply("sub", x, mean), scale)
    along = coder.apply("mul", normed, coder.mean(coder.apply("mul", grad, normed)))
    centred = coder.apply("sub", coder.apply("sub", grad, coder.mean(grad)), along)
    return coder.apply("mul", centred, scale), None, None


def _slice_backward(coder: _Coder, grad: Tensor, shape: Sequence[int], dim: int, *place: int) -> Tensor:
    whole = coder.full(shape, 0.0)
    aten.slice(whole, dim, *place).copy_(grad)
    return whole


def _select_backward(coder: _Coder, grad: Tensor, shape: Sequence[int], dim: int, index: int) -> Tensor:
    whole = coder.full(shape, 0.0)
    whole.select(dim, index).copy_(grad)
    return whole


# What only moves numbers: codes move likewise.
MOVES = {
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
FUNCTIONS: dict[Any, Callable[..., Any]] = {
    aten.detach.default: _same,
    aten.alias.default: _same,
    aten.clone.default: _same,
    aten.add.Tensor: _sum_of,
    aten.add.Scalar: _sum_of,
    aten.sub.Tensor: _unit_by_unit("sub"),
    aten.sub_.Tensor: _unit_by_unit("sub"),
    aten.mul.Tensor: _unit_by_unit("mul"),
    aten.mul.Scalar: _unit_by_unit("mul"),
    aten.div.Tensor: _unit_by_unit("div"),
    aten.div.Scalar: _unit_by_unit("div"),
    aten.rsub.Scalar: lambda coder, x, y: coder.apply("sub", y, x),
    aten.neg.default: _unit_by_unit("neg"),
    aten.exp.default: _unit_by_unit("exp"),
    aten.abs.default: _unit_by_unit("abs"),
    aten.sigmoid.default: _unit_by_unit("sigmoid"),
    aten.tanh.default: _unit_by_unit("tanh"),
    aten.relu.default: lambda coder, x: coder.apply("maximum", x, 0.0),
    aten.maximum.default: _unit_by_unit("maximum"),
    aten.minimum.default: _unit_by_unit("minimum"),
    aten.clamp_min.default: _unit_by_unit("maximum"),
    aten.gt.Tensor: _unit_by_unit("greater"),
    aten.lt.Tensor: lambda coder, x, y: coder.apply("greater", y, x),
    aten.ge.Scalar: _unit_by_unit("at_least"),
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
