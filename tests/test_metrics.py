from __future__ import annotations

import pytest
import sacrebleu

from nmt import metrics
from nmt.metrics import bleu_by_length, corpus_scores

HYPS = ["The dog barks .", "A cat sleeps on the mat.", "Anna reads a very long book about the sea today."]
REFS = ["The dog barks.", "A cat is asleep on the mat.", "Anna reads a very long book about the sea today."]


def test_the_scores_are_sacrebleus():
    scores = corpus_scores(HYPS, REFS, ("bleu", "chrf", "ter"))
    assert scores["bleu"].score == sacrebleu.corpus_bleu(HYPS, [REFS]).score
    assert scores["chrf"].score == sacrebleu.corpus_chrf(HYPS, [REFS]).score
    assert scores["ter"].score == sacrebleu.corpus_ter(HYPS, [REFS]).score
    assert "tok:13a" in scores["bleu"].signature
    assert scores["bleu"].interval is None


def test_a_bootstrap_gives_an_interval():
    score = corpus_scores(HYPS * 20, REFS * 20, ("bleu",), n_bootstrap=200)["bleu"]
    assert 0 < score.interval < 20
    assert "bs:200" in score.signature


@pytest.mark.parametrize(("hyps", "message"), [(HYPS[:2], "2 translations but 3 references"), ([], "0 translations")])
def test_a_reference_for_every_translation(hyps, message):
    with pytest.raises(ValueError, match=message):
        corpus_scores(hyps, REFS)
    with pytest.raises(ValueError, match="nothing to score"):
        corpus_scores([], [])


def test_every_sentence_falls_into_one_bucket_of_its_sources_length():
    srcs = ["a b c d e", "a b c d e f", "w " * 40]
    buckets = bleu_by_length(srcs, HYPS, REFS)
    assert {name: row["sentences"] for name, row in buckets.items()} == {"1-5": 1, "6-10": 1, ">30": 1}
    assert buckets[">30"]["bleu"] == pytest.approx(100)


def test_an_unknown_test_set_is_answered_before_any_download(monkeypatch):
    with pytest.raises(ValueError, match="--testset is 'wmt99'"):
        metrics.published_test_set("wmt99", "de-en")
    with pytest.raises(ValueError, match="--langpair is 'de-xx'; wmt14 has: .*de-en"):
        metrics.published_test_set("wmt14", "de-xx")

    def offline(*_):
        raise OSError("no route")

    monkeypatch.setattr(metrics.sacrebleu, "get_source_file", offline)
    with pytest.raises(ValueError, match="wmt14 de-en is out of reach .no route.; use --src and --ref"):
        metrics.published_test_set("wmt14", "de-en")


def test_a_sentence_is_as_rare_as_its_rarest_word():
    counts = {"a": 1000, "b": 3}
    buckets = metrics.bleu_by_rarest_word(["a a", "a b", "a c"], counts, HYPS, REFS)
    assert {name: row["sentences"] for name, row in buckets.items()} == {">100": 1, "2-5": 1, "0": 1}


@pytest.mark.parametrize("test", ["bs", "ar"])
def test_a_paired_test_tells_a_difference_from_noise(test):
    refs = [f"the {animal} sees {n} dogs in the old town" for n in range(30) for animal in ("cat", "man")]
    one, other = (
        [ref.replace("old", "cold") if i % 2 == odd else ref for i, ref in enumerate(refs)] for odd in (0, 1)
    )
    found, signatures = metrics.compare({"a": one, "b": refs, "c": other}, refs, test, 200, ["bleu"])
    assert found["a"]["bleu"].p_value is None
    assert found["b"]["bleu"].score == pytest.approx(100)
    assert found["b"]["bleu"].p_value < 0.05
    assert found["c"]["bleu"].p_value > 0.3
    assert found["a"]["bleu"].score == sacrebleu.corpus_bleu(one, [refs]).score
    assert f"{test}:200" in signatures["bleu"]


def test_sentences_are_scored_one_by_one():
    assert metrics.sentence_scores(HYPS, REFS)[2] == pytest.approx(100)
    assert metrics.sentence_scores(HYPS, REFS)[0] == sacrebleu.sentence_chrf(HYPS[0], [REFS[0]]).score
