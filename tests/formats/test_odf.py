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
    '<style:text-properties officeooo:rsid="0012ab"/></style:style>'
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
    """A document as LibreOffice writes it."""
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


def test_what_has_no_content_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", "<p/>")
    with pytest.raises(ValueError, match="a is no OpenDocument: it has no content.xml"):
        read_document("odf", file.getvalue(), "a", OPTIONS)
