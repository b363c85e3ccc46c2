from __future__ import annotations

import random
import re
import tracemalloc
from types import SimpleNamespace
from unicodedata import normalize
from unittest.mock import Mock, patch

import pytest
import sacrebleu
from sacrebleu import significance

from nmt.common.own_parts import OwnPartError
from nmt.metrics import measure as measures
from nmt.metrics import published, resampling
from nmt.metrics.buckets import bleu_by_length, bleu_by_rarest_word
from nmt.metrics.comparison import compare, meaning
from nmt.metrics.config import METRICS, Metric, MetricConfig
from nmt.metrics.measure import Measure, _obstacle, sentence_chrf
from nmt.metrics.resampling import TRIALS, p_value, randomisation, resampled_scores
from nmt.translation.values import Translation

HYPS = ["The dog barks .", "A cat sleeps on the mat.", "Anna reads a very long book about the sea today."]
REFS = ["The dog barks.", "A cat is asleep on the mat.", "Anna reads a very long book about the sea today."]


def test_the_scores_are_sacrebleus():
    scores = Measure().scores(HYPS, [REFS], ("bleu", "chrf", "chrf++", "ter"))
    assert scores["bleu"].score == sacrebleu.corpus_bleu(HYPS, [REFS]).score
    assert scores["chrf"].score == sacrebleu.corpus_chrf(HYPS, [REFS]).score
    assert scores["chrf++"].score == sacrebleu.corpus_chrf(HYPS, [REFS], word_order=2).score
    assert scores["ter"].score == sacrebleu.corpus_ter(HYPS, [REFS]).score
    assert "tok:13a" in scores["bleu"].signature
    assert scores["bleu"].interval is None


NOT_NFC = [
    "Trường học ở đâu? Nó rất đẹp và rộng.",  # as macOS writes it, below
    "लड़का सड़क पर दौड़ रहा है और गाड़ी चलती है।",  # U+095C, which NFC takes apart
    "الدُّكَّان كَبِيرٌ جِدًّا في المَدِينَة",  # shadda before its vowel
]


@pytest.mark.parametrize("text", NOT_NFC)
def test_texts_that_are_equal_in_nfc_are_equal(text):
    """A target is written in NFC; a reference is as its author typed it."""
    given = {"NFD": normalize("NFD", text), "typed": text.replace("ड\u093c", "\u095c").replace("ُّ", "\u0651\u064f")}
    for ref in given.values():
        hyp = normalize("NFC", ref)
        for hyps, refs in (([hyp], [[ref]]), ([ref], [[hyp]])):
            scores = Measure().scores(hyps, refs, ("bleu", "chrf", "chrf++", "ter"))
            assert [round(score.score, 6) for score in scores.values()] == [100, 100, 100, 0]
            assert sentence_chrf(hyps, refs) == [100]
            assert Measure().sentence_score(hyps[0], refs[0][0]) == pytest.approx(100)
        found, _ = compare(Measure(), {"a": [hyp] * 3, "b": [ref] * 3}, [[ref] * 3], "bs", 3, ["bleu", "chrf"])
        assert all(one.score == pytest.approx(100) for of in found.values() for one in of.values())
        assert bleu_by_length(Measure(), [text], [hyp], [[ref]]).popitem()[1]["bleu"] == pytest.approx(100)
    assert any(ref != normalize("NFC", ref) for ref in given.values())


@pytest.mark.parametrize("name", ["bleu", "chrf", "chrf++", "ter"])
def test_characters_that_only_look_alike_differ(name):
    """As in sacreBLEU's own numbers: NFKC would take them for the same."""
    hyps, refs = ["the area is 5 m² or ½ of it"], [["the area is 5 m2 or 1⁄2 of it"]]
    own = {"bleu": sacrebleu.BLEU(), "chrf": sacrebleu.CHRF(), "chrf++": sacrebleu.CHRF(word_order=2)}
    expected = own.get(name, sacrebleu.TER()).corpus_score(hyps, refs).score
    assert Measure().scores(hyps, refs, (name,))[name].score == expected


