"""Names and plain descriptions of the gates and states of a cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Term(NamedTuple):
    name: str
    what: str  # what a gate does: much of it near 1, little near 0


GATES = {
    "i": Term("input gate", "how much of what is new is written"),
    "f": Term("forget gate", "how much of what was there is kept"),
    "g": Term("candidate", "what could be written"),
    "o": Term("output gate", "how much of the memory is handed on"),
    "r": Term("reset gate", "how much of the past the candidate sees"),
    "z": Term("update gate", "how much of what was there is kept"),
    "n": Term("candidate", "what could be written"),
    "q": Term("query", "what is looked up in the memory"),
    "k": Term("key", "under what it is written"),
    "v": Term("value", "what is written"),
    "s": Term("input", "what is handed on past the memory"),
}
STATES = {
    "h": Term("state", "what the layer hands on"),
    "c": Term("memory", "what the layer keeps to itself"),
    "C": Term("memory", "a matrix: values by their keys"),
    "n": Term("normaliser", "how much was written, by which what is read is divided"),
    "m": Term("scale", "the logarithm by which the memory is kept small"),
}
_MADE_ANEW = {"n": Term("new state", "what the layer hands on")}
# Letters that mean something other than in most cells.
OF_CELL: Mapping[str, Mapping[str, Term]] = {
    "rnn": _MADE_ANEW,
    "rnn_relu": _MADE_ANEW,
    "indrnn": _MADE_ANEW,
    "minimal_gated": {
        "f": Term("forget gate", "how much of the state is made anew, and of the past the candidate sees")
    },
    "mingru": {"z": Term("update gate", "how much of the state is made anew")},
    "minlstm": {
        "i": Term("input gate", "how much is written, beside f"),
        "f": Term("forget gate", "how much is kept, beside i"),
    },
    "sru": {"r": Term("reset gate", "how much of the memory is handed on; the rest is the input itself")},
}
UNKNOWN = Term("gate", "")


def gate_term(cell: str, gate: str) -> Term:
    """The words for a gate; `gate` may end with the number of a transition, as "f (2)"."""
    letter = gate.partition(" ")[0]
    return OF_CELL.get(cell, {}).get(letter) or GATES.get(letter, UNKNOWN)


def state_term(state: str) -> Term:
    return STATES.get(state, Term("state", ""))
