"""Functions of tensors, written as nodes of ONNX.

torch records the operations that the function calls (make_fx), on tensors with shapes but without numbers. There are
two traces with different sizes. A number that differs between them is a product of sizes, which the graph computes
from its inputs; a number that is the same in both is a constant. Anything that depends only on weights is computed
here, once.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import Any, NamedTuple, Protocol

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor

from nmt.common.shown import error_line
from nmt.export.operators import KINDS, OPERATORS, SAME

OPSET = 18  # which onnxruntime reads since 1.14
IR_VERSION = 8  # the version of the file format, likewise
SIZES = ((5, 7), (13, 17), (19, 23))  # of each dimension in the two traces: distinct primes

Dims = tuple[str | int, ...]  # of a tensor: the name of a size, or a number


class NotExportableError(ValueError):
    """The model uses an operation that has no counterpart in ONNX or is not known here."""


class TensorSpec(NamedTuple):
    """An input or output of a graph."""

    name: str
    dims: Dims
    dtype: torch.dtype = torch.float32


class Value(NamedTuple):
    """A tensor of the graph."""

    name: str
    shape: tuple[Any, ...]  # each a number, or a `Size`
    dtype: torch.dtype


class Size(NamedTuple):
    """A number that is known only when the graph runs: a factor times sizes of the inputs."""

    factor: int
    names: tuple[str, ...]


class Products(Protocol):
    """How a graph multiplies by weights."""

    def multiply(self, graph: OnnxGraph, x: str, weight: Tensor, bias: Tensor | None) -> str:
        """x (N,I), weight (O,I), bias (O,) -> the name of x Wᵀ + b (N,O)."""

    def look_up(self, graph: OnnxGraph, table: Tensor, ids: str) -> str:
        """ids (...), table (V,E) -> the name of these rows (...,E)."""


class OnnxGraph:
    """Nodes in order, and the constants that they read."""

    def __init__(self, products: Products, outer: OnnxGraph | None = None) -> None:
        """`outer` is the graph that has this one as a body; it holds the constants and the sizes."""
        self.products, self.nodes = products, list[onnx.NodeProto]()
        self.top: OnnxGraph = outer.top if outer else self
        self.count = 0  # of names
        self.constants: dict[bytes, str] = {}
        self.initializers: list[onnx.TensorProto] = []
        self.sizes: dict[Size, str] = {}

    def body(self) -> OnnxGraph:
        return OnnxGraph(self.products, self)

    def name(self) -> str:
        self.top.count += 1
        return f"v{self.top.count}"

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        return self.add_several(op, 1, *inputs, **attributes)[0]

    def add_several(self, op: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node; returns the names of its outputs."""
        names = [self.name() for _ in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names

    def constant(self, value: Tensor | NDArray[Any]) -> str:
        """The name of a constant; equal ones are stored once."""
        array = np.require(value.detach().numpy() if isinstance(value, Tensor) else value, requirements="C")
        key = repr((array.dtype.str, array.shape)).encode() + array.tobytes()
        if key not in self.top.constants:
            self.top.constants[key] = name = self.name()
            self.top.initializers.append(numpy_helper.from_array(array, name))
        return self.top.constants[key]

    def number(self, value: float, dtype: torch.dtype = torch.float32) -> str:
        return self.constant(torch.tensor(value, dtype=dtype))

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def size(self, size: int | Size) -> str:
        """The name of the size as a tensor of one number."""
        if isinstance(size, int):
            return self.ints(size)
        known = self.top.sizes
        if size not in known:  # those of the inputs are known
            one, *rest = size.names
            found = known[Size(1, (one,))]
            for other in rest:
                found = self.top.add("Mul", found, known[Size(1, (other,))])
            if size.factor != 1:
                found = self.top.add("Mul", found, self.ints(size.factor))
            known[size] = found
        return known[size]

    def shape(self, dims: Sequence[int | Size]) -> str:
        """The name of the shape, for a Reshape or Expand."""
        if all(isinstance(dim, int) for dim in dims):
            return self.ints(*dims)  # type: ignore[arg-type]
        return self.add("Concat", *map(self.size, dims), axis=0)

    def finish(self, values: Sequence[str], outputs: Sequence[TensorSpec]) -> None:
        """Make these values the outputs, and drop nodes and constants that none of them needs."""
        for value, output in zip(values, outputs, strict=True):
            self.nodes.append(helper.make_node("Identity", [value], [output.name]))
        wanted, kept = {output.name for output in outputs}, []
        for node in reversed(self.nodes):
            if wanted & set(node.output):
                kept.append(node)
                wanted |= _read(node)
        self.nodes = kept[::-1]
        self.initializers = [one for one in self.initializers if one.name in wanted]

    def learn_sizes(self, inputs: Sequence[TensorSpec]) -> None:
        """Make the sizes of the outermost graph's inputs known."""
        for name, dims, _ in inputs:
            for axis, dim in enumerate(dims):
                if isinstance(dim, str) and Size(1, (dim,)) not in self.sizes:
                    self.sizes[Size(1, (dim,))] = self.add("Shape", name, start=axis, end=axis + 1)


def _read(node: onnx.NodeProto) -> set[str]:
    """The names that a node reads, also in its body."""
    bodies = (inner for one in node.attribute for inner in one.g.node)
    return {*node.input, *(name for inner in bodies for name in _read(inner))}


def infos(specs: Sequence[TensorSpec]) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(spec.name, KINDS[spec.dtype], list(spec.dims)) for spec in specs]


