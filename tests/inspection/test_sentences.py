from __future__ import annotations

import pytest
import torch
import toy

from nmt.data.tokenizer import EOS_ID, TokenizerConfig
from nmt.data.tokenizer_training import train_tokenizer
from nmt.inspection import inspect_sentence
from nmt.inspection.alignment import align, word_shares
from nmt.inspection.sentences import tagged_sources, tgt_ids
from nmt.text.glossary import Glossary
from nmt.text.pieces import spelt
from nmt.text.protection import TextRules
from nmt.translation.sources import MAX_CHARS, MAX_PIECES
from nmt.translation.translator import Translator

LONG = "Anna mag " * MAX_PIECES
SPACES = "Anna" + " " * MAX_CHARS + "mag"  # few pieces, but more characters than are looked at


@pytest.fixture
def translator(trained):
    return Translator.load(trained / "model", compute="float32", shortlist=False)


def test_what_is_inspected_is_cut_where_a_translation_is(translator):
    texts = ["Anna mag den Ball.", LONG, SPACES]
    sources = tagged_sources(translator, texts)
    assert (
        [source.is_cut for source in sources]
        == [one.truncated for one in translator.translate(texts)]
        == [False, True, True]
    )
    assert sources[1].ids[-1] == EOS_ID
    assert translator.tokenizer.src_pieces(sources[1].ids) == list(translator.translate(texts)[1].src_tokens)
    targets, cut = tgt_ids(translator, sources, texts)
    assert cut == [False, True, True]
    assert len(targets[1]) == MAX_PIECES - 1
    translator.language_ids = lambda: [7]
    assert tagged_sources(translator, texts[:1])[0].ids == [7, *sources[0].ids]


def test_an_inspection_of_a_sentence_without_end_is_bounded_and_says_so(translator):
    found = inspect_sentence(translator, LONG, ["attention"], LONG)
    assert (len(found["src_pieces"]), len(found["tgt_pieces"]), found["truncated"]) == (MAX_PIECES, MAX_PIECES, True)
    assert len(inspect_sentence(translator, "Anna", [], "x" * 10 * MAX_CHARS)["tgt"]) <= MAX_CHARS
    assert not inspect_sentence(translator, "Anna.", [], "Anna.")["truncated"]
    weights, cut = zip(*align(translator, ["Anna mag.", LONG, "Anna."], ["Anna.", "Anna.", LONG]), strict=True)
    assert cut == (False, True, True)
    assert max(weights[1].shape[1], weights[2].shape[0]) <= MAX_PIECES


@pytest.fixture(scope="module")
def signs(corpus_dir):
    """A translator by an untrained model with symbols, and signs of case."""
    sides = toy.lines(corpus_dir, "train")
    config = TokenizerConfig(340, protect=("placeholders",), keep="NN [0-9]+", casing="marked")
    bundle = toy.bundle(toy.model_config("gru", num_layers=1, heads=1), train_tokenizer(config, *sides))
    return Translator(bundle, torch.device("cpu"), "float32")


SRC, TGT = "Der Hund {a} sieht NN 12 {b}.", "The dog {b} sees {a} NN 12."


def test_a_given_translation_has_the_symbols_of_its_source_and_is_shown_with_what_they_stand_for(signs):
    found = inspect_sentence(signs, SRC, ["gradients"], TGT, beside={"other": signs})
    assert [piece for piece in found["tgt_pieces"] if "⟦" in piece] == ["⟦3⟧", "⟦1⟧", "⟦2⟧"]
    assert found["tgt"] == TGT
    assert found["gradients"]["other"] == found["gradients"]["this model"]
    assert found["tgt_pieces"][:-1] == list(signs.score([SRC], [TGT])[0].tokens)


def test_the_words_of_an_alignment_are_those_of_the_text(signs):
    """Not signs of case; what is kept is as many words as it has, and a term those that stand on each side."""
    pairs = [
        (SRC, TGT),
        ("DER HUND sieht Anna.", "THE DOG sees Anna."),
        ("ANNA ⇧ mag ⇊⇊ NN 1", "⇪"),
        ("Anna {x, plural, one {# Hund} other {# Hunde}}", "{x, plural, one {# Hund} other {# Hunde}} Anna"),
    ]
    for (weights, _), (src, tgt) in zip(align(signs, *zip(*pairs, strict=True)), pairs, strict=True):
        assert weights.shape == (len(tgt.split()), len(src.split()))
        assert (weights > 0).all()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signs, "glossary", Glossary({"Hund": "big red dog"}))
        ((weights, _),) = align(signs, ["Ein Hund schläft"], ["A big red dog"])
    assert weights.shape == (4, 3)


def test_what_stands_for_no_text_is_of_the_word_that_follows():
    marked = TextRules(casing="marked")
    shares = word_shares(spelt(["▁", "⇈", "▁der", "▁hund", "⇊", "▁", "⇧", "⇧"], marked))
    assert shares.argmax(1).tolist() == [0, 0, 0, 1, 2, 2, 2, 2]
    assert word_shares(spelt(["▁der", "▁", "⇧", "▁hund"], TextRules())).shape == (4, 3)  # there it is a sign like any
