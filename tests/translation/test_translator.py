from __future__ import annotations

import json
import math
import os
import pickle
import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from xml.dom import minidom

import pytest
import torch
import toy
from commands import programs

import nmt
from nmt.bundle import load_bundle, save_bundle, seal
from nmt.common.files import sha256
from nmt.data.tokenizer import BOS_ID, EOS_ID, TokenizerConfig
from nmt.data.tokenizer_training import train_tokenizer
from nmt.engine import Ensemble
from nmt.engine.device import resolve_compute
from nmt.engine.network import TrainedNetwork
from nmt.inspection import inspect_sentence
from nmt.inspection.alignment import align
from nmt.metrics.config import MetricConfig
from nmt.metrics.measure import Measure
from nmt.search import Beam, Greedy, Hypothesis, Sample
from nmt.search.beam import PATIENT
from nmt.search.mbr import expected_utility
from nmt.text.glossary import Glossary
from nmt.text.markup import TAG
from nmt.training.run import train
from nmt.translation.batches import fast_batch_size
from nmt.translation.searcher import Searcher
from nmt.translation.sources import MAX_PIECES
from nmt.translation.translator import Translator
from nmt.translation.values import Translation, TranslationTask

TEXTS = ["Der Hund sieht den Ball.", "", "Anna mag kein Boot und sucht das Haus.", "  ", "Paul.", "Anna 🐕"]
SHORT = {"max_ratio": 1.0, "max_extra": 3}  # random weights seldom end a translation


@pytest.fixture
def translator(bundle_dir) -> Translator:
    translator = nmt.load(bundle_dir, device="cpu", compute="float32")
    translator.search = Beam(**SHORT)
    return translator


@pytest.mark.parametrize("search", [Greedy(**SHORT), Beam(beam_size=3, **SHORT)])
def test_a_text_translates_the_same_alone_and_in_any_batch(translator, search):
    together = translator.translate(TEXTS, search)
    for batch_size in (1, 2, 64):
        again = translator.translate(TEXTS, search, batch_size=batch_size)
        assert [t.text for t in again] == [t.text for t in together]
        assert [t.score for t in again] == pytest.approx([t.score for t in together], rel=1e-5)
    assert translator.translate(TEXTS[2:3], search)[0].text == together[2].text


@pytest.mark.parametrize("search", [Beam(beam_size=3, **SHORT), Sample(samples=3, seed=2, **SHORT)])
def test_what_is_equal_to_the_model_is_searched_once(translator, monkeypatch, search):
    texts = ["Anna mag den Ball.", "Der Hund.", "Anna mag den Ball.", "7", "Der  Hund.", "Der Hund."]
    prefixes = ["A", "", "A", "", "", "B"]
    pairs = zip(texts, prefixes, strict=True)
    alone = [translator.translate([text], search, 3, prefixes=[prefix])[0] for text, prefix in pairs]
    searched, find = [], translator.translate_batch
    monkeypatch.setattr(translator, "translate_batch", lambda batch: searched.extend(batch[1]) or find(batch))
    together = translator.translate(texts, search, 3, prefixes=prefixes)
    assert len(searched) == 3
    for one, other in zip(together, alone, strict=True):
        assert [found.text for found in one.alternatives] == [found.text for found in other.alternatives]
        assert one.score == pytest.approx(other.score, rel=1e-5)


def test_tags_are_taken_out_and_put_back_once_in_every_hypothesis(translator):
    texts = ["<p>Anna <b>mag</b> kein <x/> Boot.</p>", "Paul.", "<b>42</b>", "<br/>", "Der <i>Hund</i> a &lt; b"]
    plain = [re.sub("<.*?>", "", text).replace("  ", " ").replace("&lt;", "<") for text in texts]
    without = translator.translate(plain, Beam(beam_size=3, **SHORT), nbest=2)
    found = translator.translate(texts, Beam(beam_size=3, **SHORT), nbest=2, tags=True)
    for text, one, other in zip(texts, found, without, strict=True):
        for tagged, bare in zip(one.alternatives or (one,), other.alternatives or (other,), strict=True):
            assert sorted(TAG.findall(tagged.text)) == sorted(TAG.findall(text))
            tags = "".join(match[0] for match in TAG.finditer(tagged.text))
            assert minidom.parseString(f"<r>{tags}</r>")
            assert TAG.sub("", tagged.text).replace(" ", "") == bare.text.replace(" ", "").replace("<", "&lt;")
    assert [found[2].text, found[3].text] == ["<b>42</b>", "<br/>"]
    assert translator.score(texts, texts, tags=True) == translator.score(plain, plain)
    translator.rules = translator.rules.keeping(["tags"])
    assert translator.score(texts, texts) == translator.score(plain, plain)
    given = translator.translate(texts[:1], prefixes=["A <b>b"])[0].text
    assert given.startswith("A <b>b")
    assert sorted(TAG.findall(given)) == sorted(TAG.findall(texts[0]))


