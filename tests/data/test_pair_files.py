"""Pairs from files that are no lines of text, whatever way their languages are written."""

from __future__ import annotations

import gzip
import json
import re
import zipfile

import pytest

from nmt.data.corpora import FileCorpus
from nmt.data.pair_files import READERS, read_rows
from nmt.data.readers import Pair, Row

PAIRS = [("Der Hund schläft.", "The dog sleeps."), ("Ein Haus", "A house")]
TMX = """<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx version="1.4"><header srclang="EN-us"/><body>{}
<tu><tuv xml:lang="fr"><seg>maison</seg></tuv><tuv xml:lang="en"><seg>house</seg></tuv></tu></body></tmx>"""
TU = """<tu><tuv xml:lang="en-GB"><seg>{1}</seg></tuv><tuv xml:lang="DE-de"><seg><bpt i="1">&lt;b></bpt>{0}<ept i="1">
&lt;/b></ept></seg></tuv></tu>"""
XLIFF = """<xliff version="2.1" xmlns="urn:oasis:names:tc:xliff:document:2.0" srcLang="de" trgLang="en">
<file id="f">{}
<unit id="9"><segment state="initial"><source>neu</source><target>old</target></segment></unit></file></xliff>"""
UNIT = "<unit id='1'><segment state='final'><source>{0}</source><target>{1}</target></segment></unit>"
PO = 'msgid ""\nmsgstr "Language: en\\n"\n\n{}\n#, fuzzy\nmsgid "neu"\nmsgstr "old"\n\nmsgid "leer"\nmsgstr ""\n'


def made(folder, kind):
    """A file of these pairs, and of what is no pair."""
    path = folder / f"train.{kind}"
    texts = {
        "tmx": TMX.format("".join(TU.format(*pair) for pair in PAIRS)),
        "xlf": XLIFF.format("".join(UNIT.format(*pair) for pair in PAIRS)),
        "po": PO.format("\n".join('msgid "{}"\nmsgstr "{}"\n'.format(*pair) for pair in PAIRS)),
        "csv": "German;id;English\n" + "".join(f'"{de}";7;{en}\n' for de, en in PAIRS),
    }
    if kind in texts:
        path.write_text(texts[kind], encoding="utf-8")
    elif kind == "txt.zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("README", "of OPUS")
            for side, code in enumerate(("de", "en")):
                archive.writestr(f"Texts.de-en.{code}", "".join(f"{pair[side]}\n" for pair in PAIRS))
    elif kind == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        rows = [{"translation": {"de-DE": de, "en": en}} for de, en in PAIRS]
        parquet.write_table(pytest.importorskip("pyarrow").Table.from_pylist(rows), path)
    elif kind == "xlsx":
        book = pytest.importorskip("openpyxl").Workbook()
        book.active.append(["ein", "Blatt", "davor"])
        sheet = book.create_sheet()
        for row in (["en-US", "id", "de"], *[[en, 7, de] for de, en in PAIRS]):
            sheet.append(row)
        book.save(path)
    else:
        document = pytest.importorskip("docx").Document()
        table = document.add_table(0, 2)
        for pair in PAIRS:
            for cell, text in zip(table.add_row().cells, pair, strict=True):
                cell.text = text
        document.save(path)
    return path


@pytest.mark.parametrize("kind", ["tmx", "xlf", "po", "csv", "txt.zip", "parquet", "xlsx", "docx"])
def test_a_folder_or_a_name_is_enough(tmp_path, kind):
    if kind == "po":
        pytest.importorskip("translate")
    path = made(tmp_path, kind)
    for split in ("train", path.name):
        corpus = FileCorpus("de", "en", dir=str(tmp_path), train=split)
        assert [pair[:2] for pair in corpus.pairs(split)] == PAIRS
        assert corpus.fingerprint(split)


@pytest.mark.parametrize("kind", ["xlf", "po"])
def test_a_document_whose_source_is_the_target_is_turned_round(tmp_path, kind):
    if kind == "po":
        pytest.importorskip("translate")
    made(tmp_path, kind)
    for src, tgt, at in (("en-GB", "de-AT", -1), ("de-AT", "en-GB", 1)):
        corpus = FileCorpus(src, tgt, dir=str(tmp_path))
        assert [pair[:2] for pair in corpus.pairs("train")] == [pair[::at] for pair in PAIRS]
    with pytest.raises(ValueError, match="train has no pair of fr and it: all 2 are of other languages"):
        list(FileCorpus("", "", directions=("de-en", "fr-it"), tags=True, dir=str(tmp_path)).pairs("train"))


