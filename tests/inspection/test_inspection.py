"""What an inspection shows is what the model does: nothing is made up, for any cell."""

from __future__ import annotations

import copy
import html
import itertools
import math

import pytest
import torch
import toy

from nmt.data.batching import pad
from nmt.data.tokenizer import BOS_ID, EOS_ID
from nmt.inspection import inspect_sentence, sections
from nmt.inspection.alignment import align, pharaoh, word_of, word_weights
from nmt.inspection.flow import flow, mean_by_distance
from nmt.inspection.report import PARTS, half_life_table
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


def calls_of(cell):
    """One layer's steps over random inputs."""
    torch.manual_seed(2)
    layer = Recurrent(CELLS[cell]() if isinstance(cell, str) else cell, E, H).double()
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


KEPT = {  # cell -> the parts of the state that keep something, and how much, by the gates
    "gru": ("h", lambda gates: gates["z"]),
    "gru_ln": ("h", lambda gates: gates["z"]),
    "gru_reset_before": ("h", lambda gates: gates["z"]),
    "minimal_gated": ("h", lambda gates: 1 - gates["f"]),
    "lstm": ("c", lambda gates: gates["f"]),
    "lstm_ln": ("c", lambda gates: gates["f"]),
    "lstm_peephole": ("c", lambda gates: gates["f"]),
    "lstm_odyssey": ("c", lambda gates: gates["f"]),
    "slstm": ("cn", lambda gates: gates["f"]),
    "mlstm": ("Cn", lambda gates: gates["f"]),
    "sru": ("c", lambda gates: gates["f"]),
    "ssru": ("c", lambda gates: gates["f"]),
    "mingru": ("h", lambda gates: 1 - gates["z"]),
    "minlstm": ("h", lambda gates: gates["f"] / (gates["f"] + gates["i"])),
    "rnn": ("", None),
    "rnn_relu": ("", None),
}