@pytest.mark.parametrize(
    ("prefix", "behind"),
    [
        ("<b>A dog</b>", ["<i>", "</i>", "{x}"]),
        ("{x} A", ["<b>", "<i>", "</i>", "</b>"]),
        ("A <b>dog", ["<i>", "</i>", "</b>", "{x}"]),
        ("<b>A <i>dog</i></b> {x}", []),
    ],
)
def test_a_prefix_keeps_its_tags_and_what_is_kept_and_the_rest_comes_behind_it(translator, prefix, behind):
    translator.rules = translator.rules.keeping(["placeholders"])
    text = "Der <b>Hund <i>sieht</i></b> {x} Paul."
    (found,) = translator.translate([text], prefixes=[prefix], tags=True)
    assert found.text.startswith(prefix)
    assert sorted(re.findall(r"</?\w>|\{x\}", found.text[len(prefix) :])) == sorted(behind)


def protected(corpus_dir, joint: bool, likelier: float = 0.0) -> Translator:
    """By a model that knows symbols, and likes them so much more than it has learned."""
    config = TokenizerConfig(340, joint=joint, protect=("all",), keep="AB-[0-9]", casing="marked")
    tokenizer = train_tokenizer(config, *toy.lines(corpus_dir, "train"))
    shape = toy.model_config("gru", num_layers=1, heads=1)
    bundle = toy.bundle(replace(shape, tie="target"), tokenizer, search=Beam(beam_size=3))
    bundle.model.eval().output_bias.data[list(tokenizer.symbol_ids.values())] += likelier
    return Translator(bundle, torch.device("cpu"), "float32")


def test_a_symbol_that_a_model_makes_up_is_in_no_translation(corpus_dir):
    translator = protected(corpus_dir, True, likelier=30.0)
    texts = ["Anna mag Paul.", "Anna {a}."]
    assert any("⟦" in piece for piece in translator.translate(texts[0], alignment=True)[0].tokens)
    for settings in ({}, {"plain": True}, {"nbest": 2}, {"split": "sentences"}):
        for one in translator.translate(texts, **settings):
            assert not any("⟦" in other.text for other in (one, *one.alternatives))


def test_a_translation_is_aligned_where_its_symbols_are_not_the_sources(corpus_dir, monkeypatch):
    """By the alignment what they stand for finds its place."""
    translator = protected(corpus_dir, True)
    (a, x), (b, y), *_ = translator.tokenizer.symbol_ids.items()
    (src,) = translator.tokenizer.encode_src(["Anna"])
    for of_src, of_tgt, aligned in (
        ([], [], False),
        ([a], [x], False),
        ([a, b], [y, x], False),
        ([a], [], True),
        ([], [x], True),
        ([a], [x, x], True),
    ):
        found = Hypothesis([*of_tgt, 60], -1.0, -1.0, len(of_tgt) + 2)
        monkeypatch.setattr(translator, "hypotheses", lambda *_, found=found: [[found]])
        batch = TranslationTask(Greedy(), plain=True), [[*of_src, *src]], [[]]
        (one,) = translator.translate_batch(batch)
        assert bool(one.alignment) == aligned


def test_a_prefix_stays_as_it_was_given(corpus_dir):
    """With what is kept and the glossary's terms, which are in the translation once."""
    translator = protected(corpus_dir, True, likelier=5.0)
    translator.glossary = Glossary({"Paul": "hound"})
    for prefix in ("a {x}", "a hound a {x}", "a {y}", "hound"):
        (found,) = translator.translate(["Paul {x} mag {y}."], prefixes=[prefix])
        assert found.text.startswith(prefix)
        assert [found.text.count(part) for part in ("{x}", "{y}", "hound")] == [1, 1, 1]
    assert "⟦1⟧" in "".join(translator.score(["Paul."], ["a hound."])[0].tokens)
    assert "⟦" not in "".join(translator.score(["Paul."], ["a greyhound."])[0].tokens)


@pytest.mark.parametrize("joint", [True, False])
def test_what_is_protected_is_in_every_hypothesis_once(corpus_dir, joint):
    translator = protected(corpus_dir, joint)
    texts = [
        "Anna {a} mag %s AB-7 kein <b>{b}</b>.",
        "https://x.y/z",
        "Paul.",
        " ".join(f"{{p{i}}}" for i in range(12)),
    ]
    for plain in (False, True):
        for text, found in zip(texts, translator.translate(texts, nbest=0 if plain else 2, plain=plain), strict=True):
            for one in found.alternatives or (found,):
                parts = re.findall(r"\{.*?\}|%s|AB-\d|https\S+z|</?b>", text)
                assert sorted(re.findall(r"\{.*?\}|%s|AB-\d|https\S+z|</?b>", one.text)) == sorted(parts)
    assert translator.translate(texts[1])[0] == Translation("https://x.y/z", 0.0, 0.0)
    given = translator.translate(texts[:1], prefixes=["{a} AB-7"])[0].text
    assert TAG.sub("", given).replace(" ", "").startswith("{a}AB-7")
    assert translator.score(["a {x}"], ["b {x}"])[0].tokens[-1] == "⟦1⟧"


def test_what_is_kept_comes_back_from_a_model_that_knows_no_symbols(translator, bundle_dir):
    texts, rules = ["Der Hund {x} sieht AB-12.", "Der Hund."], translator.rules
    translator.rules = rules.keeping(["placeholders", "AB-[0-9]+"])
    assert "AB-12" in translator.translate(texts)[0].text
    translator.glossary = Glossary({"Hund": "hound"})
    found = translator.translate(texts, nbest=1)
    assert [[part in one.text for part in ("{x}", "AB-12", "hound")] for one in found] == [
        [True] * 3,
        [False] * 2 + [True],
    ]
    assert pickle.loads(pickle.dumps(translator)).translate(texts, nbest=1) == found
    assert [translator.score(texts, texts)[i].text for i in (0, 1)] == texts
    translator.rules = rules
    assert "hound" in translator.translate(texts)[1].text


