"""A validation text of training pairs."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from unicodedata import normalize

import pytest

from nmt.data.cleaning import CleaningConfig
from nmt.data.corpora import FileCorpus, Pair
from nmt.data.preparation import prepare
from nmt.data.tokenizer import TokenizerConfig
from nmt.data.validation import hold_out

CONFIG = TokenizerConfig(vocab_size=320)
PAIRS = [Pair(f"satz {i}", f"sentence {i}", i) for i in range(700)]


@pytest.fixture
def text(corpus_dir, tmp_path):
    """130 training pairs, the first ten of them twice, and no validation text."""
    folder = shutil.copytree(corpus_dir, tmp_path / "text", ignore=shutil.ignore_patterns("valid*"))
    for code in ("de", "en"):
        path = folder / f"train.{code}"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join([*lines, *lines[:10]]), encoding="utf-8")
    return folder


def sides(pairs):
    return {(pair.src, pair.tgt) for pair in pairs}


def training_pairs(prepared):
    tokenizer, train = prepared.tokenizer, prepared.train
    return {
        (tokenizer.src.decode(train.pair(i)[0][:-1].tolist()), tokenizer.decode_tgt(train.pair(i)[1][1:-1].tolist()))
        for i in range(len(train))
    }


def test_which_pairs_are_held_out_is_told_by_themselves():
    held = hold_out(PAIRS, 40)
    assert len(sides(held)) == 40
    shuffled = random.Random(3).sample(PAIRS, len(PAIRS))
    assert [pair[:2] for pair in hold_out(shuffled, 40)] == [pair[:2] for pair in held]
    fewer = hold_out(PAIRS[:600], 40)
    assert sides(held) - sides(fewer) <= sides(PAIRS[600:])  # nothing that was learned from is validated with
    assert sides(held) != sides(fewer)


def test_accents_written_in_two_ways_hold_out_the_same_pairs():
    composed = [Pair(f"größe {i}", f"é {i}", i) for i in range(90)]
    apart = [Pair(*(normalize("NFD", text) for text in pair[:2]), pair.line) for pair in composed]
    assert [pair.line for pair in hold_out(apart, 7)] == [pair.line for pair in hold_out(composed, 7)]


@pytest.mark.parametrize(("total", "share"), [(2, 1), (35, 3), (700, 70), (6000, 500)])
def test_without_a_number_it_is_a_share_of_a_small_text(total, share):
    assert len(hold_out([Pair("a", str(i)) for i in range(total)], None)) == share


@pytest.mark.parametrize(
    ("total", "wanted", "message"),
    [
        (30, 30, r"data.valid=30 would hold out all of the 30 training pair\(s\); choose 3, or"),
        (1, None, "all of the 1 .*; add text"),
        (0, 5, "all of the 0 "),
    ],
)
def test_some_pairs_must_be_left(total, wanted, message):
    with pytest.raises(ValueError, match=message):
        hold_out(PAIRS[:total], wanted)


@pytest.mark.parametrize("decontaminate", [True, "pair", False])
def test_no_pair_is_both_learned_from_and_validated_with(text, tmp_path, decontaminate):
    corpus = FileCorpus(
        "de", "en", dir=str(text), valid=30, cleaning=CleaningConfig(deduplicate=False, decontaminate=decontaminate)
    )
    for _ in range(2):  # from the cache, too
        prepared = prepare(corpus, CONFIG, tmp_path / "cache")
        held, learned = sides(prepared.valid), training_pairs(prepared)
        assert len(held) == len(prepared.valid) == 30
        assert not held & learned
        assert prepared.dropped["held out for validation"] >= 30
        if decontaminate is not True:
            assert len(held | learned) == 130
    more = prepare(replace(corpus, valid=31), CONFIG, tmp_path / "cache")  # has a cache of its own
    assert sides(prepared.valid) < sides(more.valid)
    assert not sides(more.valid) & training_pairs(more)


def test_a_validation_text_that_is_missing_is_made_if_it_was_not_asked_for(text, corpus_dir, tmp_path, caplog):
    caplog.set_level("INFO", "nmt")
    made = prepare(FileCorpus("de", "en", dir=str(text)), CONFIG, tmp_path / "cache", auto=["data.valid"])
    assert made.corpus.valid == len(made.valid) == 13
    assert "there is no validation text 'valid': 13 pairs of the training text are held out" in caplog.text
    with pytest.raises(ValueError, match=r"has no valid.de \+ valid.en or valid.tsv"):
        prepare(FileCorpus("de", "en", dir=str(text)), CONFIG, tmp_path / "cache")
    there = prepare(FileCorpus("de", "en", dir=str(corpus_dir)), CONFIG, tmp_path / "cache", auto=["data.valid"])
    assert (there.corpus.valid, len(there.valid)) == ("valid", 20)
    shutil.copy(corpus_dir / "valid.de", text)  # half of one is a mistake
    with pytest.raises(ValueError, match="valid.de has no partner valid.en"):
        prepare(FileCorpus("de", "en", dir=str(text)), CONFIG, tmp_path / "cache", auto=["data.valid"])


def test_the_number_is_one_of_pairs():
    with pytest.raises(ValueError, match="valid is 0; it must name a split or say how many training pairs"):
        FileCorpus("de", "en", dir="x", valid=0)
