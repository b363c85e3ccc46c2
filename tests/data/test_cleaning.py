from __future__ import annotations

from collections import Counter
from pathlib import Path
from unicodedata import normalize

import pytest

from nmt.data.cleaning import (
    CONTAMINATED,
    DUPLICATE,
    EMPTY,
    LONG,
    CleaningConfig,
    both_sides,
    clean,
    contamination_note,
    reasons,
)
from nmt.data.corpora import Pair
from nmt.data.duplicates import Duplicates

GOOD = [Pair("Ein Hund bellt.", "A dog barks."), Pair("Eine Katze.", "A cat.")]


def cleaned(pairs, held_out=(), **settings):
    dropped = Counter()
    return list(clean(pairs, CleaningConfig(**settings), held_out, dropped, Duplicates(list, Path()))), dropped


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (Pair("", "A dog."), "empty side"),
        (Pair("Ein Hund.", " \t"), "empty side"),
        (Pair("\ufeff\u200f", "A dog."), "empty side"),
        (Pair("Ein Hund.", "\u200b \u200b"), "empty side"),
        (Pair("x" * 2001, "y" * 2000), "too long"),
        (Pair("x" * 91, "y" * 10), "length ratio"),
        (GOOD[0], "duplicate"),
    ],
)
def test_what_is_unfit_is_left_out_and_counted(pair, reason):
    assert cleaned([*GOOD, pair]) == (GOOD, Counter({reason: 1}))


def test_short_sides_may_differ_as_they_like_and_others_up_to_the_limits():
    pairs = [Pair("Ja.", "Yes, I would like that very much."), Pair("x" * 90, "y" * 10), Pair("x" * 2000, "y" * 2000)]
    assert cleaned(pairs) == (pairs, Counter())


def test_a_pair_of_which_either_side_is_held_out_is_left_out():
    held_out = [Pair(GOOD[0].src, "other"), Pair("other", GOOD[1].tgt)]
    assert cleaned([*GOOD, GOOD[0]], held_out) == ([], Counter({"stands in valid or test": 3}))
    assert cleaned(GOOD, held_out, decontaminate=False)[0] == GOOD
    assert cleaned(GOOD, [Pair(tgt, src) for src, tgt, *_ in GOOD])[0] == GOOD  # what one side says is no other's


def test_pairs_are_compared_in_nfc():
    composed, typed = Pair("Trường học", "शिक्षा"), Pair("छात्र", "Một chó")
    pairs = [Pair(*(normalize("NFD", side) for side in pair[:2])) for pair in (composed, typed)]
    assert cleaned([composed, typed, *pairs]) == ([composed, typed], Counter({"duplicate": 2}))
    for which in (True, "pair", "src"):
        assert cleaned(pairs[:1], [composed], decontaminate=which) == ([], Counter({CONTAMINATED: 1}))
    assert both_sides(pairs[0]) == both_sides(composed)  # what is held out


@pytest.mark.parametrize(
    ("which", "left"), [(True, ""), ("pair", "acd"), ("src", "d"), ("tgt", "a"), (False, "abcd")]
)
def test_what_counts_as_held_out_is_a_setting(which, left):
    pairs = [Pair(side, side.upper()) for side in "abcd"]
    held_out = [Pair("a", "other"), Pair("b", "B"), Pair("other", "C"), Pair("c", "D")]
    assert [pair.src for pair in cleaned(pairs, held_out, decontaminate=which)[0]] == list(left)


def test_most_of_a_text_lost_to_the_held_out_is_told_with_the_setting():
    assert contamination_note(5, {CONTAMINATED: 5, "duplicate": 3}) == ""
    told = contamination_note(3, {CONTAMINATED: 6, "duplicate": 2})
    assert told.startswith("6 of 11 training pairs are left out because they stand in the validation or test text")
    assert "data.cleaning.decontaminate" in told


def test_what_was_left_out_is_said_in_words():
    assert reasons({}) == ""
    assert reasons({"held out for validation": 200, "duplicate": 3}) == "200 held out for validation, 3 duplicates"


def test_a_second_translation_of_a_sentence_is_no_duplicate():
    pairs = [Pair("Ja.", "Yes."), Pair("Ja.", "Yeah."), Pair("Ja.", "Yes."), Pair("Jaja.", "Yes.")]
    assert cleaned(pairs)[0] == [pairs[0], pairs[1], pairs[3]]


def test_a_later_pass_takes_its_reasons_from_the_first_one():
    pairs = [*GOOD, Pair("", "A dog."), GOOD[0], Pair("Ja.", "Yes."), Pair("x" * 2001, "y")]
    known, results = bytearray(), []
    for evaluation in ([Pair("Ja.", "Yes, yes.")], iter(lambda: pytest.fail("it is read again"), None)):
        dropped = Counter()
        found = clean(pairs, CleaningConfig(), evaluation, dropped, Duplicates(list, Path()), known=known)
        results.append((list(found), list(dropped.items())))
    assert results[0] == results[1] == (GOOD, [(EMPTY, 1), (DUPLICATE, 1), (CONTAMINATED, 1), (LONG, 1)])


def test_what_was_not_read_to_its_end_is_judged_again():
    known = bytearray()
    assert next(clean(GOOD, CleaningConfig(), [], Counter(), Duplicates(list, Path()), known=known)) == GOOD[0]
    assert not known


def test_duplicates_may_stay():
    assert cleaned([GOOD[0]] * 3, deduplicate=False)[0] == [GOOD[0]] * 3
