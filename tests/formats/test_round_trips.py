"""Files made by the libraries' own writers come back with everything but the targets equal."""

from __future__ import annotations

import gettext
import io

import pytest
from lxml import etree

from nmt.formats import read_document
from nmt.formats.document import DocumentOptions
from nmt.text.numbered import plain

OPTIONS = DocumentOptions("de", "en")


def translated(kind, data, options=OPTIONS):
    """The file with each segment in capitals, tags and all else as they were."""
    document = read_document(kind, data, f"file.{kind}", options)
    texts = [plain(segment.text) if segment.markup else segment.text for segment in document.segments]
    return document.with_targets([text.upper() for text in texts]), texts


def without(data, *names, attributes=()):
    """A document in canonical form without some elements and attributes, and without indentation."""
    root = etree.fromstring(data)
    for node in list(root.iter()):
        if etree.QName(node).localname in names:
            node.getparent().remove(node)
        for key in attributes:
            node.attrib.pop(key, None)
    for node in root.iter():
        node.text = node.text if (node.text or "").strip() else None
        node.tail = node.tail if (node.tail or "").strip() else None
    return etree.tostring(root, method="c14n2")


def test_xliff_1():
    xlifffile = pytest.importorskip("translate.storage.xliff").xlifffile

    store = xlifffile()
    store.settargetlanguage("en")
    for text, target in (("Der Hund schläft.", None), ("Ein <Kind> & mehr", None), ("fertig", "done")):
        unit = store.addsourceunit(text)
        unit.addnote(f"of {text}", origin="developer")
        if target:
            unit.target = target
    data = bytes(store)
    found, texts = translated("xliff", data)
    assert texts == ["Der Hund schläft.", "Ein <Kind> & mehr"]
    back = xlifffile.parsestring(found)
    assert [unit.target for unit in back.units] == ["DER HUND SCHLÄFT.", "EIN <KIND> & MEHR", "done"]
    assert [unit.getnotes() for unit in back.units] == [unit.getnotes() for unit in store.units]
    first = back.units[0].target_dom
    assert (first.get("state"), first.get("state-qualifier")) == ("translated", "leveraged-mt")
    assert not back.units[0].isapproved()
    assert without(found, "target") == without(data, "target")
    review, _ = translated("xliff", data, DocumentOptions("de", "en", state="review"))
    assert xlifffile.parsestring(review).units[0].target_dom.get("state") == "needs-review-translation"


def test_xliff_2():
    xliff2 = pytest.importorskip("translate.storage.xliff2")

    store = xliff2.Xliff2File()
    store.document.getroot().set("version", "2.1")
    for text in ("Der Hund schläft.", "Die Katze & der Hund"):
        store.addsourceunit(text).addnote("a note")
    done = store.addsourceunit("fertig")
    done.target = "done"
    done.marktranslated()
    data = bytes(store)
    found, texts = translated("xliff", data)
    assert texts == ["Der Hund schläft.", "Die Katze & der Hund"]
    back = xliff2.Xliff2File.parsestring(found)
    assert [unit.target for unit in back.units] == ["DER HUND SCHLÄFT.", "DIE KATZE & DER HUND", "done"]
    assert [unit.xmlelement.get("state") for unit in back.units] == ["translated"] * 3
    assert back.gettargetlanguage() == "en"  # which XLIFF 2 demands where there are targets
    assert without(found, "target", attributes=("state", "trgLang")) == without(data, "target", attributes=("state",))


def test_tmx():
    tmxfile = pytest.importorskip("translate.storage.tmx").tmxfile

    store = tmxfile(sourcelanguage="de-DE", targetlanguage="en")
    store.addtranslation("Der Hund schläft.", "de-DE", "Le chien dort.", "fr", comment="a note")
    store.addtranslation("Das Haus", "de-DE", "The house", "en-GB")
    data = bytes(store)
    found, texts = translated("tmx", data)
    assert texts == ["Der Hund schläft."]
    back = tmxfile.parsestring(found, sourcelanguage="de-DE", targetlanguage="en")
    assert back.units[0].gettarget("en") == "DER HUND SCHLÄFT."
    assert back.units[0].gettarget("fr") == "Le chien dort."
    root = etree.fromstring(found)
    (made,) = root.xpath("//tuv[@xml:lang='en']")
    made.getparent().remove(made)
    assert without(etree.tostring(root)) == without(data)


