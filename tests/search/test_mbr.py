from __future__ import annotations

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF

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


@pytest.mark.parametrize(("ours", "theirs"), [(chrf, CHRF()), (bleu, BLEU(effective_order=True))])
def test_a_utility_is_sacrebleus_sentence_score(ours, theirs):
    expected = [[theirs.sentence_score(hyp, [ref]).score for ref in TEXTS] for hyp in TEXTS]
    np.testing.assert_allclose(ours(TEXTS), expected, atol=1e-8)


def test_equal_texts_share_their_weight_and_the_most_central_wins():
    texts = ["a cat sat", "a cat sat", "a dog ran", "a cat ran"]
    found = expected_utility(texts, [1, 1, 1, 1], "chrf")
    assert found[0] == found[1]
    np.testing.assert_allclose(found, chrf(texts).mean(1))
    assert expected_utility(["x y"] * 3, [1, 2, 3], "chrf") == pytest.approx(100)
