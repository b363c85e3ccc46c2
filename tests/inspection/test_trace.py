"""Gates, states and what is kept of them are shown as the cell's equations have them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch

from nmt.cells import CELLS
from nmt.inspection.flow import flow
from nmt.inspection.gates import gate_places, gate_values
from nmt.inspection.trace import half_life, layer_trace, traced
from nmt.model.recurrent import Recurrent

B, T, E, H = 1, 4, 3, 8


def calls_of(cell):
    """One layer's steps over random inputs."""
    torch.manual_seed(2)
    layer = Recurrent(CELLS[cell]() if isinstance(cell, str) else cell, E, H).double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    watched = traced(layer)
    x = torch.randn(B, T, E, dtype=torch.float64)
    return layer, watched, x, watched(x)


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


def test_a_tanh_of_many_units_is_shown_as_a_tanh():
    """Which the cells make of a sigmoid, as that is faster."""
    cell, units = CELLS["lstm"](), 4096
    sums = torch.randn(1, 4 * units, dtype=torch.double)
    call = (sums, sums[:, :0], (torch.zeros(1, units).double(), torch.zeros(1, units).double()), {})
    shown = gate_values(cell, call, gate_places(cell, call))
    torch.testing.assert_close(shown["g"], torch.tanh(sums[0, 2 * units : 3 * units]))
    torch.testing.assert_close(shown["o"], torch.sigmoid(sums[0, 3 * units :]))


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


@dataclass(frozen=True)
class Counting(CELLS["gru"]):
    """Its second state counts the steps, without a gradient."""

    states = ("h", "count")
    num_initial_vectors = 1

    def start(self, *vectors):
        return vectors[0], vectors[0].new_zeros(*vectors[0].shape[:-1], 1)

    def pointwise(self, gates, x, state, parameters):
        return *super().pointwise(gates, x, state[:1], parameters), state[1].detach() + 1


def test_a_state_without_a_gradient_is_trained_and_shown():
    layer, watched, x, outputs = calls_of(Counting())
    shown = layer_trace(watched, "layer")
    assert shown.states["count"][:, 0].tolist() == [1, 2, 3, 4]
    found = flow(outputs[0, -1].sum(), [shown.steps])
    (loss := layer(x)[0, -1].sum()).backward()
    trained = layer.weight_hh.grad.clone()
    plain = Recurrent(CELLS["gru"](), E, H).double()
    plain.load_state_dict(layer.state_dict())
    outputs = plain(x)[0, -1].sum()
    outputs.backward()
    torch.testing.assert_close(outputs, loss)
    torch.testing.assert_close(plain.weight_hh.grad, trained)
    assert len(found) == T
    assert all(norm > 0 for norm in found)
