from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.formats import read_document
from nmt.formats.document import DocumentOptions

markdown_it = pytest.importorskip("markdown_it")
DOCS = Path(__file__).parents[2] / "docs"
OPTIONS = DocumentOptions("de", "en")
DOCUMENT = r"""---
title: Der Hund
---
# Der *kleine* Hund ##

> Ein Hund
> läuft `schnell`\
> weit.
> 1. eins
>    und **zwei**
> - [ ] drei [hier](http://a.b/c_(d) "Titel") und [dort][Ziel], siehe [Ziel] ![Bild](x.png)

Zwei Zeilen
hoch
====

| Tier | Zahl \| Art |
|---|:-:|
| Hund | 3 \* 4 |
| Hund |  | zu viel

```
Der Hund
```

    Der Hund

<div>
Der Hund
</div>

Ein <b>Haus</b><br>mit snake_case, 5 * 3, $x^2$ und https://a.b/c.

[ziel]: http://x "Der Titel"
"""
TEXTS = [
    'Der <g id="1">kleine</g> Hund',
    'Ein Hund läuft <x id="1"/><x id="2"/>weit.',
    'eins und <g id="1">zwei</g>',
    ' drei <g id="1">hier</g> und <g id="2">dort</g>, siehe ',
    "Zwei Zeilen hoch",
    "Tier",
    "Zahl | Art",
    "Hund",
    '3 <x id="1"/> 4',
    "Hund",
    'Ein <g id="1">Haus</g><x id="2"/>mit snake_case, 5 * 3, <x id="3"/> und <x id="4"/>.',
]


def document_of(text):
    return read_document("markdown", text.encode(), "a.md", OPTIONS)


def same(text):
    """The document with its texts for their translations."""
    document = document_of(text)
    return document.with_targets([segment.text for segment in document.segments]).decode()


def shown(text):
    """As HTML, where the end of a line is a blank."""
    found = markdown_it.MarkdownIt("commonmark").enable("table").render(text)
    return re.sub(r"\s+", " ", found)


def test_what_is_text():
    assert [segment.text for segment in document_of(DOCUMENT).segments] == TEXTS


def test_texts_change_where_they_stand_and_nothing_else():
    document = document_of(DOCUMENT.replace("\n", "\r\n"))
    capitals = [re.sub(r"<[^>]*>|(\w+)", lambda m: m[0].upper() if m[1] else m[0], one) for one in TEXTS]
    found = document.with_targets(capitals).decode()
    expected = DOCUMENT
    for old, new in (
        ("# Der *kleine* Hund ##", "# DER *KLEINE* HUND ##"),
        ("> Ein Hund\n> läuft `schnell`\\\n> weit.", "> EIN HUND LÄUFT `schnell`\\\n> WEIT."),
        ("> 1. eins\n>    und **zwei**", "> 1. EINS UND **ZWEI**"),
        ("[ ] drei [hier]", "[ ] DREI [HIER]"),
        ("und [dort][Ziel], siehe", "UND [DORT][Ziel], SIEHE"),
        ("Zwei Zeilen\nhoch", "ZWEI ZEILEN HOCH"),
        ("| Tier | Zahl \\| Art |", "| TIER | ZAHL \\| ART |"),
        ("| Hund | 3", "| HUND | 3"),
        ("| Hund |  |", "| HUND |  |"),
        (
            "Ein <b>Haus</b><br>mit snake_case, 5 * 3, $x^2$ und",
            "EIN <b>HAUS</b><br>MIT SNAKE_CASE, 5 * 3, $x^2$ UND",
        ),
    ):
        assert old in expected
        expected = expected.replace(old, new)
    assert found == expected.replace("\n", "\r\n")


def test_the_name_of_a_link_is_that_which_the_parser_knows():
    data = "Der [kleine\x85Hund] und [der\u00a0große][Kleine\x85hund].\n\n[kleine\x85hund]: http://x\n".encode()
    (segment,) = read_document("markdown", data, "a.md", OPTIONS).segments
    assert segment.text == 'Der <x id="1"/> und <g id="2">der\u00a0große</g>.'


@pytest.mark.parametrize(
    ("target", "written"),
    [
        ("1. Hund", "1\\. Hund"),
        ("- Hund", "\\- Hund"),
        ("# Hund", "\\# Hund"),
        ("> Hund", "\\> Hund"),
        ("*Hund* und `Haus` und a_b und 2 * 3", "\\*Hund\\* und \\`Haus\\` und a_b und 2 * 3"),
        ("[Hund](Haus) <b>", "[Hund\\](Haus) \\<b>"),
        ("-3 Grad #1", "-3 Grad #1"),
    ],
)
def test_a_translation_is_text_and_no_sign(target, written):
    assert document_of("Hund\n").with_targets([target]).decode() == written + "\n"
    assert shown(written) == f"<p>{target.replace('<', '&lt;').replace('>', '&gt;')}</p> "


