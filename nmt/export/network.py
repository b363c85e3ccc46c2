"""The two graphs of a model: the encoder, which reads sentences once, and one step of the decoder.

    encoder   src (B,S), src_len (B,)                 -> memory, states
    decoder   ids (B,K), memory, states (B,K,...)     -> log_probs (B,K,V), states

Memory holds those of `values` (B,S,M), `keys` (B,S,·) and `mask` (B,S) that the decoder's step reads. The encoder's
recurrent layers are Scans. On padding the state does not change, so padding affects no result, and the last state is
that of the last real token, whichever way a layer reads.

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
from nmt.export.graph import Dims, OnnxGraph, Products, Size, TensorSpec, append, infos, model_of
from nmt.model.attention import Memory
from nmt.model.recurrent import Recurrent
from nmt.model.seq2seq import Seq2Seq

INT, BOOL = torch.int64, torch.bool
MEMORY = ("values", "keys", "mask")
BATCH = ("B", "K")


@dataclass(frozen=True)
class ExportedModel:
    encoder: onnx.ModelProto
    decoder: onnx.ModelProto
    memory: tuple[str, ...]  # the parts of MEMORY that the decoder reads
    states: tuple[str, ...]


class Exporter:
    def __init__(self, model: Seq2Seq, products: Products) -> None:
        self.products = products
        self.original = model
        self.model = copy.deepcopy(model).to("meta").eval()  # only shapes, for tracing
        bias = with_banned(model.output_bias, model.banned)
        self.bias = torch.empty_like(bias, device="meta")
        pairs = zip(self.model.parameters(), model.parameters(), strict=True)
        self.weights = {id(shape): numbers.detach() for shape, numbers in pairs} | {id(self.bias): bias}
        size = model.config.hidden_size
        values, mask = torch.empty(1, 1, size, device="meta"), torch.empty(1, 1, dtype=BOOL, device="meta")
        keys = self.model.decoder.attention.keys(values)
        self.start = self.model.decoder.initial_state(Memory(values, keys, mask, values[:, 0]))  # for its shapes
        self.memory_dims: dict[str, Dims] = {
            "values": ("B", "S", size), "keys": ("B", "S", keys.shape[2]), "mask": ("B", "S")
        }  # fmt: skip
        shapes: list[Dims] = [tuple(part.shape[1:]) for part in self.start.tensors()]
        if self.start.coverage is not None:
            shapes[-1] = ("S",)
        self.state_dims = {f"state_{k}": shape for k, shape in enumerate(shapes)}

    def export(self) -> ExportedModel:
        decoder, memory = self.decoder()
        return ExportedModel(self.encoder(memory), decoder, memory, tuple(self.state_dims))

    def append(self, graph: OnnxGraph, function: Callable[..., Any], *inputs: TensorSpec) -> list[str]:
        return append(graph, function, inputs, self.weights)

    def memory_spec(self, name: str) -> TensorSpec:
        return TensorSpec(name, self.memory_dims[name], BOOL if name == "mask" else torch.float32)

    def decoder(self) -> tuple[onnx.ModelProto, tuple[str, ...]]:
        model, bias = self.model, self.bias
        states = [TensorSpec(name, (*BATCH, *dims)) for name, dims in self.state_dims.items()]
        inputs = [TensorSpec("ids", BATCH, INT), *map(self.memory_spec, MEMORY), *states]

        def step(ids: Tensor, values: Tensor, keys: Tensor, mask: Tensor, *states: Tensor) -> list[Tensor]:
            memory = Memory(values, keys, mask, values[:, 0])
            state = self.start.with_tensors(part.flatten(0, 1) for part in states)
            features, state, _ = model.decoder.step(model.embed_tgt(ids).flatten(0, 1), state, memory)
            log_probs = F.linear(features, model.output_table, bias).log_softmax(-1)
            return [part.view(*ids.shape, *part.shape[1:]) for part in (log_probs, *state.tensors())]

        graph = OnnxGraph(self.products)
        graph.learn_sizes(inputs)
        found = self.append(graph, step, *inputs)
        log_probs = TensorSpec("log_probs", (*BATCH, len(self.original.output_bias)))
        outputs = [log_probs, *(TensorSpec(f"next_{name}", dims) for name, dims, _ in states)]
        graph.finish(found, outputs)
        read = {name for node in graph.nodes for name in node.input}
        used = [one for one in inputs if one.name in read or one in states]
        memory = tuple(one.name for one in used if one.name in MEMORY)
        return model_of(graph, "decoder", used, outputs), memory

    def encoder(self, memory: Sequence[str]) -> onnx.ModelProto:
        model, graph, size = self.model, OnnxGraph(self.products), self.model.config.hidden_size
        inputs = [TensorSpec("src", ("B", "S"), INT), TensorSpec("src_len", ("B",), INT)]
        graph.learn_sizes(inputs)
        length = graph.add("Squeeze", graph.add("Shape", "src", start=1, end=2), graph.ints(0))
        places = graph.add("Range", graph.number(0, INT), length, graph.number(1, INT))
        mask = graph.add("Less", places, graph.add("Unsqueeze", "src_len", graph.ints(1)))
        in_time = graph.add("Unsqueeze", graph.add("Transpose", mask, perm=[1, 0]), graph.ints(2))  # (S,B,1)
        values, final = self.run_layers(graph, in_time)

        def begin(values: Tensor, mask: Tensor, final: Tensor) -> list[Tensor]:
            of_source = Memory(values, model.decoder.attention.keys(values), mask, final)
            return [of_source.keys, *(part[:, None] for part in model.decoder.initial_state(of_source).tensors())]

        of_source = (
            TensorSpec(values, ("B", "S", size)), TensorSpec(mask, ("B", "S"), BOOL), TensorSpec(final, ("B", size))
        )  # fmt: skip
        keys, *states = self.append(graph, begin, *of_source)
        found = {"values": values, "keys": keys, "mask": mask} | dict(zip(self.state_dims, states, strict=True))
        outputs = [self.memory_spec(name) for name in memory]
        outputs += [TensorSpec(name, ("B", 1, *dims)) for name, dims in self.state_dims.items()]
        graph.finish([found[output.name] for output in outputs], outputs)
        return model_of(graph, "encoder", inputs, outputs)

    def run_layers(self, graph: OnnxGraph, mask: str) -> tuple[str, str]:
        """As model.encoder.run_layers: the names of values (B,S,M) and final (B,M)."""
        model, config = self.model, self.model.config.encoder
        (x,) = self.append(graph, model.embed_src, TensorSpec("src", ("B", "S"), INT))
        size = model.config.embedding_size
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
            shares = self.original.encoder.mix.detach().softmax(0)
            weighted = [
                graph.add("Mul", of, graph.constant(share)) for of, share in zip(of_layers, shares, strict=True)
            ]
            x = graph.add("Sum", *weighted)
        return x, graph.add("Concat", *finals, axis=1) if finals[1:] else finals[0]

    def scan(self, graph: OnnxGraph, layer: Recurrent, back: bool, x: str, size: int, mask: str) -> tuple[str, str]:
        """One layer in one direction over x (B,S,size) -> its outputs (B,S,H) and the last one."""
        (inputs,) = self.append(graph, layer.inputs, TensorSpec(x, ("B", "S", size)))
        in_time = graph.add("Transpose", inputs, perm=[1, 0, 2])
        starts = layer.start(*torch.zeros(layer.cell.num_initial_vectors, 1, layer.hidden_size))
        states = [
            graph.add("Expand", graph.constant(part), graph.shape([Size(1, ("B",)), *part.shape[1:]]))
            for part in starts
        ]
        body = graph.body()
        of_state = [TensorSpec(graph.name(), ("B", *part.shape[1:])) for part in starts]
        of_input = TensorSpec(graph.name(), ("B", layer.rows.all)), TensorSpec(graph.name(), ("B", 1), BOOL)

        def step(*parts: Tensor) -> list[Tensor]:
            *state, x, mask = parts
            found: State = layer.step_after_inputs(x, tuple(state))
            pairs = zip(found, state, strict=True)
            return [torch.where(mask.view(-1, *[1] * (new.ndim - 1)), new, old) for new, old in pairs]

        found = self.append(body, step, *of_state, *of_input)
        names = [*found, body.add("Identity", found[0])]
        outputs = [one._replace(name=name) for one, name in zip([*of_state, of_state[0]], names, strict=True)]
        *last, of_time = graph.add_several(
            "Scan",
            len(outputs),
            *states, in_time, mask,
            body=helper.make_graph(body.nodes, "step", infos([*of_state, *of_input]), infos(outputs)),
            num_scan_inputs=2,
            scan_input_directions=[int(back)] * 2,
            scan_output_directions=[int(back)],
        )  # fmt: skip
        return graph.add("Transpose", of_time, perm=[1, 0, 2]), last[0]
