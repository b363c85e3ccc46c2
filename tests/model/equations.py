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


EQUATIONS = {"gru": gru, "gru_ln": gru_ln, "lstm": lstm, "lstm_ln": lstm_ln}


def outputs_of_equation(equation, layer, x, state):
    """A recurrent layer over x (N,T,E) by an equation -> h of every step (N,T,H)."""
    cell, depth = layer.cell, layer.cell.depth
    weights = {name: value.detach().double().numpy() for name, value in layer.named_parameters()}
    own = {name.removeprefix("extra."): value for name, value in weights.items() if name.startswith("extra.")}

    def by_gate(rows):
        return dict(zip(cell.gates, np.split(rows, len(cell.gates), -1), strict=True))

    biases, recurrent, recurrent_biases = (
        np.split(weights[name], depth) for name in ("bias_ih", "weight_hh", "bias_hh")
    )
    found, state = [], tuple(part.double().numpy() for part in state)
    for step in x.double().numpy().swapaxes(0, 1):
        for k in range(depth):
            a = by_gate(step @ weights["weight_ih"].T + biases[0] if k == 0 else biases[k])
            u = by_gate(state[0] @ recurrent[k].T + recurrent_biases[k])
            state = equation(a, u, state, {name: np.split(rows, depth)[k] for name, rows in own.items()})
        found.append(state[0])
    return np.stack(found, 1)
