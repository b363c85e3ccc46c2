from __future__ import annotations

import pytest

from nmt.data.tokenizer import EOS_ID
from nmt.inspection import inspect_sentence
from nmt.inspection.alignment import align
from nmt.inspection.sentences import src_ids, tgt_ids
from nmt.translation.sources import MAX_CHARS, MAX_PIECES
from nmt.translation.translator import Translator

LONG = "Anna mag " * MAX_PIECES
SPACES = "Anna" + " " * MAX_CHARS + "mag"  # few pieces, but more characters than are looked at


@pytest.fixture
def translator(trained):
    return Translator.load(trained / "model", compute="float32", shortlist=False)


def test_what_is_inspected_is_cut_where_a_translation_is(translator):
    texts = ["Anna mag den Ball.", LONG, SPACES]
    sources, cut = src_ids(translator, texts)
    assert cut == [one.truncated for one in translator.translate(texts)] == [False, True, True]
    assert sources[1][-1] == EOS_ID
    assert translator.tokenizer.src_pieces(sources[1]) == list(translator.translate(texts)[1].src_tokens)
    targets, cut = tgt_ids(translator, texts)
    assert cut == [False, True, True]
    assert len(targets[1]) == MAX_PIECES - 1


def test_an_inspection_of_a_sentence_without_end_is_bounded_and_says_so(translator):
    found = inspect_sentence(translator, LONG, ["attention"], LONG)
    assert (len(found["src_pieces"]), len(found["tgt_pieces"]), found["truncated"]) == (MAX_PIECES, MAX_PIECES, True)
    assert len(inspect_sentence(translator, "Anna", [], "x" * 10 * MAX_CHARS)["tgt"]) <= MAX_CHARS
    assert not inspect_sentence(translator, "Anna.", [], "Anna.")["truncated"]
    cut: list[bool] = []
    weights = list(align(translator, ["Anna mag.", LONG, "Anna."], ["Anna.", "Anna.", LONG], cut))
    assert cut == [False, True, True]
    assert max(weights[1].shape[1], weights[2].shape[0]) <= MAX_PIECES