@pytest.mark.parametrize("name", ["chrf", "chrf++"])
def test_resamples_may_score_nothing(name):
    """Of two sentences of which one has nothing right, some resamples have it alone."""
    score = Measure(name).scores(["q", "a dog runs here"], [["xyz", "a dog runs here"]], (name,), 1000)[name]
    assert 0 < score.mean < 100


@pytest.mark.parametrize(("hyps", "message"), [(HYPS[:2], "2 translations but 3 references"), ([], "0 translations")])
def test_a_reference_for_every_translation(hyps, message):
    with pytest.raises(ValueError, match=message):
        Measure().scores(hyps, [REFS])
    with pytest.raises(ValueError, match=message):
        compare(Measure(), {"a": HYPS, "b": hyps}, [REFS], "bs", 3, ["bleu"])
    with pytest.raises(ValueError, match="nothing to score"):
        Measure().scores([], [[]])


class Series:
    """As those of pandas are: neither a Sequence nor a truth value."""

    def __init__(self, texts):
        self.texts = texts

    def __iter__(self):
        return iter(self.texts)

    def __bool__(self):
        raise ValueError("ambiguous")


def test_texts_come_in_whatever_can_be_iterated_and_translations_are_texts():
    expected = Measure().scores(HYPS, [REFS])
    assert Measure().scores(Series(HYPS), Series([Series(REFS)])) == expected
    assert Measure().scores((one for one in HYPS), (iter(one) for one in [REFS])) == expected
    assert Measure().scores([Translation(one, 0.0, 0.0) for one in HYPS], [REFS]) == expected


@pytest.mark.parametrize(
    ("hyps", "refs", "message"),
    [
        (HYPS, REFS, "refs[0] is a str; refs is a list of lists, one per set of references"),
        (HYPS, REFS[0], "refs is a str; refs is a list of lists"),
        (HYPS, [[*REFS[:2], 7]], "refs[0][2] is a int; refs is a list of lists"),
        (HYPS[0], [REFS], "hyps is a str; it is a list of texts"),
        ([*HYPS[:2], None], [REFS], "hyps[2] is a NoneType; it is a list of texts"),
        ({"text": HYPS}, [REFS], "hyps is a dict; it is a list of texts"),
    ],
)
def test_what_is_no_list_of_texts_is_not_scored(hyps, refs, message):
    with pytest.raises(TypeError, match=f"^{re.escape(message)}"):
        Measure().scores(hyps, refs)


def test_every_sentence_falls_into_one_bucket_of_its_sources_length():
    srcs = ["a b c d e", "a b c d e f", "w " * 40]
    buckets = bleu_by_length(Measure(), srcs, HYPS, [REFS])
    assert {name: row["sentences"] for name, row in buckets.items()} == {"1-5": 1, "6-10": 1, ">30": 1}
    assert buckets[">30"]["bleu"] == pytest.approx(100)
    assert buckets["6-10"]["bleu"] < 90
    assert bleu_by_length(Measure(), srcs, HYPS, [REFS, HYPS])["6-10"]["bleu"] == pytest.approx(100)


def test_an_unknown_test_set_is_answered_before_any_download(monkeypatch):
    with pytest.raises(ValueError, match="--testset is 'wmt99'"):
        published.published_test_set("wmt99", "de-en")
    with pytest.raises(ValueError, match="--langpair is 'de-xx'; wmt14 has: .*de-en"):
        published.published_test_set("wmt14", "de-xx")

    for error in (OSError, SystemExit):  # sacreBLEU exits where a file's checksum is wrong
        monkeypatch.setattr(published.sacrebleu, "get_source_file", Mock(side_effect=error("no route")))
        with pytest.raises(ValueError, match="wmt14 de-en is out of reach .no route.; use --src and --ref"):
            published.published_test_set("wmt14", "de-en")


