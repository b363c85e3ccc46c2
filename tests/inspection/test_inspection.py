"""What an inspection shows is what the model does: nothing is made up, for any cell."""

from __future__ import annotations

import copy
import html
import itertools

import pytest
import torch
import toy

from nmt.data.batching import pad
from nmt.data.tokenizer import BOS_ID, EOS_ID
from nmt.inspection import inspect_sentence, sections
from nmt.inspection.alignment import align, pharaoh, word_of, word_weights
from nmt.inspection.flow import flow, mean_by_distance
from nmt.inspection.report import PARTS
from nmt.inspection.search_tree import search_steps
from nmt.inspection.trace import half_life, layer_trace, trace, traced
from nmt.model.cells import CELLS
from nmt.model.decoder import DECODERS
from nmt.model.encoder import EncoderConfig
from nmt.model.recurrent import Recurrent
from nmt.pictures.page import to_html
from nmt.search import Beam, Greedy
from nmt.translator import Translator

SRC, TGT = [5, 7, 4, 9, EOS_ID], [6, 4, 8]
B, T, E, H = 1, 4, 3, 8


@pytest.fixture
def translator(trained):
    return Translator.load(trained / "model", compute="float32", shortlist=False)


def calls_of(name):
    """One layer's steps over random inputs."""
    torch.manual_seed(2)
    layer = Recurrent(CELLS[name](), E, H).double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    watched = traced(layer)
    x = torch.randn(B, T, E, dtype=torch.float64)
    return layer, watched, x, watched(x)


@pytest.mark.parametrize("cell", sorted(CELLS))
@pytest.mark.parametrize("decoder", sorted(DECODERS))
def test_a_traced_model_gives_what_the_model_gives(cell, decoder):
    encoder = EncoderConfig(num_layers=2, direction="bidirectional")
    model = toy.model(cell, decoder, num_layers=2, encoder=encoder)
    before = copy.deepcopy(model.state_dict())
    layers, features = trace(model, SRC, TGT)
    expected, _ = model(*pad([SRC]), pad([[BOS_ID, *TGT]])[0])
    torch.testing.assert_close(features, expected[0])
    assert len(layers) == 2 * 2 + 2
    assert {len(layer.steps) for layer in layers if layer.of_source} == {len(SRC)}
    assert {len(layer.steps) for layer in layers if not layer.of_source} == {len(TGT) + 1}
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    assert not any(type(part) is not Recurrent for part in model.modules() if isinstance(part, Recurrent))


def test_a_layer_that_reads_backward_is_shown_in_the_order_of_the_text():
    model = toy.model(encoder=EncoderConfig(direction="bidirectional"))
    layers, _ = trace(model, SRC, TGT)
    memory = model.encode(*pad([SRC])).values[0]  # (S, M)
    forward, backward = (layer.states["h"] for layer in layers[:2])
    torch.testing.assert_close(torch.cat([forward, backward], 1), memory)
    assert [layer.name for layer in layers[:2]] == ["encoder layer 1, forward", "encoder layer 1, backward"]


@pytest.mark.parametrize("name", sorted(CELLS))
def test_every_cell_shows_gates_without_telling_them(name):
    _, watched, _, _ = calls_of(name)
    layer = layer_trace(watched, "layer")
    assert layer.gates or layer.kept
    assert set(layer.gates) <= set(watched.cell.gates)
    assert all(len(gate) == T and gate.isfinite().all() for gate in layer.gates.values())


def test_the_gates_shown_are_those_of_the_equations():
    """Of peepholes the strictest: the output gate sees what this step made of the cell."""
    plain, watched, x, _ = calls_of("lstm_peephole")
    layer = layer_trace(watched, "layer")
    h, c = torch.zeros(2, T + 1, H, dtype=torch.float64)
    h[1:], c[1:] = layer.states["h"], layer.states["c"]
    sums = x[0] @ plain.weight_ih.T + plain.bias_ih + h[:-1] @ plain.weight_hh.T + plain.bias_hh
    i, f, g, o = sums.detach().chunk(4, -1)
    p_i, p_f, p_o = plain.extra["peephole"].detach()
    torch.testing.assert_close(layer.gates["i"], torch.sigmoid(i + p_i * c[:-1]))
    torch.testing.assert_close(layer.gates["f"], torch.sigmoid(f + p_f * c[:-1]))
    torch.testing.assert_close(layer.gates["g"], torch.tanh(g))
    torch.testing.assert_close(layer.gates["o"], torch.sigmoid(o + p_o * c[1:]))
    assert list(layer.gates) == ["i", "f", "g", "o"]


def test_a_step_of_several_transitions_shows_the_gates_of_each():
    layer = Recurrent(CELLS["gru"](depth=2), E, H).double()
    watched = traced(layer)
    watched(torch.randn(B, T, E, dtype=torch.float64))
    shown = layer_trace(watched, "layer")
    assert list(shown.gates) == ["r", "z", "n", "r (2)", "z (2)", "n (2)"]
    torch.testing.assert_close(shown.kept["h"], shown.gates["z"] * shown.gates["z (2)"])


def test_the_share_kept_is_the_forget_gate_of_an_lstm_and_the_update_gate_of_a_gru():
    for name, state, gate in (("lstm", "c", "f"), ("gru", "h", "z")):
        layer = layer_trace(calls_of(name)[1], "layer")
        assert list(layer.kept) == [state]
        torch.testing.assert_close(layer.kept[state], layer.gates[gate])
    assert layer_trace(calls_of("rnn")[1], "layer").kept == {}