def test_blank_text_gives_blank_text_without_the_model(translator):
    translator.network = None
    results = translator.translate(["", " \t ", "\u200b"[:0]])
    assert [r.text for r in results] == ["", "", ""]
    assert not any(r.src_tokens for r in results)


def test_nothing_gives_nothing(translator):
    assert translator.translate([]) == translator.translate("")[1:] == translator.score([], []) == []


@pytest.mark.parametrize("copies", [1, 2])
def test_a_translator_pickles_by_its_folders_and_what_was_set(bundle_dir, copies, monkeypatch, tmp_path):
    monkeypatch.chdir(bundle_dir.parent)
    translator = nmt.load([bundle_dir.name] * copies, "cpu", "auto", shortlist=True)
    translator.search, translator.mbr, translator.copy_letterless = Beam(beam_size=3, **SHORT), "chrf", False
    pickled = pickle.dumps(translator)
    assert len(pickled) < 10_000
    monkeypatch.chdir(tmp_path)
    other = pickle.loads(pickled)
    assert (other.search, other.mbr, other.copy_letterless) == (translator.search, "chrf", False)
    assert (other.compute, other.always_shortlists, len(other.models)) == (translator.compute, True, copies)
    assert other.translate(TEXTS) == translator.translate(TEXTS)
    assert pickle.loads(pickle.dumps(other)).translate(TEXTS[0]) == translator.translate(TEXTS[0])


def test_a_translator_that_was_not_loaded_says_what_to_pickle_instead(translator, bundle_dir):
    made = Translator(load_bundle(bundle_dir), translator.device)
    with pytest.raises(TypeError, match="was not loaded from model directories"):
        pickle.dumps(made)


def test_a_translator_shows_its_languages_folders_and_search(translator, bundle_dir):
    assert repr(translator) == f"<Translator de-en: {bundle_dir.resolve()}; beam, float32 on cpu>"
    unknown = toy.bundle(toy.model_config(), translator.tokenizer, search=Greedy(), languages=("", ""))
    made = Translator(unknown, translator.device, "float32")
    assert repr(made) == "<Translator of unknown languages: not loaded; greedy, float32 on cpu>"


def test_the_nbest_come_best_first_and_the_first_is_the_translation(translator):
    (result,) = translator.translate(TEXTS[:1], Beam(beam_size=4), nbest=3)
    assert len(result.alternatives) == 3
    assert [a.score for a in result.alternatives] == sorted((a.score for a in result.alternatives), reverse=True)
    assert result.alternatives[0].text == result.text


def test_every_target_piece_is_aligned_with_a_source_piece(translator):
    (result,) = translator.translate(TEXTS[:1], alignment=True)
    (src,), tgt = translator.tokenizer.encode_src(TEXTS[:1]), map(translator.tokenizer.tgt.piece_to_id, result.tokens)
    one, other = translator.attention(src, [*tgt])  # of each head
    assert len(one) == len(result.tokens) + 1  # with EOS, which is no piece of the text
    expected = [int((a + b).argmax()) for a, b in zip(one, other, strict=True)][:-1]
    assert result.alignment == tuple((s, t) for t, s in enumerate(expected))
    (unasked,) = translator.translate(TEXTS[:1], nbest=2)
    assert [found.alignment for found in (unasked, *unasked.alternatives)] == [()] * 3


def test_a_text_that_is_too_long_is_cut_and_says_so(translator):
    short, long = translator.translate(["Anna", "Anna mag " * MAX_PIECES], Greedy(max_extra=5, max_ratio=0.0))
    assert not short.truncated
    assert long.truncated
    assert len(long.src_tokens) == MAX_PIECES


def test_a_loaded_model_can_be_told_from_none(bundle_dir):
    with pytest.raises(ValueError, match="device is 'tpu'; choose one of"):
        nmt.load(bundle_dir, device="tpu")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="0 GPUs to be seen"):
            nmt.load(bundle_dir, device="cuda")


@pytest.mark.parametrize("shortlist", [True, False])
@pytest.mark.parametrize("compute", ["auto", "float32"])
def test_every_way_to_compute_translates(bundle_dir, compute, shortlist):
    translator = nmt.load(bundle_dir, device="cpu", compute=compute, shortlist=shortlist)
    found = translator.translate(TEXTS)
    assert [bool(t.text) for t in found] == [bool(text.strip()) for text in TEXTS]
    assert [t.text for t in translator.translate(TEXTS, plain=True)] == [t.text for t in found]
    assert translator.translate(TEXTS, nbest=2, plain=True) == translator.translate(TEXTS, nbest=2)


def test_a_shortlist_keeps_to_the_lexicon(translator, lexicon):
    text = TEXTS[0]
    (src,) = translator.tokenizer.encode_src([text])
    allowed = {*lexicon.frequent.tolist(), *lexicon.likely[src].flatten().tolist()}
    (found,) = translator.translate([text])
    ids = {translator.tokenizer.tgt.piece_to_id(piece) for piece in found.tokens}
    assert ids <= allowed
    translator.lexicon = None
    (found,) = translator.translate([text])
    assert not {translator.tokenizer.tgt.piece_to_id(piece) for piece in found.tokens} <= allowed


