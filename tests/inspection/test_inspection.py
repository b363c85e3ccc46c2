"""What an inspection shows is what the model does: nothing is made up, for any cell."""

from __future__ import annotations

import copy
import html
import itertools

import pytest
import torch
import toy
from test_trace import B, E, H, T, calls_of

from nmt.cells import CELLS
from nmt.data.batching import pad
from nmt.data.tokenizer import BOS_ID, EOS_ID
from nmt.inspection import PARTS, inspect_sentence, sections
from nmt.inspection.alignment import align, pharaoh, word_shares, word_weights
from nmt.inspection.flow import flow, mean_by_distance
from nmt.inspection.search_tree import WIDE, search_steps
from nmt.inspection.trace import trace, traced
from nmt.languages import words
from nmt.model.encoder import EncoderConfig
from nmt.model.recurrent import Recurrent
from nmt.model.wirings import DECODERS
from nmt.pictures.page import to_html
from nmt.search import Beam, Greedy, Sample
from nmt.translation.translator import Translator

pytestmark = pytest.mark.long

SRC, TGT = [5, 7, 4, 9, EOS_ID], [6, 4, 8]


@pytest.fixture
def translator(trained):
    return Translator.load(trained / "model", compute="float32", shortlist=False)


@pytest.mark.parametrize("cell", sorted(CELLS))
@pytest.mark.parametrize("decoder", sorted(DECODERS))
def test_a_traced_model_gives_what_the_model_gives(cell, decoder):
    encoder = EncoderConfig(num_layers=2, direction="bidirectional")
    model = toy.model(cell, decoder, num_layers=2, encoder=encoder)
    before = copy.deepcopy(model.state_dict())
    layers, features = trace(model, SRC, TGT)
    expected, _ = model(*pad([SRC]), pad([[BOS_ID, *TGT]])[0])
    torch.testing.assert_close(features, expected[0])
    assert len(layers) == 2 * 2 + 2
    assert {len(layer.steps) for layer in layers if layer.of_source} == {len(SRC)}
    assert {len(layer.steps) for layer in layers if not layer.of_source} == {len(TGT) + 1}
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    assert not any(type(part) is not Recurrent for part in model.modules() if isinstance(part, Recurrent))


def test_a_layer_that_reads_backward_is_shown_in_the_order_of_the_text():
    model = toy.model(encoder=EncoderConfig(direction="bidirectional"))
    layers, _ = trace(model, SRC, TGT)
    memory = model.encode(*pad([SRC])).values[0]  # (S, M)
    forward, backward = (layer.states["h"] for layer in layers[:2])
    torch.testing.assert_close(torch.cat([forward, backward], 1), memory)
    assert [layer.name for layer in layers[:2]] == ["encoder layer 1, forward", "encoder layer 1, backward"]


def test_a_gradient_shrinks_by_the_factor_of_the_recurrence():
    layer = Recurrent(CELLS["rnn"](), E, H).double()
    with torch.no_grad():
        layer.weight_hh.mul_(0.5)  # orthogonal, halved; all inputs are zero, so tanh is the identity
    watched = traced(layer)
    outputs = watched(torch.zeros(B, T, E, dtype=torch.float64))
    norms = flow((outputs[0, -1] * torch.eye(H, dtype=torch.float64)[0]).sum(), [watched.steps])
    assert norms == pytest.approx([0.5**distance for distance in range(T)])


@pytest.mark.parametrize("name", sorted(CELLS))
def test_no_gradient_reaches_a_state_after_the_loss(name):
    _, watched, _, outputs = calls_of(name)
    norms = flow(outputs[0, 1].sum(), [watched.steps])
    assert norms[: T - 2] == [0.0] * (T - 2)
    assert norms[T - 2] > 0


def test_means_over_sentences_of_different_lengths_are_geometric():
    assert mean_by_distance([[1.0, 4.0], [4.0], [2.0]]) == pytest.approx([2.0, 4.0])
    assert mean_by_distance([[1.0, 0.0], [4.0, 2.0]]) == pytest.approx([2.0, 0.0])


