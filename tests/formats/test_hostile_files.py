"""Files that would grow, load or run something are refused in one line, and what they hold is harmless here."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

import pytest

from nmt.formats import read_document
from nmt.formats.document import DocumentOptions
from nmt.formats.xml import elements

OPTIONS = DocumentOptions("de", "en")
XLIFF = '<xliff version="1.2"><file source-language="de"><body>{}</body></file></xliff>'
UNIT = "<trans-unit><source>{}</source></trans-unit>"
ENTITIES = {
    "grows": '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">',
    "loads a file": '<!ENTITY b SYSTEM "file:///etc/hostname">',
    "loads from a network": '<!ENTITY b SYSTEM "http://localhost:9/x">',
    "parameters": '<!ENTITY % p SYSTEM "file:///etc/hostname"> %p; <!ENTITY b "x">',
}


@pytest.mark.parametrize("declared", ENTITIES.values(), ids=ENTITIES)
@pytest.mark.parametrize("kind", ["xliff", "tmx"])
def test_entities_are_refused(kind, declared):
    data = f"<!DOCTYPE x [{declared}]>{XLIFF.format(UNIT.format('&b;'))}".encode()
    with pytest.raises(ValueError, match="^a.xlf declares entities"):
        read_document(kind, data, "a.xlf", OPTIONS)


def test_a_doctype_elsewhere_is_not_loaded():
    data = b'<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "http://localhost:9/tmx14.dtd"><tmx version="1.4"><body>'
    data += b'<tu><tuv xml:lang="de"><seg>Hund</seg></tuv></tu></body></tmx>'
    assert read_document("tmx", data, "a.tmx", OPTIONS).segments[0].text == "Hund"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (XLIFF.format(UNIT.format("<g>" * 300 + "</g>" * 300)), "a.xlf is no XML: .*depth"),
        (XLIFF.format(UNIT.format("a" * 10_000_100)), "a.xlf is no XML"),
        ("<!--" + " " * 70_000 + "--><xliff/>", "65536 bytes before its first element"),
        ("<xliff", "is no XML"),
        ("", "is no XML"),
        ("<html/>", "is no XLIFF"),
    ],
    ids=["deep", "long", "prolog", "cut", "empty", "other"],
)
def test_what_is_no_document_is_one_line(data, message):
    with pytest.raises(ValueError, match=message) as refusal:
        read_document("xliff", data.encode(), "a.xlf", OPTIONS)
    assert "\n" not in str(refusal.value)


def test_what_is_not_the_end_of_a_unit_takes_bounded_memory(monkeypatch):
    monkeypatch.setattr("nmt.formats.xml.MAX_BYTES", 1 << 18)

    class Endless:
        served = 0

        def read(self, size, /):
            self.served += size
            return b"<tmx><body>".ljust(size) if self.served == size else b"<a/>" * (size // 4)

    source = Endless()
    with pytest.raises(ValueError, match="a.tmx has 0 MiB without the end of a <tu>"):
        next(elements(source, "a.tmx", "tu"))
    assert source.served <= 1 << 20


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (
            "xliff",
            XLIFF.format(UNIT.format("a" + " " * 9_000_000 + "b") + UNIT.format("a\n" + "\n " * 2_000_000 + "b")),
        ),
        ("srt", "1\n00:00:01,000 --> 00:00:02,000\na" + " " * 9_000_000 + "\n" + " " * 9_000_000 + "b\n"),
        ("srt", "1:1 --> 1:2\n" + "<a>" * 90_000 + "</b>" * 90_000 + "a"),
        ("vtt", "1:1 --> 1:2\n" + "<a" * 300_000 + "{\\" * 300_000),
        ("ass", "Dialogue:,,,,,,,,,a" + "{\\p1\\p0" * 99_000 + "{\\p1}" * 99_000 + "{" * 990_000),
    ],
    ids=["xliff", "srt", "srt tags", "vtt", "ass"],
)
def test_long_blanks_and_tags_take_no_long_time(kind, data):
    """What is quadratic would take hours."""
    document = read_document(kind, data.encode(), "a", OPTIONS)
    texts = [segment.text for segment in document.segments]
    assert texts
    assert document.with_targets(texts)


def test_long_blanks_and_quotes_that_hold_no_text_are_refused_as_soon():
    with pytest.raises(ValueError, match="a is no PO: it has no msgid"):
        read_document("po", b"\n" * 9_000_000, "a", OPTIONS)
    with pytest.raises(ValueError, match="a, line 2 is no row of CSV"):
        read_document("csv", b"de,en\n" + b'"a,"b,' * 500_000, "a", OPTIONS)


def archive(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file.getvalue()


BOOK = '<workbook xmlns:r="r"><sheets><sheet name="a" r:id="1"/></sheets></workbook>'
RELATIONS = '<Relationships><Relationship Id="1" Target="worksheets/sheet1.xml"/></Relationships>'


def workbook(sheet, **others):
    names = {"xl/workbook.xml": BOOK, "xl/_rels/workbook.xml.rels": RELATIONS, "xl/worksheets/sheet1.xml": sheet}
    return archive(names | others)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04 torn", "no zip archive"),
        (archive({"a": "b"}), "has no xl/workbook.xml"),
        (workbook('<sheetData><row r="1048577"><c t="str"><v>a</v></c></row></sheetData>'), "row 1048577"),
        (workbook('<sheetData><row r="1"><c r="ZZZ1" t="str"><v>a</v></c></row></sheetData>'), "ZZZ1"),
        (workbook("<!DOCTYPE x [<!ENTITY a 'b'>]><sheetData/>"), "declares entities"),
        (None, "packed to less than 1/200"),
    ],
    ids=["torn", "other", "row", "column", "entity", "bomb"],
)
def test_workbooks_are_bounded(data, message):
    data = data or workbook(b"<sheetData>" + b" " * (1 << 27) + b"</sheetData>")
    tracemalloc.start()
    with pytest.raises(ValueError, match=message) as refusal:
        read_document("xlsx", data, "a.xlsx", OPTIONS)
    assert "\n" not in str(refusal.value)
    assert tracemalloc.get_traced_memory()[1] < 1 << 24
    tracemalloc.stop()


def test_a_member_that_is_longer_than_it_says_is_damaged():
    data = bytearray(workbook("<sheetData/>" + " " * 500))
    place = data.rindex(b"xl/worksheets/sheet1.xml") - 46
    data[place + 24 : place + 28] = (20).to_bytes(4, "little")  # the size of what it unpacks to
    with pytest.raises(ValueError, match=r"a.xlsx: xl/worksheets/sheet1.xml"):
        read_document("xlsx", bytes(data), "a.xlsx", OPTIONS)


def test_a_bomb_beside_the_text_of_docx_is_not_unpacked():
    text = '<w:document xmlns:w="wordprocessingml"><w:p><w:r><w:t>Hund</w:t></w:r></w:p></w:document>'
    document = read_document(
        "docx", archive({"word/document.xml": text, "word/media/a": b"\0" * (1 << 27)}), "a", OPTIONS
    )
    with pytest.raises(ValueError, match="word/media/a is packed to less"):
        document.with_targets(["dog"])


def test_plurals_of_a_header_are_no_code():
    pytest.importorskip("translate")
    po = 'msgid ""\nmsgstr "Plural-Forms: nplurals={}; plural={};\\n"\n\nmsgid "a"\nmsgid_plural "b"\nmsgstr[0] ""\n'
    with pytest.raises(ValueError, match="nplurals=999; it must be from 1 to 6"):
        read_document("po", po.format(999, "n").encode(), "a.po", OPTIONS)
    for rule in ("__import__('os')", "9**9**9", "(" * 200 + "n" + ")" * 200):
        document = read_document("po", po.format(2, rule).encode(), "a.po", OPTIONS)
        assert b'msgstr[1] "y"' in document.with_targets(["x", "y"])


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("vtt", "WEBVTT\n\n1:1 --> 1:2\nHund &#{}; &amp;\n"),
        ("xliff", XLIFF.format(UNIT.format("Hund &amp;#{}; &amp;amp; <x id='1'/> Haus"))),
    ],
)
def test_a_number_that_python_does_not_read_is_no_character(kind, data):
    document = read_document(kind, data.replace("{}", "9" * 5000).encode(), "a", OPTIONS)
    assert document.segments[0].text.startswith("Hund \ufffd &")
    assert b"dog" in document.with_targets(["dog"])
