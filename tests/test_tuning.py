from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import nmt
from nmt.data.tokenizer import EOS_ID
from nmt.metrics.measure import Measure
from nmt.search import Beam
from nmt.translator import Translation, Translator
from nmt.tuning import choose, searching_all, settings, tune

TEXTS = ["Der Hund sieht den Ball.", "", "Anna mag kein Boot und sucht das Haus.", "Paul.", "Anna 🐕"]


def test_what_is_chosen_afterwards_is_what_the_search_would_have_found(bundle_dir):
    loaded = nmt.load(bundle_dir, "cpu")
    with torch.no_grad():
        loaded.model.output_bias[EOS_ID] += 2  # random weights hardly ever end
    translator = Translator(loaded.model, loaded.tokenizer, loaded.search, loaded.device, None, "float32")
    own = Beam(beam_size=4, max_ratio=1.5)
    found = translator.translate(TEXTS, searching_all(own), nbest=own.beam_size)
    chosen = set()
    for beam in list(settings(own))[::11]:
        texts = [choose(beam, one) for one in found]
        assert texts == [one.text for one in translator.translate(TEXTS, beam)]
        chosen.add(tuple(texts))
    assert len(chosen) > 2


def test_every_setting_is_tried_once_and_the_best_comes_first(trained, corpus_dir):
    translator = nmt.load(trained / "model", "cpu", "float32")
    src, ref = ((corpus_dir / f"valid.{code}").read_text(encoding="utf-8").splitlines() for code in ("de", "en"))
    own = Beam(beam_size=3, alpha=0.7)
    results = tune(Measure(), own, translator.translate(src, searching_all(own), nbest=3), [ref])
    assert len({beam for beam, _ in results}) == len(results) == 13 * 6 + 1
    assert own in dict(results)
    assert [bleu for _, bleu in results] == sorted((bleu for _, bleu in results), reverse=True)


def test_of_equals_the_present_setting_stays():
    own = Beam(beam_size=2, alpha=0.9)
    only = Translation("The dog sees a bird.", -1.0, -1.0, length=4)
    assert tune(Measure(), own, [only], [[only.text]])[0][0] == own


@pytest.mark.parametrize(("beta", "best"), [(0.0, "short"), (1.0, "whole")])
def test_coverage_prefers_what_leaves_nothing_out(beta, best):
    short = Translation("short", 0, -2.0, length=4, coverage=-6.0)
    whole = Translation("whole", 0, -5.0, length=8, coverage=-0.5)
    beam = Beam(normalisation="none", coverage=beta)
    assert choose(beam, replace(short, alternatives=(short, whole))) == best
