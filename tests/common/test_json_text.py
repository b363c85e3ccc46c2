"""What is written as JSON is JSON to every reader, and nothing that a terminal obeys."""

from __future__ import annotations

import json
import math

import pytest

from nmt.common.json_text import to_json


def strictly(text: str):
    """As a reader takes it that is not Python's."""

    def refuse(name: str):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("indent", [None, 1, 2])
def test_what_is_not_finite_is_null_at_any_depth(indent):
    data = {"a": [1.5, math.nan, {"b": (math.inf, -math.inf)}], "c": math.nan, "d": ["x", 2, None]}
    expected = {"a": [1.5, None, {"b": [None, None]}], "c": None, "d": ["x", 2, None]}
    assert strictly(to_json(data, indent)) == expected
    assert strictly(to_json({"a": 1.5}, indent)) == {"a": 1.5}


def test_nothing_that_a_terminal_obeys_or_utf8_cannot_spell_is_there_as_it_is():
    text = "\x1b[2J\x7f\x9b2J\u2028\u202e\ud800 ü कुत्ता 犬"
    written = to_json({text: text})
    assert json.loads(written) == {text: text}
    assert written.encode()
    assert not any(c in written for c in "\x1b\x7f\x9b\u2028\u202e")
    assert "ü कुत्ता 犬" in written


def test_what_is_hashed_is_what_it_was():
    data = {"b": ["\x7f\u2028ü", 1e-9], "a": None}
    assert to_json(data, ascii_only=True, sort_keys=True) == json.dumps(data, sort_keys=True)
    assert to_json(data, 2, ascii_only=True) == json.dumps(data, indent=2)