def test_the_least_risk_is_that_of_as_many_hypotheses_as_there_can_be(bundle_dir, monkeypatch):
    translator, asked = nmt.load(bundle_dir), []
    found = [[Hypothesis([], 0.0, 0.0, 0)]]
    monkeypatch.setattr(translator, "hypotheses", lambda task, *_: asked.append(task.search.patience) or found)
    for mbr in (None, "chrf"):
        translator.sorted_hypotheses(TranslationTask(Beam(patience=2.0), mbr=mbr), [])
    assert asked == [2, PATIENT]


@pytest.mark.parametrize("mbr", [None, "chrf"])
def test_samples_are_drawn_from_all_pieces_if_not_told_otherwise(bundle_dir, lexicon, mbr):
    """Of random weights, for which nothing is likelier than what the lexicon holds likely."""
    text, drawing = TEXTS[0], Sample(samples=30, max_ratio=1.0)

    def drawn(shortlist):
        translator = nmt.load(bundle_dir, "cpu", "float32", shortlist)
        (found,) = translator.translate(text, drawing, nbest=30, mbr=mbr)
        (src,) = translator.tokenizer.encode_src([text])
        allowed = {*lexicon.frequent.tolist(), *lexicon.likely[src].flatten().tolist()}
        piece = translator.tokenizer.tgt.piece_to_id
        return found, {piece(one) for a in found.alternatives for one in a.tokens} <= allowed

    (exact, kept), (everything, kept_of_all), (short, kept_of_list) = map(drawn, (None, False, True))
    assert not kept
    assert not kept_of_all
    assert kept_of_list
    assert exact == everything
    assert not exact.estimated
    assert short.estimated


@pytest.mark.parametrize("search", [Greedy(), Beam(beam_size=3), Sample(samples=2)])
def test_a_log_probability_that_is_not_called_an_estimate_is_that_of_a_forced_pass(bundle_dir, search):
    for shortlist in (None, False, True):
        translator = nmt.load(bundle_dir, "cpu", "float32", shortlist)
        for change in ({}, {"repetition_penalty": 1.5}, {"no_repeat_ngram": 2}):
            asked = replace(search, max_extra=4, max_ratio=1.0, **change)
            found = translator.translate(TEXTS, asked, nbest=1)
            short = shortlist or (shortlist is None and not isinstance(search, Sample))
            assert {t.estimated for t in found if t.tokens} == {bool(short or "repetition_penalty" in change)}
            assert all(t.alternatives[0].estimated == t.estimated for t in found if t.tokens)
            assert {t.estimated for t in translator.translate(TEXTS[:1], asked, plain=True)} == {found[0].estimated}
            for text, t in zip(TEXTS, found, strict=True):
                if t.tokens and not t.estimated:
                    ids = [translator.tokenizer.tgt.piece_to_id(piece) for piece in t.tokens]
                    (src,) = translator.tokenizer.encode_src([text])
                    (exact,) = translator.score_batch([(src, [2, *ids, 3])])
                    assert sum(exact[: t.length]) == pytest.approx(t.log_prob, abs=1e-3)
    assert not any(t.estimated for t in translator.score(TEXTS, TEXTS))


def test_a_score_means_the_same_at_every_beam_size(translator):
    ranking = {"normalisation": "gnmt", "alpha": 0.7, "coverage": 0.3, "max_ratio": 1.0}
    greedy, beam = (translator.translate(TEXTS, search(**ranking)) for search in (Greedy, partial(Beam, beam_size=1)))
    for one, other in zip(greedy, beam, strict=True):
        assert one.text == other.text
        assert one.score == pytest.approx(other.score, rel=1e-4)
        assert one.coverage == pytest.approx(other.coverage, rel=1e-4)
        assert one.score != one.log_prob or not one.tokens


@pytest.mark.parametrize("compute", ["float32", "int8"])
def test_autocast_around_it_changes_nothing_then_or_later(bundle_dir, compute):
    first, other = (nmt.load(bundle_dir, device="cpu", compute=compute) for _ in range(2))
    with torch.autocast("cpu", torch.bfloat16):
        within = all_of(first)
    assert within == all_of(first) == all_of(other)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("compute", ["float32", "int8"])
def test_torchs_default_type_changes_nothing(bundle_dir, default_dtype, dtype, compute):
    expected = all_of(nmt.load(bundle_dir, device="cpu", compute=compute))
    default_dtype(dtype)
    assert all_of(nmt.load(bundle_dir, device="cpu", compute=compute)) == expected


def all_of(translator):
    found = (
        translator.translate(TEXTS[:3], Beam(**SHORT), nbest=2, alignment=True),
        translator.translate(TEXTS[:1], Greedy(**SHORT), prefixes=["A"]),
    )
    return *found, translator.score(TEXTS[:3], TEXTS[:3]), translator.attention([5, 6, 2], [7, 8]).tolist()


def test_what_it_searches_with_is_on_its_device(tokenizer, lexicon):
    """The device "meta" has no memory, but it is another one: as a GPU to a lexicon that comes from training."""
    bundle = toy.bundle(toy.model_config("gru"), tokenizer, lexicon)
    bundle.model.to("meta")
    translator = Translator(bundle, torch.device("meta"))
    shortlist = translator.shortlist(torch.zeros(2, 3, dtype=torch.long, device="meta"))
    assert shortlist is not None
    assert shortlist.allowed.device.type == "meta"
    assert translator.lexicon.likely.device.type == translator.lexicon.frequent.device.type == "meta"