PO = """# of the translators
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=3; plural=(n==0 ? 0 : n==1 ? 1 : 2);\\n"

#. a comment of the programmer
#: main.c:12
#, c-format
msgctxt "menu"
msgid "Der Hund\\n"
msgstr ""

#, fuzzy
#| msgid "alt"
msgid "neu"
msgstr "old"

msgid "ein Haus"
msgid_plural "%d Häuser"
msgstr[0] ""
msgstr[1] ""
msgstr[2] ""

msgid "fertig"
msgstr "done"

#~ msgid "weg"
#~ msgstr "gone"
"""


def test_po():
    pofile = pytest.importorskip("translate.storage.pypo").pofile

    data = bytes(pofile.parsestring(PO.encode()))
    found, texts = translated("po", data)
    assert texts == ["Der Hund\n", "neu", "ein Haus", "%d Häuser"]
    expected = (
        PO.replace('"Der Hund\\n"\nmsgstr ""', '"Der Hund\\n"\nmsgstr "DER HUND\\n"')
        .replace('#, fuzzy\n#| msgid "alt"\nmsgid "neu"\nmsgstr "old"', 'msgid "neu"\nmsgstr "NEU"')
        .replace('msgstr[0] ""\nmsgstr[1] ""', 'msgstr[0] "%D HÄUSER"\nmsgstr[1] "EIN HAUS"')
        .replace('msgstr[2] ""', 'msgstr[2] "%D HÄUSER"')
    )  # fmt: skip
    assert found.decode() == expected
    review, _ = translated("po", data, DocumentOptions("de", "en", state="review"))
    assert [unit.isfuzzy() for unit in pofile.parsestring(review).units[1:5]] == [True, True, True, False]


def test_po_template_learns_its_language():
    pofile = pytest.importorskip("translate.storage.pypo").pofile

    template = pofile()
    template.updateheader(add=True, Plural_Forms="nplurals=INTEGER; plural=EXPRESSION;")
    template.addsourceunit(["%d dog", "%d dogs"])
    found, _ = translated("po", bytes(template), DocumentOptions("en", "pl"))
    back = pofile.parsestring(found)
    assert back.parseheader()["Plural-Forms"].startswith("nplurals=3; plural=(n==1 ? 0 : ")
    assert list(back.units[1].target.strings) == ["%D DOG", "%D DOGS", "%D DOGS"]


@pytest.mark.parametrize(
    ("language", "count"),
    [("zh", 1), ("zh-Hans", 1), ("zh-Hant-TW", 1), ("ja", 1), ("no", 2), ("tl", 2), ("xx", 2), ("ceb", 2)],
)
def test_po_template_has_the_forms_of_languages_that_the_library_lacks(language, count):
    pofile = pytest.importorskip("translate.storage.pypo").pofile

    template = pofile()
    template.updateheader(add=True)
    template.addsourceunit(["%d dog", "%d dogs"])
    back = pofile.parsestring(translated("po", bytes(template), DocumentOptions("en", language))[0])
    header = back.parseheader()["Plural-Forms"]
    assert list(back.units[1].target.strings) == ["%D DOG", "%D DOGS"][-count:]
    assert header.startswith(f"nplurals={count}; ")
    rule = gettext.c2py(header.partition("plural=")[2].rstrip(";"))
    assert {rule(n) for n in range(200)} == set(range(count))


def test_srt():
    pysubs2 = pytest.importorskip("pysubs2")

    subs = pysubs2.SSAFile()
    lines = [r"Der {\i1}Hund{\i0} schläft\Nheute im Garten.", r"- Wer?\N- Ich."]
    for i, text in enumerate(lines):
        subs.append(pysubs2.SSAEvent(start=2000 * i, end=2000 * i + 1500, text=text))
    data = subs.to_string("srt").encode()
    found, texts = translated("srt", data)
    assert texts == ["Der Hund schläft heute im Garten.", "Wer?", "Ich."]
    back = pysubs2.SSAFile.from_string(found.decode())
    assert [(one.start, one.end) for one in back] == [(one.start, one.end) for one in subs]
    assert [one.plaintext for one in back] == ["DER HUND SCHLÄFT\nHEUTE IM GARTEN.", "- WER?\n- ICH."]
    assert "<i>" in found.decode()
    assert "</i>" in found.decode()


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (
            "vtt",
            "WEBVTT - Titel\r\n\r\nNOTE Der Hund\r\n\r\nSTYLE\r\n::cue {}\r\n\r\nid 1\r\n"
            "00:01.000 --> 00:02.000 line:0\r\n<v Anna>Hund &amp; Katze</v>\r\n",
            ("Hund &amp; Katze", "HUND &amp; KATZE"),
        ),
        (
            "ass",
            "[Script Info]\nTitle: Hund\n[Events]\n"
            "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
            "Comment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,nie\n"
            "Dialogue: 0,0:00:01.00,0:00:02.00,Default,Anna,0,0,0,,{\\an8}Ja, der\\NHund\n",
            ("Ja, der\\NHund", "JA, DER\\NHUND"),
        ),
    ],
)
def test_other_subtitles_change_in_their_words_alone(kind, text, expected):
    found, _ = translated(kind, text.encode())
    assert found.decode() == text.replace(*expected)


