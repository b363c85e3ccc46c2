"""Text of strangers, as it is shown."""

from __future__ import annotations

import logging

from hypothesis import given
from hypothesis import strategies as st

from nmt.common.log_lines import ShownLines
from nmt.common.shown import HIDDEN, MOST, shown


@given(st.text(st.characters(), max_size=40), st.integers(1, 80))
def test_nothing_is_left_that_a_terminal_obeys(text, times):
    found = shown(text * times)
    assert not HIDDEN.search(found)
    assert len(found) <= MOST
    found.encode()  # no half of a character
    assert shown(found) == found


def test_escapes_are_those_that_a_programmer_knows_and_scripts_stay_as_they_are():
    assert shown("\x1b[2J\r\n\x9b\u202e\ud800") == r"\x1b[2J\r\n\x9b\u202e\ud800"
    assert shown("می‌خواهم שלום क्‍ष 犬 🐶") == "می‌خواهم שלום क्‍ष 犬 🐶"
    assert shown("a\nb\x1b", lines=True) == "a\nb\\x1b"


def test_of_a_long_line_the_start_and_the_end_are_kept():
    found = shown("start " + "x" * 900_000 + " end")
    assert len(found) == MOST
    assert found.startswith("start xxx")
    assert found.endswith("xxx end")
    assert " … " in found
    assert len(shown("\x1b" * MOST)) == MOST
    assert shown("\x1b" * MOST, None) == r"\x1b" * MOST


def test_a_log_line_is_shown_and_its_lines_stay_lines():
    record = logging.LogRecord(
        "nmt", logging.INFO, "", 0, "malformed: %s", ("\x1b]0;owned\x07\n" + "y" * 9999,), None
    )
    first, second = ShownLines("%(message)s").format(record).split("\n")
    assert first == r"malformed: \x1b]0;owned\x07"
    assert len(second) == MOST
