"""What each side's text loses before it becomes pieces: of a target nothing, unless it is asked for."""

from __future__ import annotations

import unicodedata
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.data.normalization import RULES, normalized, rule_of
from nmt.data.tokenizer import JOINT, SRC, TGT, Tokenizer, TokenizerConfig
from nmt.data.tokenizer_training import train_tokenizer

TEXT = [f"Satz {i} mit Wörtern, die {'sich ' * (i % 5)}wiederholen." for i in range(200)]
KEPT = [
    "1½ Tassen, 10 m², x³",
    "你好，世界！",
    "他说：“是的（大概）。”",
    "กำลัง",
    "… ™ № ﬁn",
    "a´ ~b¨",
    "ﷺ",
    "12\u00a0km",
]
UNIFIED = "1½ m² ，ﬁ"  # NFKC has other characters for each of the signs
ALL = (*RULES, "nfc", "identity")


@cache
def tokenizer(**settings) -> Tokenizer:
    return train_tokenizer(TokenizerConfig(vocab_size=300, **settings), TEXT, TEXT[::-1])


def through_src(tokenizer, text):
    return tokenizer.src.decode(tokenizer.encode_src([text])[0])


def through_tgt(tokenizer, text):
    return tokenizer.decode_tgt(tokenizer.encode_tgt([text])[0][1:-1])


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
@pytest.mark.parametrize("joint", [True, False])
def test_a_target_loses_nothing_by_default_and_a_source_what_nfkc_unifies(joint, kind):
    tokenizer_ = tokenizer(joint=joint, kind=kind)
    assert [through_tgt(tokenizer_, text) for text in KEPT] == KEPT
    assert through_tgt(tokenizer_, "cafe\u0301") == "caf\u00e9"
    assert through_src(tokenizer_, UNIFIED) == "11⁄2 m2 ,fi"
    assert tokenizer_.encode_tgt(KEPT, num_threads=2) == tokenizer_.encode_tgt(KEPT)
    assert tokenizer_.normalizations == ("nmt_nfkc", "nfc")


@pytest.mark.parametrize("joint", [True, False])
def test_sampled_pieces_of_a_target_lose_nothing_either(joint):
    tokenizer_ = tokenizer(joint=joint)
    (ids,) = tokenizer_.encode_tgt([KEPT[0]])
    assert {tokenizer_.decode_tgt(tokenizer_.samplers[1](ids, 0.4, seed)[1:-1]) for seed in range(5)} == {KEPT[0]}


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize("src", ALL)
@pytest.mark.parametrize("tgt", ALL)
def test_each_side_has_its_own_setting(src, tgt, joint):
    if joint and src != tgt and {src, tgt} <= set(RULES):
        with pytest.raises(ValueError, match="a joint vocabulary keeps one such rule"):
            TokenizerConfig(vocab_size=300, src_normalization=src, tgt_normalization=tgt)
        return
    tokenizer_ = tokenizer(src_normalization=src, tgt_normalization=tgt, joint=joint)
    text = f"{UNIFIED} CAFE\u0301"
    assert through_src(tokenizer_, text) == next(normalized([text], src))
    assert through_tgt(tokenizer_, text) == next(normalized([text], tgt))
    assert tokenizer_.normalizations == (src, tgt)
    again = Tokenizer(tokenizer_.models, tokenizer_.src_normalization, tokenizer_.tgt_normalization)
    assert again.content == tokenizer_.content
    assert through_tgt(again, text) == through_tgt(tokenizer_, text)


@pytest.mark.parametrize("name", ALL)
def test_one_setting_for_both_sides_means_what_it_meant(name):
    tokenizer_ = tokenizer(normalization=name)
    assert tokenizer_.normalizations == (name, name)
    assert through_tgt(tokenizer_, UNIFIED) == through_src(tokenizer_, UNIFIED) == next(normalized([UNIFIED], name))
    if name != "nfc":  # which earlier versions lacked: what they made is the .model alone
        assert Tokenizer(tokenizer_.models).encode_tgt([UNIFIED]) == tokenizer_.encode_tgt([UNIFIED])
        assert rule_of(tokenizer_.models[JOINT]) == name
    one = tokenizer(normalization="nfc", src_normalization="nfkc")
    assert one.normalizations == ("nfkc", "nfc")


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_where_both_normalizations_agree_on_the_targets_the_pieces_are_the_same_to_the_byte(kind):
    src = [*TEXT, "1½ m²,\u00a0ﬁn"]  # of a source they need not
    now, before = (
        train_tokenizer(TokenizerConfig(vocab_size=300, kind=kind, normalization=name), src, TEXT)
        for name in (None, "nmt_nfkc")
    )
    assert now.models == before.models
    assert now.content != before.content
    now, before = (
        train_tokenizer(TokenizerConfig(300, kind, joint=False, normalization=name), src, TEXT)
        for name in (None, "nmt_nfkc")
    )
    assert now.models[SRC] == before.models[SRC]
    assert now.encode_tgt(TEXT) == before.encode_tgt(TEXT)
    assert now.models[TGT] != before.models[TGT]  # but for the rule


def test_half_a_character_is_no_error_on_either_side():
    tokenizer_ = tokenizer()
    for broken, sound in (("a\ud800b", "a\ufffdb"), ("\udcff", "\ufffd"), ("\ud83d\ude00", "\U0001f600")):
        for num_threads in (1, 2):
            assert tokenizer_.encode_src([broken], num_threads) == tokenizer_.encode_src([sound])
            assert tokenizer_.encode_tgt([broken, "x"], num_threads) == tokenizer_.encode_tgt([sound, "x"])
    pieces = train_tokenizer(TokenizerConfig(vocab_size=300), [*TEXT, "\ud800"], [*TEXT, "\udfff"])
    assert (
        pieces.models == train_tokenizer(TokenizerConfig(vocab_size=300), [*TEXT, "\ufffd"], [*TEXT, "\ufffd"]).models
    )


@given(st.text())
def test_nfc_is_exactly_that(text):
    assert next(normalized([text], "nfc")) == unicodedata.normalize("NFC", text)
    assert next(normalized([text], "identity")) == text
