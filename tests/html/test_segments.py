from __future__ import annotations

import html
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from nmt.html.segments import cut
from nmt.html.tokens import tokens
from nmt.service.detection import detect
from nmt.service.models import translate_tagged
from nmt.service.pairs import LanguagePair, Pairs
from nmt.service.texts import source_text
from nmt.service.wire import TranslationRequest
from nmt.text.tags import Tag
from nmt.translation.values import Translation


def shouted(document: str) -> str:
    """The document with its texts in capitals, and their tags where they were."""
    found = cut(document)
    return found.joined([re.sub(r"(<[^>]*>|&\w+;)|([^<&]+)", lambda m: m[1] or m[2].upper(), t) for t in found.texts])


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        ("<p>Ein Boot</p>", "<p>EIN BOOT</p>"),
        ("Tom &amp; <b>Anna</b>", "TOM &amp; <b>ANNA</b>"),
        ("a < b", "A &lt; B"),
        ("<p>a<br/>b</p>\n<p> </p>", "<p>A<br/>B</p>\n<p> </p>"),
        ("<!-- a --><p title='x>y'>b</p>", "<!-- a --><p title='x>y'>B</p>"),
        ("<script>let a = '<p>';</script>b", "<script>let a = '<p>';</script>B"),
        ("<code>a<code>b</code>c</code>d", "<code>a<code>b</code>c</code>D"),
        ('<span class="x notranslate">a</span><i translate="no">b</i>c', None),
        ("a <b", "A &lt;B"),
    ],
)
def test_tags_stay_and_texts_are_translated(document, answer):
    kept = '<span class="x notranslate">a</span><i translate="no">b</i>C'
    assert shouted(document) == (answer or kept)


@pytest.mark.parametrize(
    "raw",
    [
        """<script>document.write('<script src="x"><\\/script>')</script>""",
        '<script>var x="<!--";</script>',
        "<style>/* <style> <!-- */</style >",
        "<textarea><textarea> a</b> <!-- </textareas></TEXTAREA>",
        "<xmp><b></xmp>",
        "<iframe><iframe></iframe>",
        "<noframes><noframes></noframes>",
        "<noembed>a</noembed>",
        "<div translate='no'><script>'</div>'</script>a</div>",
    ],
)
def test_raw_text_ends_at_the_first_closing_tag_of_its_name(raw):
    assert shouted(f"<p>Eins</p>{raw}<p>Der Hund</p>") == f"<p>EINS</p>{raw}<p>DER HUND</p>"


def test_a_title_is_text_without_tags():
    title = "<title>Das <b> &amp; der <title> <!-- Hund</title>"
    assert shouted(f"{title}<p>a") == "<title>DAS &lt;B&gt; &amp; DER &lt;TITLE&gt; &lt;!-- HUND</title><p>A"


@pytest.mark.parametrize(
    "tag",
    [
        "<p title=don't>",
        "<a href=/x title=Anna's>",
        '<img alt="17" Monitor">',
        "<a title = 'x>y' b>",
        '<p title="<b>">',
        "<a b= c='d'e=f=\">",
        '<p \'a="b">',
        "<a =x>",
        "<a b=>",
    ],
)
def test_quotes_of_a_tag_delimit_values_alone(tag):
    assert shouted(f"eins {tag} zwei's <b>drei</b>") == f"EINS {tag} ZWEI'S <b>DREI</b>"


def test_a_slash_of_a_value_is_no_empty_element():
    (given,) = tokens("<a href=/x/>")
    assert not given.is_empty
    assert given.attributes == {"href": "/x/"}
    assert all(one.is_empty for one in tokens("<a/><a href='/x'/><a href=/x />"))
    assert not any(one.is_empty for one in tokens("<a ><a href=/x >"))


