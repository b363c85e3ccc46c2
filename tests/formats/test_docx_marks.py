"""Fields and ranges of DOCX stay whole and in order, wherever the translation has its words."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from nmt.formats import read_document
from nmt.formats.document import DocumentOptions
from nmt.text.markup import put_back, take_out

WORDS = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
RANGES = ["bookmark", "commentRange", "perm"]


def run(content):
    return f"<w:r>{content}</w:r>"


def text(words):
    return run(f'<w:t xml:space="preserve">{words}</w:t>')


def mark(kind):
    return run(f'<w:fldChar w:dirty="0" w:fldCharType="{kind}"/>')


def instruction(words):
    return run(f"<w:instrText> {words} </w:instrText>")


def head(words):
    return mark("begin") + instruction(words) + mark("separate")


def field(words, result):
    return head(words) + result + mark("end")


def ranged(kind, number, content):
    return f'<w:{kind}Start w:id="{number}"/>{content}<w:{kind}End w:id="{number}"/>'


def document_with(*paragraphs):
    body = "".join(f"<w:p>{content}</w:p>" for content in paragraphs)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", f'<w:document xmlns:w="{WORDS}">{body}</w:document>')
    return read_document("docx", file.getvalue(), "a.docx", DocumentOptions("de", "en"))


def paragraphs_of(data):
    """What stands in each paragraph, as `document_with` takes it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        root = etree.fromstring(archive.read("word/document.xml"))
    found = []
    for paragraph in root.iter("{*}p"):
        content = "".join(etree.tostring(node, encoding="unicode", with_tail=False) for node in paragraph)
        found.append(content.replace(f' xmlns:w="{WORDS}"', ""))
    return found


def translated(content, segment, target):
    """A paragraph with one segment, which is checked, with another text for it."""
    document = document_with(content)
    assert [one.text for one in document.segments] == [segment]
    (found,) = paragraphs_of(document.with_targets([target]))
    return found


NUMBER = field("PAGE", text("3"))
TOTAL = field(" numpages  \\* MERGEFORMAT", text("7"))
URL = 'HYPERLINK "http://a.de"'
CONDITION = (
    mark("begin") + instruction("IF") + NUMBER + instruction("= 1") + mark("separate") + text("nie") + mark("end")
)
ENTRY = mark("begin") + instruction('XE "a"') + mark("end")


@pytest.mark.parametrize(
    ("content", "segment", "target", "expected"),
    [
        (
            text("Seite ") + NUMBER + text(" von ") + TOTAL + text(" hier"),
            'Seite <x id="1"/> von <x id="2"/> hier',
            '<x id="2"/> pages, this is <x id="1"/> here',
            TOTAL + text(" pages, this is ") + NUMBER + text(" here"),
        ),
        (
            text("wie in ") + field("REF _Ref1 \\h", text("Abbildung ") + text("1")) + text(" gezeigt"),
            'wie in <x id="1"/> gezeigt',
            'shown in <x id="1"/> so',
            text("shown in ") + field("REF _Ref1 \\h", text("Abbildung ") + text("1")) + text(" so"),
        ),
        (
            text("siehe ") + field(URL, text("diese Seite")) + text(" dazu"),
            'siehe <g id="1">diese Seite</g> dazu',
            '<g id="1">this page</g> on it',
            field(URL, text("this page")) + text(" on it"),
        ),
        (
            text("a ") + field(URL, text("Seite ") + NUMBER) + text(" b"),
            'a <g id="1">Seite <x id="2"/></g> b',
            'A <g id="1"><x id="2"/>th page</g> B',
            text("A ") + field(URL, NUMBER + text("th page")) + text(" B"),
        ),
        (
            text("a ") + CONDITION + text(" b"),
            'a <x id="1"/> b',
            'B <x id="1"/> A',
            text("B ") + CONDITION + text(" A"),
        ),
        (text("a ") + ENTRY + text(" b"), 'a <x id="1"/> b', 'B <x id="1"/> A', text("B ") + ENTRY + text(" A")),
        (
            text("a ") + f'<w:fldSimple w:instr=" PAGE ">{text("3")}</w:fldSimple>' + text(" b"),
            'a <x id="1"/> b',
            'B <x id="1"/> A',
            text("B ") + f'<w:fldSimple w:instr=" PAGE ">{text("3")}</w:fldSimple>' + text(" A"),
        ),
        (
            text("a ") + f'<w:fldSimple w:instr=" hyperlink x"><w:fldData/>{text("das")}</w:fldSimple>' + text(" b"),
            'a <g id="1">das</g> b',
            '<g id="1">that</g> A',
            f'<w:fldSimple w:instr=" hyperlink x"><w:fldData/>{text("that")}</w:fldSimple>' + text(" A"),
        ),
    ],
    ids=["page", "reference", "link", "in a link", "around a link", "no result", "simple", "simple link"],
)
def test_a_field_that_is_computed_is_one_tag_and_a_link_is_a_pair(content, segment, target, expected):
    assert translated(content, segment, target) == expected


