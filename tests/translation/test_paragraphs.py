from __future__ import annotations

import json
import pickle
import re
from dataclasses import replace

import pytest

import nmt
from nmt.answers import CROWDED, CUT, Form, answers
from nmt.common.stream import Line
from nmt.search import Beam, Sample
from nmt.translation.paragraphs import Sentence, by_sentences, divided, joined
from nmt.translation.sources import pieces_of
from nmt.translation.values import Translation
from nmt.translation.workers import Workers

SENTENCES = [
    "Der Hund sieht den Ball.",
    "Anna mag kein Boot!",
    "Sieht Paul Anna?",
    "Paul mag Anna.",
    "Die Frau sucht das Haus.",
]
PARAGRAPH = " {}  {} {}\t{} {}\n".format(*SENTENCES)
BEAM = Beam(beam_size=3)


@pytest.fixture
def translator(bundle_dir):
    return nmt.load(bundle_dir, "cpu", "float32")


@pytest.mark.parametrize("settings", [{}, {"search": Sample(samples=2)}, {"mbr": "chrf"}])
def test_a_paragraph_is_translated_as_its_sentences_are(translator, settings):
    settings = {"search": BEAM, "nbest": 2, "alignment": True} | settings
    ones = translator.translate(SENTENCES, **settings)
    (whole, blank, last) = translator.translate([PARAGRAPH, " \n", SENTENCES[4]], split="sentences", **settings)
    assert whole.text == "{}  {} {}\t{} {}".format(*(one.text for one in ones))
    assert whole.log_prob == pytest.approx(sum(one.log_prob for one in ones))
    assert whole.score == pytest.approx(sum(one.score for one in ones) / 5)
    assert [(one.src, one.text, one.is_part) for one in whole.sentences] == [
        (src, one.text, False) for src, one in zip(SENTENCES, ones, strict=True)
    ]
    assert len(whole.alternatives) == 2
    for rank, one in enumerate(whole.alternatives):
        assert one.text == "{}  {} {}\t{} {}".format(*((o.alternatives or (o, o))[rank].text for o in ones))
    assert blank.text == ""
    assert [type(blank.score), type(blank.log_prob), type(blank.coverage)] == [float] * 3
    assert last.text == ones[4].text


def test_the_alignment_of_a_paragraph_tells_places_in_all_of_its_pieces(translator):
    ones = translator.translate(SENTENCES, BEAM, alignment=True)
    (whole,) = translator.translate(PARAGRAPH, BEAM, alignment=True, split="sentences")
    assert whole.tokens == sum((one.tokens for one in ones), ())
    assert whole.src_tokens == sum((one.src_tokens for one in ones), ())
    pairs = [(whole.src_tokens[s], whole.tokens[t]) for s, t in whole.alignment]
    assert pairs == [(one.src_tokens[s], one.tokens[t]) for one in ones for s, t in one.alignment]
    assert [t for _, t in whole.alignment] == list(range(len(whole.tokens)))
    linked = [(PARAGRAPH[a:b], whole.text[c:d]) for a, b, c, d in whole.links]
    assert linked == [
        (src[a:b], one.text[c:d]) for src, one in zip(SENTENCES, ones, strict=True) for a, b, c, d in one.links
    ]


def test_tags_stand_in_their_sentences(translator):
    marked = [f"<b>{src}</b>" for src in SENTENCES[:3]]
    ones = translator.translate(marked, tags=True)
    (whole,) = translator.translate(" ".join(marked), tags=True, split="sentences")
    assert whole.text == " ".join(one.text for one in ones)


def test_a_sentence_longer_than_what_was_learned_is_translated_in_parts(translator):
    translator.src_pieces = 14
    long = "Anna mag den Ball, Paul sucht kein Boot; die Frau sieht den Hund, der Hund sieht die Frau."
    (found,) = translator.translate(f"Paul. {long}", BEAM, split="sentences")
    parts = [one.src for one in found.sentences]
    assert parts[:2] == ["Paul.", "Anna mag den Ball,"]
    assert " ".join(parts[1:]) == long
    assert [one.is_part for one in found.sentences] == [False] + [True] * (len(parts) - 1)
    assert all(len(one.src_tokens) <= 14 for one in found.sentences)
    assert [one.text for one in found.sentences] == [one.text for one in translator.translate(parts, BEAM)]
    (pieces,) = pieces_of([long], translator.tokenizer)
    for translator.src_pieces, is_divided in ((pieces + 1, False), (pieces, True)):  # EOS is a piece, too
        (found,) = translator.translate(long, BEAM, split="sentences")
        assert (len(found.sentences) > 1) == is_divided