def test_half_of_what_is_kept_is_left_after_its_half_life():
    torch.testing.assert_close(half_life(torch.tensor([[0.5, 0.25, 0.9], [0.5, 0.25, 0.4]])).tolist()[:2], [1.0, 0.5])
    assert half_life(torch.ones(3, 2)).isfinite().all()
    assert half_life(torch.tensor([[0.9], [0.4]])) == pytest.approx(
        0.5**0 * torch.tensor(0.5).log().item() / torch.tensor(0.6).log().item()
    )


def test_a_gradient_shrinks_by_the_factor_of_the_recurrence():
    layer = Recurrent(CELLS["rnn"](), E, H).double()
    with torch.no_grad():
        layer.weight_hh.mul_(0.5)  # orthogonal, halved; all inputs are zero, so tanh is the identity
    watched = traced(layer)
    outputs = watched(torch.zeros(B, T, E, dtype=torch.float64))
    norms = flow((outputs[0, -1] * torch.eye(H, dtype=torch.float64)[0]).sum(), [watched.steps])
    assert norms == pytest.approx([0.5**distance for distance in range(T)])


@pytest.mark.parametrize("name", sorted(CELLS))
def test_no_gradient_reaches_a_state_after_the_loss(name):
    _, watched, _, outputs = calls_of(name)
    norms = flow(outputs[0, 1].sum(), [watched.steps])
    assert norms[: T - 2] == [0.0] * (T - 2)
    assert norms[T - 2] > 0


def test_means_over_sentences_of_different_lengths_are_geometric():
    assert mean_by_distance([[1.0, 4.0], [4.0], [2.0]]) == pytest.approx([2.0, 4.0])


@pytest.mark.parametrize("search", [Greedy(), Beam(beam_size=3)])
def test_the_tree_holds_the_translation_and_says_why_the_rest_lost(translator, search):
    translator.search = search
    sentence = "Der Hund sieht das Haus."
    (best,) = translator.translate([sentence])
    (src,) = translator.tokenizer.encode_src([sentence])
    steps = search_steps(translator, src)
    (chosen,) = [one for step in steps for one in step if one.fate == "chosen"]
    assert translator.tokenizer.tgt_pieces(list(chosen.ids)) == [*best.tokens, "</s>"]
    assert chosen.log_prob == pytest.approx(best.log_prob, abs=1e-4)
    width = getattr(search, "beam_size", 1)
    for step, after in itertools.pairwise(steps):
        live = {one.ids for one in step if one.fate == "lives"}
        assert {one.parent for one in after} == live
        assert 1 <= len(live) <= width
    assert all(one.reason for step in steps for one in step)
    assert any("nats behind" in one.reason for step in steps for one in step)


def test_pieces_make_words():
    assert word_of(["▁Der", "▁Hu", "nd", "▁", "."]) == [0, 1, 1, 2, 2]
    assert word_of(["Der", "nd"]) == [0, 0]
    weights = torch.tensor([[0.5, 0.2, 0.2], [0.1, 0.3, 0.4], [0.0, 0.5, 0.5]])
    of_words = word_weights(weights, ["▁a", "▁b", "c"], ["▁x", "y", "▁z"])
    torch.testing.assert_close(of_words, torch.tensor([[0.3, 0.55], [0.0, 1.0]]))
    assert pharaoh(of_words, None) == "1-0 1-1"
    assert pharaoh(of_words, 0.3) == "0-0:0.300 1-0:0.550 1-1:1.000"


def test_sentences_align_the_same_alone_and_among_others(translator):
    srcs, tgts = (
        ["Anna mag den Ball.", "Paul sucht ein Kind.", "Ein Kind hört die Stadt."],
        ["Anna likes.", "Paul", "A child hears"],
    )
    together = list(align(translator, srcs, tgts))
    for src, tgt, weights in zip(srcs, tgts, together, strict=True):
        (alone,) = align(translator, [src], [tgt])
        torch.testing.assert_close(weights, alone)
        assert weights.shape == (len(tgt.split()), len(src.split()))


def test_every_part_becomes_a_section_of_a_page(translator):
    found = inspect_sentence(translator, "Die Frau sieht einen Vogel.", list(PARTS), beside={"other": translator})
    shown = sections(found)
    assert [section.title for section in shown] == ["Attention", "Gates and states", "Gradient flow", "Search"]
    titles = [chart.title for section in shown for chart in section.charts]
    assert {"encoder layer 1, forward: gate f", "decoder layer 1: state c", "attention", "search"} <= set(titles)
    assert {"this model, trained", "other, untrained"} <= {line.label for line in shown[2].charts[0].lines}
    assert all(html.escape(piece) in to_html("x", shown[:1]) for piece in found["tgt_pieces"])


def test_a_given_translation_is_looked_at_instead_of_the_models(translator):
    found = inspect_sentence(translator, "Anna mag den Ball.", ["attention"], "The dog sees the house.")
    assert found["tgt"] == "The dog sees the house."
    assert len(found["attention"][0]) == len(found["tgt_pieces"])


def test_empty_text_is_refused(translator):
    with pytest.raises(ValueError, match="the sentence is empty"):
        inspect_sentence(translator, " ", ["attention"])
