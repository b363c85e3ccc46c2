"""The small parts of the service, each alone: segments, languages, limits, metrics."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.service.detection import detect
from nmt.service.limits import MAX_CLIENTS, Keys, Limits, Rates
from nmt.service.metrics import Metrics
from nmt.service.pairs import LanguagePair, Pairs, matching, misnamed, pairs_of, stamp
from nmt.service.segments import MAX_SEGMENT_CHARS, cut
from nmt.service.wire import RefusedError


@given(st.text(alphabet=st.sampled_from("ab. \n\r\t!。 Ä"), max_size=3000))
def test_what_is_cut_can_be_joined(text):
    found = cut(text, "de", "en")
    assert "".join([found.blanks[0], *(a + b for a, b in zip(found.texts, found.blanks[1:], strict=True))]) == text
    assert all(one.strip() == one and one and len(one) <= MAX_SEGMENT_CHARS for one in found.texts)
    assert not any("\n" in one for one in found.texts)


def test_a_long_line_is_cut_into_sentences_and_a_short_one_is_not():
    assert cut("Ein Satz. Noch einer.", "de", "en").texts == ("Ein Satz. Noch einer.",)
    long = cut("Das ist ein Satz. " * 30, "de", "en")
    assert long.texts == ("Das ist ein Satz.",) * 30
    assert long.joined(["a"] * 30) == "a " * 30
    assert replace(long, target="zh").joined(["一。"] * 30) == "一。" * 30 + " "
    assert max(map(len, cut("x" * 10_000, "de", "en").texts)) <= MAX_SEGMENT_CHARS


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Das ist nicht mein Hund.", "de"),
        ("This is not my dog.", "en"),
        ("Ce n'est pas mon chien.", "fr"),
        ("Это не моя собака.", "ru"),
        ("これは私の犬ではありません。", "ja"),
        ("東京都知事選挙の開票結果", "ja"),
        ("这不是我的狗。", "zh-Hans"),
        ("이것은 내 개가 아닙니다.", "ko"),
    ],
)
def test_a_language_is_known_by_its_words_and_letters(text, code):
    codes = ["de", "en", "fr", "ru", "ja", "zh-Hans", "ko"]
    for served in (codes, codes[::-1]):
        (first, confidence), *_ = detect(text, served)
        assert first == code
        assert confidence > 75


def test_both_norwegian_codes_are_the_language():
    for code in ("no", "nn-NO"):
        assert detect("Hun har ikke sett hunden på veien, og det er vi glad for.", ["da", code, "sv"])[0][0] == code


def test_what_says_nothing_is_in_the_first_language():
    assert detect("12:30", ["de", "en"]) == [("de", 0.0), ("en", 0.0)]


def test_pairs_are_named_by_codes(tmp_path):
    assert pairs_of("de-en=a") == [LanguagePair("de", "en", ("a",))]
    assert pairs_of("zh-Hans:en=a,b") == [LanguagePair("zh-Hans", "en", ("a", "b"))]
    (tmp_path / "config.json").write_text('{"src": "de", "tgt": "fr"}')
    assert pairs_of(str(tmp_path)) == [LanguagePair("de", "fr", (str(tmp_path),))]
    (tmp_path / "config.json").write_text('{"src": "de+en", "tgt": "en+pt-BR", "directions": ["de-en", "en:pt-BR"]}')
    assert pairs_of(str(tmp_path)) == [
        LanguagePair(*two, (str(tmp_path),)) for two in (("de", "en"), ("en", "pt-BR"))
    ]
    for wrong in ("deen=a", "zh-Hans-en=a", "de-en=", "nowhere"):
        with pytest.raises(ValueError, match="two codes|no model directory"):
            pairs_of(wrong)
    with pytest.raises(ValueError, match="two models are given for de-en"):
        Pairs([*pairs_of("de-en=a"), *pairs_of("de-en=b")])


def test_who_is_refused_is_told_what_there_is():
    pairs = Pairs([*pairs_of("de-en=a"), *pairs_of("de-nl=b")])
    with pytest.raises(RefusedError, match="^fr is not supported; there are: de, en, nl$"):
        pairs.served("fr")
    with pytest.raises(
        RefusedError, match="de is not available as a target language from en; there are: de-en, de-nl$"
    ):
        pairs.ways("en", "de")


def named(ways) -> dict[str, str | None]:
    return {source: pair and pair.name for source, pair in ways.items()}


def test_a_text_in_any_language_is_in_one_that_has_a_pair_to_the_target_or_in_the_target():
    pairs = Pairs([*pairs_of("fr-de=a"), *pairs_of("de-en=b")])
    assert named(pairs.ways("", "en")) == {"de": "de-en", "en": None}
    assert named(pairs.ways("", "de")) == {"fr": "fr-de", "de": None}
    assert named(pairs.ways("", "fr")) == {"fr": None}
    both = Pairs([*pairs_of("de-en=a"), *pairs_of("en-de=b")])
    assert list(both.ways("", "de")) == list(both.ways("", "en")) == ["de", "en"]  # of two alike the first


@pytest.mark.parametrize(
    ("source", "target", "found"),
    [
        ("de", "en", {"de": "de-en-GB"}),
        ("DE", "EN-US", {"de": "de-en-GB"}),
        ("de", "en_gb", {"de": "de-en-GB"}),
        ("en-GB", "de", {"en-US": "en-US-de"}),
        ("en", "DE-at", {"en-US": "en-US-de"}),
        ("en", "fr", {"en-AU": "en-AU-fr"}),
        ("", "en", {"de": "de-en-GB", "en-GB": None}),
        ("", "EN-US", {"de": "de-en-GB", "en-GB": None}),
        ("", "de", {"en-US": "en-US-de", "de": None}),
        ("de-AT", "de", {"de": None}),
        ("en", "EN", {"en-US": None}),
        ("fr", "fr", {"fr": None}),
    ],
)
def test_a_source_is_found_among_sources_and_a_target_among_its_targets(source, target, found):
    pairs = Pairs([one for text in ("en-US:de=a", "de:en-GB=b", "en-AU:fr=c") for one in pairs_of(text)])
    assert named(pairs.ways(source, target)) == found


def test_the_usual_target_is_that_of_the_first_pair_of_a_source():
    pairs = Pairs([one for text in ("de-en=a", "en-fr=b", "en-de=c", "fr-de=d") for one in pairs_of(text)])
    for source in ("en", "EN", "en_XX"):
        assert pairs.usual(source, "") == (source, "fr")
    assert pairs.usual("", "") == ("de", "en")
    assert pairs.usual("", "EN-us") == ("de", "EN-us")
    assert pairs.usual("", "de") == ("", "de")
    assert pairs.usual("en", "de") == ("en", "de")
    with pytest.raises(RefusedError, match="xx is no source here; there are: de, en, fr"):
        pairs.usual("xx", "")


def test_what_has_no_pair_is_refused():
    pairs = Pairs([*pairs_of("zh-Hans:en=a"), *pairs_of("en:zh-Hant=b")])
    with pytest.raises(RefusedError, match="zh-Hant is not available as a target language from zh-Hans"):
        pairs.ways("zh-Hans", "zh-Hant")
    for source, target in (("xx", "en"), ("en", "xx"), ("", "xx"), ("xx", "xx")):
        with pytest.raises(RefusedError, match="xx is not supported"):
            pairs.ways(source, target)


def test_codes_fall_back_to_the_language():
    assert matching("DE_at", ["de", "en"]) == "de"
    assert matching("pt", ["pt-BR", "en"]) == "pt-BR"
    assert matching("pt-PT", ["en", "pt-BR"]) == "pt-BR"
    assert matching("zh-Hant-TW", ["zh", "zh-Hant"]) == "zh-Hant"
    assert matching("deu", ["en", "de"]) == "de"
    assert matching("NB", ["no", "nb"]) == "nb"  # both stand for one language
    assert matching("fr", ["de"]) is None


def test_a_changed_file_is_seen(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    pairs = [LanguagePair("de", "en", (str(tmp_path),))]
    before = stamp(pairs)
    assert stamp(pairs) == before
    os.utime(tmp_path / "config.json", ns=(1, 1))
    assert stamp(pairs) != before


def test_keys_have_rates_and_are_not_shown(tmp_path):
    path = tmp_path / "keys"
    path.write_text("\ufeffsecret 2\n# who may\n\nother # all day\n")
    keys = Keys(path)
    assert (keys.rate_of("secret"), keys.rate_of("other")) == (2, None)
    for key, status in (("", 400), ("Secret", 403)):
        with pytest.raises(RefusedError) as refused:
            keys.rate_of(key)
        assert refused.value.status == status
    path.write_text("secret many\n")
    with pytest.raises(ValueError, match=r"keys:1: a line is a key") as error:
        Keys(path)
    assert "secret" not in str(error.value)
    path.write_bytes(b"secr\xe9t\n")
    with pytest.raises(ValueError, match=r"keys, line 1 is not UTF-8"):
        Keys(path)


def test_a_rate_is_a_bucket_that_fills_up():
    now = [0.0]
    rates = Rates(lambda: now[0])
    for _ in range(2):
        rates.take("a", 2)
    with pytest.raises(RefusedError) as refused:
        rates.take("a", 2)
    assert (refused.value.status, refused.value.retry_after_s) == (429, 30)
    rates.take("b", 2)
    now[0] = 30.0
    rates.take("a", 2)
    for i in range(MAX_CLIENTS + 1):
        rates.take(f"c{i}", 1)
    assert len(rates._buckets) == MAX_CLIENTS


def test_sizes_are_limited():
    limits = Limits(max_texts=2, max_chars=5)
    limits.check(["ab", "abc"])
    for texts in (["a"] * 3, ["abcdef"]):
        with pytest.raises(RefusedError):
            limits.check(texts)


def test_metrics_are_prometheus_text():
    metrics = Metrics()
    metrics.count("nmt_requests_total", "/translate", '2"0\n0', by=3)
    metrics.observe("nmt_batch_segments", 3, "de-en")
    metrics.observe("nmt_batch_segments", 100, "de-en")
    lines = metrics.text().splitlines()
    assert r'nmt_requests_total{route="/translate",status="2\"0\n0"} 3' in lines
    assert 'nmt_batch_segments_bucket{pair="de-en",le="2"} 0' in lines
    assert 'nmt_batch_segments_bucket{pair="de-en",le="4"} 1' in lines
    assert 'nmt_batch_segments_bucket{pair="de-en",le="+Inf"} 2' in lines
    assert 'nmt_batch_segments_sum{pair="de-en"} 103' in lines


def test_a_model_that_says_other_languages_is_told(tmp_path):
    (tmp_path / "config.json").write_text('{"src": "de", "tgt": "English"}')
    folders = (str(tmp_path),)
    assert misnamed(LanguagePair("de-AT", "en", folders)) is None
    assert misnamed(LanguagePair("de", "en", (str(tmp_path / "none"),))) is None
    assert (
        misnamed(LanguagePair("en", "de", folders)) == f"--pair en-de: {tmp_path} says that it translates de-English"
    )
