from __future__ import annotations

import re
import time
from xml.dom import minidom

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nmt.text.markup import TAG, put_back, take_out
from nmt.text.pieces import diagonal, links, piece_spans, word_spans
from nmt.text.protection import TextRules

GERMAN = "Der Hund schläft nicht im Garten."
ENGLISH = "The dog does not sleep in the garden."
# The words of the translation, each with the number of that of the source that it comes from.
WORDS = [0, 1, 2, 3, 2, 4, 4, 5, 6]


def by_words(src: str, tgt: str, origins: list[int]):
    of_src = word_spans(src)
    return [(*of_src[s], *span) for s, span in zip(origins, word_spans(tgt), strict=True)]


@pytest.mark.parametrize(
    ("src", "expected"),
    [
        ("Der <b>Hund</b> schläft nicht im Garten.", "The <b>dog</b> does not sleep in the garden."),
        ("<p>Der Hund schläft nicht im Garten.</p>", "<p>The dog does not sleep in the garden.</p>"),
        ("Der Hund schläft nicht <i>im Garten</i>.", "The dog does not sleep <i>in the garden</i>."),
        ("Der Hund <x id='1'/>schläft nicht im Garten.", "The dog <x id='1'/>does not sleep in the garden."),
        ("Der Hund<fn/> schläft nicht im Garten.<fn/>", "The dog<fn/> does not sleep in the garden.<fn/>"),
        ("Der Hund schläft nicht im Garten <img/>.", "The dog does not sleep in the garden <img/>."),
        ("Der Hund <x/> schläft nicht im Garten.", "The dog <x/> does not sleep in the garden."),
        ("Der Hund<br>schläft nicht im Garten.", "The dog<br>does not sleep in the garden."),
        ("<b> Der Hund </b> schläft nicht im Garten.", "<b> The dog </b> does not sleep in the garden."),
        ("Der Hund schläft nicht im <g><a/><h>Garten</h></g>.", f"{ENGLISH[:-7]}<g><a/><h>garden</h></g>."),
        ("Der Hund <!-- a > b -->schläft nicht im Garten.", "The dog <!-- a > b -->does not sleep in the garden."),
        ("Der </b>Hund schläft <i>nicht im Garten.", "The </b>dog does <i>not sleep in the garden."),
        ("<B a='<'>Der</b> Hund schläft nicht im Garten.", "<B a='<'>The</b> dog does not sleep in the garden."),
    ],
)  # fmt: skip
def test_tags_go_where_their_words_went(src, expected):
    markup = take_out(src)
    assert markup.plain == GERMAN
    assert put_back(markup, ENGLISH, by_words(GERMAN, ENGLISH, WORDS)) == expected


def test_elements_beside_one_another_do_not_overlap_when_their_words_do():
    markup = take_out("<a>eins zwei</a> <b>drei vier</b>")
    crossing = by_words(markup.plain, "four one three two", [3, 0, 2, 1])
    found = put_back(markup, "four one three two", crossing)
    assert TAG.sub("", found) == "four one three two"
    assert minidom.parseString(f"<r>{found}</r>")
    assert put_back(markup, "three four one two", by_words(markup.plain, "three four one two", [2, 3, 0, 1])) == (
        "<b>three four</b> <a>one two</a>"
    )


def test_signs_go_with_their_element_whatever_the_alignment_says_of_them():
    for src in ("<b>Nein</b>. Er schläft.", "<b>Nein.</b> Er schläft.", "<b>»Nein«</b>. Er schläft."):
        markup = take_out(src)
        tgt = markup.plain.replace("Nein", "No").replace("Er schläft", "He sleeps")
        all_of_one = [(markup.plain.index("N"), markup.plain.index("N") + 4, *span) for span in word_spans(tgt)[:-3]]
        found = put_back(markup, tgt, [*all_of_one, *by_words(markup.plain, tgt, range(len(word_spans(tgt))))[-3:]])
        assert found == src.replace("Nein", "No").replace("Er schläft", "He sleeps")


def test_entities_are_characters_to_translate_and_entities_again():
    urls = TextRules(("urls",)).pattern
    markup = take_out("&lt;https://x.de/a?b=1&amp;c=2&gt;<br/>", pattern=urls)
    assert markup.plain == "<>"
    assert markup.elements[0].open == "https://x.de/a?b=1&amp;c=2"
    assert "&lt;" in put_back(markup, "<>", [(0, 1, 0, 1), (1, 2, 1, 2)])
    assert take_out("पानी<br>है").plain == "पानी है"  # a vowel sign ends the first word
    markup = take_out("A &amp; B &lt;b&gt; &#228;<br/>")
    assert markup.plain == "A & B <b> ä"
    assert put_back(markup, "B & A < ü", ()) == "B &amp; A &lt; ü<br/>"
    assert take_out("A & B < C") == take_out("A & B < C").__class__("A & B < C", ())


def test_a_tag_that_the_model_makes_up_goes():
    assert TAG.findall(put_back(take_out("a <b>c</b>"), "x <b>y</b> z", ())) == TAG.findall("<b></b>")


