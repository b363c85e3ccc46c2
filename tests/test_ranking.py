from __future__ import annotations

import argparse
import json
from dataclasses import replace

import pytest
import torch
import toy
from sacrebleu.metrics import BLEU

import nmt
from nmt.bundle import load_bundle
from nmt.cli.ranking import tune_search
from nmt.data.tokenizer import EOS_ID
from nmt.metrics.measure import Measure
from nmt.ranking import choose, searching_all, settings, tune
from nmt.search import Beam
from nmt.translation.translator import Translator
from nmt.translation.values import Translation

TEXTS = ["Der Hund sieht den Ball.", "", "Anna mag kein Boot und sucht das Haus.", "Paul.", "Anna 🐕"]


@pytest.fixture
def ending(bundle_dir) -> Translator:
    """A translator with random weights, changed so that its hypotheses end."""
    bundle = replace(load_bundle(bundle_dir), lexicon=None)
    with torch.no_grad():
        bundle.model.output_bias[EOS_ID] += 2
    return Translator(bundle, torch.device("cpu"), "float32")


def test_what_is_chosen_afterwards_is_what_a_translation_with_it_is(ending):
    own = Beam(beam_size=4, max_ratio=1.5)
    found = ending.translate(TEXTS, searching_all(own), nbest=own.beam_size)
    chosen = set()
    for beam in settings(own):
        texts = [choose(beam, one) for one in found]
        assert texts == [one.text for one in ending.translate(TEXTS, beam, plain=True)]
        chosen.add(tuple(texts))
    assert len(chosen) > 2


class Searched:
    """A fake translator that finds two hypotheses for each text."""

    search = Beam(beam_size=2)
    mbr, split = None, "none"

    def translate(self, texts, search, nbest=0, plain=False, batch_size=None, each=map):
        whole = Translation("The dog sees a bird in the town.", -1.0, -1.0, length=9)
        wrong = Translation("A boat.", -1.1, -1.1, length=3)
        return [replace(whole, alternatives=(whole, wrong)) for _ in texts]


def test_every_setting_is_tried_once_and_the_best_comes_first(trained, corpus_dir, monkeypatch):
    translator = nmt.load(trained / "model", "cpu", "float32")
    src, ref = toy.lines(corpus_dir, "valid")
    own, counted, segment = Beam(beam_size=3, alpha=0.7), [], BLEU._compute_segment_statistics
    found = translator.translate(src, searching_all(own), nbest=3)
    with monkeypatch.context() as counting:
        counting.setattr(
            BLEU,
            "_compute_segment_statistics",
            lambda self, hyp, of_ref: counted.append((hyp, str(of_ref))) or segment(self, hyp, of_ref),
        )
        results = tune(Measure(), own, found, [ref])
    assert len(counted) == len(set(counted)) > len(ref)  # what settings have in common is counted once
    assert len({beam for beam, _ in results}) == len(results) == 13 * 6 + 1
    assert own in dict(results)
    assert [bleu for _, bleu in results] == sorted((bleu for _, bleu in results), reverse=True)
    for beam, worth in results[:: len(results) // 5]:
        alone = Measure().scores([choose(beam, one) for one in found], [ref], ("bleu",))["bleu"].score
        assert worth[0] == alone


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


SHORT = Translation("狗看见", -1.0, -1.0, length=2)
WHOLE = Translation("小狗看见老师", -4.0, -4.0, length=6)
REF = "小狗看见老师。"


@pytest.mark.parametrize("name", ["bleu", "chrf", "chrf++", "ter"])
def test_settings_are_ranked_by_the_metric_that_chose_the_model(name):
    measure, own = Measure(name, "zh", True), Beam(beam_size=2, normalisation="none")
    found = tune(measure, own, [replace(SHORT, alternatives=(SHORT, WHOLE))], [[REF]])
    (best, worth), *_, (_, worst) = found
    figure = measure.scores([WHOLE.text], [[REF]], (name,))[name].score
    assert choose(own, replace(SHORT, alternatives=(SHORT, WHOLE))) == SHORT.text
    assert choose(best, replace(SHORT, alternatives=(SHORT, WHOLE))) == WHOLE.text
    assert measure.figure(worth) == figure
    assert (measure.figure(worst) > figure) == (name == "ter")


def test_where_bleu_is_the_same_for_all_settings_chrf_decides():
    """13a treats a Chinese sentence as a single word."""
    own = Beam(beam_size=2, normalisation="none")
    (best, worth), *_ = tune(Measure(), own, [replace(SHORT, alternatives=(SHORT, WHOLE))], [[REF]])
    assert worth[0] == 0
    assert choose(best, replace(SHORT, alternatives=(SHORT, WHOLE))) == WHOLE.text


@pytest.mark.parametrize(("name", "key"), [("chrf", "chrf"), ("ter", "ter"), ("nll", "bleu")])
def test_the_report_of_tuning_says_which_metric_and_signature_it_is_by(name, key):
    refs = ["The dog sees a bird in the town."] * 2
    options = argparse.Namespace(model=["none"], workers=1, batch_size=None, save=False, json=True)
    of, measure = (options, Searched(), Measure(name), ["Text", "Text"], [refs]), Measure(key)
    found = json.loads(tune_search(*of))
    assert {one["signature"] for one in found} == {measure.scores(refs, [refs], (key,))[key].signature}
    assert found[0][key] == pytest.approx(0 if key == "ter" else 100)
    options.json = False
    shown = tune_search(*of)
    assert f"{measure.label} with coverage" in shown
    assert f"{measure.label}   {found[0]['signature']}" in shown
