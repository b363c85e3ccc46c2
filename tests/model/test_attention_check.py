"""A faulty attention is refused in one line before a model is made."""

from __future__ import annotations

import pytest

from nmt.model.attention import ATTENTIONS, AttentionConfig, GeneralAttention
from nmt.model.attention_check import check_forward


def without_mask(self, scores, memory):
    weights = scores.softmax(-1)
    return (weights @ self.split(memory.values)).transpose(1, 2).flatten(2), weights


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"__init__": lambda self, size: None}, "'own' cannot be made .TypeError: "),
        (
            {"score": lambda self, query, keys: query @ keys},
            r"RuntimeError: .* score must give .*\(2, 2, 3, 5\)",
        ),
        ({"score": lambda self, query, keys: 1 / 0}, r"queries \(2, 3, 16\) and values \(2, 5, 16\): fails .ZeroD"),
        ({"mean": lambda self, scores, memory: (memory.values, scores)}, r"context \(2, 5, 16\).* \(2, 3, 16\)"),
        ({"mean": lambda self, scores, memory: (scores.new_zeros(2, 3, 16), scores[:, 0])}, "gives weights"),
        ({"mean": without_mask}, "gives padding a weight"),
    ],
)
def test_a_faulty_attention_is_told_in_one_line(monkeypatch, own, message):
    monkeypatch.setitem(ATTENTIONS, "own", type("Own", (GeneralAttention,), own))
    with pytest.raises(ValueError, match=message):
        check_forward(AttentionConfig("own", heads=2))


def test_every_attention_of_ours_passes():
    for name in ATTENTIONS:
        check_forward(AttentionConfig(name, heads=2))
