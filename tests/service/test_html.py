from __future__ import annotations

import html
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from nmt.service.detection import detect
from nmt.service.html import TAG, cut, translate_tagged
from nmt.service.pairs import Pair, Pairs
from nmt.service.service import Service
from nmt.service.wire import TranslationRequest
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


PARTS = ["<p>", "</p>", "<b>", "</b>", "<br>", "a", " & ", "&lt;", "<", ">", "<a href='x'>", "</a>", "\n", "</code>"]


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
    assert Counter(tag[0] for tag in TAG.finditer(answer)) == Counter(tag[0] for tag in TAG.finditer(document))
    tags = Counter((tag["close"] or "") + tag["name"].lower() for tag in TAG.finditer(document))
    assert Tags(answer).found == tags  # as another parser reads the answer
    copied = [tag for pair in found.tags for tag in pair if tag.startswith("<code>")]  # with what it holds
    for code in copied:
        assert code in answer
        answer = answer.replace(code, "", 1)
    said = "".join(html.unescape(TAG.sub("", answer)).split())
    assert not found.texts or "<i>x</i>&y" in said


def test_hostile_tags_take_no_time():
    for hostile in (
        "<a '" * 12_000,
        "<a \"<a '" * 6000,
        "<!--" * 12_000,
        "<" * 50_000,
        "<a " * 16_000,
        "<script>" * 6000,
    ):
        assert re.sub(r"&lt;", "<", shouted(hostile)).lower() == hostile


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
    text = Service._prepared(None, document, wanted, "en", Pairs([Pair("en", "de", ()), Pair("de", "en", ())]))
    assert (text.source, text.confidence) == detect(seen, ["en", "de"])[0]
    assert text.pair == (Pair("de", "en", ()) if seen != "12:30" else None)
