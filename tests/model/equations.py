"""The cells' equations as their papers write them, in NumPy: an oracle that shares nothing with the package.

Each takes, gate by gate, a = W_k x and u = R_k h (N,H), biases included, the state before and the cell's own
parameters, and returns the state after.
"""

from __future__ import annotations

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def layer_norm(x, gain, bias):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return gain * (x - mean) / np.sqrt(variance + 1e-5) + bias


def gru(a, u, state, own):
    (h,) = state
    r, z = sigmoid(a["r"] + u["r"]), sigmoid(a["z"] + u["z"])
    n = np.tanh(a["n"] + r * u["n"])
    return ((1 - z) * n + z * h,)


def lstm(a, u, state, own):
    _, c = state
    i, f, o = (sigmoid(a[gate] + u[gate]) for gate in "ifo")
    c = f * c + i * np.tanh(a["g"] + u["g"])
    return o * np.tanh(c), c


def gru_ln(a, u, state, own):
    (h,) = state
    gain, bias = own["gain"], own["bias"]
    r = sigmoid(layer_norm(a["r"] + u["r"], gain[0], bias[0]))
    z = sigmoid(layer_norm(a["z"] + u["z"], gain[1], bias[1]))
    n = np.tanh(layer_norm(a["n"], gain[3], bias[3]) + r * layer_norm(u["n"], gain[2], bias[2]))
    return ((1 - z) * n + z * h,)


def lstm_ln(a, u, state, own):
    _, c = state
    i, f, g, o = (layer_norm(a[gate] + u[gate], own["gain"][k], own["bias"][k]) for k, gate in enumerate("ifgo"))
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(layer_norm(c, own["gain"][4], own["bias"][4])), c


def indrnn(a, u, state, own):
    (h,) = state
    return (np.maximum(0, a["n"] + own["recurrent"][0] * h),)


def gru_reset_before(a, u, state, own):
    (h,) = state
    r, z = sigmoid(a["r"] + u["r"]), sigmoid(a["z"] + u["z"])
    n = np.tanh(a["n"] + (r * h) @ own["reset"].T)
    return ((1 - z) * n + z * h,)


def minimal_gated(a, u, state, own):
    (h,) = state
    f = sigmoid(a["f"] + u["f"])
    return ((1 - f) * h + f * np.tanh(a["n"] + f * u["n"]),)


def ssru(a, u, state, own):
    _, c = state
    f = sigmoid(a["f"])
    c = f * c + (1 - f) * a["n"]
    return np.maximum(0, c), c


def sru(a, u, state, own):
    _, c = state
    v_f, v_r = own["peephole"]
    f, r = sigmoid(a["f"] + v_f * c), sigmoid(a["r"] + v_r * c)
    c = f * c + (1 - f) * a["n"]
    return r * c + (1 - r) * a["s"], c


def mingru(a, u, state, own):
    (h,) = state
    z = sigmoid(a["z"])
    return ((1 - z) * h + z * a["n"],)


def minlstm(a, u, state, own):
    (h,) = state
    f, i = sigmoid(a["f"]), sigmoid(a["i"])
    return (f / (f + i) * h + i / (f + i) * a["n"],)


def slstm(a, u, state, own):
    """Without the stabiliser, which must change nothing: what is kept times e^m is what the paper calls c and n."""
    _, c, n, m = state
    i, f, o = np.exp(a["i"] + u["i"]), sigmoid(a["f"] + u["f"]), sigmoid(a["o"] + u["o"])
    c, n = c * np.exp(m), n * np.exp(m)
    c = f * c + i * np.tanh(a["g"] + u["g"])
    n = f * n + i
    return o * c / n, c, n, np.zeros_like(m)


def mlstm(a, u, state, own):
    """Head by head and row by row, without the stabiliser as above."""
    _, memory, n, m = state
    rows, heads, size = n.shape
    memory, n = memory * np.exp(m)[..., None, None], n * np.exp(m)[..., None]
    memory, n, h = memory.copy(), n.copy(), np.empty_like(a["q"])
    for row in range(rows):
        for head in range(heads):
            units = slice(head * size, (head + 1) * size)
            q, k, v = a["q"][row, units], a["k"][row, units] / np.sqrt(size), a["v"][row, units]
            i, f = np.exp(a["i"][row, head]), sigmoid(a["f"][row, head])
            memory[row, head] = f * memory[row, head] + i * np.outer(v, k)
            n[row, head] = f * n[row, head] + i * k
            found = memory[row, head] @ q / max(abs(n[row, head] @ q), 1)
            h[row, units] = sigmoid(a["o"][row, units]) * found
    return h, memory, n, np.zeros_like(m)


