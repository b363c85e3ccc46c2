from __future__ import annotations

import io
import zipfile

import pytest

from nmt.formats import read_document
from nmt.formats.document import DocumentOptions

OPTIONS = DocumentOptions("de", "en")
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<office:document-content'
    ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
    ' xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"'
    ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:officeooo="http://openoffice.org/2009/office">'
)
STYLES = (
    '<office:automatic-styles><style:style style:name="T1" style:family="text">'
    '<style:text-properties officeooo:rsid="0012ab" fo:language="de" style:country-asian="CN"/></style:style>'
    '<style:style style:name="T2" style:family="text"><style:text-properties fo:font-weight="bold"/></style:style>'
    "</office:automatic-styles>"
)
DELETED = (
    "<text:tracked-changes><text:changed-region><text:deletion><text:p>weg</text:p></text:deletion>"
    "</text:changed-region></text:tracked-changes>"
)
NOTE = (
    '<text:note text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body>'
    "<text:p>Eine Note</text:p></text:note-body></text:note>"
)
COMMENT = "<office:annotation><text:p>ein Kommentar</text:p></office:annotation>"
TEXT = (
    f'<text:h>Der\n  Titel</text:h><text:p>Der <text:span text:style-name="T2">Hund</text:span> '
    f'<text:span text:style-name="T1">schl<text:tab/>äft</text:span>.{NOTE}</text:p><text:p>{COMMENT}</text:p>'
    '<text:p><text:a xlink:href="http://a.b">Haus &amp; Hof</text:a></text:p><text:p> </text:p>'
    "<draw:frame><draw:text-box><text:p>Kasten</text:p></draw:text-box></draw:frame>"
)
CELLS = (
    '<table:table-cell office:value-type="float" office:value="3"><text:p>3</text:p></table:table-cell>'
    '<table:table-cell office:value-type="string" table:formula="of:=A1"><text:p>drei</text:p></table:table-cell>'
    '<table:table-cell office:value-type="string"><text:p>vier</text:p></table:table-cell>'
)