def test_xlsx():
    openpyxl = pytest.importorskip("openpyxl")
    from openpyxl.chart import BarChart, Reference
    from openpyxl.comments import Comment
    from openpyxl.styles import Font

    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["id", "German", "n"], [1, "Der Hund", 3], [2, "Das Haus & der Baum", "=SUM(C2:C2)"], [3, None, 5]):
        sheet.append(row)
    sheet["B2"].font = Font(bold=True)
    sheet["B3"].comment = Comment("eine Notiz", "Anna")
    sheet.merge_cells("A6:C6")
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=3, min_row=1, max_row=3))
    sheet.add_chart(chart, "F2")
    book.create_sheet("Rechnung").append([1, 2])
    file = io.BytesIO()
    book.save(file)
    found, texts = translated("xlsx", file.getvalue())
    assert texts == ["Der Hund", "Das Haus & der Baum"]
    back = openpyxl.load_workbook(io.BytesIO(found))
    there = back.worksheets[0]
    assert [there.cell(row, 4).value for row in (1, 2, 3, 4)] == ["en", "DER HUND", "DAS HAUS & DER BAUM", None]
    assert there["D2"].font.bold
    there.delete_cols(4)
    for name in book.sheetnames:
        assert list(back[name].values) == list(book[name].values)
    assert there["B3"].comment.text == "eine Notiz"
    assert there.merged_cells.ranges == sheet.merged_cells.ranges
    assert members(found, "xl/worksheets/sheet1.xml") == members(file.getvalue(), "xl/worksheets/sheet1.xml")


def members(data, *changed):
    """What the archive holds beside what is changed."""
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name not in changed}


def test_docx():
    docx = pytest.importorskip("docx")

    made = docx.Document()
    made.add_heading("Der Titel", 1)
    paragraph = made.add_paragraph("Der ")
    paragraph.add_run("Hund").bold = True
    paragraph.add_run(" schläft.")
    made.add_paragraph().add_run("alles kursiv").italic = True
    table = made.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "eins", "zwei"
    made.sections[0].header.paragraphs[0].text = "Kopf"
    file = io.BytesIO()
    made.save(file)
    data = file.getvalue()
    document = read_document("docx", data, "a.docx", OPTIONS)
    texts = [segment.text for segment in document.segments]
    assert texts == ["Der Titel", 'Der <g id="1">Hund</g> schläft.', "alles kursiv", "eins", "zwei", "Kopf"]
    found = document.with_targets(
        ["The Title", 'The <g id="1">dog</g> sleeps.', "all italic", "one", "two & three", "Head"]
    )
    back = docx.Document(io.BytesIO(found))
    assert [one.text for one in back.paragraphs] == ["The Title", "The dog sleeps.", "all italic"]
    runs = [(run.text, run.bold) for run in back.paragraphs[1].runs]
    assert runs == [("The ", None), ("dog", True), (" sleeps.", None)]
    assert back.paragraphs[2].runs[0].italic
    assert back.paragraphs[0].style.name == "Heading 1"
    assert [cell.text for cell in back.tables[0].rows[0].cells] == ["one", "two & three"]
    assert back.sections[0].header.paragraphs[0].text == "Head"
    assert without(document_of(found), "r") == without(document_of(data), "r")
    changed = "word/document.xml", "word/header1.xml"
    assert members(found, *changed) == members(data, *changed)


def document_of(data):
    return members(data)["word/document.xml"]


def test_a_table_of_both_languages_in_docx():
    docx = pytest.importorskip("docx")

    made = docx.Document()
    made.add_paragraph("nicht in der Tabelle")
    table = made.add_table(3, 2)
    for row, texts in zip(table.rows, (("English", "German"), ("", "Der Hund"), ("house", "Haus")), strict=True):
        row.cells[0].text, row.cells[1].text = texts
    file = io.BytesIO()
    made.save(file)
    found, texts = translated("docx", file.getvalue())
    assert texts == ["Der Hund", "nicht in der Tabelle"]
    rows = docx.Document(io.BytesIO(found)).tables[0].rows
    assert [[cell.text for cell in row.cells] for row in rows] == [
        ["English", "German"], ["DER HUND", "Der Hund"], ["house", "Haus"],
    ]  # fmt: skip
