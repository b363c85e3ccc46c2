from __future__ import annotations

import pytest
import torch

import nmt
from nmt.search import Beam, Greedy
from nmt.translator import MAX_SRC_PIECES, Translator

TEXTS = ["Der Hund sieht den Ball.", "", "Anna mag kein Boot und sucht das Haus.", "  ", "Paul.", "Anna 🐕"]


@pytest.fixture
def translator(bundle_dir) -> Translator:
    return nmt.load(bundle_dir, device="cpu")


@pytest.mark.parametrize("search", [Greedy(), Beam(beam_size=3)])
def test_a_text_translates_the_same_alone_and_in_any_batch(translator, search):
    together = translator.translate(TEXTS, search)
    for batch_size in (1, 2, 64):
        again = translator.translate(TEXTS, search, batch_size=batch_size)
        assert [t.text for t in again] == [t.text for t in together]
        assert [t.score for t in again] == pytest.approx([t.score for t in together], rel=1e-5)
    assert translator.translate(TEXTS[2:3], search)[0].text == together[2].text


def test_blank_text_gives_blank_text_without_the_model(translator):
    translator.model = None
    results = translator.translate(["", " \t ", "\u200b"[:0]])
    assert [r.text for r in results] == ["", "", ""]
    assert all(r.is_empty for r in results)


def test_nothing_gives_nothing(translator):
    assert translator.translate([]) == []


def test_the_nbest_come_best_first_and_the_first_is_the_translation(translator):
    (result,) = translator.translate(TEXTS[:1], Beam(beam_size=4), nbest=3)
    assert len(result.alternatives) == 3
    assert [a.score for a in result.alternatives] == sorted((a.score for a in result.alternatives), reverse=True)
    assert result.alternatives[0].text == result.text


def test_every_target_piece_is_aligned_with_a_source_piece(translator):
    (result,) = translator.translate(TEXTS[:1], alignment=True)
    assert [t for _, t in result.alignment] == list(range(len(result.tokens)))
    assert all(0 <= s < len(result.src_tokens) for s, _ in result.alignment)


def test_a_text_that_is_too_long_is_cut_and_says_so(translator):
    short, long = translator.translate(["Anna", "Anna mag " * MAX_SRC_PIECES], Greedy(max_extra=5, max_ratio=0.0))
    assert not short.truncated
    assert long.truncated
    assert len(long.src_tokens) == MAX_SRC_PIECES


def test_a_loaded_model_can_be_told_from_none(bundle_dir):
    with pytest.raises(ValueError, match="device is 'tpu'; choose one of"):
        nmt.load(bundle_dir, device="tpu")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="0 GPUs to be seen"):
            nmt.load(bundle_dir, device="cuda")