def model_of(
    graph: OnnxGraph, name: str, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]
) -> onnx.ModelProto:
    """The checked model."""
    made = helper.make_graph(graph.nodes, name, infos(inputs), infos(outputs), graph.initializers)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    model.producer_name = "nmt"
    onnx.checker.check_model(model)
    return model


def append(
    graph: OnnxGraph, function: Callable[..., Any], inputs: Sequence[TensorSpec], weights: Mapping[int, Tensor]
) -> list[str]:
    """Add the nodes of a function of `inputs`, named as in the graph -> the names of its outputs, which are tensors
    or lists of them. The tensors that the function reads have no numbers; `weights` gives these by the tensor's id().

    Raises NotExportableError.
    """
    names = dict.fromkeys(dim for _, dims, _ in inputs for dim in dims if isinstance(dim, str))
    sizes = dict(zip(names, SIZES, strict=False))
    one, other = (_traced(function, inputs, {name: pair[k] for name, pair in sizes.items()}) for k in (0, 1))
    if len(one.graph.nodes) != len(other.graph.nodes):
        raise NotExportableError("what the model computes depends on how long a text is")
    values: dict[torch.fx.Node, Any] = {}
    given = iter(inputs)
    for node, same in zip(one.graph.nodes, other.graph.nodes, strict=True):
        if node.op == "placeholder":
            name, _, dtype = next(given)
            values[node] = Value(name, _shape(node, same, sizes), dtype)
        elif node.op == "get_attr":
            tensor = getattr(one, node.target)
            if id(tensor) not in weights:
                raise NotExportableError("the model reads a tensor that is none of its weights")
            values[node] = weights[id(tensor)]
        else:
            arguments = _merged(node.args, same.args, sizes, values)
            if node.op == "output":
                return [found.name for found in _flat(arguments[0])]
            options = _merged(dict(node.kwargs), dict(same.kwargs), sizes, values)
            values[node] = _call(graph, node, arguments, options, _shape(node, same, sizes))
    raise AssertionError


@cache
def _decompositions() -> dict[Any, Callable[..., Any]]:
    """The decompositions of torch's many operations into a few."""
    from torch._decomp import core_aten_decompositions

    return dict(core_aten_decompositions())