@pytest.mark.parametrize("search", [Greedy(), Beam(beam_size=3)])
def test_the_tree_holds_the_translation_and_says_why_the_rest_lost(translator, search):
    translator.search = search
    sentence = "Der Hund sieht das Haus."
    (best,) = translator.translate([sentence])
    (src,) = translator.tokenizer.encode_src([sentence])
    steps = search_steps(translator, src)
    (chosen,) = [one for step in steps for one in step if one.fate == "chosen"]
    assert translator.tokenizer.tgt_pieces(list(chosen.ids)) == [*best.tokens, "</s>"]
    assert chosen.log_prob == pytest.approx(best.log_prob, abs=1e-4)
    width = getattr(search, "beam_size", 1)
    for step, after in itertools.pairwise(steps):
        live = {one.ids for one in step if one.fate == "lives"}
        assert {one.parent for one in after} <= live
        assert 1 <= len(live) <= width
    assert all(one.reason for step in steps for one in step)
    assert any("nats behind" in one.reason for step in steps for one in step)
    ranks = [[one.rank for one in step if one.fate == "lost"] for step in steps]
    assert max(map(max, ranks)) == WIDE  # as many hypotheses are certain to have no better one that was not met


SEARCHES = [
    Greedy(),
    Beam(beam_size=3),
    Beam(beam_size=3, coverage=0.2, no_repeat_ngram=1, repetition_penalty=1.5),
    Sample(samples=3, temperature=2.0),
]


@pytest.mark.parametrize("mbr", [None, "chrf"])
@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("shortlist", [True, False])
@pytest.mark.parametrize("search", SEARCHES)
def test_the_tree_is_of_the_search_that_made_the_translation(trained, search, shortlist, copies, mbr):
    """Of the same models, in the same precision, among the same pieces, with the same draws and the same choice."""
    folders = [trained / "model"] * copies
    translator = Translator.load(folders, "cpu", shortlist=shortlist)
    translator.search, translator.mbr = search, mbr
    for sentence in ("Der Hund sieht das Haus.", "Xylophon 🐕 und Paul"):
        (best,) = translator.translate(sentence)
        (src,) = translator.tokenizer.encode_src([sentence])
        steps = search_steps(translator, src)
        (chosen,) = [one for step in steps for one in step if one.fate == "chosen"]
        assert translator.tokenizer.tgt_pieces(list(chosen.ids)) == [*best.tokens, "</s>"][: best.length]
        assert chosen.log_prob == pytest.approx(best.log_prob, abs=1e-4)
        assert not [one.reason for step in steps for one in step if ": -" in one.reason]  # nothing is -1 nats behind
        if shortlist and copies == 1:
            allowed = translator.lexicon.allowed(torch.tensor([src]), translator.tokenizer.tgt_vocab_size)[0]
            assert isinstance(search, Sample) or {i for step in steps for one in step for i in one.ids} <= {
                *allowed.nonzero()[:, 0].tolist(),
                *translator.common.tolist(),
            }


def test_pieces_make_words():
    assert word_shares(["▁Der", "▁Hu", "nd", "▁", "."]).argmax(1).tolist() == [0, 1, 1, 2, 2]
    assert word_shares(["Der", "nd"]).tolist() == [[1], [1]]
    assert word_shares(["▁"]).tolist() == [[1]]
    weights = torch.tensor([[0.5, 0.2, 0.2], [0.1, 0.3, 0.4], [0.0, 0.5, 0.5]])
    of_words = word_weights(weights, ["▁a", "▁b", "c"], ["▁x", "y", "▁z"])
    torch.testing.assert_close(of_words, torch.tensor([[0.3, 0.55], [0.0, 1.0]]))
    assert pharaoh(of_words, None) == "1-0 1-1"
    assert pharaoh(of_words, 0.3) == "0-0:0.300 1-0:0.550 1-1:1.000"


@pytest.mark.parametrize("threshold", [None, 0.0])
@pytest.mark.parametrize("pair", [("", "Anna"), ("Anna", ""), ("", ""), (" ", "\u3000")])
def test_the_alignment_of_blank_text_is_an_empty_line(translator, pair, threshold):
    srcs, tgts = ([text, "Anna"] for text in pair)
    blank, other = (pharaoh(weights, threshold) for weights, _ in align(translator, srcs, tgts))
    assert blank == ""
    assert other


