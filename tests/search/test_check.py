"""A faulty search of the user's own is refused in one line before it is used."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
import toy

from nmt.bundle import load_bundle
from nmt.cli.errors import said_of
from nmt.common.own_parts import OwnPartError
from nmt.search import SEARCHES, Greedy, Hypothesis
from nmt.search.check import check_search
from nmt.translation.searcher import Searcher
from nmt.translation.translator import Translator
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


@dataclass(frozen=True)
class Picky(Greedy):
    """Fails on more than 4 pieces, end included, which a search is not tried with."""

    def find(self, step, state, request):
        if int(request.max_length.max()) > self.max_extra + 2 * 4:
            raise LookupError("too long")
        return super().find(step, state, request)


def test_a_search_that_fails_on_some_texts_is_named_with_one_of_them(bundle_dir):
    translator = Translator(load_bundle(bundle_dir), torch.device("cpu"))
    texts = ["Ball", "Anna mag den Ball.", "Stadt"]
    expected = r"^the search Picky fails on .Anna mag den Ball\..* in test_check\.py:\d+ \(LookupError: too long\)$"
    with pytest.raises(OwnPartError, match=expected) as told:
        translator.translate(texts, Picky())
    assert said_of(told.value) == str(told.value)
    assert isinstance(told.value.__cause__, LookupError)
