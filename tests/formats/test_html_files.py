from __future__ import annotations

import pytest

from nmt.formats import read_document
from nmt.formats.document import DocumentOptions
from nmt.formats.sniff import markup_of
from nmt.text.numbered import plain

OPTIONS = DocumentOptions("de", "en")
PAGE = """<!DOCTYPE html>
<html lang="de-DE"><head><meta charset="utf-8"><title>Der Hund &amp; die Katze</title>
<style>p { color: red }</style></head>
<body><p title="Hund">Ein   Hund
läuft.</p><pre>Der  Hund</pre><p lang="de">A &lt; B</p></body></html>
"""
TRANSLATED = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>DER HUND &amp; DIE KATZE</title>
<style>p { color: red }</style></head>
<body><p title="Hund">EIN HUND LÄUFT.</p><pre>Der  Hund</pre><p lang="de">A &lt; B</p></body></html>
"""


def shouted(data: bytes, options: DocumentOptions = OPTIONS) -> bytes:
    """The page with its texts in capitals, without their own tags."""
    document = read_document("html", data, "page.html", options)
    return document.with_targets([plain(segment.text).upper() for segment in document.segments])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_texts_of_a_page_and_its_language_change_alone(encoding):
    assert shouted(PAGE.encode(encoding)).decode(encoding) == TRANSLATED


def test_what_the_page_says_of_its_language_is_told_and_another_one_stays():
    document = read_document("html", PAGE.replace("de-DE", "fr").encode(), "page.html", OPTIONS)
    assert document.languages == ("fr", "")
    assert b'<html lang="fr">' in document.with_targets([segment.text for segment in document.segments])


@pytest.mark.parametrize(
    ("label", "encoding", "euro"),
    [
        ("ISO-8859-1", "cp1252", b"\x80"),  # a browser takes it for Windows-1252
        ("windows-1251", "cp1251", b"\x88"),
        ("iso-8859-2", "iso-8859-2", b"&#8364;"),
        ("utf-16", "utf-8", b"\xe2\x82\xac"),  # what can be read as ASCII is not in it
        ("x-user", "utf-8", b"\xe2\x82\xac"),
        ("rot13", "utf-8", b"\xe2\x82\xac"),  # none of text
        ("unicode_escape", "utf-8", b"\xe2\x82\xac"),  # none that a browser has
        ("gb2312", "gb18030", b"\xa2\xe3"),
    ],
)
def test_a_page_stays_in_the_encoding_that_it_declares(label, encoding, euro):
    data = f'<meta http-equiv=Content-Type content="text/html; charset={label}"><p>Ein Euro</p>'.encode(encoding)
    document = read_document("html", data, "page.html", OPTIONS)
    assert document.with_targets(["€"]) == data.replace(b"Ein Euro", euro)
    assert shouted(b'<?xml version="1.0" encoding="koi8-r"?><html>' + "да".encode("koi8-r")).endswith(
        "ДА".encode("koi8-r")
    )


@pytest.mark.parametrize(
    "head",
    [
        "<!-- <meta charset=iso-8859-1> --><meta charset=utf-8>",
        "<meta name=description content='charset=iso-8859-1'>",
        "<script>'<meta charset=iso-8859-1>'</script>",
        "<meta charset=utf-8><meta charset=iso-8859-1>",
        f"<!-- {'a' * 2000} --><meta charset=utf-8>",
    ],
)
def test_a_page_says_its_encoding_in_a_tag_for_it(head):
    assert shouted(f"{head}<p>ä".encode()).endswith("<p>Ä".encode())
    assert shouted(f"<!-- {'a' * 2000} --><meta charset=cp1252><p>ä".encode("cp1252")).endswith(b"<p>\xc4")


def test_the_tag_of_the_page_gets_the_language_and_not_one_in_a_comment():
    page = b'<!--[if IE]><html lang="de"><![endif]--><html lang="de"><p>'
    assert shouted(page) == b'<!--[if IE]><html lang="de"><![endif]--><html lang="en"><p>'


def test_what_is_not_in_its_encoding_is_refused_with_the_command_that_helps():
    with pytest.raises(ValueError, match=r"^page.html is not UTF-8; .* iconv -f WINDOWS-1252 -t UTF-8 < page.html"):
        read_document("html", b"<p>l\xe4uft", "page.html", OPTIONS)


def test_tags_within_a_text_come_back_and_those_that_a_translation_lost_stand_behind_it():
    page = b"<p>Der <b>Hund</b> schl&auml;ft<br>im Garten <img src=a> heute.</p>"
    document = read_document("html", page, "page.html", OPTIONS)
    assert document.with_targets([segment.text for segment in document.segments]) == page.replace(
        b"&auml;", "ä".encode()
    )
    page = b"<p>Der <b>Hund</b> ist <img src=a> da.</p>"
    assert shouted(page) == b"<p>DER HUND IST  DA.<b></b><img src=a></p>"


def test_pages_among_lines_are_known():
    assert markup_of(["<!doctype html>", "<html>"]) == ("HTML", "html")
    assert markup_of(["", '<html lang="de">']) == ("HTML", "html")
    assert markup_of(["html ist eine Sprache"]) is None