def _traced(
    function: Callable[..., Any], inputs: Sequence[TensorSpec], sizes: Mapping[str, int]
) -> torch.fx.GraphModule:
    from torch._guards import TracingContext, tracing
    from torch._subclasses import FakeTensorMode
    from torch.fx.experimental.proxy_tensor import make_fx  # takes a second to import

    tensors = [
        torch.empty([sizes[dim] if isinstance(dim, str) else dim for dim in dims], dtype=dtype, device="meta")
        for _, dims, dtype in inputs
    ]
    one_mode = TracingContext(FakeTensorMode())  # else make_fx makes one for each tensor, which is slow
    try:
        with torch.no_grad(), tracing(one_mode):
            found = make_fx(lambda *given: function(*given), _decompositions())(*tensors)
    except Exception as error:  # a user's code may do what has no trace, such as an `if` on the values of a tensor
        told = error_line(error)
        raise NotExportableError(f"a part of the model cannot be traced, as ONNX needs: {told}") from error
    found.graph.eliminate_dead_code()
    return found


def _shape(node: torch.fx.Node, same: torch.fx.Node, sizes: Mapping[str, tuple[int, int]]) -> Any:
    """The shape of a node's output, or of each of its outputs."""

    def merged(one: Any, other: Any) -> Any:
        if isinstance(one, Tensor):
            return tuple(_size(*pair, sizes) for pair in zip(one.shape, other.shape, strict=True))
        return [merged(*pair) for pair in zip(one, other, strict=True) if isinstance(pair[0], Tensor)]

    found, other = node.meta.get("val"), same.meta.get("val")
    return merged(found, other) if isinstance(found, Tensor | list | tuple) else ()


def _size(one: int, other: int, sizes: Mapping[str, tuple[int, int]]) -> int | Size:
    if one == other:
        return one
    for count in range(1, len(sizes) + 1):
        for names in combinations(sizes, count):
            products = [math.prod(sizes[name][k] for name in names) for k in (0, 1)]
            factor, rest = divmod(one, products[0])
            if not rest and factor * products[1] == other:
                return Size(factor, names)
    raise NotExportableError("a size in the model is no product of sizes of its inputs")


def _merged(one: Any, other: Any, sizes: Mapping[str, tuple[int, int]], values: Mapping[torch.fx.Node, Any]) -> Any:
    """Merge the arguments of both traces."""
    if isinstance(one, torch.fx.Node):
        return values[one]
    if isinstance(one, list | tuple):
        return [_merged(a, b, sizes, values) for a, b in zip(one, other, strict=True)]
    if isinstance(one, dict):
        return {key: _merged(part, other[key], sizes, values) for key, part in one.items()}
    return _size(one, other, sizes) if type(one) is int else one


def _flat(found: Any) -> list[Value]:
    return [value for part in found for value in _flat(part)] if type(found) is list else [found]


def _call(graph: OnnxGraph, node: torch.fx.Node, arguments: list[Any], options: dict[str, Any], shape: Any) -> Any:
    target: Any = node.target
    if target is operator.getitem:
        return arguments[0][arguments[1]]
    if target in SAME:
        return arguments[0]
    parts = [part for one in arguments for part in (one if isinstance(one, list) else [one])]
    if not any(isinstance(part, Value | Size) for part in parts):  # only weights and numbers
        with torch.no_grad():
            return target(*arguments, **{**options, "device": "cpu"} if "device" in options else options)
    if target not in OPERATORS:
        raise NotExportableError(f"the model computes {target}, which is not known to nmt/export/operators.py")
    try:
        found, meta = OPERATORS[target](graph, shape, *arguments, **options), node.meta["val"]
    except (TypeError, KeyError) as error:  # rare arguments
        raise NotExportableError(f"the model computes {target} in a way that is not known: {error}") from error
    if isinstance(found, list):
        return [Value(name, own, one.dtype) for name, own, one in zip(found, shape, meta, strict=False)]
    return Value(found, shape, meta.dtype)