def test_only_the_blank_that_stood_for_a_tag_goes_with_it():
    markup = take_out("<p>Hund</p>Katze")
    assert put_back(markup, "dog cat", by_words("Hund Katze", "dog cat", [0, 1])) == "<p>dog</p>cat"
    assert put_back(markup, "dog, cat", by_words("Hund Katze", "dog, cat", [0, 1, 1])) == "<p>dog</p>, cat"


def test_hostile_tags_end_soon():
    begin = time.process_time()
    for text in ("<b>" * 12_000, "<b>a</b>" * 5000, "<!--" * 5000, "<a b='" * 50_000, "<a" + " " * 300_000):
        markup = take_out(text)
        back = put_back(markup, "a b c", diagonal(markup.plain[:2000], "a b c"))
        assert sorted(TAG.findall(back)) == sorted(TAG.findall(text))
    assert time.process_time() - begin < 5  # quadratic time would be far more


nodes = st.recursive(
    st.sampled_from(["eins", "zwei drei", "", "<x/>", "vier, ", " fünf "]),
    lambda inner: st.builds("<{0}>{1}</{0}>".format, st.sampled_from("ab"), inner) | st.lists(inner).map("".join),
)


@given(nodes, st.lists(st.integers(0, 5), min_size=6, max_size=6))
@example("<a>zwei drei</a><a>eins</a>", [0, 0, 0, 0, 0, 1])  # the second one begins inside a word
@example("<a>eins zwei drei vier</a> <x/>fünf", [0, 1, 1, 4, 2, 3])  # what stands alone would be amid the element
@example("eins<x/> <a>zwei drei vier fünf</a>", [1, 2, 2, 0, 3, 4])
@example("<a>zwei drei</a> <b>eins</b> <x/>vier", [0, 2, 2, 3, 2, 2])
def test_whatever_the_alignment_all_tags_are_there_once_and_nested_as_before(src, origins):
    markup, tgt = take_out(src), "one two, three four five"
    of_src = word_spans(markup.plain)
    aligned = [(*of_src[s], *span) for s, span in zip(origins, word_spans(tgt), strict=True) if s < len(of_src)]
    found = put_back(markup, tgt, aligned)
    tree, before = (minidom.parseString(f"<r>{text}</r>").documentElement for text in (found, src))
    assert re.sub(" +", "", "".join(_texts(tree))) == tgt.replace(" ", "")
    assert sorted(_paths(tree)) == sorted(_paths(before))


@given(st.lists(st.sampled_from(["<b>eins</b>", "zwei", "<x/>drei", "vier<y/>", "<i>fünf <b>sechs</b></i>", "<z/>"])))
def test_the_text_itself_gets_its_tags_as_they_were(words):
    src = " ".join(words)
    markup = take_out(src)
    assert put_back(markup, markup.plain, diagonal(markup.plain, markup.plain)) == src


def _texts(node):
    return [node.data] if node.nodeType == node.TEXT_NODE else [t for child in node.childNodes for t in _texts(child)]


def _paths(node, path=""):
    path += f"/{node.nodeName}"
    inner = [one for child in node.childNodes if child.nodeType != node.TEXT_NODE for one in _paths(child, path)]
    return [path, *inner]


def test_pieces_are_found_in_their_text():
    text = "Der  Hund Ǻé½ \U0001f600!"
    pieces = ["▁Der", "▁", "Hu", "nd", "▁Åé", "1⁄2", "▁", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "!", "</s>"]
    found = piece_spans(text.replace("Ǻ", "Å"), pieces[:-1])
    assert found[:6] == [(0, 3), None, (5, 7), (7, 9), (10, 12), (12, 13)]
    assert found[7:] == [(14, 15)] * 4 + [(15, 16)]


def test_links_are_of_characters_and_never_of_the_end():
    assert links("ab c", ["▁a", "b", "▁c"], "x yz", ["▁x", "▁y", "z"], [(0, 2), (3, 0), (2, 1)]) == (
        (0, 1, 3, 4),
        (3, 4, 2, 3),
    )
    assert links("a Ball.", ["▁a", "▁Ball."], "ball.", ["▁ball", "."], [(1, 0), (0, 1)]) == (
        (2, 6, 0, 4),
        (0, 1, 4, 5),
    )
    assert links("ein Ball", ["▁ein", "▁Ball"], "a ball.", ["▁a", "▁ball."], [(1, 1)]) == ((4, 8, 2, 6),)
    assert links("a b", [], "a b", [], []) == ((0, 1, 0, 1), (2, 3, 2, 3))


def test_words_are_runs_of_letters_and_signs_stand_alone():
    text = "don't हिन्दी, 漢字 3,5 a-b a- ไทย {a_b}: https://a.b/c"
    assert [text[a:b] for a, b in word_spans(text)] == [
        *("don't", "हिन्दी", ",", "漢", "字", "3,5", "a-b", "a", "-", "ไ", "ท", "ย", "{a_b}", ":", "https://a.b/c")
    ]