def test_a_published_test_set_has_a_text_for_each_line(monkeypatch, tmp_path):
    lines = {"src": "eins\n\nzwei\u2028drei\n", "a": "one\n\ntwo\u2028three\n", "b": "1\n2\n3"}
    for name, text in lines.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(published.sacrebleu, "get_source_file", lambda *_: str(tmp_path / "src"))
    monkeypatch.setattr(published.sacrebleu, "get_reference_files", lambda *_: [str(tmp_path / n) for n in "ab"])
    expected = ["eins", "", "zwei\u2028drei"], [["one", "", "two\u2028three"], ["1", "2", "3"]]
    assert published.published_test_set("wmt14", "de-en") == expected


@pytest.mark.parametrize("without_words_of_the_training", ["a c", "—"])
def test_a_sentence_is_as_rare_as_its_rarest_word(without_words_of_the_training):
    counts, srcs = {"a": 1000, "b": 3}, ["a a", "a (b).", without_words_of_the_training]
    buckets = bleu_by_rarest_word(Measure(), srcs, counts, HYPS, [REFS])
    assert {name: row["sentences"] for name, row in buckets.items()} == {">100": 1, "2-5": 1, "0": 1}


def test_resamples_are_sacrebleus():
    rng, names = random.Random(1), ["bleu", "chrf", "ter"]
    hyps, refs = ([f"{rng.choice(HYPS)} {rng.choice(REFS)}" for _ in range(60)] for _ in range(2))
    systems = {"a": [rng.choice(pair) for pair in zip(hyps, refs, strict=True)], "b": hyps}  # the second is worse
    want = {name: Measure().metric(name).corpus_score(hyps, [refs], n_bootstrap=50) for name in names}
    metrics = {name: Measure().metric(name, [refs]) for name in names}
    scores = Measure().scores(hyps, [refs], names, n_bootstrap=50)
    assert [(one.interval, one.mean) for one in scores.values()] == [(one._ci, one._mean) for one in want.values()]
    assert all("|bs:50|" in one.signature and one.interval > 0 for one in scores.values())
    for test, samples in (("bs", 50), ("ar", TRIALS + 6)):
        given = list(systems.items()), metrics, None, test, samples
        with patch.object(significance, "_compute_p_value", p_value):
            signed, paired = significance.PairedTest(*given, n_ar_confidence=1000 if test == "ar" else -1)()
        found, signatures = compare(Measure(), systems, [refs], test, samples, names)
        assert list(signatures.values()) == list(map(str, signed.values()))
        for i, system in enumerate(systems):
            expected = [(of[i].score, of[i].ci, of[i].p_value) for of in list(paired.values())[1:]]
            assert [(one.score, one.interval, one.p_value) for one in found[system].values()] == expected


@pytest.mark.parametrize("test", ["bs", "ar"])
def test_any_seed_draws_the_same_again(test, monkeypatch):
    monkeypatch.setenv("SACREBLEU_SEED", "0")
    refs = [f"the cat sees {n} dogs in the old town" for n in range(20)]
    systems = {"a": refs, "b": [ref.replace("old", "cold") if n % 3 else ref for n, ref in enumerate(refs)]}
    first, again = (compare(Measure(), systems, [refs], test, 40, ["bleu"]) for _ in range(2))
    assert first == again


def test_resamples_take_little_memory(monkeypatch):
    class Tokens:
        _compute_score_from_stats = staticmethod(lambda counts: SimpleNamespace(score=sum(counts)))

    def peak(work):
        """The result, and the most bytes that it took."""
        tracemalloc.start()
        try:
            return work(), tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    found, of_resamples = peak(lambda: resampled_scores(Tokens, [[1.0] * 18] * 500, 200, 1))
    assert found.tolist() == [500 * 18] * 200
    assert of_resamples < 500 * 18 * 200 * 4 / 10  # bytes of all resamples' counts
    monkeypatch.setattr(resampling, "RESAMPLES", 2)
    systems = [[[2.0] * 18] * 500, [[1.0] * 18] * 500]
    (_, p), of_trials = peak(lambda: randomisation(Tokens, systems, [2 * 500 * 18, 500 * 18], 2000, 1))
    assert p == [None, 1 / 2001]
    assert of_trials < 500 * 2000 * 8 / 10  # bytes of which sentences all trials swap


