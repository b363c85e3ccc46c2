"""Numbers, names, unseen words and compounds of a test text."""

from __future__ import annotations

from collections import Counter
from unicodedata import normalize

import pytest

from nmt.metrics.measure import Measure
from nmt.metrics.rare import Rare, bare, is_compound, known_words, names, numbers, rare_things, unseen

KNOWN = known_words(["Der Hund läuft.", "Eine Hütte am Strand, ein Fisch im Eis", "»Arbeit« und Zeiten"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1.000 and 1,000, or 10:30.", {"1000": 2, "1030": 1}),
        ("1.000.000,50", {"100000050": 1}),
        ("the 1960s, an MP3", {"1960": 1, "3": 1}),
        ("٣ و 3", {"3": 2}),
        ("٣٫٥", {"35": 1}),
        ("x² is two", {}),
        ("", {}),
    ],
)
def test_numbers_are_their_digits(text, found):
    assert numbers(text) == found


def test_names_have_a_capital_and_are_not_the_first_word():
    assert names('In New York "Joe\'s" sells iPods, A I') == Counter(["New", "York", "Joe's", "iPods"])


def test_words_are_bare_of_punctuation():
    assert bare("(»Hallo«, sagt — der 3-Meter-Mann.)") == ["Hallo", "sagt", "der", "3-Meter-Mann"]
    assert unseen("Der HUND, der Kater und 3 U-Boote", KNOWN) == ["Kater"]


def test_marks_are_of_their_words():
    known = known_words(["पानी, और"])
    assert bare("»पानी« \u0301 और।") == ["पानी", "और"]
    assert unseen("पानी की कला", known) == ["की", "कला"]
    assert unseen(normalize("NFD", "ngủ Ở"), known_words(["ngủ"])) == ["Ở"]


@pytest.mark.parametrize(
    ("word", "is_one"),
    [
        ("Fischhütte", True),
        ("Arbeitszeiten", True),  # with a letter between
        ("Hundehütte", True),
        ("Hundehüttenstrand", True),  # of three
        ("Eishütte", False),  # the first is too short to count
        ("Hundekater", False),
        ("Hund", False),
        ("Fischxyhütte", True),
        ("Fischxyzhütte", False),
        ("hund" * 25, True),  # the longest
        ("hund" * 26, False),
    ],
)
def test_compounds_are_made_of_known_words(word, is_one):
    assert is_compound(word, KNOWN) == is_one


def test_a_word_without_end_is_looked_at_in_no_time():
    assert not is_compound("hund" * 24 + "x", KNOWN)  # in how many ways it could be one
    assert not is_compound("hund" * 100_000, KNOWN)


def test_of_copied_things_those_are_counted_that_a_reference_has():
    srcs = ["Um 3 kommt Anna, um 4 Otto.", "Der Hund läuft.", "7 und 7 Hunde", "Der Kater im Arbeitsstrand"]
    first = ["At 3 comes Anna, at four Otto.", "The dog runs.", "7 and 7 dogs", "The cat in the work sand"]
    second = ["At 3 Anna comes, at 4 Otto.", None, "7 dogs", None]
    hyps = ["At 3 comes Otto.", "The 5 dogs of Anna run.", "7 dogs", "The cat in the work beach"]
    found = rare_things(Measure(), srcs, hyps, [first, second], KNOWN)
    assert found["numbers"][:1] + found["numbers"][2:] == (2, 4, 2)  # 3 and 4; two of the 7
    assert found["numbers"].share == 0.5
    assert found["names"][:1] + found["names"][2:] == (1, 2, 1)
    assert found["unseen words"].sentences == 4 - 1
    assert found["compounds"].sentences == 1
    assert found["compounds"].share is None
    assert 0 < found["compounds"].bleu < 100
    assert set(rare_things(Measure(), srcs, hyps, [first, second], None)) == {"numbers", "names"}
    assert set(rare_things(Measure(), srcs, hyps, [first, second], set())) == set(found)
    assert rare_things(Measure(), ["7 7"], ["7 7"], [["7"], ["7"]], None)["numbers"][2:] == (1, 1)
    nothing = rare_things(Measure(), srcs[1:2], hyps[1:2], [first[1:2]], None)["numbers"]
    assert nothing == (0, None, 0, 0)
    assert nothing.share is None
    assert Rare(1, 0.0, in_reference=2, right=0).share == 0