def test_a_field_within_one_run_is_taken_out_of_it():
    together = NUMBER.replace("<w:r>", "").replace("</w:r>", "")
    found = translated(
        f'<w:r w:rsidR="1"><w:rPr><w:b/></w:rPr><w:t>Seite </w:t>{together}<w:t> hier</w:t></w:r>',
        'Seite <x id="1"/> hier',
        '<x id="1"/> page',
    )
    assert found.startswith(f'<w:r w:rsidR="1"><w:rPr><w:b/></w:rPr>{together}</w:r>')


def test_a_contents_table_over_several_paragraphs_stays_well_formed():
    def entry(words):
        return (
            f'<w:hyperlink w:anchor="x">{text(words)}{run("<w:tab/>")}{field("PAGEREF x", text("3"))}</w:hyperlink>'
        )

    document = document_with(
        head("TOC \\o") + entry("Eins"), entry("Zwei"), text("Ende ") + mark("end") + text(" so")
    )
    assert [one.text for one in document.segments] == ["Eins", "Zwei", 'Ende <x id="1"/> so']
    found = paragraphs_of(document.with_targets(["One", "Two", 'So <x id="1"/> end']))
    expected = [head("TOC \\o") + entry("One"), entry("Two"), text("So ") + mark("end") + text(" end")]
    assert found == expected


def test_a_field_that_crosses_tracked_changes_stays_whole():
    crossing = f'<w:ins w:id="1">{head("PAGE")}</w:ins>{text("3")}<w:ins w:id="2">{mark("end")}</w:ins>'
    found = translated(text("Seite ") + crossing + text(" hier"), 'Seite <x id="1"/> hier', '<x id="1"/> page')
    assert found == crossing + text(" page")
    deleted = f"<w:del>{head(URL)}</w:del>{text('das')}<w:del>{mark('end')}</w:del>"
    found = translated(text("a ") + deleted, 'a <g id="1">das</g>', '<g id="1">that</g> a')
    assert found == deleted.replace(text("das"), text("that")) + text(" a")
    crossing = f'<w:ins w:id="1">{head(URL)}{text("das ")}</w:ins>{text("da ")}<w:ins w:id="2">{mark("end")}</w:ins>'
    segment = 'a <g id="1"><x id="2"/>das </g>da <g id="3"><x id="4"/></g>b'
    found = translated(
        text("a ") + crossing + text("b"), segment, '<g id="3"><x id="4"/></g>A <g id="1"><x id="2"/></g>'
    )
    assert found.index('"begin"') < found.index('"separate"') < found.index('"end"')
    shared = field("PAGE", text("3")) + field("PAGE", text("4"))
    shared = shared.replace(mark("end") + mark("begin"), f"<w:del>{mark('end')}{mark('begin')}</w:del>")
    found = translated(text("Seite ") + shared + text(" hier"), 'Seite <x id="1"/> hier', '<x id="1"/> page')
    assert found == shared + text(" page")


@pytest.mark.parametrize("kind", ["moveTo", "ins", "smartTag", "customXml", "bdo"])
def test_the_text_of_what_was_moved_or_marked_is_translated(kind):
    content = f"<w:{kind}><w:{kind}Pr/>" if kind in ("smartTag", "customXml") else f"<w:{kind}>"
    content = f"{text('das ')}{content}{{}}</w:{kind}><w:moveFrom>{text('Haus')}</w:moveFrom>"
    expected = content.replace(text("das "), text("the ")).format(text("house"))
    found = translated(content.format(text("Haus")), 'das <g id="1">Haus</g>', 'the <g id="1">house</g>')
    assert found == expected


def test_the_text_of_a_content_control_is_translated():
    content = text("das ") + f"<w:sdt><w:sdtPr/><w:sdtContent>{text('Haus')}</w:sdtContent></w:sdt>"
    found = translated(content, 'das <g id="1">Haus</g>', '<g id="1">house</g> the')
    assert found == f"<w:sdt><w:sdtPr/><w:sdtContent>{text('house')}</w:sdtContent></w:sdt>" + text(" the")


@pytest.mark.parametrize("kind", RANGES)
def test_a_range_is_a_pair_or_keeps_its_order(kind):
    found = translated(
        text("der ") + ranged(kind, 1, text("Hund")) + text(" hier"),
        'der <g id="1">Hund</g> hier',
        '<g id="1">dog</g> here',
    )
    assert found == ranged(kind, 1, text("dog")) + text(" here")
    start, end = f'<w:{kind}Start w:id="1"/>', f'<w:{kind}End w:id="1"/>'
    link = f'<w:hyperlink w:id="9">{text("das ")}{start}{text("Haus")}</w:hyperlink>'
    found = translated(
        text("sieh ") + link + text("an ") + end + text("da"),
        'sieh <g id="1">das <x id="2"/>Haus</g>an <x id="3"/>da',
        'see <x id="3"/><g id="1">that <x id="2"/>house</g>',
    )
    assert found.index(start) < found.index(end)
    found = translated(
        f"{text('das ')}<w:del>{start}</w:del>{text('Haus ')}{end}{text('da')}",
        'das <x id="1"/>Haus <x id="2"/>da',
        'that <x id="2"/>house <x id="1"/>there',
    )
    assert found.index(start) < found.index(end)


