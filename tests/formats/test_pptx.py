from __future__ import annotations

import io
import zipfile

import pytest
from lxml import etree

from nmt.formats import read_document
from nmt.formats.document import DocumentOptions

OPTIONS = DocumentOptions("de", "en")
TITLE = (
    b'<a:t>Der </a:t></a:r><a:r><a:rPr lang="de-DE" dirty="0" err="1"/><a:t>Titel</a:t></a:r>'
    b'<a:fld id="{0}" type="slidenum"><a:rPr/><a:t>1</a:t></a:fld><a:endParaRPr lang="de-DE" dirty="0"/>'
)


@pytest.fixture(scope="module")
def presentation() -> bytes:
    pptx = pytest.importorskip("pptx")
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    made = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[1])
    slide.shapes.title.text = "Der Titel"
    frame = slide.placeholders[1].text_frame
    frame.text = "Der "
    runs = frame.paragraphs[0]
    for text, bold in (("Hund", True), (" schläft & ", None), ("träumt.", None)):
        run = runs.add_run()
        run.text, run.font.bold = text, bold
    run.hyperlink.address = "https://example.org/hund"
    frame.add_paragraph().text = "eins\vzwei"  # a line break
    frame.add_paragraph().text = " "
    table = slide.shapes.add_table(1, 2, 0, 0, Inches(3), Inches(1)).table
    table.cell(0, 0).text, table.cell(0, 1).text = "links", "rechts"
    slide.notes_slide.notes_text_frame.text = "Eine Notiz"
    data = CategoryChartData()
    data.categories = ["a"]
    data.add_series("b", [1])
    box = (Inches(1), Inches(3), Inches(3), Inches(3))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.PIE, *box, data).chart
    chart.has_title, chart.chart_title.text_frame.text = True, "Das Bild"
    for number in range(2, 11):
        made.slides.add_slide(made.slide_layouts[5]).shapes.title.text = f"Seite {number}"
    file = io.BytesIO()
    made.save(file)
    return _edited(file.getvalue())


def _edited(data: bytes) -> bytes:
    """With what PowerPoint writes and the library does not: languages, marks of its speller, the look of the end."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(out, "w") as made:
        for info in archive.infolist():
            content = archive.read(info)
            if info.filename == "ppt/slides/slide1.xml":
                content = content.replace(b"<a:t>Der Titel</a:t></a:r>", TITLE, 1)
            made.writestr(info, content)
    return out.getvalue()


def test_slides_charts_and_notes(presentation):
    import pptx

    document = read_document("pptx", presentation, "a.pptx", OPTIONS)
    texts = [segment.text for segment in document.segments]
    assert texts == [
        "Der Titel",
        'Der <g id="1">Hund</g> schläft &amp; <g id="2">träumt.</g>',
        'eins<x id="1"/>zwei',
        "links",
        "rechts",
        *(f"Seite {number}" for number in range(2, 11)),
        "Das Bild",
        "Eine Notiz",
    ]
    english = [
        "The title",
        'The <g id="1">dog</g> sleeps &lt; <g id="2">dreams.</g>',
        'one<x id="1"/>two',
        "left",
        "right",
    ]
    others = [f"Page {number}" for number in range(2, 11)]
    found = document.with_targets([*english, *others, "The picture", "A note"])
    back = pptx.Presentation(io.BytesIO(found))
    slide = back.slides[0]
    assert slide.shapes.title.text == "The title1"  # with the field of the slide's number
    first, second, blank = slide.placeholders[1].text_frame.paragraphs
    assert [(run.text, run.font.bold) for run in first.runs] == [
        ("The ", None), ("dog", True), (" sleeps < ", None), ("dreams.", None)
    ]  # fmt: skip
    assert [run.hyperlink.address for run in first.runs] == [None, None, None, "https://example.org/hund"]
    assert (second.text, blank.text) == ("one\vtwo", " ")
    (table,) = (shape.table for shape in slide.shapes if shape.has_table)
    assert [cell.text for cell in table.rows[0].cells] == ["left", "right"]
    (chart,) = (shape.chart for shape in slide.shapes if shape.has_chart)
    assert chart.chart_title.text_frame.text == "The picture"
    assert slide.notes_slide.notes_text_frame.text == "A note"
    assert [one.shapes.title.text for one in list(back.slides)[1:]] == others


def test_the_look_of_the_end_stays_last_and_text_has_no_attributes(presentation):
    document = read_document("pptx", presentation, "a.pptx", OPTIONS)
    data = document.with_targets([segment.text for segment in document.segments])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        root = etree.fromstring(archive.read("ppt/slides/slide1.xml"))
    title = next(node for node in root.iter("{*}p"))
    assert [etree.QName(node).localname for node in title] == ["r", "fld", "endParaRPr"]
    assert not [node for node in root.iter("{*}t") if node.attrib]


def test_drawn_diagrams_and_what_masters_show():
    shape = '<p:sp xmlns:p="p">{}<a:p xmlns:a="drawingml"><a:r><a:t>{}</a:t></a:r></a:p></p:sp>'
    prompt = "<p:nvSpPr><p:nvPr><p:ph/></p:nvPr></p:nvSpPr>"
    members = {
        "slideMasters/slideMaster1": f"<x>{shape.format(prompt, 'Prompt')}{shape.format('', 'Geheim')}</x>",
        "slideLayouts/slideLayout1": shape.format(prompt, "Titel"),
        "diagrams/drawing1": shape.format("", "Knoten"),
        "charts/chartEx1": shape.format("", "Bild"),
        "drawings/drawing1": shape.format("", "Kasten"),
        "slides/slide1": shape.format("", "Folie"),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"ppt/{name}.xml", content)
    document = read_document("pptx", file.getvalue(), "a.pptx", OPTIONS)
    texts = [segment.text for segment in document.segments]
    assert texts == ["Folie", "Knoten", "Bild", "Kasten", "Geheim"]
    with zipfile.ZipFile(io.BytesIO(document.with_targets([text.upper() for text in texts]))) as back:
        assert b"Prompt" in back.read("ppt/slideMasters/slideMaster1.xml")
        assert b"GEHEIM" in back.read("ppt/slideMasters/slideMaster1.xml")
        assert b"KNOTEN" in back.read("ppt/diagrams/drawing1.xml")


def test_an_encrypted_presentation_is_called_so():
    with pytest.raises(ValueError, match=r"^a.pptx is encrypted, or of an Office before 2007; save it anew"):
        read_document("pptx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), "a.pptx", OPTIONS)


def test_what_has_no_slides_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", "<p/>")
    with pytest.raises(ValueError, match="a is no PPTX: it has no ppt/slides"):
        read_document("pptx", file.getvalue(), "a", OPTIONS)