def test_plain_text_comes_without_what_costs_time(translator):
    (found,) = translator.translate(TEXTS[:1], Greedy(), plain=True)
    assert found.text
    assert found.score != found.score
    assert found.tokens == found.src_tokens == ()
    (found,) = translator.translate(TEXTS[:1], Greedy())
    assert found.score < 0


@pytest.fixture(scope="module")
def settled(corpus_dir, tmp_path_factory, no_pictures) -> Path:
    """A model whose rate ended at zero: at a constant one its choices are near ties, that a rounding decides."""
    changes = {"trainer__max_epochs": 12, "trainer__val_every_epochs": 12, "optim__schedule": "linear"}
    return train(toy.run_config(corpus_dir, tmp_path_factory.mktemp("settled"), **changes)).model_dir


@pytest.fixture(scope="module")
def settled_bleu(settled, corpus_dir):
    src, ref = toy.lines(corpus_dir, "train")

    @cache
    def bleu(compute: str, shortlist: bool) -> float:
        found = nmt.load(settled, "cpu", compute, shortlist).translate(src)
        return Measure().scores([t.text for t in found], [ref])["bleu"].score

    return bleu


@pytest.mark.parametrize("shortlist", [True, False])
@pytest.mark.parametrize("compute", ["bfloat16", "int8"])
def test_a_fast_precision_changes_no_quality(settled_bleu, compute, shortlist):
    try:
        resolve_compute(compute, torch.device("cpu"))
    except ValueError:
        pytest.skip(f"no {compute} here")
    exact = settled_bleu("float32", shortlist)
    assert exact > 90
    assert settled_bleu(compute, shortlist) == pytest.approx(exact, abs=0.2)
    assert settled_bleu(compute, shortlist) >= settled_bleu("float32", False) - 0.2


def test_a_shortlist_loses_no_quality(settled_bleu):
    """It may win some, by leaving out what is wrong."""
    assert settled_bleu("float32", True) >= settled_bleu("float32", False) - 0.1


def test_an_ensemble_of_none_is_refused():
    with pytest.raises(ValueError, match="no model directory is given"):
        Translator.load([])


def test_an_ensemble_of_a_model_with_itself_is_the_model(bundle_dir):
    alone, twice = (
        nmt.load(folders, "cpu", "float32").translate(TEXTS, Beam(**SHORT))
        for folders in (bundle_dir, [bundle_dir, bundle_dir])
    )
    assert [t.text for t in twice] == [t.text for t in alone]
    assert [t.log_prob for t in twice] == pytest.approx([t.log_prob for t in alone], rel=1e-4)


def test_an_ensemble_takes_the_mean_of_the_probabilities():
    models = [
        TrainedNetwork(toy.model("gru").float().eval()),
        TrainedNetwork(toy.model("lstm", "bahdanau").float().eval()),
    ]
    src, src_len = toy.sources([4, 3])
    ensemble = Ensemble(models)
    ids = torch.tensor([4, 5])
    with torch.inference_mode():
        states = [model.start(src, src_len) for model in models]
        logits, state = ensemble.step(ids, ensemble.start(src, src_len))
        expected = [model.step(ids, one)[0].softmax(-1) for model, one in zip(models, states, strict=True)]
        torch.testing.assert_close(logits.softmax(-1), torch.stack(expected).mean(0))
        rows = torch.tensor([1])
        again, _ = ensemble.step(ids[rows], state.select(rows, rows))
    assert again.shape == (1, toy.VOCAB)


def test_an_ensemble_of_other_pieces_is_refused(bundle_dir, tmp_path, corpus_dir):
    other = shutil.copytree(bundle_dir, tmp_path / "other")
    de, en = toy.lines(corpus_dir, "train")
    pieces = train_tokenizer(TokenizerConfig(vocab_size=320), en[:60], de[:60])
    (other / "tokenizer.model").write_bytes(pieces.models["tokenizer.model"])
    config = json.loads((other / "config.json").read_text())
    own = {"tokenizer.model": [sha256(other / "tokenizer.model")]}
    (other / "config.json").write_text(json.dumps(seal(config, config["checksums"] | own)))
    with pytest.raises(ValueError, match="other has other pieces than .*model; an ensemble shares"):
        nmt.load([bundle_dir, other])


def test_an_ensemble_is_of_each_model_once_and_of_one_direction(bundle_dir, tmp_path, tokenizer):
    for name in ("en", "fr"):
        of = toy.bundle(toy.model_config("gru"), tokenizer, languages=("de", name))
        save_bundle(tmp_path / name, of, "# card", {})
    one, other, both = (
        torch.tensor(nmt.load(folders, "cpu", "float32").score("Anna mag", "Paul likes")[0].token_log_probs)
        for folders in (bundle_dir, tmp_path / "en", [bundle_dir, tmp_path / "en"])
    )
    torch.testing.assert_close(both.exp(), (one.exp() + other.exp()) / 2)
    translator = nmt.load([bundle_dir, tmp_path / "en"], "cpu", "float32", shortlist=False)
    (found,), (src,) = (
        translator.translate("Anna mag", Greedy(**SHORT)),
        translator.tokenizer.encode_src(["Anna mag"]),
    )
    tgt = [BOS_ID, *(translator.tokenizer.tgt.piece_to_id(piece) for piece in found.tokens), EOS_ID]
    assert found.log_prob == pytest.approx(sum(translator.score_batch([(src, tgt)])[0][: found.length]), rel=1e-4)
    with pytest.raises(ValueError, match=r"fr translates de-fr, .*model de-en; an ensemble shares them"):
        nmt.load([bundle_dir, tmp_path / "fr"], "cpu")


