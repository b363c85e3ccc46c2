"""What a function of tensors computes, as nodes of ONNX.

torch writes down the operations that the function calls (make_fx), on tensors that have shapes and no numbers. This
is done for two sets of sizes: a number that differs between them is a product of sizes, and is asked of the inputs
when the graph runs; what is the same in both is a constant. What depends on weights alone is computed here, once.
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
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from nmt.export.operators import OPERATORS, SAME

OPSET = 18  # what onnxruntime reads since 1.14
IR_VERSION = 8  # of the file's own form, likewise
KINDS = {torch.float32: TensorProto.FLOAT, torch.int64: TensorProto.INT64, torch.bool: TensorProto.BOOL}
SIZES = ((5, 13, 19), (7, 17, 23))  # while tracing, two of each: primes that no other dimension has

Dims = tuple[str | int, ...]  # of a tensor: a size by its name, or a number


class NotExportableError(ValueError):
    """The model computes what has no counterpart in ONNX, or is not known here."""


class Value(NamedTuple):
    """A tensor of the graph."""

    name: str
    shape: tuple[Any, ...]  # each a number, or a `Size`


class Size(NamedTuple):
    """A number that is known when the graph runs: a factor times sizes of the inputs."""

    factor: int
    names: tuple[str, ...]


class Products(Protocol):
    """How a graph multiplies by weights."""

    def multiply(self, graph: Graph, x: str, weight: Tensor, bias: Tensor | None) -> str:
        """x (N,I), weight (O,I), bias (O,) -> the name of x Wᵀ + b (N,O)."""

    def look_up(self, graph: Graph, table: Tensor, ids: str) -> str:
        """ids (...) -> the name of these rows of a table (V,E), (...,E)."""


class Graph:
    """Nodes in order, and the constants that they read."""

    def __init__(self, products: Products, outer: Graph | None = None) -> None:
        """`outer` is the graph in which this one is a body: it has the constants and the sizes."""
        self.products, self.nodes = products, list[onnx.NodeProto]()
        self.top: Graph = outer.top if outer else self
        self.count = 0  # of names
        self.kind = torch.float32  # of what the node that is written just now gives
        self.constants: dict[bytes, str] = {}
        self.initializers: list[onnx.TensorProto] = []
        self.sizes: dict[Size, str] = {}

    def body(self) -> Graph:
        return Graph(self.products, self)

    def name(self) -> str:
        self.top.count += 1
        return f"v{self.top.count}"

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """A node; the name of its output, or of its outputs."""
        names = [self.name() for _ in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value: Tensor | NDArray[Any]) -> str:
        """Equal ones are there once."""
        array = np.require(value.detach().numpy() if isinstance(value, Tensor) else value, requirements="C")
        key = repr((array.dtype.str, array.shape)).encode() + array.tobytes()
        if key not in self.top.constants:
            self.top.constants[key] = name = self.name()
            self.top.initializers.append(numpy_helper.from_array(array, name))
        return self.top.constants[key]

    def number(self, value: float, kind: torch.dtype = torch.float32) -> str:
        return self.constant(torch.tensor(value, dtype=kind))

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def size(self, size: int | Size) -> str:
        """As a tensor of one number."""
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
        """For a Reshape or Expand."""
        if all(isinstance(dim, int) for dim in dims):
            return self.ints(*dims)  # type: ignore[arg-type]
        return str(self.add("Concat", *map(self.size, dims), axis=0))

    def drop_unused(self, outputs: Sequence[str]) -> None:
        """Nodes and constants that none of the outputs needs."""
        wanted, kept = set(outputs), []
        for node in reversed(self.nodes):
            if wanted & set(node.output):
                kept.append(node)
                wanted |= _read(node)
        self.nodes = kept[::-1]
        self.initializers = [one for one in self.initializers if one.name in wanted]

    def inputs(self, dims: Mapping[str, Dims], kinds: Mapping[str, torch.dtype]) -> list[onnx.ValueInfoProto]:
        """Inputs of the outermost graph, whose sizes are known from now on."""
        for name, shape in dims.items():
            for axis, dim in enumerate(shape):
                if isinstance(dim, str) and Size(1, (dim,)) not in self.sizes:
                    self.sizes[Size(1, (dim,))] = self.add("Shape", name, start=axis, end=axis + 1)
        return [info(name, kinds.get(name, torch.float32), shape) for name, shape in dims.items()]


def _read(node: onnx.NodeProto) -> set[str]:
    """What a node reads, also in its body."""
    bodies = (inner for one in node.attribute for inner in one.g.node)
    return {*node.input, *(name for inner in bodies for name in _read(inner))}


def info(name: str, kind: torch.dtype, shape: Dims) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, KINDS[kind], list(shape))


def model_of(
    graph: Graph, name: str, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]
) -> onnx.ModelProto:
    """Checked."""
    made = helper.make_graph(graph.nodes, name, inputs, outputs, graph.initializers)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    model.producer_name = "nmt"
    onnx.checker.check_model(model)
    return model


def append(
    graph: Graph,
    function: Callable[..., Any],
    inputs: Sequence[tuple[str, Dims, torch.dtype]],
    weights: Mapping[int, Tensor],
) -> list[str]:
    """The nodes of a function, of inputs by their names in the graph -> the names of its outputs, which are tensors
    or lists of them. `weights` are the numbers of the tensors that the function reads, which have none, by their id.

    Raises NotExportableError.
    """
    one, other = (_traced(function, inputs, sizes) for sizes in SIZES)
    if len(one.graph.nodes) != len(other.graph.nodes):
        raise NotExportableError("what the model computes depends on how long a text is")
    dims = [dim for _, shape, _ in inputs for dim in shape if isinstance(dim, str)]
    sizes = dict(zip(dict.fromkeys(dims), zip(*SIZES, strict=True), strict=False))
    values: dict[torch.fx.Node, Any] = {}
    given = iter(inputs)
    for node, same in zip(one.graph.nodes, other.graph.nodes, strict=True):
        if node.op == "placeholder":
            name, *_ = next(given)
            values[node] = Value(name, _shape(node, same, sizes))
        elif node.op == "get_attr":
            tensor = getattr(one, node.target)
            if id(tensor) not in weights:
                raise NotExportableError("the model reads a tensor that is none of its weights")
            values[node] = weights[id(tensor)]
        else:
            arguments = _merged(node.args, same.args, sizes, values)
            if node.op == "output":
                return [found.name for found in _flat(arguments[0])]
            graph.kind = getattr(node.meta.get("val"), "dtype", torch.float32)
            options = _merged(dict(node.kwargs), dict(same.kwargs), sizes, values)
            values[node] = _call(graph, node.target, arguments, options, _shape(node, same, sizes))
    raise AssertionError


@cache
def _decompositions() -> dict[Any, Callable[..., Any]]:
    """Of the many operations of torch into few."""
    from torch._decomp import core_aten_decompositions

    return dict(core_aten_decompositions())


def _traced(
    function: Callable[..., Any], inputs: Sequence[tuple[str, Dims, torch.dtype]], sizes: Sequence[int]
) -> torch.fx.GraphModule:
    from torch.fx.experimental.proxy_tensor import make_fx  # takes a second to import

    names = dict.fromkeys(dim for _, shape, _ in inputs for dim in shape if isinstance(dim, str))
    number = dict(zip(names, sizes, strict=False))
    tensors = [
        torch.empty([number[dim] if isinstance(dim, str) else dim for dim in shape], dtype=kind, device="meta")
        for _, shape, kind in inputs
    ]
    with torch.no_grad():
        found = make_fx(lambda *given: function(*given), _decompositions())(*tensors)
    found.graph.eliminate_dead_code()
    return found


def _shape(node: torch.fx.Node, same: torch.fx.Node, sizes: Mapping[str, tuple[int, ...]]) -> Any:
    found, other = node.meta.get("val"), same.meta.get("val")
    if isinstance(found, Tensor) and isinstance(other, Tensor):
        return tuple(_size(*pair, sizes) for pair in zip(found.shape, other.shape, strict=True))
    if isinstance(found, list | tuple) and isinstance(other, list | tuple):
        return [
            tuple(_size(*pair, sizes) for pair in zip(a.shape, b.shape, strict=True))
            for a, b in zip(found, other, strict=True)
            if isinstance(a, Tensor)
        ]
    return ()


def _size(one: int, other: int, sizes: Mapping[str, tuple[int, ...]]) -> int | Size:
    if one == other:
        return one
    for count in range(1, len(sizes) + 1):
        for names in combinations(sizes, count):
            products = [math.prod(sizes[name][k] for name in names) for k in (0, 1)]
            factor, rest = divmod(one, products[0])
            if not rest and factor * products[1] == other:
                return Size(factor, names)
    raise NotExportableError("a size in the model is no product of sizes of its inputs")


def _merged(one: Any, other: Any, sizes: Mapping[str, tuple[int, ...]], values: Mapping[torch.fx.Node, Any]) -> Any:
    """Arguments of both traces as those of one."""
    if isinstance(one, torch.fx.Node):
        return values[one]
    if isinstance(one, list | tuple):
        return [_merged(a, b, sizes, values) for a, b in zip(one, other, strict=True)]
    if isinstance(one, dict):
        return {key: _merged(part, other[key], sizes, values) for key, part in one.items()}
    return _size(one, other, sizes) if type(one) is int else one


def _flat(found: Any) -> list[Value]:
    return [value for part in found for value in _flat(part)] if type(found) is list else [found]


def _call(graph: Graph, target: Any, arguments: list[Any], options: dict[str, Any], shape: Any) -> Any:
    if target is operator.getitem:
        return arguments[0][arguments[1]]
    if target in SAME:
        return arguments[0]
    parts = [part for one in arguments for part in (one if isinstance(one, list) else [one])]
    if not any(isinstance(part, Value | Size) for part in parts):  # of weights and numbers alone
        with torch.no_grad():
            return target(*arguments, **{**options, "device": "cpu"} if "device" in options else options)
    if target not in OPERATORS:
        raise NotExportableError(f"{target} is not known here")
    found = OPERATORS[target](graph, shape, *arguments, **options)
    if isinstance(found, list):
        return [Value(name, own) for name, own in zip(found, shape, strict=False)]
    return Value(found, shape)