@pytest.mark.parametrize("text", ["老师看见 GNU/Linux 和一只小狗。", "先生は犬を見ます 🐕 。", "Der Hund, ja.", "狗"])
def test_words_of_an_alignment_are_those_of_the_language(text):
    """Characters where there are no spaces, also where a piece has several, or they are spelt in bytes."""
    pieces = ["▁", *text.replace(" ", "▁")]
    joined = [a + b for a, b in zip(pieces[1::2], [*pieces[2::2], ""], strict=False)]
    in_bytes = [f"<0x{byte:02X}>" for byte in text.encode()]
    for way in (pieces, joined, [piece.replace("<0x20>", "▁") for piece in in_bytes]):
        shares = word_shares(way)
        assert shares.shape == (len(way), len(words(text)))
        torch.testing.assert_close(shares.sum(1), torch.ones(len(way)))
    spelt = ["".join(pieces[i] for i in of.nonzero()[:, 0]).strip("▁") for of in word_shares(pieces).T]
    assert spelt == words(text)


def test_a_piece_of_two_characters_gives_half_of_its_weight_to_each():
    of_words = word_weights(torch.tensor([[0.6, 0.4], [0.0, 1.0]]), ["▁", "老师"], ["狗", "。"])
    torch.testing.assert_close(of_words, torch.tensor([[0.8, 0.2], [0.5, 0.5]]))


def test_sentences_align_the_same_alone_and_among_others(translator):
    srcs, tgts = (
        ["Anna mag den Ball.", "Paul sucht ein Kind.", "Ein Kind hört die Stadt."],
        ["Anna likes.", "Paul", "A child hears"],
    )
    together = list(align(translator, srcs, tgts))
    for src, tgt, (weights, _) in zip(srcs, tgts, together, strict=True):
        ((alone, _),) = align(translator, [src], [tgt])
        torch.testing.assert_close(weights, alone)
        assert weights.shape == (len(tgt.split()), len(src.split()))


def test_every_part_becomes_a_section_of_a_page(translator):
    found = inspect_sentence(translator, "Die Frau sieht einen Vogel.", list(PARTS), beside={"other": translator})
    shown = sections(found)
    assert [section.title for section in shown] == ["Attention", "Gates and states", "Gradient flow", "Search"]
    titles = [chart.title for section in shown for chart in section.charts]
    assert {"encoder layer 1, forward: forget gate f", "decoder layer 1: memory c", "attention", "search"} <= set(
        titles
    )
    assert {"this model, trained", "other, untrained"} <= {line.label for line in shown[2].charts[0].curves}
    page = to_html("x", shown[:1])
    assert all(html.escape(piece) in page for piece in found["tgt_pieces"])


def test_a_given_translation_is_looked_at_instead_of_the_models(translator):
    found = inspect_sentence(translator, "Anna mag den Ball.", ["attention"], "The dog sees the house.")
    assert found["tgt"] == "The dog sees the house."
    assert len(found["attention"][0]) == len(found["tgt_pieces"])


def test_empty_text_is_refused(translator):
    with pytest.raises(ValueError, match="the sentence is empty"):
        inspect_sentence(translator, " ", ["attention"])


def test_what_is_no_part_and_no_text_is_refused(translator):
    sentence = "Der Hund sieht das Haus."
    assert inspect_sentence(translator, sentence, "search") == inspect_sentence(translator, sentence, ["search"])
    for parts in ("serch", ["attention", "serch"]):
        with pytest.raises(ValueError, match=r"^'serch' is no part; .*: attention, .*; did you mean search\?$"):
            inspect_sentence(translator, sentence, parts)
    with pytest.raises(TypeError, match=r"^sentence is \['Der'\] \(list\); it must be a str$"):
        inspect_sentence(translator, ["Der"], [])
    with pytest.raises(TypeError, match=r"^target is 7 \(int\)"):
        inspect_sentence(translator, sentence, [], 7)