@pytest.mark.parametrize(
    ("text", "segment"),
    [
        ("***fett** kursiv*", '<g id="1">fett</g> kursiv'),
        ("**a*b** c", '<g id="1">a*b</g> c'),
        ('a*"b"*c **d**:e', 'a*"b"*c <g id="1">d</g>:e'),
        ('[a](b "x (y)") [c](d_(e_(f))) g', '<g id="1">a</g> <g id="2">c</g> g'),
        ("a ![b [c] d](e) f", 'a <x id="1"/> f'),
        ("[[a](b)](c)", '[<g id="1">a</g>](c)'),
        ('a <b title="c > d">e</b> f', 'a <g id="1">e</g> f'),
        ("a <?php b ?> <!DOCTYPE c> d", 'a <x id="1"/> <x id="2"/> d'),
        ("``a`b` c", '``a<x id="1"/> c'),
        ("a $$b$$ :tada: 1:b:2", 'a <x id="1"/> <x id="2"/> 1:b:2'),
        ("$$\na_b\n$$", None),
        ("a [[Hund]] {{ b }} {% c %} [[d]](e)", 'a <x id="1"/> <x id="2"/> <x id="3"/> <g id="4">[d]</g>'),
        ("[^1]: Hund Katze", " Hund Katze"),
        ("Hund [Ziel][^1] da\n\n[ziel]: http://x", 'Hund <x id="1"/><x id="2"/> da'),
        ("a ![[Hund]] [b[^1]](c)", 'a <x id="1"/> <g id="2">b<x id="3"/></g>'),
        ("> [!NOTE]\n> Ein Hinweis.", "Ein Hinweis."),
        ("Wort\n: Definition", 'Wort<x id="1"/>Definition'),
    ],
)
def test_tags_are_found_as_a_reader_finds_them(text, segment):
    assert [one.text for one in document_of(text).segments] == ([segment] if segment else [])
    assert shown(same(text)) == shown(text)
    document = document_of(text.replace("\n", "\r\n"))
    found = document.with_targets([one.text for one in document.segments]).decode()
    assert found.replace("\\", "") == text.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("text", "target", "written"),
    [
        ("Der **Hund** da", "the dog", "the dog"),  # and no **** behind it
        ("Der _Hund_ da", 'the <g id="1">dog</g>s', "the <em>dog</em>s"),
        ("Der **Hund** da", 'the<g id="1"> dog </g>there', "the<strong> dog </strong>there"),
        ("Der *a* *b* c", 'the <g id="1">a</g><g id="2">b</g> c', "the <em>a</em><em>b</em> c"),
        ("## 1. Hund", "1. Dog", "## 1. Dog"),
        ("# Hund", "C #", "# C \\#"),
        ("a  \nb", 'a<x id="1"/>- b', "a  \n\\- b"),
        ("Hund", "[Dog]: word", "[Dog]\\: word"),
        ("- a  \n  b\n- c", "x y", "- x y\n- c"),  # and no empty line, which would end the paragraph
        ("a\\\nb", "x y", "x y"),
        ("a  \nb  \nc", 'x<x id="1"/><x id="2"/>y', "x  \ny"),
        ("**${A}** b $c", '<g id="1">${A}</g> d $c', "**${A}** d $c"),
        ("Ein [Hund](x)", 'One!<g id="1">dog</g>', "One\\![dog](x)"),
    ],
)
def test_a_translation_looks_as_its_tags_say(text, target, written):
    document = document_of(text)
    others = [one.text for one in document.segments[1:]]
    assert document.with_targets([target, *others]).decode() == written


def test_cells_stay_in_their_rows():
    document = document_of("Hund | a\n--- | ---\nKatze | b\n\n1. | 1 | c |\n   |---|---|\n")
    found = document.with_targets(["x", "a", "1. y", "b", "2", "c"]).decode()
    assert found == "x | a\n--- | ---\n1\\. y | b\n\n1. | 2 | c |\n   |---|---|\n"


def test_long_texts_take_no_long_time():
    for signs in ("[[a](b)", "<!-- a", "*a **b", "`a``b", "[a](b ", "$a", "[^"):
        same(signs * 5000)


def test_a_bar_in_a_cell_ends_none():
    assert document_of("|a|\n|-|\n|Hund|\n").with_targets(["a", "b|c"]).decode() == "|a|\n|-|\n|b\\|c|\n"


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "docs").glob("*.md")), ids=lambda path: path.stem
)
def test_a_document_that_is_translated_into_itself_looks_the_same(path):
    text = path.read_text(encoding="utf-8")
    assert shown(same(text)) == shown(text)


# fmt: off
SIGNS = [
    "*",
    "**",
    "_",
    "[",
    "]",
    "](u)",
    "![",
    "`",
    "``",
    "<b>",
    "</b>",
    "<br/>",
    "\\*",
    "~~",
    "a",
    "Hund ",
    " ",
    "\n",
]
BLOCKS = [
    "\n\n",
    "\n> ",
    "\n- ",
    "\n1. ",
    "# ",
    "\n| a | b |\n|---|---|\n| ",
    "\n    ",
    "\n```\n",
    "\n---\n",
    "  \n",
    "|",
]


@given(st.lists(st.sampled_from([*SIGNS, *SIGNS, *BLOCKS]), max_size=40).map("".join))
def test_any_text_is_read_and_its_words_stay(text):
    found = same(text)
    assert re.findall(r"[a-zH]+", found) == re.findall(r"[a-zH]+", text)