def test_every_resample_is_drawn_in_little_memory(monkeypatch):
    drawn = Mock(side_effect=resampling._resampled)
    monkeypatch.setattr(resampling, "_resampled", drawn)
    Measure().scores(HYPS, [REFS], ("bleu",), n_bootstrap=3)
    assert drawn.call_count == 1
    for test in ("bs", "ar"):
        drawn.reset_mock()
        compare(Measure(), {"a": HYPS, "b": HYPS[::-1]}, [REFS], test, 3, ["bleu"])
        assert drawn.call_count >= 2


@pytest.mark.parametrize("test", ["bs", "ar"])
def test_a_paired_test_tells_a_difference_from_noise(test):
    refs = [f"the {animal} sees {n} dogs in the old town" for n in range(30) for animal in ("cat", "man")]
    one, other = (
        [ref.replace("old", "cold") if i % 2 == odd else ref for i, ref in enumerate(refs)] for odd in (0, 1)
    )
    found, signatures = compare(Measure(), {"a": one, "b": refs, "c": other}, [refs], test, 200, ["bleu"])
    assert found["a"]["bleu"].p_value is None
    assert found["b"]["bleu"].score == pytest.approx(100)
    assert found["b"]["bleu"].p_value < 0.05
    assert found["c"]["bleu"].p_value > 0.3
    assert found["a"]["bleu"].score == sacrebleu.corpus_bleu(one, [refs]).score
    assert f"{test}:200" in signatures["bleu"]


def test_sentences_are_scored_one_by_one():
    assert sentence_chrf(HYPS, [REFS])[2] == pytest.approx(100)
    assert sentence_chrf(HYPS, [REFS])[0] == sacrebleu.sentence_chrf(HYPS[0], [REFS[0]]).score
    none = [None] * len(REFS)
    assert sentence_chrf(HYPS, [REFS, none]) == sentence_chrf(HYPS, [none, REFS]) == sentence_chrf(HYPS, [REFS])


@pytest.mark.parametrize("name", ["bleu", "ter", "nll", "chrf", "chrf++"])
@pytest.mark.parametrize("tokenize", ["13a", "char"])
@pytest.mark.parametrize(("hyp", "ref"), [(HYPS[1], REFS[1]), ("The dog", "The dogs"), ("no", "yes")])
def test_the_score_of_a_sentence_is_sacrebleus(name, tokenize, hyp, ref):
    own = {"chrf": sacrebleu.CHRF(), "chrf++": sacrebleu.CHRF(word_order=2)}
    smoothed = sacrebleu.BLEU(tokenize=tokenize, smooth_method="add-k", smooth_value=1, effective_order=True)
    expected = own.get(name, smoothed).sentence_score(hyp, [ref]).score
    assert Measure(name, tokenize).sentence_score(hyp, ref) == expected


@pytest.mark.parametrize("test", ["bs", "ar"])
def test_equal_systems_do_not_differ(test):
    other = [HYPS[0], *HYPS[1:][::-1]] * 4  # another text
    found, _ = compare(
        Measure(), {"a": HYPS * 4, "copy": HYPS * 4, "b": other}, [REFS * 4], test, 100, ["bleu", "chrf"]
    )
    assert [found["copy"][name].p_value for name in ("bleu", "chrf")] == [1, 1]
    assert found["b"]["bleu"].p_value < 1