@pytest.mark.parametrize(
    ("document", "texts"),
    [
        ("<ul><li translate=no>Foo<li>Der Hund</ul><p>Er", ["Der Hund", "Er"]),
        ("<ul><li translate=no>Foo<ul><li>a<li>b</ul><li>Der Hund</ul>", ["Der Hund"]),
        ("<ul><li translate=no>Foo</ul><p>Er", ["Er"]),
        ("<ul><li translate=no>Foo<b>a</b><ol><li>a</ol></i></li>Er</ul>", ["Er"]),
        ('<table><tr><td class="notranslate">A<td>Der Hund</table>Er', ["Der Hund", "Er"]),
        ("<table><tr><th translate=no>A<table><td>a<td>b</table><tr><td>Der Hund</table>", ["Der Hund"]),
        ("<table><tr translate=no><td>A<td>B<tr><td>Der Hund<tfoot translate=no><tr><td>A</table>Er", None),
        ("<table><tbody translate=no><tr><td>A<tr><td>B<tbody><tr><td>Der Hund</table>Er", None),
        ("<p translate=no>Foo<p>Der Hund<h1>Er</h1>", None),
        ("<p translate=no>Foo <b>a<button><div>b</div></button></b><div>Der Hund</div>Er", None),
        ("<div><p translate=no>Foo</i></div>Der Hund<p>Er", None),
        ("<dl><dt translate=no>A<dd>Der Hund<dd translate=no>B<dt>Er</dl>", None),
        ("<div></div><p translate=no>Foo</div>Foo<p>Der Hund<p>Er", None),
        ("<img class=notranslate>Der Hund<p>Er", None),
        ("<p translate=no>Foo<!-- a --></p>Der Hund<p>Er", None),
        ("<select><option translate=no>A<option>Der Hund<optgroup translate=no><option>B</select>Er", None),
    ],
)
def test_a_copied_element_ends_where_its_end_tag_may_be_omitted(document, texts):
    assert list(cut(document).texts) == (texts or ["Der Hund", "Er"])


@pytest.mark.parametrize(
    ("attributes", "stays"),
    [
        ("class=notranslate", True),
        ("CLASS='a NoTranslate\nb'", True),
        ("id=a translate=no", True),
        ("translate = 'NO'", True),
        ('data-x="foo translate=no"', False),
        ('title="a" data-class=notranslate', False),
        ('class="notranslate-x"', False),
        ("class='a' class='notranslate'", False),  # the first says it
        ("translate=none", False),
        ("translate", False),
    ],
)
def test_an_attribute_says_that_an_element_is_copied(attributes, stays):
    assert cut(f"<p {attributes}>a</p>").texts == (() if stays else ("a",))


@pytest.mark.parametrize(
    "blank",
    ["&nbsp;", "&nbsp", "&#160;", "&#0160", "&#xA0;", "&emsp;", "&ensp;", "&thinsp;", "&zwnj;", "&#8203;", "\u200b"],
)
def test_blanks_that_are_entities_stay_around_a_text(blank):
    document = f"<td>{blank}</td><td><b> {blank}</b></td><p>{blank}a &amp; {blank} b{blank} </p>{blank}"
    found = cut(document)
    assert [one[0] + one[-1] for one in found.texts] == ["ab"]
    assert found.joined(["X"]) == f"<td>{blank}</td><td><b> {blank}</b></td><p>{blank}X{blank} </p>{blank}"


@pytest.mark.parametrize("text", ["&amp;", "&#1600;", "&#xA00;", "&#133;", "&NBSP;", "&nbs;"])
def test_other_entities_are_text(text):
    assert len(cut(f"<p>{text}</p>").texts) == 1


def test_an_entity_with_thousands_of_digits_is_an_unknown_character():
    assert cut(f"a &#{'0' * 9000}; b").texts == ("a \ufffd b",)


def test_a_comment_ends_no_text():
    page = "<!-- a --><p>Der <!-- -->Hund<!-- --> sucht <![CDATA[<b>]]>den <?x y?>Ball.<!-- b --></p>"
    found = cut(page)
    assert found.texts == ('Der <x id="1"/>Hund<x id="2"/> sucht <x id="3"/>den <x id="4"/>Ball.',)
    assert found.joined(found.texts) == page
    assert found.skeleton == ("<!-- a --><p>", "<!-- b --></p>")


@pytest.mark.parametrize("between", ["<!DOCTYPE html>", "<!doctype>"])
def test_a_doctype_ends_a_text(between):
    assert cut(f"a{between}b").texts == ("a", "b")


@pytest.mark.parametrize("comment", ["<!-->", "<!--->", "<!-- a --!>", "<!---->", "<!-- -- > -->", "<!a>"])
def test_a_comment_ends_where_a_browser_ends_it(comment):
    assert shouted(f"<p>a{comment}</p><!-- b") == f"<p>A{comment}</p><!-- b"


@pytest.mark.parametrize("name", ["button", "label", "output", "meter", "progress", "summary", "datalist", "option"])
def test_controls_side_by_side_are_texts_of_their_own(name):
    assert cut(f"<{name}>Ja</{name}><{name}>Nein</{name}>").texts == ("Ja", "Nein")


def test_only_a_long_text_is_cut_into_sentences_and_no_element_is():
    ball = "Der Hund sucht den Ball."
    assert cut(f"<p>{ball} Er.</p>", "de").texts == (f"{ball} Er.",)
    found = cut(f"<p>{f'{ball} ' * 13}Der <i>Hund</i> sucht. <b>Er. Sie.</b> Es.", "de")
    assert found.texts == (*[ball] * 13, 'Der <g id="1">Hund</g> sucht.', "Er. Sie.", "Es.")


