from __future__ import annotations

import pytest

from nmt.text.tags import nested_pairs


@pytest.mark.parametrize(
    ("tags", "pairs"),
    [
        ("<a <b b> a>", {0: 3, 1: 2}),
        ("<a <b a> b>", {0: 2}),  # they cross: the first that ends is one
        ("<a <a a>", {1: 2}),
        ("a> <a - a> a>", {1: 3}),
        ("<a ( a> <b b> ) a>", {0: 6, 3: 4}),  # nothing ends within a pair that began before it
        ("( <a ) a>", {}),
    ],
)
def test_tags_that_are_nested_are_pairs(tags, pairs):
    existing = {"(": ("open", None), ")": ("close", None), "-": ("alone", None)}
    read = [
        existing.get(tag) or (("open", tag[1:]) if tag[0] == "<" else ("close", tag[:-1])) for tag in tags.split()
    ]
    assert nested_pairs(read) == pairs


def test_many_tags_take_no_long_time():
    tags = [("open", "a")] * 300_000 + [("close", "b")] * 300_000 + [("close", "a")] * 300_000
    assert len(nested_pairs(tags)) == 300_000
