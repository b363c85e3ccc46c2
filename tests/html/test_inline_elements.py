from __future__ import annotations

from nmt.html.segments import cut


def test_links_side_by_side_are_texts_of_their_own():
    page = "<nav><a>Start</a><a>Über uns</a> <i><a>Hund</a><a>Haus</a></i></nav><p><a>a</a> <a>b</a>"
    found = cut(page)
    assert found.plain == "Start\nÜber uns Hund\nHaus\na b"
    assert found.joined(found.texts) == page


def test_how_a_word_is_read_is_no_text():
    assert cut("<p>Das <ruby>漢<rp>(<rt>かん<rp>)</ruby> ist</p>").plain == "Das 漢 ist"


def test_what_begins_as_a_declaration_goes_on_to_the_end():
    found = cut("<p>a</p><!b")
    assert found.texts == ("a",)
    assert found.joined(["A"]) == "<p>A</p><!b"


def test_a_word_that_may_be_divided_is_one():
    assert cut("<p>Schiff&shy;fahrt\u00ad<b>en</b></p>").texts == ('Schifffahrt<g id="1">en</g>',)


def test_a_text_with_tags_is_the_same_wherever_it_stands():
    assert cut("<p>Der <b>Hund</b></p><p>Der <i>Hund</i></p>").texts == ('Der <g id="1">Hund</g>',) * 2
