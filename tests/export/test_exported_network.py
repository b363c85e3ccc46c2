"""Graphs of ONNX as onnxruntime runs them against the network that is searched in float32."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
import toy
from torch import nn

pytest.importorskip("onnx")

from nmt.engine.network import TrainedNetwork
from nmt.export.graph import NotExportableError, OnnxGraph, TensorSpec, model_of
from nmt.export.network import Exporter
from nmt.export.products import Float32, Int8
from nmt.model.attention import ATTENTIONS, GeneralAttention
from nmt.model.encoder import EncoderConfig, run_layers

LENGTHS = [5, 3, 7]


def session(model):
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def named(session, feeds):
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


@pytest.mark.parametrize("cell", sorted(toy.CELL_KINDS))
def test_an_encoder_of_every_cell_reads_as_ours(cell):
    """Over padding."""
    encoder = EncoderConfig(direction="unidirectional")
    model = toy.model(cell, encoder=encoder).float().eval()
    exporter, graph = Exporter(model, Float32()), OnnxGraph(Float32())
    inputs = [TensorSpec("src", ("B", "S"), torch.int64), TensorSpec("mask", ("S", "B", 1), torch.bool)]
    graph.learn_sizes(inputs)
    names = exporter.run_layers(graph, "mask")
    outputs = [TensorSpec(name, dims) for name, dims in zip(names, (("B", "S", 8), ("B", 8)), strict=True)]
    src, length = toy.sources(LENGTHS)
    mask = torch.arange(src.shape[1]) < length[:, None]
    feeds = {"src": src.numpy(), "mask": mask.T[:, :, None].numpy()}
    values, final = session(model_of(graph, "reading", inputs, outputs)).run(None, feeds)
    with torch.no_grad():
        expected, last = run_layers(encoder, model.encoder.directions(), None, model.embed_src(src), length)
    torch.testing.assert_close(torch.from_numpy(values)[mask], expected[mask], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(torch.from_numpy(final), last, rtol=1e-5, atol=1e-5)


NETWORKS = {
    "rnn, gnmt, none": ("rnn", "gnmt", "none", {}),
    "rnn, input_feeding, location": ("rnn", "input_feeding", "location", {"positions": 3}),
    "mlstm, gnmt, dot": ("mlstm", "gnmt", "dot", {}),
    "gru, input_feeding, general": ("gru", "input_feeding", "general", {"num_layers": 2, "heads": 2}),
    "lstm, bahdanau, additive": (
        "lstm",
        "bahdanau",
        "additive",
        {"coverage": True, "heads": 2, "context_gate": True},
    ),
    "untied": (
        "lstm_ln",
        "gnmt",
        "additive",
        {
            "tie": "none",
            "features_size": 5,
            "encoder": EncoderConfig(num_layers=2, direction="alternating", transparent=True),
        },
    ),
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_search_sees_the_same_log_probabilities(kind):
    """Step by step, and when hypotheses change places."""
    cell, decoder, attention, settings = NETWORKS[kind]
    model = toy.model(cell, decoder, attention, **settings).float().eval()
    found = Exporter(model, Float32()).export()
    encoder, step = session(found.encoder), session(found.decoder)
    src, length = toy.sources(LENGTHS)
    feeds = named(encoder, {"src": src.numpy(), "src_len": length.numpy()})
    trained = TrainedNetwork(model)
    with torch.no_grad():
        state, ids, width = trained.start(src, length), torch.full((3,), 2), 1
        for _ in range(3):
            logits, state = trained.step(ids, state)
            log_probs, *states = step.run(None, feeds | {"ids": ids.view(3, width).numpy()})
            expected = logits.log_softmax(-1).numpy().reshape(3, width, -1)
            np.testing.assert_allclose(log_probs, expected, rtol=1e-5, atol=1e-5)
            parents = [[0, 0], [0, 0], [0, 0]] if width == 1 else [[1, 0], [1, 1], [0, 1]]
            rows = torch.tensor(parents) + torch.arange(3)[:, None] * width
            state, width = state.select(rows.flatten()), 2
            moved = [state[np.arange(3)[:, None], np.array(parents)] for state in states]
            feeds |= dict(zip(found.states, moved, strict=True))
            ids = torch.arange(6) % 5 + 4


class Placed(GeneralAttention):
    """Types and operations that only parts of a user's own have: a learned place, a slope, a window, waves."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.place = nn.Parameter(torch.linspace(-1, 1, 30), requires_grad=False)

    def keys(self, values):
        place = torch.arange(values.shape[1], dtype=values.dtype, device=values.device)[:, None]
        return super().keys(values + torch.sin(place) + torch.cos(place / 2))

    def forward(self, query, memory):
        place = torch.arange(memory.mask.shape[1], device=query.device)
        slope = place / memory.mask.sum(1, keepdim=True) + memory.mask.cumsum(1) / 2 + memory.mask.to(query.dtype)
        scores = self.score(query, memory.keys) + self.place[: len(place)] + slope[:, None, None]
        return self.mean(torch.where((place == 3) | (place < 2), scores, scores / 2), memory)


class OnCondition(GeneralAttention):
    def score(self, query, keys):
        found = super().score(query, keys)
        return found / 2 if found.max() > 9 else found


def test_an_attention_of_a_users_own_is_exported(monkeypatch):
    monkeypatch.setitem(ATTENTIONS, "placed", Placed)
    monkeypatch.setitem(NETWORKS, "placed", ("gru", "gnmt", "placed", {}))
    test_a_search_sees_the_same_log_probabilities("placed")


def test_what_has_no_trace_is_refused(monkeypatch):
    monkeypatch.setitem(ATTENTIONS, "on_condition", OnCondition)
    with pytest.raises(NotExportableError, match="cannot be traced, as ONNX needs: RuntimeError: .*data-dependent"):
        Exporter(toy.model("gru", "gnmt", "on_condition").float().eval(), Float32()).export()


def test_bytes_are_near_and_no_sentence_depends_on_another():
    model = toy.model("lstm", "gnmt", "additive", embedding_size=32, hidden_size=48).float().eval()
    src, length = toy.sources([9, 4])
    exported = [Exporter(model, products).export() for products in (Float32(), Int8())]
    results = []
    for found, rows in ((exported[0], slice(2)), (exported[1], slice(2)), (exported[1], slice(1, 2))):
        given = src[rows][:, : length[rows].max()]
        feeds = named(session(found.encoder), {"src": given.numpy(), "src_len": length[rows].numpy()})
        results.append(session(found.decoder).run(None, feeds | {"ids": np.full((len(given), 1), 2)})[0][-1, 0, 3:])
    exact, in_bytes, alone = results
    np.testing.assert_array_equal(in_bytes, alone)
    assert 0 < np.abs(in_bytes - exact).max() < 0.1


def test_what_has_no_counterpart_is_refused():
    model = toy.model().float().eval()
    model.decoder.readout.forward = lambda *inputs: torch.fft.fft(torch.cat(inputs, -1)).real[:, :6]
    with pytest.raises(NotExportableError, match="is not known"):
        Exporter(model, Float32()).export()
