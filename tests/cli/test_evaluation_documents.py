"""Files in and out of the commands."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from pathlib import Path

import pytest
from commands import command

from nmt import formats
from nmt.answers import Form
from nmt.cli import evaluate, translate
from nmt.cli.documents import kind_of, translations
from nmt.cli.evaluation_set import read_test_set
from nmt.formats import FORMATS
from nmt.formats.document import Segment
from nmt.formats.sniff import markup_of
from nmt.text.check import kept_parts
from nmt.translation.values import Translation

NAMESPACE = "urn:oasis:names:tc:xliff:document:1.2"
XLIFF = f"""<?xml version="1.0"?>
<xliff version="1.2" xmlns="{NAMESPACE}"><file original="a" source-language="fr" datatype="plaintext"><body>
<trans-unit id="1"><source>Anna mag <g id="7">den Ball</g>.</source></trans-unit>
<trans-unit id="2"><source>Der Hund</source><target state="final">The hound</target></trans-unit>
</body></file></xliff>
"""


def test_a_document_is_translated_and_the_file_is_whole(trained, tmp_path):
    source, target = tmp_path / "app.xlf", tmp_path / "app.en.xlf"
    source.write_text(XLIFF)
    result = command("nmt-translate", trained / "model", "-i", source, "-o", target, "--workers", 2, "--beam-size", 3)
    assert (result.returncode, result.stdout) == (0, b"")
    language, count = result.stderr.decode().splitlines()
    assert language == f"nmt-translate: {source} says that its source is 'fr', but the model's is 'de'"
    assert count.startswith(f"nmt-translate: {source}: of 2 segments 1 translated, 1 had a translation")
    made = '<target state="translated" state-qualifier="leveraged-mt">Anna likes <g id="7">the ball</g>.</target>'
    expected = XLIFF.replace("</source></trans-unit>", f"</source>{made}</trans-unit>", 1)
    found = target.read_text()
    assert made in found
    assert found.replace(' target-language="en"', "").split("<file")[1] == expected.split("<file")[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.en.xlf", "app.xlf"]


@pytest.mark.parametrize("own", [[], ["--keep", "urls"]])
def test_placeholders_of_a_document_are_kept_whatever_else_is(bundle_dir, tmp_path, run_here, own):
    table, out = tmp_path / "app.csv", tmp_path / "app.en.csv"
    table.write_text("de,en\n{count} Hunde und %s Bälle,\n", encoding="utf-8")
    run_here("nmt-translate", bundle_dir, "-i", table, "-o", out, "--workers", 1, "--quiet", *own)
    assert kept_parts(out.read_text(encoding="utf-8")) == Counter(
        {("placeholders", "{count}"): 2, ("placeholders", "%s"): 2}
    )


@pytest.mark.parametrize("name", ["book.txt", "book.md"])
def test_an_output_in_a_folder_that_is_not_there_is_told_before_the_work(
    bundle_dir, tmp_path, monkeypatch, run_here, name
):
    (tmp_path / name).write_text("Hund\n")
    there = tmp_path / "none" / name
    monkeypatch.setattr("nmt.cli.documents.translations", lambda *_: pytest.fail("it has translated"))
    options = "-o", there, "--workers", 1, "--quiet"
    refused = run_here("nmt-translate", bundle_dir, "-i", tmp_path / name, *options, code=2)
    assert refused.err == f"nmt-translate: {there}: No such file or directory\n"


def test_a_new_column_is_told_on_stderr_unless_quiet(bundle_dir, tmp_path, run_here):
    (tmp_path / "a.csv").write_text("Key,de\n1,Hund\n")
    files = "-i", tmp_path / "a.csv", "-o", tmp_path / "b.csv"
    for more, expected in (([], True), (["--quiet"], False)):
        told = run_here("nmt-translate", bundle_dir, *files, "--workers", 1, *more).err
        assert ("no column is called 'en'; a new one is written" in told) == expected


class Shouting:
    """In the place of workers: texts in capitals, but for their tags, each with what the second one should know."""

    def translate(self, texts, **options):
        assert options["tags"]
        shouted = [re.sub(r"(<[^>]*>)|([^<]+)", lambda part: part[1] or part[2].upper(), text) for text in texts]
        return [
            Translation(text, 0.0, 0.0, crowded="zwei" in source) for source, text in zip(texts, shouted, strict=True)
        ]


def test_lines_of_a_segment_are_translated_one_by_one_with_their_tags(capsys):
    segments = [
        Segment('eins <g id="1">hier\n\n  zwei</g> da\n<x id="2"/>\neins', markup=True),
        Segment("zwei\nzwei mal"),
        Segment("zwei"),
    ]
    found = translations(Shouting(), segments, Form(), True)
    assert found == ['EINS <g id="1">HIER\n\n  ZWEI</g> DA\n<x id="2"/>\nEINS', "ZWEI\nZWEI MAL", "ZWEI"]
    first, more = capsys.readouterr().err.splitlines()
    assert first.startswith("nmt-translate: segment 1: several sentences, together longer")
    assert more.startswith("nmt-translate: so are 2 more segments: several sentences")
    translations(Shouting(), segments, Form(), False)
    assert capsys.readouterr().err == ""


def test_lines_of_a_file_and_markup_on_stdin(trained, tmp_path):
    (tmp_path / "book.txt.gz").write_bytes(gzip.compress("Anna mag den Ball.\n\nDie Frau hört Anna.\n".encode()))
    out = tmp_path / "book.en.txt.gz"
    result = command("nmt-translate", trained / "model", "-i", tmp_path / "book.txt.gz", "-o", out)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert gzip.decompress(out.read_bytes()).decode().splitlines()[0] == "Anna likes the ball."
    assert gzip.decompress(out.read_bytes()).count(b"\n") == 3
    result = command("nmt-translate", trained / "model", stdin=XLIFF.encode())
    assert result.returncode == 0
    assert result.stdout.count(b"\n") == XLIFF.count("\n")
    (warning,) = result.stderr.decode().splitlines()
    assert "looks like XLIFF" in warning
    assert "-i FILE.xlf -o OUT.xlf" in warning


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-i", "a.xlf"], "-o says where the translated document goes, such as -o a.translated.xlf"),
        (["-i", "a.srt", "-o", "a.srt"], "would take the place of the only text"),
        (["-i", "a.DOC", "-o", "b.docx"], "a.DOC is of a format that is not read; save it as docx"),
        (["-i", "a.txt", "-o", "./a.txt"], "would take the place of the only text"),
        (["-i", "a.po", "-o", "b.po", "--nbest", "2"], "--nbest is for lines of text; in po a segment has one"),
        (["-i", "a.tmx", "-o", "b.tmx", "--json"], "--json is for lines of text"),
        (["-i", "a.txt", "--retranslate"], "--retranslate is for documents"),
        (["--column", "1:2"], "--column is for documents"),
        (["-i", "a.srt", "-o", "b.docx"], "b.docx is the name of a file in docx, but the translation is srt"),
        (["-i", "a.xlf.gz", "-o", "b.PO.gz"], "b.PO.gz is the name of a file in po, but the translation is xliff"),
        (
            ["-i", "a.txt", "-o", "b.xlf"],
            "b.xlf is the name of a file in xliff, but the translation is lines of text",
        ),
        (["-o", "b.txt.bz2"], "b.txt.bz2 ends in .bz2; of compressed files only .gz is read and written"),
        (["--format", "vtt", "-o", "b.xlf"], "b.xlf is the name of a file in xliff, but the translation is vtt"),
        (["-i", "a.vtt", "-o", "b.vtt", "--column", "7:9"], "--column does nothing in vtt; it is for xlsx, csv, tsv"),
        (["-i", "a.tmx", "-o", "b.tmx", "--state", "review"], "--state does nothing in tmx; it is for xliff, po"),
        (["-i", "a.srt", "-o", "b.srt", "--retranslate"], "--retranslate does nothing in srt; it is for xliff, tmx"),
        (["--format", "docx", "--column", "1:2"], "--column does nothing in docx"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    for name in ("a.srt", "a.txt"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=re.escape(message)):
        kind_of(translate.parser().parse_args(["model", *arguments]))


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["-i", "a.pot", "-o", "b.po", "--state", "review", "--retranslate"], "po"),
        (["-i", "a.srt", "-o", "b.en"], "srt"),
        (["-i", "a.srt.gz", "-o", "-"], "srt"),
        (["-i", "a", "-o", "b.tsv"], "text"),
        (["--format", "text", "-i", "a.csv", "-o", "b.csv"], "text"),
        (["--format", "csv", "-i", "a.tsv", "-o", "b.tsv", "--column", "1:2"], "csv"),
    ],
)
def test_what_goes_together_is_taken(arguments, kind):
    assert kind_of(translate.parser().parse_args(["model", *arguments])) == kind


def test_a_format_says_all_the_options_that_its_reader_looks_at():
    """Every other is refused, so one that is forgotten could not be used."""
    module = {"csv": "tables", "tsv": "tables", "srt": "subtitles", "vtt": "subtitles", "ass": "subtitles"}
    every = set()
    for name, one in FORMATS.items():
        source = (Path(formats.__file__).parent / f"{module.get(name, name)}.py").read_text(encoding="utf-8")
        heeded = set(re.findall(r"\boptions\.(retranslate|state|column)\b", source))
        heeded |= {"column"} if "columns_of(" in source else set()
        assert heeded <= set(one.options), name
        every |= heeded
    assert every == {"retranslate", "state", "column"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('<?xml version="1.0"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4">', "TMX"),
        ("<html>\n<p>xliff</p>", "HTML"),
        ('# a comment\nmsgid ""\nmsgstr ""\n"Language: de"', "PO"),
        ("1\n00:00:01,000 --> 00:00:02,000\nHallo", "SRT"),
        ("PK\x03\x04\x14", "a zip archive (DOCX, PPTX, XLSX or a corpus)"),
        ("1\nDer Hund\n", None),
        ("a < b\n<b>Hund</b>", None),
        ("Sie sagte: msgid\n", None),
    ],
)
def test_markup_is_known_by_its_beginning(text, name):
    found = markup_of(text.split("\n"))
    assert (found and found[0]) == name


def options(*arguments):
    return evaluate.parser().parse_args(list(map(str, arguments)))


def test_a_test_set_of_both_sides_and_one_in_two_files(bundle_dir, tmp_path):
    table, subtitles, refs = tmp_path / "test.csv", tmp_path / "film.srt", tmp_path / "film.en"
    table.write_text('English,x,German\n"A house, red",1,Ein Haus\nThe dog,2,Der Hund\n')
    _, srcs, found = read_test_set(options(bundle_dir, "--src", table, "--ref", table))
    assert srcs == ["Ein Haus", "Der Hund"]
    assert found == [["A house, red", "The dog"]]
    subtitles.write_text("1\n00:00:01,000 --> 00:00:02,000\nDer <i>Hund</i>\nschläft\n")
    refs.write_text("The dog sleeps\n")
    _, srcs, found = read_test_set(options(bundle_dir, "--src", subtitles, "--ref", refs))
    assert (srcs, found) == (["Der Hund schläft"], [["The dog sleeps"]])
    with pytest.raises(ValueError, match="film.srt has one language"):
        read_test_set(options(bundle_dir, "--src", subtitles, "--ref", subtitles))
    with pytest.raises(ValueError, match=r"test.csv has 2 lines but .*film.en has 1"):
        read_test_set(options(bundle_dir, "--src", table, "--ref", refs))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('<srcset setid="newstest2019" srclang="any">\n<doc>\n<seg id="1">Hund</seg>', "sacrebleu --test-set wmt19"),
        ('<?xml version="1.0"?>\n<dataset id="wmt24">\n<doc>', "sacrebleu --test-set wmt19"),
        (XLIFF, r"looks like XLIFF.*NAME.xlf"),
    ],
)
@pytest.mark.parametrize("side", ["--src", "--ref"])
def test_markup_is_not_scored(bundle_dir, tmp_path, text, message, side):
    lines = text.count("\n") + (not text.endswith("\n"))
    (tmp_path / "markup.xml").write_text(text)
    (tmp_path / "lines").write_text("Hund\n" * lines)
    other = "--ref" if side == "--src" else "--src"
    with pytest.raises(ValueError, match=message):
        read_test_set(options(bundle_dir, side, tmp_path / "markup.xml", other, tmp_path / "lines"))