@pytest.mark.parametrize(("better", "p"), [(1, 1), (2, 1 / 2), (5, 1 / 16)])
def test_a_randomisation_counts_trials_that_tie(better, p):
    """Of 2^n ways to exchange the n sentences that differ, two give as large a difference as the one found."""
    refs = [f"the cat sees {n} dogs in the old town" for n in range(10)]
    one = [ref.replace("old", "cold") for ref in refs]
    found, _ = compare(Measure(), {"a": one, "b": refs[:better] + one[better:]}, [refs], "ar", 2000, ["bleu", "chrf"])
    assert [found["b"][name].p_value for name in ("bleu", "chrf")] == pytest.approx([p, p], abs=0.03)


def test_what_p_means_is_told():
    assert ["one-sided" in note for note in meaning("bs", 3)] == [True, False]
    assert meaning("ar", 2) == []


UNSPACED = {
    "zh": ["你好，世界！", "老师看见一只小狗。"],
    "ja": ["こんにちは、世界！", "先生は小さな犬を見ました。"],
    "th": ["สวัสดีชาวโลก", "ครูเห็นหมาตัวเล็ก"],
    "km": ["សួស្តីពិភពលោក", "គ្រូឃើញឆ្កែតូចមួយ"],
    "lo": ["ສະບາຍດີຊາວໂລກ", "ຄູເຫັນໝານ້ອຍ"],
    "my": ["မင်္ဂလာပါကမ္ဘာလောက", "ဆရာကခွေးလေးတစ်ကောင်ကိုမြင်တယ်"],
    "bo": ["བཀྲ་ཤིས་བདེ་ལེགས།", "དགེ་རྒན་གྱིས་ཁྱི་ཆུང་ཞིག་མཐོང་།"],
}


@pytest.mark.parametrize("language", sorted(UNSPACED))
def test_a_perfect_translation_has_the_best_score_in_every_language(language):
    refs = UNSPACED[language]
    measure = Measure.of(MetricConfig(), language, refs)
    assert measure.scores(refs, [refs])["bleu"].score == pytest.approx(100)
    half = [refs[0], refs[0]]
    assert measure.scores(half, [refs])["bleu"].score < 100
    assert Measure.of(MetricConfig(), "tgt", [None, *refs]) == measure  # by the script, where the code tells nothing
    is_split = language in ("zh", "ja")
    expected = sacrebleu.corpus_ter(half, [refs], normalized=is_split, asian_support=is_split).score
    assert measure.scores(half, [refs], ("ter",))["ter"].score == expected


@pytest.mark.parametrize(
    ("code", "tokens"),
    [
        *[(code, "zh") for code in ("zh", "zh-TW", "ZH_cn", "zho_Hans", "yue")],
        *[(code, "char") for code in ("th-TH", "km", "my_MM")],
        *[(code, "13a") for code in ("en", "de-CH", "zh-Latn", "vi", "xx")],
    ],
)
def test_the_tokenisation_follows_the_language_and_stands_in_the_signature(code, tokens):
    measure = Measure.of(MetricConfig(), code, REFS)
    assert (measure.tokenize, measure.split_cjk) == (tokens, tokens == "zh")
    assert f"|tok:{tokens}" in measure.scores(HYPS, [REFS])["bleu"].signature.replace("-smart", "")


def test_a_tokenisation_that_is_asked_for_is_taken_or_refused(monkeypatch):
    assert Measure.of(MetricConfig(tokenize="char"), "zh", []).tokenize == "char"
    monkeypatch.setattr("nmt.metrics.measure._obstacle", lambda tokenize: "it needs MeCab")
    with pytest.raises(ValueError, match="metric.tokenize is 'ja-mecab', which cannot be had here: it needs MeCab"):
        Measure.of(MetricConfig(tokenize="ja-mecab"), "ja", [])


@pytest.mark.parametrize(
    ("told", "obstacle"), [("no  library;\n install it", "no library; install it"), ("", "OSError")]
)
def test_an_obstacle_is_told_in_a_line(monkeypatch, told, obstacle):
    monkeypatch.setattr(measures, "BLEU", Mock(side_effect=OSError(told)))
    assert measures._obstacle.__wrapped__("spm") == obstacle