def test_each_file_of_an_xliff_has_its_own_languages(tmp_path):
    unit = "<trans-unit id='1'><source>{}</source><target>{}</target></trans-unit>"
    file = "<file original='x' datatype='plaintext' source-language='{}' target-language='{}'><body>{}</body></file>"
    files = [("en", "fi", "house", "talo"), ("de", "en-US", "Haus", "house")]
    body = "".join(file.format(src, tgt, unit.format(*texts)) for src, tgt, *texts in files)
    (tmp_path / "train.xlf").write_text(f"<xliff version='1.2'>{body}</xliff>", encoding="utf-8")
    several = FileCorpus("", "", directions=("fi-en", "de-en"), dir=str(tmp_path))
    found = [(pair.src, pair.tgt, pair.languages) for pair in several.pairs("train")]
    assert found == [("talo", "house", ("fi", "en")), ("Haus", "house", ("de", "en"))]


def test_text_of_a_region_is_of_its_language(tmp_path):
    for side, name in enumerate(("train.de-DE", "train.en")):
        (tmp_path / name).write_text("".join(f"{pair[side]}\n" for pair in PAIRS), encoding="utf-8")
    corpus = FileCorpus("de", "en", dir=str(tmp_path))
    (tmp_path / "train.de-en.txt.zip").touch()
    assert [pair[:2] for pair in corpus.pairs("train")] == PAIRS
    (tmp_path / "train.de-DE").rename(tmp_path / "train.tsv")
    assert corpus.files("train.tsv") == [tmp_path / "train.tsv"]


@pytest.mark.parametrize(
    ("kind", "languages", "message"),
    [
        ("tmx", ("de", "it"), "3 units, none in 'de' and 'it'; it has 'DE-de', 'en', 'en-GB', 'fr'"),
        ("xlf", ("de", "fr"), "unit 1 has no text for 'de' and 'fr': it has 'de', 'en'"),
        ("po", ("de", "fr"), "unit 2 has no text for 'de' and 'fr': it has 'en'"),
        ("txt.zip", ("de", "fr"), "has no NAME.de and NAME.fr in it"),
        ("parquet", ("de", "fr"), "row 1 has no text for 'de' and 'fr'"),
        ("csv", ("de", "fr"), "has 3 columns"),
    ],
)
def test_other_languages_are_told(tmp_path, kind, languages, message):
    if kind == "po":
        pytest.importorskip("translate")
    path = made(tmp_path, kind)

    def read():
        for row in read_rows(path, *languages):
            if row.faults:
                raise ValueError(row.faults[0])

    with pytest.raises(ValueError, match=re.escape(message)):
        read()


def test_a_row_of_parquet_without_texts_is_a_fault(tmp_path):
    rows = [{"translation": {"de": "Ja.", "en": "Yes."}}, {"translation": None}, {"translation": {"en": "No."}}]
    table = pytest.importorskip("pyarrow").Table.from_pylist(rows)
    pytest.importorskip("pyarrow.parquet").write_table(table, tmp_path / "train.parquet")
    faults = [row.faults for row in read_rows(tmp_path / "train.parquet", "de", "en")]
    where = f"{tmp_path / 'train.parquet'}, row"
    lacks = "has no text for 'de' and 'en': it"
    assert faults == [(), [f"{where} 2 {lacks} is of type NoneType"], [f"{where} 3 {lacks} has 'en'"]]


def test_what_is_missing_names_what_is_known(tmp_path):
    with pytest.raises(ValueError, match=r"has no train.de \+ train.en .*, nor train with .csv, .tmx, "):
        FileCorpus("de", "en", dir=str(tmp_path)).files("train")
    with pytest.raises(ValueError, match="has no memory.tmx$"):
        FileCorpus("de", "en", dir=str(tmp_path), train="memory.tmx").files("memory.tmx")