@pytest.mark.parametrize("name", sorted(KEPT))
def test_the_share_kept_is_what_the_gates_of_the_equations_leave(name):
    """Not what a state moves by way of the gates that see it, nor what is left of a state that is scaled anew."""
    parts, share = KEPT[name]
    layer = layer_trace(calls_of(name)[1], "layer")
    assert list(layer.kept) == list(parts)
    for part in parts:
        expected = share(layer.gates)
        expected = expected.repeat_interleave(layer.kept[part].shape[1] // expected.shape[1], 1)
        torch.testing.assert_close(layer.kept[part], expected)


def test_an_independent_unit_keeps_by_its_own_weight_while_it_is_on():
    plain, watched, _, _ = calls_of("indrnn")
    layer = layer_trace(watched, "layer")
    torch.testing.assert_close(layer.kept["h"], plain.extra["recurrent"].detach() * (layer.states["h"] > 0))


def test_gates_of_before_are_not_kept_though_they_come_back():
    layer = layer_trace(calls_of(CELLS["lstm_odyssey"](gate_recurrence=True))[1], "layer")
    assert list(layer.kept) == ["c"]
    torch.testing.assert_close(layer.kept["c"], layer.gates["f"])


FORGETTING = sorted(name for name in CELLS if name != "lstm_ln" and "forget_bias" in CELLS[name].__dataclass_fields__)


@pytest.mark.parametrize("name", [*FORGETTING, "sru", "ssru"])
def test_a_forget_gate_of_99_hundredths_has_a_half_life_of_69_tokens(name):
    """Whatever comes in: exponential input gates scale what is there anew."""
    layer = Recurrent(CELLS[name](), E, H).double()
    gates = dict(zip(layer.cell.gates, layer.bias_ih.split_with_sizes(layer.cell.gate_sizes(H)), strict=True))
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        gates["f"].fill_(math.log(99))
        if "i" in gates:
            gates["i"].fill_(math.log(0.01) if name == "minlstm" else 3)
        if name == "minlstm":  # f / (f + i)
            gates["i"].fill_(-math.log(99))
    watched = traced(layer)
    watched(torch.randn(B, 12, E, dtype=torch.double))
    shown = layer_trace(watched, "layer")
    assert shown.kept
    for kept in shown.kept.values():
        assert half_life(kept).tolist() == pytest.approx([math.log(0.5) / math.log(0.99)] * kept.shape[1])


def test_what_is_kept_whole_has_no_half_life():
    watched = traced(Recurrent(CELLS["lstm_odyssey"](forget_gate=False), E, H))
    watched(torch.randn(B, T, E))
    (kept,) = layer_trace(watched, "layer").kept.values()
    table = half_life_table("layer", "c", half_life(kept).tolist())
    assert "median of all: no end of tokens" in table.title
    assert {life for _, life in table.rows} == {"no end of"}


def test_exponential_gates_and_what_they_write_are_shown_as_the_equations_have_them():
    """Not divided by the largest weight so far, as the cells keep them."""
    plain, watched, x, _ = calls_of("slstm")
    layer = layer_trace(watched, "layer")
    h, c, n = torch.zeros(3, T + 1, H, dtype=torch.double)
    n[0] = 1
    h[1:], c[1:], n[1:] = (layer.states[part] for part in "hcn")
    sums = x[0] @ plain.weight_ih.T + plain.bias_ih + h[:-1] @ plain.weight_hh.T + plain.bias_hh
    i, f, g, o = sums.detach().chunk(4, -1)
    i, f, g, o = i.exp(), f.sigmoid(), g.tanh(), o.sigmoid()
    for name, gate in zip("ifgo", (i, f, g, o), strict=True):
        torch.testing.assert_close(layer.gates[name], gate)
    torch.testing.assert_close(c[1:], f * c[:-1] + i * g)
    torch.testing.assert_close(n[1:], f * n[:-1] + i)
    torch.testing.assert_close(h[1:], o * c[1:] / n[1:])


SIGMOIDS = {
    "gru": "rz",
    "gru_reset_before": "rz",
    "minimal_gated": "f",
    "lstm": "ifo",
    "mingru": "z",  # which computes σ(-z)
    "minlstm": "fi",
    "ssru": "f",
}


@pytest.mark.parametrize("name", sorted(SIGMOIDS))
def test_a_sigmoid_gate_is_shown_as_the_equations_have_it(name):
    plain, watched, x, outputs = calls_of(name)
    layer, sizes = layer_trace(watched, "layer"), plain.cell.gate_sizes(H)
    h = torch.cat([torch.zeros(1, H), outputs[0, :-1]])
    sums = (x[0] @ plain.weight_ih.T + plain.bias_ih).split_with_sizes(sizes, -1)
    weight, bias = plain.recurrent_weights()
    recurrent = (h @ weight.T + bias).split(H, -1) if len(weight) else [0] * len(sizes)
    sums = {gate: a + b for gate, a, b in zip(plain.cell.gates, sums, recurrent, strict=False)}
    for gate in SIGMOIDS[name]:
        torch.testing.assert_close(layer.gates[gate], torch.sigmoid(sums[gate]).detach())


def test_a_matrix_memory_is_shown_as_the_equations_have_it():
    plain, watched, x, _ = calls_of("mlstm")
    layer, heads = layer_trace(watched, "layer"), plain.cell.heads_of(H)
    q, k, v, o, i, f = (
        (x[0] @ plain.weight_ih.T + plain.bias_ih).detach().split_with_sizes(plain.cell.gate_sizes(H), -1)
    )
    q, k, v = (part.view(T, heads, -1) for part in (q, k, v))
    i, f, o, k = i.exp(), f.sigmoid(), o.sigmoid(), k / k.shape[-1] ** 0.5
    for name, gate in zip("ifo", (i, f, o), strict=True):
        torch.testing.assert_close(layer.gates[name], gate)
    memory, n = torch.zeros(heads, k.shape[-1], k.shape[-1], dtype=torch.double), torch.zeros_like(k[0])
    for t in range(T):
        memory = f[t, :, None, None] * memory + i[t, :, None, None] * v[t, :, :, None] * k[t, :, None, :]
        n = f[t, :, None] * n + i[t, :, None] * k[t]
        torch.testing.assert_close(layer.states["C"][t], memory.flatten())
        torch.testing.assert_close(layer.states["n"][t], n.flatten())


@pytest.mark.parametrize(
    ("cell", "shown"),
    [("ssru", "f"), ("mlstm", "oif"), ("sru", "fr"), (CELLS["lstm_odyssey"](input_activation=False), "ifo")],
)
def test_a_gate_without_a_nonlinearity_of_its_own_is_not_shown_as_what_it_is_weighed_into(cell, shown):
    assert list(layer_trace(calls_of(cell)[1], "layer").gates) == list(shown)


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