def test_an_input_ends_a_text():
    assert cut("Name <input name=a> Ort <input name=b>").texts == ("Name", "Ort")


class Tags(HTMLParser):
    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()
        self.feed(document)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found[tag] += 1

    def handle_endtag(self, tag):
        self.found[f"/{tag}"] += 1


class Saying:
    """Translates everything alike."""

    def __init__(self, text: str) -> None:
        self.text = text

    def translate(self, texts, **options):
        return [Translation(self.text, 0.0, 0.0) for _ in texts]


PARTS = [
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<br>",
    "a",
    " & ",
    "&lt;",
    "<",
    ">",
    "<a href='x'>",
    "</a>",
    "\n",
    "</code>",
    "<!-- x -->",
]


@given(st.lists(st.sampled_from([*PARTS, "<code>", "Ein Satz. " * 40])))
@example(["a", "<code>", "a", "</code>", "a"])  # the code may stand amid the translation
@example(["<", "Ein Satz. ", ">"])  # a tag to every parser
def test_the_answer_has_the_tags_of_the_question_and_none_other(parts):
    # Code is copied as it is, whatever another parser makes of a < in it.
    assume("<code>" not in parts or "<" not in parts)
    document = "".join(parts)
    found = cut(document)
    translator = Saying("<i>x</i> & y")
    answer = found.joined([one.text for one in translate_tagged(translator, found.texts, 0)])
    before, after = ([one for one in tokens(text) if one.name] for text in (document, answer))
    assert Counter(tag.content for tag in before) == Counter(tag.content for tag in after)
    tags = Counter("/" * tag.closes + tag.name for tag in before if tag.name != "!--")
    assert Tags(answer).found == tags  # as another parser reads the answer
    values = (piece.value for pieces in found.pieces for piece in pieces if isinstance(piece, Tag))
    copied = [value for value in values if value.startswith("<code>")]  # with what it holds
    for code in copied:
        assert code in answer
        answer = answer.replace(code, "", 1)
    said = "".join(html.unescape("".join(one.content for one in tokens(answer) if not one.name)).split())
    assert not found.texts or "<i>x</i>&y" in said


def test_hostile_tags_take_no_time():
    for hostile in (
        "<a '" * 12_000,
        "<a \"<a '" * 6000,
        "<!--" * 12_000,
        "<" * 50_000,
        "<a " * 16_000,
        "<script>" * 6000,
        "a" + "&nbsp;" * 9000 + "b" + "<img>" * 9000,
        "&nbsp; b" * 9000 + "&#" + "0" * 3000,
        "<p translate=no>" + "<b>" * 9000 + "</i>" * 9000,
        "<b>" * 9000 + "</i>" * 9000,
        "<p>" * 9000 + "<li translate=no>" * 9000,
        '<a b="' + '<a c=\'" d="' * 6000,  # each would be one to the end
        "<a b='" * 9000,
        "<a b" + " " * 50_000,
        "<a b=" + "c='d" * 12_000,
        "<title" * 9000,
        "<!" * 40_000,
        "ein satz <b>ist</b> hier. " * 9000,
        "<?-" * 16_000,
    ):
        assert html.unescape(shouted(hostile)).lower() == html.unescape(hostile)


ENGLISH = "the main content of this page is what you see"


@pytest.mark.parametrize(
    ("document", "seen"),
    [
        (f'<p class="{ENGLISH}">Das ist ein Hund.</p>', "Das ist ein Hund."),
        (f"<script>// {ENGLISH}</script><!-- {ENGLISH} --><p>Ein <code>{ENGLISH}</code>Hund</p>", "Ein Hund"),
        ("<p>Der Hund<p>h&ouml;rt <b>es</b> &amp; <br>ist", "Der Hund\nhört es &\nist"),
        ("<p class=a>12:30</p>", "12:30"),
    ],
)
def test_the_language_is_found_from_what_is_translated_alone(document, seen):
    assert cut(document).plain == seen
    wanted = TranslationRequest((document,), source="", target="en", is_html=True)
    ways = Pairs([LanguagePair("en", "de", ()), LanguagePair("de", "en", ())]).ways("", "en")
    text = source_text(document, wanted, ways)
    assert (text.source, text.confidence) == detect(seen, ["en", "de"])[0]
    assert text.pair == (LanguagePair("de", "en", ()) if seen != "12:30" else None)