CONTENT = "1½ m² ，ﬁn…"


@pytest.mark.parametrize("copies", [1, 2])
def test_what_a_target_is_given_as_is_kept(bundle_dir, copies):
    translator = nmt.load([bundle_dir] * copies, "cpu", "float32")
    for search in (Greedy(**SHORT), Beam(beam_size=3, **SHORT), Sample(samples=2, **SHORT)):
        for mbr in (None, "chrf"):
            (found,) = translator.translate(["Anna"], search, prefixes=[CONTENT], mbr=mbr)
            assert found.text.startswith(CONTENT)
    (scored,) = translator.score(["Anna"], [CONTENT])
    ids = [translator.tokenizer.tgt.piece_to_id(piece) for piece in scored.tokens]
    assert translator.tokenizer.decode_tgt(ids) == CONTENT
    assert inspect_sentence(translator, "Anna", ["attention"], CONTENT)["tgt"] == CONTENT


def test_a_model_of_before_reads_given_targets_as_it_did(old_bundle_dir):
    translator = nmt.load(old_bundle_dir, "cpu", "float32")
    (found,) = translator.translate(["Anna"], Greedy(), prefixes=[CONTENT])
    assert found.text.startswith("11⁄2 m2 ,fin...")


def test_models_that_read_targets_otherwise_are_no_ensemble(old_bundle_dir, tmp_path):
    now = shutil.copytree(old_bundle_dir, tmp_path / "now")
    config = json.loads((now / "config.json").read_text()) | {"tgt_normalization": "nfc"}
    (now / "config.json").write_text(json.dumps(seal(config, config["checksums"])))
    nmt.load([now, now], "cpu")
    with pytest.raises(ValueError, match="now has other pieces than .*model; an ensemble shares"):
        nmt.load([old_bundle_dir, now], "cpu")


def test_half_a_character_is_taken_for_a_sign_and_raises_nothing(translator):
    broken = ["Anna \ud800mag", "\udcff", "12 \udcff", "Paul"]
    sound = ["Anna \ufffdmag", "\ufffd", "12 \ufffd", "Paul"]
    assert translator.translate(broken) == translator.translate(sound)
    assert translator.translate(broken, prefixes=broken) == translator.translate(sound, prefixes=sound)
    scores, expected = translator.score(broken, broken), translator.score(sound, sound)
    assert [s.token_log_probs for s in scores] == [s.token_log_probs for s in expected]
    assert inspect_sentence(translator, broken[0], ["attention"]) == inspect_sentence(
        translator, sound[0], ["attention"]
    )
    found, expected = (align(translator, side, side) for side in (broken, sound))
    assert [one.weights.tolist() for one in found] == [one.weights.tolist() for one in expected]


@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("search", [Greedy(), Beam(beam_size=3)])
def test_the_score_of_a_translation_is_its_log_probability(bundle_dir, search, copies):
    translator = nmt.load([bundle_dir] * copies, "cpu", "float32", shortlist=False)
    texts = [text for text in TEXTS if text.strip()]
    found = translator.translate(texts, replace(search, max_extra=3, max_ratio=1.0))
    targets = [[2, *map(translator.tokenizer.tgt.piece_to_id, t.tokens), 3] for t in found]
    pairs = list(zip(translator.tokenizer.encode_src(texts), targets, strict=True))
    scores = translator.score_batch(pairs)
    # At its length limit a translation has no end.
    totals = [(sum(row), sum(row[:-1])) for row in scores]
    assert all(pytest.approx(t.log_prob, abs=1e-3) in total for t, total in zip(found, totals, strict=True))


def test_a_trained_models_score_is_the_log_probability_of_its_translation(settled, corpus_dir):
    translator = nmt.load(settled, "cpu", "float32", shortlist=False)
    texts = (corpus_dir / "valid.de").read_text(encoding="utf-8").splitlines()
    found = translator.translate(texts)
    scores = translator.score(texts, [t.text for t in found])
    assert [s.tokens for s in scores] == [t.tokens for t in found]
    assert [s.log_prob for s in scores] == pytest.approx([t.log_prob for t in found], abs=1e-3)
    assert all(len(s.token_log_probs) == len(s.tokens) + 1 for s in scores)
    assert all(sum(s.token_log_probs) == s.log_prob for s in scores)


def test_a_score_depends_on_no_neighbour_and_on_no_precision(bundle_dir, translator):
    targets = ["The dog sees the ball.", "", "Anna", "x", "Paul and a long, long text.", ""]
    together = translator.score(TEXTS, targets)
    assert [s.text for s in together] == targets
    for batch_size in (1, 2):
        again = translator.score(TEXTS, targets, batch_size=batch_size)
        assert [s.log_prob for s in again] == pytest.approx([s.log_prob for s in together], rel=1e-5)
    fast = nmt.load(bundle_dir, "cpu", "auto")
    assert [s.log_prob for s in fast.score(TEXTS, targets)] == [s.log_prob for s in together]
    (long,) = translator.score(["Anna"], ["Anna likes " * MAX_PIECES])
    assert long.truncated


