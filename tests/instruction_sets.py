"""Run the C kernels of search with every instruction set that this machine supports."""

from __future__ import annotations

from ctypes import c_void_p
from unittest.mock import patch

import torch

from nmt import native


def everywhere(function):
    """The tensors that `function` returns. Checks that all available instruction sets give the same bits."""
    by_name = {}
    for name in native.instruction_sets():
        with patch.object(native, "kernels", lambda name=name: native.load(name)):
            by_name[name] = function()
    (_, found), *others = by_name.items()
    for name, other in others:
        for one, expected in zip(other, found, strict=True):
            assert torch.equal(one, expected), name
    return found


def extend(logits, log_probs, sentences, wanted):
    """logits (N,V) of what comes after hypotheses with log_probs (N,), those of a sentence together -> of each of B
    sentences the likeliest extensions: their log-probabilities, best first, and their places in its rows joined, both
    (B,wanted). Piece 0 counts, but is none of them. Where there are too few, the log-probability is -inf."""
    logits, log_probs = logits.contiguous(), log_probs.contiguous()
    totals, places = logits.new_empty(sentences, wanted), torch.empty(sentences, wanted, dtype=torch.int64)
    read, written = ([c_void_p(x.data_ptr()) for x in pair] for pair in ((logits, log_probs), (totals, places)))
    rows, pieces = logits.shape
    native.required().nmt_extend(*read, sentences, rows // sentences, pieces, wanted, *written)
    return totals, places
