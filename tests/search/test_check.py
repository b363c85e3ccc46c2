"""A faulty search of the user's own is refused in one line before it is used."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
import toy

from nmt.search import SEARCHES, Greedy, Hypothesis
from nmt.search.check import check_search
from nmt.translation.searcher import Searcher
from nmt.translation.values import TranslationTask


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_each_search_of_ours_is_sound(name):
    check_search(SEARCHES[name]())


def test_a_search_of_ones_own_may_need_a_key_of_each_sentence():
    @dataclass(frozen=True)
    class Mine(Greedy):
        is_random = True

        def find(self, step, state, request):
            return [[Hypothesis([], key * 1.0, 0.0, 1)] for key in request.keys]

    check_search(Mine())


@pytest.mark.parametrize(
    ("find", "message"),
    [
        (lambda *_: None, "^the search Mine gives NoneType for 2 sentences; find must give, for each"),
        (lambda *_: [], "gives 0 results for 2 sentences"),
        (lambda *_: [[]], "gives 1 results for 2 sentences"),
        (lambda *_: [[], []], r"gives list for a sentence, \[\]; find must"),
        (lambda *_: ["a", "b"], "gives str for a sentence, 'a'; find must"),
        (lambda *_: [[1.5], [float("nan")]], r"gives list for a sentence, \[1.5\]; find must"),
        (lambda *_: 1 / 0, r"fails \(ZeroDivisionError: division by zero\); find must"),
    ],
)
def test_a_faulty_search_is_told_in_one_line(find, message):
    mine = dataclass(frozen=True)(type("Mine", (Greedy,), {"find": find, "__module__": "mine"}))
    with pytest.raises(ValueError, match=message) as refused:
        check_search(mine())
    assert "\n" not in str(refused.value)
    with pytest.raises(ValueError, match=message):
        Searcher([toy.model().eval()], torch.device("cpu")).hypotheses(TranslationTask(mine()), [[5, 6, 2]])