def odyssey(without=(), coupled=False, recurrent=False):
    """The vanilla LSTM of Greff et al. (2015) without some of: i f o (gates), g h (activations), p (peepholes)."""

    def step(a, u, state, own):
        _, c, *before = state
        gates = [gate for gate in "ifo" if gate not in without and not (coupled and gate == "f")]
        p = dict.fromkeys("ifo", 0.0) | dict(zip(gates, own.get("peephole", ()), strict=False))
        more = dict.fromkeys("ifo", 0.0)
        for gate, then in zip(gates, before, strict=False):
            products = then @ own[f"from_{gate}"].T
            for to, part in zip(gates, np.split(products, len(gates), -1), strict=True):
                more[to] = more[to] + part
        g = a["g"] + u["g"] if "g" in without else np.tanh(a["g"] + u["g"])
        i = sigmoid(a["i"] + u["i"] + p["i"] * c + more["i"]) if "i" in gates else 1.0
        f = sigmoid(a["f"] + u["f"] + p["f"] * c + more["f"]) if "f" in gates else 1 - i if coupled else 1.0
        c = f * c + i * g
        o = sigmoid(a["o"] + u["o"] + p["o"] * c + more["o"]) if "o" in gates else 1.0
        h = o * (c if "h" in without else np.tanh(c))
        return h, c, *((i, f, o) if recurrent else ())

    return step


EQUATIONS = {
    "gru": gru,
    "gru_ln": gru_ln,
    "gru_reset_before": gru_reset_before,
    "indrnn": indrnn,
    "lstm": lstm,
    "lstm_1997": odyssey("fp"),
    "lstm_cifg": odyssey(coupled=True),
    "lstm_fgr": odyssey(recurrent=True),
    "lstm_ln": lstm_ln,
    "lstm_nfg": odyssey("f"),
    "lstm_niaf": odyssey("g"),
    "lstm_nig": odyssey("i"),
    "lstm_noaf": odyssey("h"),
    "lstm_nog": odyssey("o"),
    "lstm_np": odyssey("p"),
    "lstm_odyssey": odyssey(),
    "mingru": mingru,
    "minimal_gated": minimal_gated,
    "minlstm": minlstm,
    "mlstm": mlstm,
    "slstm": slstm,
    "sru": sru,
    "ssru": ssru,
}


def outputs_of_equation(equation, layer, x, state):
    """A recurrent layer over x (N,T,E) by an equation -> h of every step (N,T,H)."""
    cell, depth, hidden = layer.cell, layer.cell.depth, layer.hidden_size
    weights = {name: value.detach().double().numpy() for name, value in layer.named_parameters()}
    own = {name.removeprefix("extra."): value for name, value in weights.items() if name.startswith("extra.")}
    ends = np.cumsum(cell.gate_sizes(hidden))
    recurrent_rows = len(cell.gates) - cell.input_only

    def by_gate(rows, gates):
        return dict(zip(cell.gates[:gates], np.split(rows, ends[: gates - 1], -1), strict=True)) if gates else {}

    nothing = {"weight_hh": np.zeros((0, hidden)), "bias_hh": np.zeros(0)}
    biases, recurrent, recurrent_biases = (
        np.split((nothing | weights)[name], depth) for name in ("bias_ih", "weight_hh", "bias_hh")
    )
    found, state = [], tuple(part.double().numpy() for part in state)
    for step in x.double().numpy().swapaxes(0, 1):
        for k in range(depth):
            a = by_gate(step @ weights["weight_ih"].T + biases[0] if k == 0 else biases[k], len(cell.gates))
            u = by_gate(state[0] @ recurrent[k].T + recurrent_biases[k], recurrent_rows)
            state = equation(a, u, state, {name: np.split(rows, depth)[k] for name, rows in own.items()})
        found.append(state[0])
    return np.stack(found, 1)