def test_ranges_that_cross_at_the_same_places_are_not_in_the_text():
    marks = [f'<w:bookmark{end} w:id="{number}"/>' for end in ("Start", "End") for number in (1, 2)]
    found = translated("".join(marks[:2]) + text("Titel") + "".join(marks[2:]), "Titel", "Title")
    assert found == "".join(marks[:2]) + text("Title") + "".join(marks[2:])


def test_a_cell_that_is_copied_leaves_its_ranges_and_what_was_moved_away():
    def row(*cells):
        return f"<w:tr>{''.join(f'<w:tc><w:p>{cell}</w:p></w:tc>' for cell in cells)}</w:tr>"

    marked = ranged("commentRange", 1, text("Hund")) + run('<w:commentReference w:id="1"/>')
    moved = f"<w:moveFrom>{text('weg')}</w:moveFrom>"
    rows = row(text("de"), text("en")) + row(marked, moved)
    document = document_with(f"</w:p><w:tbl>{rows}</w:tbl><w:p>")
    assert [one.text for one in document.segments] == ["Hund"]
    assert paragraphs_of(document.with_targets(["dog"]))[3:5] == [marked, text("dog")]


tokens = st.sampled_from(
    ["begin", "separate", "end", "PAGE", "HYPERLINK", "<ins>", "<hyperlink>", "</>", "<del>"]
    + [f"{kind}{end} {number}" for kind in RANGES[:2] for end in ("Start", "End") for number in (1, 2)]
    + ["w"] * 6
)


def paragraph_of(tokens):
    """A paragraph with these parts, each mark with a number of its own."""
    parts, opened = [], []
    for number, token in enumerate(tokens):
        if token in ("begin", "separate", "end"):
            parts.append(run(f'<w:fldChar w:fldCharType="{token}" w:n="{number}"/>'))
        elif token in ("PAGE", "HYPERLINK"):
            parts.append(run(f"<w:instrText>{token}</w:instrText>"))
        elif token == "w":
            parts.append(text(f"w{number} "))
        elif token == "</>":
            parts.append(f"</w:{opened.pop()}>" if opened else "")
        elif token.startswith("<"):
            opened.append(token[1:-1])
            parts.append(f"<w:{opened[-1]}>")
        else:
            kind, number = token.split()
            parts.append(f'<w:{kind} w:id="{number}"/>')
    return "".join([*parts, *(f"</w:{name}>" for name in opened[::-1])])


def structure_of(content):
    """Which mark of a field belongs to which begin; the instruction of each field that ends; and, around each word in
    capitals, the fields, with whether it is in their result."""
    root = etree.fromstring(f'<w:p xmlns:w="{WORDS}">{content}</w:p>')
    opened, belongs, ended, around = [], {}, {}, []
    for node in root.iter():
        name = etree.QName(node).localname
        if name == "instrText" and opened and not opened[-1][2]:
            opened[-1][1].append(node.text)
        elif name == "t" and "W" in node.text:
            around += [(mark, has_result) for mark, _, has_result in opened]
        elif name == "fldChar":
            kind, number = node.attrib.values()
            if kind == "begin":
                opened.append([number, [], False])
                continue
            belongs[number] = opened[-1][0] if opened else None
            if kind == "end" and opened:
                mark, instruction, has_result = opened.pop()
                ended[mark] = "".join(instruction) if has_result else ""
            elif opened:
                opened[-1][2] = True
    return belongs, ended, around


@given(st.lists(tokens, max_size=30).map(paragraph_of), st.data())
def test_marks_belong_to_one_another_as_before_whatever_words_are_linked(content, data):
    document = document_with(content)
    targets = []
    for one in document.segments:
        markup = take_out(one.text)
        words = [match.span() for match in re.finditer(r"\S+", markup.plain)]
        order = data.draw(st.permutations(range(len(words))))
        translation = " ".join(f"W{number}" for number in order)
        places = [match.span() for match in re.finditer(r"\S+", translation)]
        links = [(*words[number], *place) for number, place in zip(order, places, strict=True)]
        targets.append(put_back(markup, translation, links))
    (found,) = paragraphs_of(document.with_targets(targets))
    assert sorted(re.findall("<[^>]*(?:fldChar|Start|End)[^>]*>", found)) == sorted(
        re.findall("<[^>]*(?:fldChar|Start|End)[^>]*>", content)
    )
    for kind in RANGES[:2]:
        for number in (1, 2):
            ends = rf'<w:{kind}(Start|End) w:id="{number}"/>'
            if re.findall(ends, content) == ["Start", "End"]:
                assert re.findall(ends, found) == ["Start", "End"]
    belongs, ended, _ = structure_of(content)
    there, _, around = structure_of(found)
    assert there == belongs
    for begin, has_result in around:
        assert begin not in ended or (has_result and ended[begin].startswith("HYPERLINK"))
