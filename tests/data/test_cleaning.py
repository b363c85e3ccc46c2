from __future__ import annotations

from collections import Counter

import pytest

from nmt.data.cleaning import clean
from nmt.data.corpus import CleaningConfig, Pair

GOOD = [Pair("Ein Hund bellt.", "A dog barks."), Pair("Eine Katze.", "A cat.")]


def cleaned(pairs, held_out=(), **settings):
    dropped = Counter()
    return list(clean(pairs, CleaningConfig(**settings), held_out, dropped)), dropped


def test_good_pairs_stay_in_order():
    assert cleaned(GOOD) == (GOOD, Counter())


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (Pair("", "A dog."), "empty side"),
        (Pair("Ein Hund.", " \t"), "empty side"),
        (Pair("x" * 2001, "y" * 2000), "too long"),
        (Pair("x" * 100, "y" * 11), "length ratio"),
        (GOOD[0], "duplicate"),
    ],
)
def test_what_is_unfit_is_left_out_and_counted(pair, reason):
    assert cleaned([*GOOD, pair]) == (GOOD, Counter({reason: 1}))


def test_short_sides_may_differ_as_they_like():
    assert cleaned([Pair("Ja.", "Yes, I would like that very much indeed.")])[1] == Counter()


def test_a_pair_of_which_either_side_is_held_out_is_left_out():
    held_out = [Pair(GOOD[0].src, "other"), Pair("other", GOOD[1].tgt)]
    assert cleaned(GOOD, held_out) == ([], Counter({"stands in valid or test": 2}))
    assert cleaned(GOOD, held_out, decontaminate=False)[0] == GOOD


def test_duplicates_may_stay():
    assert cleaned([GOOD[0]] * 3, deduplicate=False)[0] == [GOOD[0]] * 3
