from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from nmt.formats import read_document
from nmt.formats.document import DocumentOptions, Segment
from nmt.formats.inline import Inline, lines_of, with_lines
from nmt.formats.language_tags import matching, same_language
from nmt.formats.office_text import pieces_of as pieces_of_paragraph
from nmt.text.numbered import MARKUP, plain
from nmt.text.tags import HTML, Tag, cut_at_tags, text_of_pieces


def inline(text):
    return Inline(cut_at_tags(text, HTML))


@pytest.mark.parametrize(
    ("text", "segment", "target", "expected"),
    [
        ("<b>alles</b>", "alles", "all", "<b>all</b>"),
        ("<br/> <i><b>a</b></i> <br>", "a", "x", "<br/> <i><b>x</b></i> <br>"),
        ("a < b & <b>c</b> d", 'a &lt; b &amp; <g id="1">c</g> d', 'A &lt; <g id="1">C</g>', "A < <b>C</b>"),
        ("a<b>\n</b>c", 'a<g id="1">\n</g>c', 'C<g id="1">\n</g>A', "C<b>\n</b>A"),
        ("a <b>b <i>c</b> d</i>e", 'a <g id="1">b <x id="2"/>c</g> d<x id="3"/>e', "x", "x<b><i></b></i>"),
    ],
)
def test_tags_go_out_and_come_back(text, segment, target, expected):
    one = inline(text)
    assert one.segment.text == segment
    assert text_of_pieces(one.target(target)) == expected


@pytest.mark.parametrize(
    ("pieces", "segment", "translated", "expected"),
    [
        (["Tom &amp; ", Tag("alone", "%"), "Anna&nbsp;"], 'Tom &amp; <x id="1"/>Anna\xa0', "a &amp; b", "a &amp; b%"),
        (
            ["a <b>c</b> ", Tag("alone", "%"), "d"],
            'a <g id="1">c</g> <x id="2"/>d',
            '<x id="2"/><g id="1">C</g>',
            "%<b>C</b>",
        ),
        (["a < b ", Tag("alone", "%"), "d"], 'a &lt; b <x id="1"/>d', 'A &lt; B <x id="1"/>', "A < B %"),
    ],
)
def test_what_a_text_spells_is_read_beside_tags_as_it_is_without_them(pieces, segment, translated, expected):
    one = Inline(pieces)
    assert one.segment.text == segment
    assert text_of_pieces(one.target(translated)) == expected


def test_lines_are_translated_one_by_one_and_the_same_once():
    segments = [Segment('a <g id="1">b\n\n  c</g>\n<x id="2"/>', markup=True), Segment(" c\n"), Segment("d\nd")]
    lines = lines_of(segments)
    assert lines == ['a <g id="1">b', "c</g>", "c", "d"]
    shouted = {line: re.sub("(<.*?>)|([^<]+)", lambda part: part[1] or part[2].upper(), line) for line in lines}
    assert with_lines(segments, shouted) == ['A <g id="1">B\n\n  C</g>\n<x id="2"/>', " C\n", "D\nD"]


words = st.sampled_from(["<b>", "</b>", "<i>", "</i>", "<br/>", "Hund", " ", "& <", "\n"])
answers = st.sampled_from(
    ['<g id="1">', '<g id="2">', "</g>", '<x id="1"/>', '<x id="2"/>', '<x id="3"/>', "dog ", "&amp;"]
)


@given(st.lists(words).map("".join), st.lists(answers).map("".join))
def test_whatever_comes_back_every_tag_is_there_once_and_nested(text, answer):
    one = inline(text)
    tags = [piece for piece in one.target(one.segment.text) if isinstance(piece, Tag)]
    found = one.target(answer if one.segment.markup else plain(answer))
    there = [piece for piece in found if isinstance(piece, Tag)]
    assert sorted(map(repr, there)) == sorted(map(repr, tags))
    depth = 0
    for tag in there:
        depth += {"open": 1, "close": -1, "alone": 0}[tag.kind]
        assert depth >= 0
    assert text_of_pieces(one.target(one.segment.text)) == text
    if one.segment.markup:
        assert len(MARKUP.findall(one.segment.text)) <= len(tags)


SOURCE = """<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2"><file source-language="de"><body>
<trans-unit id="1"><source>Ein <bpt id="1">&lt;b></bpt>Hund<ept id="1">&lt;/b></ept> <ph id="2">{x}</ph>
   schläft <mrk mtype="protected">sehr</mrk> gut</source></trans-unit>
<trans-unit id="2" translate="no"><source>nie</source></trans-unit>
<trans-unit id="3"><source>Eins. Zwei.</source><seg-source><mrk mtype="seg" mid="1">Eins.</mrk> <mrk mtype="seg"
mid="2">Zwei.</mrk></seg-source></trans-unit>
<trans-unit id="4" approved="yes"><source>x</source><target>x</target></trans-unit>
<trans-unit id="5"><source>y</source><target state="new">y</target></trans-unit>
</body></file></xliff>"""


