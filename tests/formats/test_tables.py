from __future__ import annotations

import re

import pytest

from nmt import languages
from nmt.formats import read_document
from nmt.formats.document import DocumentOptions
from nmt.formats.language_tags import matching, same_language


def translated(kind, text, **options):
    document = read_document(kind, text.encode(), f"a.{kind}", DocumentOptions("de", "en", **options))
    return document.with_targets([segment.text.upper() for segment in document.segments]).decode(), document.kept


@pytest.mark.parametrize(
    ("kind", "options", "text", "expected", "kept"),
    [
        (
            "csv",
            {},
            '"id";"German";English\r\n"1";Hund;""\r\n"2";"""Ja"", sagte; er";\r\n"3";fertig;done\r\n;;\r\n',
            '"id";"German";English\r\n"1";Hund;"HUND"\r\n"2";"""Ja"", sagte; er";"""JA"", SAGTE; ER"\r\n'
            '"3";fertig;done\r\n;;\r\n',
            1,
        ),
        ("csv", {}, "\ufeffx,de-AT\n1,a\n2,\n", "\ufeffx,de-AT,en\n1,a,A\n2,,\n", 0),
        ("csv", {}, "ein\n\nzwei", "ein,EIN\n\nzwei,ZWEI", 0),
        ("csv", {"column": "B:A"}, "x,ein\n,zwei\n", "x,ein\nZWEI,zwei\n", 1),
        ("csv", {"column": "B:A", "retranslate": True}, "x,ein\n,zwei\n", "EIN,ein\nZWEI,zwei\n", 0),
        ("csv", {"column": "1:neu"}, "ein Wort,neu\nzwei,\n", "ein Wort,neu\nzwei,ZWEI\n", 0),
        ("csv", {"column": "Text:neu"}, "n,Text\n1,ein\n", "n,Text,neu\n1,ein,EIN\n", 0),
        ("tsv", {"column": "2"}, 'n\t"ein\n2\tzwei\n', 'n\t"ein\t"EIN\n2\tzwei\tZWEI\n', 0),
    ],
)
def test_every_other_cell_stays_to_the_letter(kind, options, text, expected, kept):
    assert translated(kind, text, **options) == (expected, kept)


def test_a_table_of_a_spreadsheet_in_utf_16_stays_in_it():
    document = read_document(
        "tsv", "\ufeffde\ten\nMädchen\t\n".encode("utf-16-le"), "a.tsv", DocumentOptions("de", "en")
    )
    assert document.with_targets(["girl"]) == "\ufeffde\ten\nMädchen\tgirl\n".encode("utf-16-le")


def test_a_table_in_an_older_encoding_is_refused_with_the_command_that_converts_it():
    with pytest.raises(ValueError, match="a.csv is not UTF-8; .* iconv -f WINDOWS-1252 -t UTF-8 < a.csv"):
        read_document("csv", "de,en\nMädchen,\n".encode("cp1252"), "a.csv", DocumentOptions("de", "en"))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a,b\nc,d\n", {}, "a.csv, line 1 .*does not name 'de' and 'en'; say where .* --column 1:2"),
        ("a,b\n", {"column": "nein:2"}, "has no column 'nein'; it has 'a', 'b'"),
        ("a,b\n", {"column": "7"}, "has 2 columns"),
        ("a,b\n", {"column": "1:1"}, "take the place of the source"),
        ('a,"b"c\n', {"column": "1:2"}, "line 1 is no row of CSV: 'c"),
    ],
)
def test_columns_that_are_not_there_are_told(text, options, message):
    with pytest.raises(ValueError, match=message):
        translated("csv", text, **options)


@pytest.mark.parametrize(
    "header", ["Key,Deutsch,Englisch", "Key,allemand,anglais", "Key,Alemán,INGLÉS", "k,Duits,Engels"]
)
def test_columns_are_known_by_names_in_the_languages_of_those_who_make_tables(header):
    notes = []
    assert translated("csv", f"{header}\n1,ein,\n", note=notes.append) == (f"{header}\n1,ein,EIN\n", 0)
    assert notes == []


def test_every_name_of_a_language_is_of_one_language():
    found = {}
    for names in re.split(r"[|\n]", languages.NAMES.strip() + languages.MORE_NAMES.rstrip()):
        code = names.split()[0]
        for name in f"{names} {languages.ENGLISH[code]}".casefold().split():
            assert found.setdefault(name, code) == code


@pytest.mark.parametrize(
    ("text", "options", "note"),
    [
        ("Key,German\n1,ein\n", {}, "no column is called 'en'; a new one is written"),
        ("Key,Tysk\n1,ein\n", {"column": "Tysk:Engelsk"}, "no column is called 'Engelsk'; a new one is written"),
        ("ein\n", {}, "no column 2 is there; a new one is written"),
        ("1,ein\n", {"column": "2:4"}, "no column 4 is there; a new one is written"),
    ],
)
def test_a_new_column_is_told(text, options, note):
    notes = []
    translated("csv", text, note=notes.append, **options)
    assert notes == [f"a.csv, line 1: {note}"]


def test_bokmal_is_norwegian_and_nynorsk_another_language():
    assert same_language("nb-NO", "no")
    assert matching("no", ["nn", "nb"]) == ["nb"]
    assert not same_language("nn", "no")
