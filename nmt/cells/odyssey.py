"""The LSTM with a switch for every part (Greff et al., 2015, "LSTM: A search space odyssey", arXiv:1503.04069)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nmt.cells.base import ForgetfulCell, Parameters, State, product, tanh


@dataclass(frozen=True)
class OdysseyLSTM(ForgetfulCell):
    """The paper's vanilla LSTM, which is the LSTM with peepholes, and its eight variants, one switch each.

    g = tanh(W_g x + R_g h)                         g = W_g x + R_g h     without input_activation
    i = σ(W_i x + R_i h + p_i ⊙ c)                  i = 1                 without input_gate
    f = σ(W_f x + R_f h + p_f ⊙ c)                  f = 1                 without forget_gate; 1 - i coupled
    c' = f ⊙ c + i ⊙ g
    o = σ(W_o x + R_o h + p_o ⊙ c')                 o = 1                 without output_gate
    h' = o ⊙ tanh(c')                               h' = o ⊙ c'           without output_activation

    Without peepholes there is no p. With gate_recurrence each of i, f and o also gets, before its σ, a product
    U_k [i; f; o] with the three gates of the previous step, which start at 0.

    Without forget gate and peepholes it is the LSTM of Hochreiter & Schmidhuber (1997), "Long short-term memory",
    except for the scale of its squashing functions, 4σ(a) - 2 = 2 tanh(a / 2) and 2σ(a) - 1 = tanh(a / 2). There the
    gates may see one another, as with gate_recurrence, and the gradient is truncated.
    """

    input_gate: bool = True  # without it i = 1
    forget_gate: bool = True  # without it f = 1
    output_gate: bool = True  # without it o = 1
    input_activation: bool = True  # the tanh of g
    output_activation: bool = True  # the tanh of the cell before the output gate
    peepholes: bool = True  # the gates see the cell
    coupled: bool = False  # the forget gate is 1 - i
    gate_recurrence: bool = False  # the gates see what they were a step before

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.coupled and not (self.input_gate and self.forget_gate):
            raise ValueError("coupled joins the input and the forget gate; it needs both")

    @property
    def gates(self) -> tuple[str, ...]:
        there = {"i": self.input_gate, "f": self.forget_gate and not self.coupled, "g": True, "o": self.output_gate}
        return tuple(gate for gate, is_there in there.items() if is_there)

    @property
    def sigmoids(self) -> tuple[str, ...]:
        """The gates in the narrower sense."""
        return tuple(gate for gate in self.gates if gate != "g")

    @property
    def states(self) -> tuple[str, ...]:
        return ("h", "c", *self.sigmoids) if self.gate_recurrence else ("h", "c")

    @property
    def num_initial_vectors(self) -> int:
        return 2

    def start(self, *vectors: Tensor) -> State:
        return *vectors, *(torch.zeros_like(vectors[0]) for _ in self.states[2:])

    def own_parameters(self, hidden_size: int) -> dict[str, Tensor]:
        own = {}
        n = len(self.sigmoids)
        if self.peepholes and n:
            own["peephole"] = torch.zeros(n, hidden_size)
        for gate in self.sigmoids if self.gate_recurrence else ():  # of this gate before, to all of them now
            own[f"from_{gate}"] = nn.init.orthogonal_(torch.empty(n * hidden_size, hidden_size))
        return own

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        _, c, *before = state
        inputs = dict(zip(self.gates, gates.chunk(len(self.gates), -1), strict=True))
        peephole = dict(zip(self.sigmoids, parameters.get("peephole", ()), strict=False))
        for name, gate in zip(self.sigmoids, before, strict=False):
            parts = product(gate, parameters[f"from_{name}"]).chunk(len(self.sigmoids), -1)
            inputs |= {to: inputs[to] + part for to, part in zip(self.sigmoids, parts, strict=True)}

        def sigmoid(gate: str, c: Tensor) -> Tensor:
            return torch.sigmoid(inputs[gate] + peephole[gate] * c if peephole else inputs[gate])

        now = {gate: sigmoid(gate, c) for gate in self.sigmoids if gate != "o"}
        g = tanh(inputs["g"]) if self.input_activation else inputs["g"]
        admitted = now["i"] * g if self.input_gate else g
        if self.forget_gate:
            c = (1 - now["i"] if self.coupled else now["f"]) * c
        c = c + admitted
        h = tanh(c) if self.output_activation else c
        if self.output_gate:
            now["o"] = sigmoid("o", c)
            h = now["o"] * h
        return h, c, *(now[gate] for gate in self.states[2:])