@pytest.mark.parametrize(("code", "own"), [("ja", "ja-mecab"), ("ko", "ko-mecab")])
@pytest.mark.parametrize("has_library", [True, False])
def test_japanese_and_korean_are_divided_by_mecab_where_it_is_installed(monkeypatch, code, own, has_library):
    monkeypatch.setattr(measures, "_obstacle", lambda name: None if has_library or name == "char" else "no MeCab")
    measure = Measure.of(MetricConfig(), code, [])
    assert (measure.tokenize, measure.split_cjk) == (own if has_library else "char", code == "ja")


@pytest.mark.parametrize("language", ["ja", "ko"])
def test_a_missing_mecab_is_named_with_the_extra_that_installs_it(monkeypatch, language):
    monkeypatch.setattr("nmt.common.extras.find_spec", lambda name: None)
    _obstacle.cache_clear()
    with pytest.raises(ValueError, match=rf": it needs MeCab.*: pip install 'nmt\[{language}\]'$"):
        Measure.of(MetricConfig(tokenize=f"{language}-mecab"), language, [])
    _obstacle.cache_clear()


class Picky(sacrebleu.BLEU):
    def _preprocess_segment(self, sent):
        return {"b": "b", "c": "c"}[sent]


def test_a_metric_that_fails_on_some_lines_is_named_with_the_first_of_them(monkeypatch):
    monkeypatch.setitem(METRICS, "ter", Metric("mine", lambda measure, refs: Picky(references=refs)))
    expected = r"^the metric 'ter' fails on line 2, 'a', in test_metrics\.py:\d+ \(KeyError: 'a'\)$"
    with pytest.raises(OwnPartError, match=expected):
        Measure("ter").scores(["b", "a", "a"], [["b", "b", "c"]], ["ter"])


def test_lengths_count_characters_where_there_are_no_spaces():
    srcs = ["老师看见一只小狗。", "你好" * 8, "十" * 70]
    buckets = bleu_by_length(Measure(), srcs, HYPS, [REFS])
    assert {name: row["sentences"] for name, row in buckets.items()} == {"1-10": 1, "11-20": 1, ">60": 1}


def test_a_missing_reference_is_none_and_not_an_empty_one():
    second = [None, "A cat is sleeping on the mat.", None]
    score = Measure().scores(HYPS, [REFS, second])["bleu"]
    assert score.score == sacrebleu.corpus_bleu(HYPS, [REFS, second]).score
    assert "nrefs:var" in score.signature
    with pytest.raises(ValueError, match="sentence 3 has no reference"):
        Measure().scores(HYPS, [[*REFS[:2], None], second])


@pytest.mark.parametrize("name", ["bleu", "chrf", "chrf++", "ter", "nll"])
def test_the_metric_chooses_and_chrf_then_nll_decide_between_equals(name):
    measure = Measure(name)
    better, worse = (measure.scores(hyps, [REFS]) for hyps in (REFS, HYPS))
    assert measure.selection_key(better, 2.0) > measure.selection_key(worse, 2.0)
    assert (measure.selection_key(better, 3.0) > measure.selection_key(worse, 1.0)) == (name != "nll")
    assert measure.selection_key(worse, 1.001) > measure.selection_key(worse, 1.004)
    assert measure.selection_key(worse, 9.0) > measure.selection_key(worse, float("nan"))
    assert measure.figure(measure.selection_key(worse, 1.5)) == (1.5 if name == "nll" else worse[name].score)
    if name != "nll":
        assert measure.selection_key(worse, 1.0) == measure.selection_key(worse, 1.0004)  # weights that hardly change
        same = worse | {name: better[name]}
        assert measure.selection_key(better, 3.0) >= measure.selection_key(same, 3.0)