@pytest.mark.parametrize("search", [Greedy(**SHORT), Beam(beam_size=3, **SHORT), Sample(samples=2, **SHORT)])
def test_a_translation_begins_with_its_prefix_in_any_batch(translator, search):
    prefixes = ["The dog", "", "", "A", "Paul sees the long", "zebra"]
    together = translator.translate(TEXTS, search, prefixes=prefixes)
    assert all(t.text.startswith(prefix) for t, prefix in zip(together, prefixes, strict=True))
    assert together[1].text == ""
    for batch_size in (1, 2):
        again = translator.translate(TEXTS, search, prefixes=prefixes, batch_size=batch_size)
        assert [t.text for t in again] == [t.text for t in together]
    free = translator.translate(TEXTS, search)
    assert together[2].text == free[2].text
    assert together[2].log_prob == pytest.approx(free[2].log_prob, rel=1e-5)


def test_the_beginning_of_a_translation_gives_that_translation(settled, corpus_dir):
    translator = nmt.load(settled, "cpu", "float32", shortlist=False)
    texts = (corpus_dir / "valid.de").read_text(encoding="utf-8").splitlines()
    free = translator.translate(texts, Greedy())
    for words in (1, 3, 9):
        prefixes = [" ".join(t.text.split()[:words]) for t in free]
        again = translator.translate(texts, Greedy(), prefixes=prefixes)
        assert [t.text for t in again] == [t.text for t in free]
        assert [t.log_prob for t in again] == pytest.approx([t.log_prob for t in free], abs=1e-3)


@pytest.mark.parametrize("search", [Sample(samples=9, **SHORT), Beam(beam_size=4, **SHORT)])
@pytest.mark.parametrize("utility", ["chrf", "bleu"])
def test_the_least_risk_is_taken_in_any_batch(translator, search, utility):
    together = translator.translate(TEXTS, search, nbest=3, mbr=utility)
    scores = [a.score for a in together[0].alternatives]
    assert scores == sorted(scores, reverse=True)
    again = translator.translate(TEXTS, search, mbr=utility, batch_size=1, plain=True)
    assert [t.text for t in again] == [t.text for t in together]
    translator.always_shortlists = True
    (one,) = translator.translate(TEXTS[:1], Sample(samples=5, top_k=1, **SHORT), mbr=utility)
    assert one.text == translator.translate(TEXTS[:1], Greedy(**SHORT))[0].text
    assert one.score == pytest.approx(100)


def test_samples_do_not_depend_on_the_batch(translator):
    search = Sample(samples=3, temperature=0.8, top_k=9, top_p=0.9, **SHORT)
    together = translator.translate(TEXTS, search, nbest=3)
    assert len({t.text for t in together[0].alternatives}) > 1
    for batch_size in (1, 2):
        again = translator.translate(TEXTS, search, nbest=3, batch_size=batch_size)
        assert [[a.text for a in t.alternatives] for t in again] == [
            [a.text for a in t.alternatives] for t in together
        ]
    assert translator.translate(TEXTS[2:3], search)[0].text == together[2].text
    assert translator.translate(TEXTS, replace(search, seed=2))[0].text != together[0].text


def test_each_sentence_draws_its_own_samples(translator):
    sources = [[20, 3], [21, 3], [20, 3]]
    one, other, again = translator._prepared(TranslationTask(Sample()), sources)[2].keys
    assert one == again != other
    assert translator._prepared(TranslationTask(Beam()), sources)[2].keys is None


def test_a_prefix_leaves_room_for_more(translator):
    request = translator._prepared(TranslationTask(Greedy(**SHORT)), [[20, 3], [21, 3]], [[40] * 20, [40]])[2]
    assert request.max_length.tolist() == [20 + 3, 2 + 3]


@pytest.mark.parametrize(
    ("device", "compute", "limited"), [("cpu", "int8", True), ("cuda", "float32", True), ("cuda", "float16", False)]
)
def test_a_shortlist_is_used_where_it_saves_time(device, compute, limited):
    searcher = SimpleNamespace(
        lexicon=object(), always_shortlists=False, device=torch.device(device), compute=compute
    )
    assert Searcher.uses_shortlist(searcher, Beam()) == limited
    assert not Searcher.uses_shortlist(searcher, Sample())
    searcher.always_shortlists = True
    assert Searcher.uses_shortlist(searcher, Sample())
    searcher.lexicon = None
    assert not Searcher.uses_shortlist(searcher, Beam())


def test_without_attention_nothing_is_aligned(tokenizer, tmp_path):
    save_bundle(tmp_path / "model", toy.bundle(toy.model_config(attention="none"), tokenizer), "# card", {})
    translator = nmt.load(tmp_path / "model", "cpu", "float32")
    (found,) = translator.translate(TEXTS[:1], Greedy(**SHORT), alignment=True)
    assert found.tokens
    assert found.alignment == ()