def test_a_split_may_lie_in_a_folder_of_its_own(tmp_path):
    for side, name in enumerate(("valid.de-DE", "valid.en.gz")):
        (tmp_path / "dev").mkdir(exist_ok=True)
        text = "".join(f"{pair[side]}\n" for pair in PAIRS).encode()
        (tmp_path / "dev" / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    (tmp_path / "dev" / "memory.tsv").write_text("de\ten\nJa.\tYes.\n")
    for split in ("dev/valid", str(tmp_path / "dev" / "valid")):
        assert [pair[:2] for pair in FileCorpus("de", "en", dir=str(tmp_path)).pairs(split)] == PAIRS
    other = FileCorpus("de", "en", dir=str(tmp_path / "dev"))
    assert [pair[:2] for pair in other.pairs(str(tmp_path / "dev" / "memory.tsv"))] == [("Ja.", "Yes.")]
    with pytest.raises(ValueError, match=r"dev/valid.en.gz has no partner dev/valid.fr$"):
        FileCorpus("fr", "en", dir=str(tmp_path)).files("dev/valid")


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("/nix/test", r"^/nix has no test.de \+ test.en or test.tsv .*, nor test with .csv, [^/]*$"),
        ("/nix/test.tmx", "^/nix has no test.tmx$"),
        ("dev/valid.de", "/dev has no .*; valid.de is one side, and both are named by their stem: dev/valid$"),
        ("", r"\d has no .de \+ .en or .tsv"),
    ],
)
def test_a_split_that_is_not_there_is_named_with_its_folder(tmp_path, split, message):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "valid.de").touch()
    with pytest.raises(ValueError, match=message):
        FileCorpus("de", "en", dir=str(tmp_path)).files(split)


def test_text_in_two_scripts_is_not_chosen_from_by_chance(tmp_path):
    for name in ("train.sr-Cyrl", "train.sr-Latn", "train.en", "valid.sr-Latn", "valid.en"):
        (tmp_path / name).write_text("a\n")
    with pytest.raises(ValueError, match=r"train.\* has 'sr' 2 times: sr-Cyrl, sr-Latn; say which is meant"):
        FileCorpus("sr", "en", dir=str(tmp_path)).files("train")
    for src in ("sr-Latn", "sr-Latn-RS"):
        assert FileCorpus(src, "en", dir=str(tmp_path)).files("train")[0].name == "train.sr-Latn"
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.Table.from_pylist([{"zh-Hant": "國", "zh-Hans": "国", "en": "land"}])
    pytest.importorskip("pyarrow.parquet").write_table(table, tmp_path / "train.parquet")
    with pytest.raises(ValueError, match="has 'zh' 2 times: zh-Hant, zh-Hans"):
        list(read_rows(tmp_path / "train.parquet", "zh", "en"))
    (row,) = read_rows(tmp_path / "train.parquet", "zh-Hans-CN", "en")
    assert (row.pair.src, row.languages) == ("国", ("zh-Hans", "en"))


def test_keys_of_objects_are_matched_as_columns_are(tmp_path):
    row = {"zh-Hans": "国", "en-US": "land"}
    (tmp_path / "train.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({"translation": row}) + "\n")
    for tags in (False, True):
        corpus = FileCorpus("zh", "en", dir=str(tmp_path), tags=tags)
        assert [pair[:2] for pair in corpus.pairs("train")] == [("国", "land")] * 2
    (tmp_path / "train.jsonl").write_text(json.dumps(row | {"zh-Hant": "國"}))
    with pytest.raises(ValueError, match=r"train.jsonl, line 1 names 'zh' 2 times: 'zh-Hans', 'en-US', 'zh-Hant' \("):
        list(FileCorpus("zh", "en", dir=str(tmp_path)).pairs("train"))
    (pair,) = FileCorpus("zh-Hant", "en", dir=str(tmp_path)).pairs("train")
    assert pair.src == "國"


@pytest.mark.parametrize(
    ("reader", "message"),
    [
        (lambda *_: None, r"x.own: the reader of .own fails \(TypeError: 'NoneType' object is not iterable\)$"),
        (lambda *_: ["a\tb"], r"x.own: the reader of .own gives 'a\\tb'; it must give a Row of a Pair$"),
        (lambda *_: [Row(Pair("a", None))], "x.own: the reader of .own gives .*; it must give a Row of a Pair$"),
        (lambda path: [], r"x.own: the reader of .own fails \(TypeError: .* takes 1 positional argument but 3 "),
    ],
)
def test_a_faulty_reader_of_the_users_own_is_told_in_one_line(monkeypatch, tmp_path, reader, message):
    monkeypatch.setitem(READERS, ".own", reader)
    with pytest.raises(ValueError, match=message):
        list(read_rows(tmp_path / "x.own", "de", "en"))
