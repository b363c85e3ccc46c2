"""Which cells of a workbook are text, and what is spelled in them by a code."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from nmt.formats import read_document, read_tables
from nmt.formats.document import DocumentOptions
from nmt.formats.xlsx import escaped, unescaped

SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
BOOK = '<workbook xmlns:r="r"><sheets><sheet name="a" r:id="1"/></sheets></workbook>'
RELATIONS = '<Relationships><Relationship Id="1" Target="worksheets/sheet1.xml"/></Relationships>'
HEADER = ['<c t="inlineStr"><is><t>de</t></is></c>', '<c t="inlineStr"><is><t>en</t></is></c>']
HUND = '<c t="str"><v>Hund</v></c>'


def workbook(rows, strings=(), header=HEADER):
    sheet = "".join(f'<row r="{number}">{"".join(row)}</row>' for number, row in enumerate([header, *rows], 1))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("xl/workbook.xml", BOOK)
        made.writestr("xl/_rels/workbook.xml.rels", RELATIONS)
        made.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{SHEETS}"><sheetData>{sheet}</sheetData></worksheet>'
        )
        made.writestr("xl/sharedStrings.xml", f"<sst>{''.join(f'<si>{one}</si>' for one in strings)}</sst>")
    return file.getvalue()


def read(data, **options):
    return read_document("xlsx", data, "a.xlsx", DocumentOptions("de", "en", **options))


def rows_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        root = etree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    spelled = [[etree.tostring(cell, encoding="unicode") for cell in row] for row in root.iter("{*}row")]
    return [[cell.replace(f' xmlns="{SHEETS}"', "") for cell in row] for row in spelled]


NO_TEXT = {
    "error": '<c t="e"><v>#DIV/0!</v></c>',
    "error of a formula": '<c t="e"><f>1/0</f><v>#DIV/0!</v></c>',
    "truth value": '<c t="b"><v>1</v></c>',
    "number": "<c><v>3.5</v></c>",
    "date": '<c s="14" t="n"><v>45123</v></c>',
    "date of ISO 8601": '<c t="d"><v>2024-01-31</v></c>',
    "formula without a value": "<c><f>A1</f><v/></c>",
}


@pytest.mark.parametrize("cell", NO_TEXT.values(), ids=NO_TEXT)
def test_a_row_whose_source_is_no_text_stays_as_it_is(cell):
    document = read(workbook([[cell], [HUND]]))
    assert [one.text for one in document.segments] == ["Hund"]
    assert document.kept == 0
    assert rows_of(document.with_targets(["dog"]))[1] == [cell]


@pytest.mark.parametrize("cell", NO_TEXT.values(), ids=NO_TEXT)
def test_a_target_that_has_another_value_is_not_lost(cell):
    document = read(workbook([[HUND, cell], [HUND]]))
    assert ([one.text for one in document.segments], document.kept) == (["Hund"], 1)
    assert rows_of(document.with_targets(["dog"]))[1] == [HUND, cell]
    assert len(read(workbook([[HUND, cell]]), retranslate=True).segments) == 1


def test_the_text_of_a_formula_is_translated_beside_it():
    cell = '<c t="str"><f>A1</f><v>Hund</v></c>'
    document = read(workbook([[cell]]))
    found = rows_of(document.with_targets(["dog"]))[1]
    assert found[0] == cell
    assert '<t xml:space="preserve">dog</t>' in found[1]


def test_a_column_of_numbers_keeps_its_place_beside_a_new_one():
    document = read(workbook([[HUND, "<c><v>5</v></c>"]], header=[HEADER[0], "<c><v>2024</v></c>"]))
    found = rows_of(document.with_targets(["dog"]))
    assert [len(row) for row in found] == [3, 3]
    assert "en" in found[0][2]


def test_numbers_are_no_text_to_learn_from(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook([["<c><v>3</v></c>", "<c><v>3</v></c>"], [HUND, '<c t="e"><v>#N/A</v></c>']]))
    ((_, rows),) = [(where, list(rows)) for where, rows in read_tables(path)]
    assert rows == [(1, ["de", "en"]), (3, ["Hund", ""])]


def test_runs_of_a_shared_string_are_its_text_and_how_it_is_read_aloud_is_not():
    strings = [
        '<r><t>Der </t></r><r><rPr><b/></rPr><t xml:space="preserve">Hund </t></r>'
        '<rPh sb="0" eb="1"><t>nie</t></rPh><phoneticPr fontId="1"/>',
        "<t>Haus</t><rPh><t>nie</t></rPh>",
    ]
    document = read(workbook([[f'<c t="s"><v>{number}</v></c>'] for number in (0, 1, 7)], strings))
    assert [one.text for one in document.segments] == ["Der Hund ", "Haus"]


@pytest.mark.parametrize(
    ("spelled", "text", "target", "expected"),
    [
        ("Zeile 1_x000D_\nZeile 2", "Zeile 1\r\nZeile 2", "Row 1\r\nRow 2", "Row 1_x000D_\nRow 2"),
        ("_x005F_x000D_ ist CR", "_x000D_ ist CR", "_x000D_ is CR", "_x005F_x000D_ is CR"),
        ("_xD83D__xDE00_ ja", "😀 ja", "😀 yes", "😀 yes"),
        ("a_x0007_b", "a\ab", "A\aB", "A_x0007_B"),
        ("_x00D_ _X000D_", "_x00D_ _X000D_", "_x00D_", "_x00D_"),
    ],
)
def test_characters_that_are_spelled_by_a_code_are_read_as_such(spelled, text, target, expected):
    cells = [f'<c t="str"><v>{spelled}</v></c>', '<c t="s"><v>0</v></c>']
    document = read(workbook([[cell] for cell in cells], [f"<t>{spelled}</t>"]))
    assert [one.text for one in document.segments] == [text] * 2
    for row in rows_of(document.with_targets([target] * 2))[1:]:
        assert f">{expected}</t>" in row[1]


@given(st.text(st.sampled_from("_x0005FD\r\n\a😀a\ufffe")))
def test_what_is_spelled_is_read_as_it_was(text):
    assert unescaped(escaped(text)) == text
    assert "\r" not in escaped(text)