@pytest.mark.parametrize("copies", [1, 2])
def test_coverage_is_of_the_attention_that_the_translation_had(bundle_dir, copies):
    translator = nmt.load([bundle_dir] * copies, "cpu", "float32")
    beam = Beam(beam_size=3, normalisation="gnmt", alpha=0.6, coverage=0.2, **SHORT)
    together = translator.translate(TEXTS, beam, nbest=3)
    for text, translation in zip(TEXTS, together, strict=True):
        (src,) = translator.tokenizer.encode_src([text])
        for one in translation.alternatives:
            tgt = [translator.tokenizer.tgt.piece_to_id(piece) for piece in one.tokens]
            weights = translator.attention(src, tgt).mean(0)[: one.length]  # the step that ends it, too, attends
            expected = weights.sum(0).clamp(max=1).log().sum()
            assert one.coverage == pytest.approx(float(expected), rel=1e-3)
            assert one.score == pytest.approx(one.log_prob / ((5 + one.length) / 6) ** 0.6 + 0.2 * one.coverage)
    again = translator.translate(TEXTS, beam, nbest=3, batch_size=1)
    for one, other in zip(together, again, strict=True):
        assert other.score == pytest.approx(one.score, rel=1e-4)
    assert {one.coverage for one in translator.translate(TEXTS, replace(beam, coverage=0.0))} == {0.0}
    for search in (Greedy(coverage=0.2, **SHORT), beam):
        found, plain = (translator.translate(TEXTS, search, plain=is_plain) for is_plain in (False, True))
        assert [one.text for one in plain] == [one.text for one in found]
    assert [one.score for one in plain] == pytest.approx([one.score for one in found])  # by which a beam is ranked


def test_minimum_risk_counts_what_the_target_languages_bleu_counts(translator, monkeypatch):
    """Of Chinese without spaces 13a makes one word a sentence, and all candidates are as far from one another."""
    texts = ["老师看见一只小狗。", "老师看见一只猫。", "学生吃苹果"]
    encoded = translator.tokenizer.encode_tgt(texts)
    found = [Hypothesis(ids[1:-1], -1.0, -1.0, len(ids) - 1) for ids in encoded]
    monkeypatch.setattr(translator, "hypotheses", lambda *batch: [found])
    translator.languages = ("en", "zh-TW")
    for tokenize, apart in (("auto", True), ("13a", False)):
        translator.metric = MetricConfig(tokenize=tokenize)
        (one,) = translator.translate(TEXTS[:1], Sample(samples=3), nbest=3, mbr="bleu")
        assert (one.alternatives[0].score > one.alternatives[2].score) == apart


def test_minimum_risk_weighs_hypotheses_of_any_length(translator, monkeypatch):
    """Their probabilities themselves are too small for a number."""
    encoded = translator.tokenizer.encode_tgt(["Paul likes the ball.", "Anna likes the ball.", "A child"])
    found = [Hypothesis(ids[1:-1], -2000.0 - i, -2000.0 - i, len(ids) - 1) for i, ids in enumerate(encoded)]
    monkeypatch.setattr(translator, "hypotheses", lambda *batch: [found])
    (one,) = translator.translate(TEXTS[:1], nbest=3, mbr="chrf")
    weights = [math.exp(-i) for i in range(3)]
    texts = [translator.tokenizer.decode_tgt(ids[1:-1]) for ids in encoded]
    expected = sorted(expected_utility(texts, weights, "chrf"), reverse=True)
    assert [other.score for other in one.alternatives] == pytest.approx(expected)


def test_a_batch_has_as_many_sentences_as_are_fast(monkeypatch):
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    searches = Greedy(), Beam(beam_size=5), Beam(beam_size=1000)
    assert [fast_batch_size(search, cpu, 9) for search in searches] == [96, 64, 1]
    for fitting, sizes in ((10**9, [1024, 1024, 5]), (9 * 700, [700, 140, 1]), (0, [1, 1, 1])):
        monkeypatch.setattr("nmt.translation.batches.fitting", lambda *_, fitting=fitting: fitting)
        assert [fast_batch_size(search, gpu, 9) for search in searches] == sizes


def test_minimum_risk_says_at_once_that_this_machine_lacks_the_tokens_of_bleu(translator, monkeypatch):
    monkeypatch.setattr("nmt.metrics.measure._obstacle", lambda tokenize: "it needs MeCab")
    translator.metric = MetricConfig(tokenize="ja-mecab")
    message = "metric.tokenize is 'ja-mecab', which cannot be had here: it needs MeCab"
    with monkeypatch.context() as idle:
        idle.setattr(translator, "translate_batch", None)
        with pytest.raises(ValueError, match=message):
            translator.translate(TEXTS, mbr="bleu")
    assert translator.translate(TEXTS[:1], mbr="chrf")


IN_A_FORK = """
import os, signal, sys, torch, nmt
torch.set_num_threads(2)
torch.zeros(1_000_000).exp()  # starts the other thread, as loading a model of the usual size does
translator = nmt.load(sys.argv[1], device="cpu", compute="float32")
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
signal.alarm(30)
torch.zeros(1_000_000).exp()
os.write(1, translator.translate("Anna mag kein Boot.")[0].text.encode())
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_translator_works_in_a_fork_of_a_process_with_several_threads(translator, bundle_dir):
    run = [programs() / "python3", "-c", IN_A_FORK, bundle_dir]
    found = subprocess.run(run, stdout=subprocess.PIPE, check=True).stdout.decode()
    assert found == translator.translate("Anna mag kein Boot.", Beam())[0].text
