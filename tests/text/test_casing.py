from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.text.casing import marked, unmarked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Der HUND sieht EIN GROSSES HAUS.", "⇧ der⇪ hund sieht⇈ ein grosses haus⇊."),
        ("ein Hund (Anna)", "ein⇧ hund (⇧anna)"),
        ("A BMX", "⇧ a⇪ bmx"),
        ("Straße STRASSE STRAẞE", "⇧ straße⇪ strasse STRAẞE"),
        ("İstanbul IJsland iPhone", "İstanbul IJsland iPhone"),
        ("漢字 हिन्दी 5", "漢字 हिन्दी 5"),
        ("A ⇧ B", "⇧ a ⇧⇧⇧ b"),
        ("ZWEI, DREI", "⇈ zwei, drei⇊"),
    ],
)
def test_case_becomes_signs_and_comes_back(text, expected):
    assert marked(text) == expected
    assert unmarked(expected) == text


@given(st.text() | st.text("aAßẞİıiI ⇧⇪⇈⇊'ǅςΣΟ.ﬁé\u0301", max_size=12))
def test_any_text_comes_back(text):
    assert unmarked(marked(text)) == text


@given(st.text("aB ⇧⇪⇈⇊"))
def test_whatever_a_model_writes_becomes_text(text):
    assert isinstance(unmarked(text), str)
