from __future__ import annotations

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF

from nmt.metrics.measure import Measure
from nmt.search.mbr import bleu, chrf, expected_utility

TEXTS = [
    "The dog sees the ball.",
    "the the dog",
    "A",
    "",
    "The dog saw a ball, the ball!",
    "ab",
    "Ball the sees dog.",
]


UNSPACED = ["老师看见一只小狗。", "老师看见一只猫。", "小狗看见老师，老师看见小狗。", "", "狗"]


@pytest.mark.parametrize(
    ("ours", "theirs", "tokenize", "texts"),
    [
        (chrf, CHRF(), "13a", TEXTS),
        (bleu, BLEU(effective_order=True), "13a", TEXTS),
        (chrf, CHRF(), "zh", UNSPACED),
        (bleu, BLEU(effective_order=True, tokenize="zh"), "zh", UNSPACED),
        (bleu, BLEU(effective_order=True, tokenize="char"), "char", UNSPACED),
        (chrf, CHRF(), "13a", ["abc", "ac", "ba", "cb"]),
    ],
)
def test_a_utility_is_sacrebleus_sentence_score(ours, theirs, tokenize, texts):
    expected = [[theirs.sentence_score(hyp, [ref]).score for ref in texts] for hyp in texts]
    np.testing.assert_allclose(ours(texts, Measure(tokenize=tokenize).tokens), expected, atol=1e-8)


def test_equal_texts_share_their_weight_and_the_most_central_wins():
    texts = ["a cat sat", "a cat sat", "a dog ran", "a cat ran"]
    found = expected_utility(texts, [1, 1, 1, 1], "chrf")
    assert found[0] == found[1]
    np.testing.assert_allclose(found, chrf(texts).mean(1))
    assert expected_utility(["x y"] * 3, [1, 2, 3], "chrf") == pytest.approx(100)
    weights = np.array([1.0, 0.5, 4.0, 0.25])
    np.testing.assert_allclose(expected_utility(texts, weights, "chrf"), chrf(texts) @ weights / weights.sum())
