"""The two graphs of a model: the encoder, which reads sentences once, and one step of the decoder.

    encoder   src (B,S), src_len (B,)                 -> memory, states
    decoder   ids (B,K), memory, states (B,K,...)     -> log_probs (B,K,V), states

Memory is what the decoder's step reads of `values` (B,S,M), `keys` (B,S,·) and `mask` (B,S). Recurrent layers of the
encoder are Scans: on padding a state stays as it is, so that it changes no result and the last state is that of the
last real token, whichever way a layer reads.

Dims: B sentences, K hypotheses of each, S source tokens, V vocabulary.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import onnx
import torch
import torch.nn.functional as F
from onnx import helper
from torch import Tensor

from nmt.cells import State
from nmt.engine.output import with_banned
from nmt.export.graph import Dims, Graph, Products, Size, append, info, model_of
from nmt.model.attention import Memory
from nmt.model.recurrent import Recurrent
from nmt.model.seq2seq import Seq2Seq
from nmt.model.wirings import DecoderState

FLOAT, INT, BOOL = torch.float32, torch.int64, torch.bool
MEMORY = ("values", "keys", "mask")
BATCH = ("B", "K")


@dataclass(frozen=True)
class Network:
    encoder: onnx.ModelProto
    decoder: onnx.ModelProto
    memory: tuple[str, ...]  # what the decoder reads of MEMORY
    states: tuple[str, ...]


class Exporter:
    def __init__(self, model: Seq2Seq, products: Products) -> None:
        self.products = products
        self.model = copy.deepcopy(model).to("meta").eval()  # shapes alone, for what is traced
        bias = with_banned(model.output_bias, model.banned)
        self.bias = torch.empty_like(bias, device="meta")
        pairs = zip(self.model.parameters(), model.parameters(), strict=True)
        self.weights = {id(shape): numbers.detach() for shape, numbers in pairs} | {id(self.bias): bias}
        self.originals = model

    def network(self) -> Network:
        size = self.model.config.hidden_size
        values = torch.empty(1, 1, size, device="meta")
        keys = self.model.decoder.attention.keys(values)
        mask = torch.empty(1, 1, dtype=BOOL, device="meta")
        start = self.model.decoder.initial_state(Memory(values, keys, mask, values[:, 0]))
        self.layers = [len(layer) for layer in start.layers]
        self.is_fed, self.is_covered = start.feed is not None, start.coverage is not None
        self.memory_dims: dict[str, Dims] = {
            "values": ("B", "S", size), "keys": ("B", "S", keys.shape[2]), "mask": ("B", "S")
        }  # fmt: skip
        shapes: list[Dims] = [tuple(part.shape[1:]) for part in _parts(start)]
        if self.is_covered:
            shapes[-1] = ("S",)
        self.state_dims = {f"state_{k}": shape for k, shape in enumerate(shapes)}
        decoder, memory = self.decoder()
        return Network(self.encoder(memory), decoder, memory, tuple(self.state_dims))

    def append(
        self, graph: Graph, function: Callable[..., Any], *inputs: tuple[str, Dims] | tuple[str, Dims, torch.dtype]
    ) -> list[str]:
        return append(graph, function, [(one[0], one[1], *(one[2:] or (FLOAT,))) for one in inputs], self.weights)

    def state_of(self, parts: Sequence[Tensor]) -> DecoderState:
        """Of its parts, those of a step."""
        rest = iter(parts)
        layers = tuple(tuple(next(rest) for _ in range(count)) for count in self.layers)
        return DecoderState(layers, next(rest) if self.is_fed else None, next(rest) if self.is_covered else None)

    def decoder(self) -> tuple[onnx.ModelProto, tuple[str, ...]]:
        model, bias = self.model, self.bias
        dims: dict[str, Dims] = {"ids": BATCH, **self.memory_dims}
        dims |= {name: (*BATCH, *shape) for name, shape in self.state_dims.items()}
        kinds = {"ids": INT, "mask": BOOL}

        def step(ids: Tensor, values: Tensor, keys: Tensor, mask: Tensor, *states: Tensor) -> list[Tensor]:
            memory = Memory(values, keys, mask, values[:, 0])
            state = self.state_of([part.flatten(0, 1) for part in states])
            features, state, _ = model.decoder.step(model.embed_tgt(ids).flatten(0, 1), state, memory)
            log_probs = F.linear(features, model.output_table, bias).log_softmax(-1)
            return [part.view(*ids.shape, *part.shape[1:]) for part in (log_probs, *_parts(state))]

        graph = Graph(self.products)
        inputs = graph.inputs(dims, kinds)
        found = self.append(graph, step, *((name, dims[name], kinds.get(name, FLOAT)) for name in dims))
        names = ["log_probs", *(f"next_{name}" for name in self.state_dims)]
        for name, value in zip(names, found, strict=True):
            graph.nodes.append(helper.make_node("Identity", [value], [name]))
        shapes: list[Dims] = [(*BATCH, len(self.originals.output_bias)), *(dims[name] for name in self.state_dims)]
        outputs = [info(name, FLOAT, shape) for name, shape in zip(names, shapes, strict=True)]
        graph.drop_unused(names)
        read = {name for node in graph.nodes for name in node.input}
        used = [one for one in inputs if one.name in read or one.name in self.state_dims]
        memory = tuple(name for name in MEMORY if name in {one.name for one in used})
        return model_of(graph, "decoder", used, outputs), memory

    def encoder(self, memory: Sequence[str]) -> onnx.ModelProto:
        model, graph = self.model, Graph(self.products)
        inputs = graph.inputs({"src": ("B", "S"), "src_len": ("B",)}, {"src": INT, "src_len": INT})
        length = graph.add("Squeeze", graph.add("Shape", "src", start=1, end=2), graph.ints(0))
        places = graph.add("Range", graph.number(0, INT), length, graph.number(1, INT))
        mask = graph.add("Less", places, graph.add("Unsqueeze", "src_len", graph.ints(1)))
        in_time = graph.add("Unsqueeze", graph.add("Transpose", mask, perm=[1, 0]), graph.ints(2))  # (S,B,1)
        values, final = self.read(graph, in_time)
        size = model.config.hidden_size

        def begin(values: Tensor, mask: Tensor, final: Tensor) -> list[Tensor]:
            of_source = Memory(values, model.decoder.attention.keys(values), mask, final)
            return [of_source.keys, *(part[:, None] for part in _parts(model.decoder.initial_state(of_source)))]

        keys, *states = self.append(
            graph, begin, (values, ("B", "S", size)), (mask, ("B", "S"), BOOL), (final, ("B", size))
        )
        found = {"values": values, "keys": keys, "mask": mask} | dict(zip(self.state_dims, states, strict=True))
        outputs = []
        for name in (*memory, *self.state_dims):
            graph.nodes.append(helper.make_node("Identity", [found[name]], [name]))
            dims = self.memory_dims.get(name) or ("B", 1, *self.state_dims[name])
            outputs.append(info(name, BOOL if name == "mask" else FLOAT, dims))
        graph.drop_unused([one.name for one in outputs])
        return model_of(graph, "encoder", inputs, outputs)

    def read(self, graph: Graph, mask: str) -> tuple[str, str]:
        """As model.encoder.read: the names of values (B,S,M) and final (B,M)."""
        model, config = self.model, self.model.config.encoder
        x, size = self.append(graph, model.embed_src, ("src", ("B", "S"), INT))[0], model.config.embedding_size
        of_layers, finals = [], list[str]()
        for depth, directions in enumerate(model.encoder.directions()):
            backward = config.backward(depth)
            found = [
                self.scan(graph, layer, back, x, size, mask) for layer, back in zip(directions, backward, strict=True)
            ]
            below, size = x, model.config.hidden_size
            outputs, finals = [one for one, _ in found], [last for _, last in found]
            x = graph.add("Concat", *outputs, axis=2) if outputs[1:] else outputs[0]
            if depth and config.residual:
                x = graph.add("Add", x, below)
            of_layers.append(x)
        if config.transparent:
            shares = self.originals.encoder.mix.detach().softmax(0)
            weighted = [
                graph.add("Mul", of, graph.constant(share)) for of, share in zip(of_layers, shares, strict=True)
            ]
            x = graph.add("Sum", *weighted)
        return x, graph.add("Concat", *finals, axis=1) if finals[1:] else finals[0]

    def scan(self, graph: Graph, layer: Recurrent, back: bool, x: str, size: int, mask: str) -> tuple[str, str]:
        """One layer in one direction over x (B,S,size) -> its outputs (B,S,H), and the last."""
        inputs = self.append(graph, layer.inputs, (x, ("B", "S", size)))[0]
        in_time = graph.add("Transpose", inputs, perm=[1, 0, 2])
        starts = [part.detach() for part in self.start_of(layer)]
        states = [
            graph.add("Expand", graph.constant(part), graph.shape([Size(1, ("B",)), *part.shape[1:]]))
            for part in starts
        ]
        body = graph.body()
        names = [graph.name() for _ in (*starts, 0, 0)]
        dims: list[Dims] = [*(("B", *part.shape[1:]) for part in starts), ("B", layer.rows.all), ("B", 1)]
        kinds = [*[FLOAT] * (len(starts) + 1), BOOL]

        def step(*parts: Tensor) -> list[Tensor]:
            *state, x, mask = parts
            found: State = layer.step_after_inputs(x, tuple(state))
            pairs = zip(found, state, strict=True)
            return [torch.where(mask.view(-1, *[1] * (new.ndim - 1)), new, old) for new, old in pairs]

        found = self.append(body, step, *zip(names, dims, kinds, strict=True))
        of_step = body.add("Identity", found[0])
        infos = [info(*one) for one in zip(names, kinds, dims, strict=True)]
        outputs = [
            info(*one) for one in zip([*found, of_step], [FLOAT] * 9, [*dims[: len(starts)], dims[0]], strict=False)
        ]
        *last, of_time = graph.add(
            "Scan",
            *states, in_time, mask,
            outputs=len(starts) + 1,
            body=helper.make_graph(body.nodes, "step", infos, outputs),
            num_scan_inputs=2,
            scan_input_directions=[int(back)] * 2,
            scan_output_directions=[int(back)],
        )  # fmt: skip
        return graph.add("Transpose", of_time, perm=[1, 0, 2]), last[0]

    def start_of(self, layer: Recurrent) -> State:
        return layer.start(*torch.zeros(layer.cell.num_initial_vectors, 1, layer.hidden_size))


def _parts(state: DecoderState) -> list[Tensor]:
    rest = [part for part in (state.feed, state.coverage) if part is not None]
    return [*(part for layer in state.layers for part in layer), *rest]