def test_elements_of_xliff():
    document = read_document("xliff", SOURCE.encode(), "a.xlf", DocumentOptions("de", "en"))
    first, *others = [segment.text for segment in document.segments]
    assert first == 'Ein <g id="1">Hund</g> <x id="2"/> schläft <x id="3"/> gut'
    assert others == ["Eins.", "Zwei.", "y"]
    assert document.kept == 1
    found = document.with_targets(['Well <x id="3"/> a <g id="1">dog</g><x id="2"/>', "One.", "Two.", "Y"])
    one, _, divided, approved, _ = etree.fromstring(found).iter("{*}trans-unit")
    assert etree.tostring(one.find("{*}target")).decode().split(">", 1)[1].startswith(
        'Well <mrk mtype="protected">sehr</mrk> a <bpt id="1">&lt;b&gt;</bpt>dog<ept id="1">&lt;/b&gt;</ept>'
        '<ph id="2">{x}</ph></target>'
    )  # fmt: skip
    assert ["".join(mark.itertext()) for mark in divided.find("{*}target")] == ["One.", "Two."]
    assert divided.find("{*}target")[0].tail == " "
    assert approved.find("{*}target").text == "x"


HALF = """<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2"><file source-language="de"><body>
<trans-unit id="1"><source>Eins. Zwei. Drei.</source><seg-source><mrk mtype="seg" mid="1">Eins.</mrk> <mrk mtype="seg"
mid="2">Zwei.</mrk> <mrk mtype="seg" mid="3">Drei.</mrk></seg-source><target><mrk mtype="seg" mid="1"><g
id="7">One!</g></mrk> <mrk mtype="seg" mid="2"></mrk></target></trans-unit>
<trans-unit id="2"><source>Eins.</source><seg-source><mrk mtype="seg" mid="1">Eins.</mrk></seg-source><target
state="needs-translation"><mrk mtype="seg" mid="1">One</mrk></target></trans-unit>
</body></file></xliff>"""


def test_of_a_unit_that_is_half_translated_the_other_half_is():
    document = read_document("xliff", HALF.encode(), "a.sdlxliff", DocumentOptions("de", "en"))
    assert [segment.text for segment in document.segments] == ["Zwei.", "Drei.", "Eins."]
    assert document.kept == 1
    first, second = etree.fromstring(document.with_targets(["Two.", "Three.", "1"])).iter("{*}target")
    assert "".join(first.itertext()) == "One! Two. Three."
    assert [mark.get("mid") for mark in first] == ["1", "2", "3"]
    assert first[0][0].get("id") == "7"
    assert "".join(second.itertext()) == "1"
    again = read_document("xliff", HALF.encode(), "a.sdlxliff", DocumentOptions("de", "en", retranslate=True))
    assert len(again.segments) == 4


@pytest.mark.parametrize(("version", "unit"), [("1.2", "trans-unit"), ("2.0", "unit"), ("2.0", "source")])
def test_space_is_preserved_where_the_source_or_what_is_around_it_says_so(version, unit):
    where = {name: ' xml:space="preserve"' * (name == unit) for name in ("trans-unit", "unit", "source")}
    source = f"<source{where['source']}>Eins\n  zwei</source>"
    inner = (
        f'<file><body><trans-unit id="1"{where["trans-unit"]}>{source}</trans-unit></body></file>'
        if version == "1.2"
        else f'<file id="f"><unit id="1"{where["unit"]}><segment>{source}</segment></unit></file>'
    )
    namespace = f"urn:oasis:names:tc:xliff:document:{version}"
    text = f'<xliff version="{version}" xmlns="{namespace}" srcLang="de" trgLang="en-GB">{inner}</xliff>'
    document = read_document("xliff", text.encode(), "a.xlf", DocumentOptions("de", "en"))
    assert [segment.text for segment in document.segments] == ["Eins\n  zwei"]
    root = etree.fromstring(document.with_targets(["One\n  two"]))
    assert root.get("trgLang") == "en-GB"
    (target,) = root.iter("{*}target")
    assert target.text == "One\n  two"
    space = "{http://www.w3.org/XML/1998/namespace}space"
    assert any(part.get(space) for part in (target, *target.iterancestors()))


def test_language_tags_are_matched_as_bcp_47_does():
    assert matching("de", ["en", "DE-ch", "de_AT", "de"]) == ["de", "DE-ch", "de_AT"]
    assert matching("de-CH", ["de", "de-AT", "de-Latn-CH"]) == ["de-Latn-CH", "de"]
    assert matching("zh-Hant", ["zh-TW", "zh-Hant-TW", "zh"]) == ["zh-Hant-TW", "zh"]
    assert matching("deu", ["de-DE"]) == ["de-DE"]
    assert matching("de", ["den", "*all*", ""]) == []
    assert matching("de-DE", ["de-x-DE"]) == []
    assert all(same_language(*pair) for pair in (("de", ""), ("", "de"), ("de-CH", "DEU")))
    assert not same_language("de", "nl")


def test_a_word_that_may_be_divided_is_one():
    assert Inline(["Schiff\u00adfahrt"]).segment.text == "Schifffahrt"
    assert Inline(["Schiff&shy;fahrt ", Tag("alone", "x"), "a"]).segment.text == 'Schifffahrt <x id="1"/>a'


def test_nor_does_word_divide_it():
    run = '<w:p xmlns:w="wordprocessingml"><w:r><w:t>Schiff</w:t><w:softHyphen/><w:t>fahrt</w:t></w:r></w:p>'
    assert pieces_of_paragraph(etree.fromstring(run)) == ["Schifffahrt"]