def written(body, **others):
    """A document as LibreOffice writes it, with other members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text", zipfile.ZIP_STORED)
        content = f"{HEAD}{STYLES}<office:body><office:text>{DELETED}{body}</office:text></office:body>"
        archive.writestr("content.xml", f"{content}</office:document-content>")
        for name, text in others.items():
            archive.writestr(f"{name}.xml", text)
    return file.getvalue()


def test_paragraphs_notes_boxes_and_cells():
    header = f"{HEAD}<style:header><text:p>Kopf</text:p></style:header></office:document-content>"
    data = written(TEXT + CELLS, styles=header, meta="<meta>Hund</meta>")
    document = read_document("odf", data, "a.odt", OPTIONS)
    assert [segment.text for segment in document.segments] == [
        "Der Titel",
        'Der <g id="1">Hund</g> schl<x id="2"/>äft.',
        "Eine Note",
        "Haus & Hof",
        "Kasten",
        "vier",
        "Kopf",
    ]
    texts = [
        "The title",
        'The <g id="1">dog</g> &lt;sl<x id="2"/>eeps.',
        "A note",
        "House & yard",
        "Box",
        "four",
        "Head",
    ]
    found = document.with_targets(texts)
    with zipfile.ZipFile(io.BytesIO(found)) as back, zipfile.ZipFile(io.BytesIO(data)) as before:
        assert back.namelist() == before.namelist()
        assert back.getinfo("mimetype").compress_type == zipfile.ZIP_STORED
        assert back.read("meta.xml") == before.read("meta.xml")
        assert back.read("styles.xml").decode() == header.replace("Kopf", "Head")
        expected = before.read("content.xml").decode()
        for old, new in (
            ("Der\n  Titel", "The title"),
            ("Der <text:span", "The <text:span"),
            (">Hund<", ">dog<"),
            ('<text:span text:style-name="T1">schl<text:tab/>äft</text:span>.', "&lt;sl<text:tab/>eeps."),
            ("Eine Note", "A note"),
            ("Haus &amp; Hof", "House &amp; yard"),
            ("Kasten", "Box"),
            ("vier", "four"),
        ):
            assert old in expected
            expected = expected.replace(old, new)
        assert back.read("content.xml").decode() == expected


def changed(body, change=str.upper, **others):
    """The texts of a document, and its body with other ones."""
    document = read_document("odf", written(body, **others), "a.odt", OPTIONS)
    texts = [segment.text for segment in document.segments]
    with zipfile.ZipFile(io.BytesIO(document.with_targets([change(text) for text in texts]))) as back:
        content = back.read("content.xml").decode()
    return texts, content.partition("</text:tracked-changes>")[2].partition("</office:text>")[0]


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ("<text:p>Der <text:soft-page-break/>Hu<text:soft-page-break/>nd</text:p>", ["Der Hund"]),
        (
            "<text:p><text:ruby><text:ruby-base>漢字</text:ruby-base><text:ruby-text>かんじ</text:ruby-text></text:ruby>"
            "です</text:p>",
            ["漢字です"],
        ),
        ('<text:p>a <text:span text:style-name="T3">b</text:span> c</text:p>', ['a <g id="1">b</g> c']),
        ("<draw:page><presentation:footer-decl>Fuß</presentation:footer-decl></draw:page>", ["Fuß"]),
        ("<text:index-title-template>Inhalt</text:index-title-template>", ["Inhalt"]),
    ],
)
def test_what_belongs_to_a_text(body, texts):
    style = (
        '<style:style style:name="T3" style:family="text" style:parent-style-name="Emphasis"><style:text-properties'
    )
    body = f'<x xmlns:presentation="p">{style} officeooo:rsid="1"/></style:style>{body}</x>'
    assert changed(body, str)[0] == texts


def test_cells_of_deleted_tables_stay_and_boxes_on_numbers_do_not():
    box = "<draw:frame><draw:text-box><text:p>Kasten</text:p></draw:text-box></draw:frame>"
    number = f'<table:table-cell office:value-type="float"><text:p>3</text:p>{box}</table:table-cell>'
    deleted = f"<text:tracked-changes><table:table>{CELLS}</table:table></text:tracked-changes>"
    texts, body = changed(f"{deleted}<table:table>{number}</table:table>")
    assert texts == ["Kasten"]
    assert body == f"{deleted}<table:table>{number.replace('Kasten', 'KASTEN')}</table:table>"


def test_the_value_of_a_cell_that_is_text_is_its_translation():
    cell = '<table:table-cell office:value-type="string" office:string-value="vier"><text:p>vier</text:p>'
    assert changed(f"{cell}</table:table-cell>")[1] == (
        '<table:table-cell office:value-type="string"><text:p>VIER</text:p></table:table-cell>'
    )


def test_titles_of_charts():
    chart = f'{HEAD}<chart:title xmlns:chart="c"><text:p>Das Bild</text:p></chart:title>{CELLS}'
    texts, _ = changed("", **{"Object 1/content": f"{chart}</office:document-content>"})
    assert texts == ["Das Bild"]


def test_many_marks_of_when_something_was_written_take_no_long_time():
    letters = '<text:span text:style-name="T1">a</text:span>' * 50_000  # what is quadratic would take half a minute
    assert changed(f"<text:p>{letters}</text:p>")[0] == ["a" * 50_000]


def test_an_encrypted_document_is_called_so():
    manifest = "<manifest:manifest xmlns:manifest='m'><manifest:encryption-data/></manifest:manifest>"
    with pytest.raises(ValueError, match=r"^a.odt is encrypted; save it without a password$"):
        read_document("odf", written("", **{"META-INF/manifest": manifest}), "a.odt", OPTIONS)


def test_what_has_no_content_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", "<p/>")
    with pytest.raises(ValueError, match="a is no OpenDocument: it has no content.xml"):
        read_document("odf", file.getvalue(), "a", OPTIONS)
