"""What the gates and the states of a cell are called, and what they do, in words for whoever looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Words(NamedTuple):
    name: str
    what: str  # of a gate near 1 much, near 0 little


GATES = {
    "i": Words("input gate", "how much of what is new is written"),
    "f": Words("forget gate", "how much of what was there is kept"),
    "g": Words("candidate", "what could be written"),
    "o": Words("output gate", "how much of the memory is handed on"),
    "r": Words("reset gate", "how much of the past the candidate sees"),
    "z": Words("update gate", "how much of what was there is kept"),
    "n": Words("candidate", "what could be written"),
    "q": Words("query", "what is looked up in the memory"),
    "k": Words("key", "under what it is written"),
    "v": Words("value", "what is written"),
    "s": Words("input", "what is handed on past the memory"),
}
STATES = {
    "h": Words("state", "what the layer hands on"),
    "c": Words("memory", "what the layer keeps to itself"),
    "C": Words("memory", "a matrix: values by their keys"),
    "n": Words("normaliser", "how much was written, by which what is read is divided"),
    "m": Words("scale", "the logarithm by which the memory is kept small"),
}
_MADE_ANEW = {"n": Words("new state", "what the layer hands on")}
# Where a letter means something else than in most cells.
OF_CELL: Mapping[str, Mapping[str, Words]] = {
    "rnn": _MADE_ANEW,
    "rnn_relu": _MADE_ANEW,
    "indrnn": _MADE_ANEW,
    "minimal_gated": {
        "f": Words("forget gate", "how much of the state is made anew, and of the past the candidate sees")
    },
    "mingru": {"z": Words("update gate", "how much of the state is made anew")},
    "minlstm": {
        "i": Words("input gate", "how much is written, beside f"),
        "f": Words("forget gate", "how much is kept, beside i"),
    },
    "sru": {"r": Words("reset gate", "how much of the memory is handed on; the rest is the input itself")},
}
UNKNOWN = Words("gate", "")


def gate_words(cell: str, gate: str) -> Words:
    """`gate` may have the number of a transition behind it, as "f (2)"."""
    letter = gate.partition(" ")[0]
    return OF_CELL.get(cell, {}).get(letter) or GATES.get(letter, UNKNOWN)


def state_words(state: str) -> Words:
    return STATES.get(state, Words("state", ""))