def test_what_may_be_lost_is_told_once_a_line_by_default(translator):
    translator.src_pieces = 20
    lines = [
        Line(i, text) for i, text in enumerate(["Paul. Anna.", PARAGRAPH.strip(), "Anna mag den Ball und " * 4], 1)
    ]
    assert [one.advice for one in answers(translator, lines, Form())] == [None, CROWDED, None]
    translator.split = "sentences"
    found = list(answers(translator, lines, Form(json=True)))
    assert [one.advice for one in found] == [None, None, CUT]
    (row,) = found[0].lines
    assert [one["src"] for one in json.loads(row)["sentences"]] == ["Paul.", "Anna."]


def test_chinese_is_joined_without_blanks(translator):
    ones = [one.text for one in translator.translate(SENTENCES)]
    translator.languages = ("de", "zh")
    (whole,) = translator.translate(" ".join(SENTENCES), split="sentences")
    assert whole.text == "".join(ones)
    translator.languages = ("ja", "en")
    (whole,) = translator.translate("今日は。そう。", split="sentences")
    assert whole.text == " ".join(one.text for one in translator.translate(["今日は。", "そう。"]))


def test_batches_hold_sentences_of_all_texts_by_length(translator):
    """So a paragraph costs what its sentences cost."""
    seen = []

    def watched(function, batches):
        batches = list(batches)
        seen.extend([len(source) for source in sources] for _, sources, _ in batches)
        return map(function, batches)

    paragraphs = [re.sub("[.!?]", mark, PARAGRAPH) for mark in ".!?"]  # equal sentences would be searched once
    translator.translate(paragraphs, BEAM, split="sentences", batch_size=3, each=watched)
    assert [len(batch) for batch in seen] == [3] * 5
    assert all(len(set(batch)) == 1 for batch in seen)


def test_workers_and_pickles_split_as_they_are_told(translator):
    expected = translator.translate([PARAGRAPH] * 9, split="sentences")
    translator.split = "sentences"
    with Workers(translator, 2) as workers:
        assert [one.text for one in workers.translate([PARAGRAPH] * 9, batch_size=2)] == [
            one.text for one in expected
        ]
    assert pickle.loads(pickle.dumps(translator)).translate([PARAGRAPH]) == expected[:1]


def test_a_sentence_of_as_many_pieces_as_were_learned_stays_whole():
    texts, count = (
        ["Anna mag, was Paul hat.  Paul sucht Anna.", " "],
        lambda texts: [len(text.split()) for text in texts],
    )
    for most, whole in ((5, True), (4, False)):
        found, blank = divided(texts, "de", most, count)
        assert ([one.text for one in found] == ["Anna mag, was Paul hat.", "Paul sucht Anna."]) == whole
        assert [one.is_part for one in found] == [not whole] * (len(found) - 1) + [False]
        assert "".join(one.text + one.blank for one in found) == texts[0]
        assert all(texts[0].startswith(one.text, one.start) for one in found)
        assert blank == []


@pytest.mark.parametrize(("languages", "units"), [(("de", "en"), 1), (("en", "de"), 2)])
def test_a_text_is_divided_as_its_own_language_is(languages, units):
    """In German "Mag." is a title."""
    asked = []

    def translate(texts):
        asked.append(len(texts))
        return [Translation(text, 0.0, 0.0) for text in texts]

    by_sentences(
        ["Das ist Mag. Maier."], languages, 99, lambda texts: [len(text.split()) for text in texts], translate
    )
    assert asked == [units]


def test_a_joined_translation_has_the_sum_of_all_parts():
    srcs = [Sentence("Ja.", 1, " ", False), Sentence("Er mag.", 5, "", False)]
    one = Translation("Yes.", -1.0, -2.0, length=2, coverage=-0.5, links=((0, 2, 0, 3),), estimated=True)
    two = Translation("He likes.", -2.0, -4.0, length=3, coverage=-0.25, truncated=True)
    one = replace(one, alternatives=(one, replace(one, text="Yeah.")))
    found = joined(srcs, [one, two], "en")
    assert (found.text, found.score, found.log_prob) == ("Yes. He likes.", -1.5, -6.0)
    assert (found.length, found.coverage, found.truncated, found.estimated) == (5, -0.75, True, True)
    assert [other.text for other in found.alternatives] == ["Yes. He likes.", "Yeah. He likes."]
    assert found.links[0] == (1, 3, 0, 3)
    assert found.links[1:]  # of a sentence without any, along the diagonal
    assert all(src >= 5 and tgt >= 5 for src, _, tgt, _ in found.links[1:])
    assert joined(srcs, [replace(one, links=()), two], "en").links == ()


def test_what_cannot_be_split_is_refused(translator):
    with pytest.raises(ValueError, match="split is 'words'; choose one of: none, sentences"):
        translator.translate("Anna.", split="words")
    with pytest.raises(ValueError, match="prefixes are what whole texts begin with; split must be 'none'"):
        translator.translate("Anna.", prefixes="A", split="sentences")
