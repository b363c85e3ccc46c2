from __future__ import annotations

import gzip
import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.data.cleaning import Tally, reasons
from nmt.data.corpora import DemoCorpus, FileCorpus, Pair
from nmt.data.readers import read_lines

PAIRS = [Pair("Ja.", "Yes."), Pair("Ein Hund\u2028bellt\r sehr", "A dog\x0bbarks"), Pair("", "x")]


def corpus(folder, **settings) -> FileCorpus:
    return FileCorpus("de", "en", dir=str(folder), **settings)


def sides(pairs):
    return [pair[:2] for pair in pairs]


def write(path, lines):
    content = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("layout", ["plain", "tsv", "tsv_header", "jsonl", "jsonl_translation"])
def test_every_layout_gives_the_same_pairs(tmp_path, layout, suffix):
    if layout == "plain":
        for side, code in enumerate(("de", "en")):
            write(tmp_path / f"train.{code}{suffix}", [pair[side] for pair in PAIRS])
    elif layout == "tsv":
        write(tmp_path / f"train.tsv{suffix}", [f"{pair.src}\t{pair.tgt}" for pair in PAIRS])
    elif layout == "tsv_header":
        write(tmp_path / f"train.tsv{suffix}", ["en\tid\tde", *(f"{pair.tgt}\t7\t{pair.src}" for pair in PAIRS)])
    else:
        rows = [{"de": pair.src, "en": pair.tgt} for pair in PAIRS]
        rows = [{"translation": row} for row in rows] if layout == "jsonl_translation" else rows
        write(tmp_path / f"train.jsonl{suffix}", map(json.dumps, rows))
    assert sides(corpus(tmp_path).pairs("train")) == sides(PAIRS)


def test_a_line_ends_at_newline_only_and_a_bom_is_no_text(tmp_path):
    (tmp_path / "text").write_bytes("\ufeffa\r\nb\rc\u2028d\x85\x0c\n\ne".encode())
    assert list(read_lines(tmp_path / "text")) == ["a", "b\rc\u2028d\x85\x0c", "", "e"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "has no train.de \\+ train.en or train.tsv or train.jsonl"),
        ({"train.de.xz": b"", "train.en.xz": b""}, "train.de.xz ends in .xz; of compressed files only .gz is read"),
        ({"train.de": b"a\n"}, "train.de has no partner train.en"),
        ({"train.de": b"a\nb\nc\n", "train.en": b"a\n"}, "train.de has 3 lines but .*train.en has 1; line i"),
        ({"train.de": b"a\n\xff\n", "train.en": b"a\nb\n"}, r"train.de, line 2 is not UTF-8 \(data.malformed"),
        (
            {"train.de": b"\xff\n", "train.en": b"a\n"},
            r"train.de, line 1 is not UTF-8; .*: iconv -f WINDOWS-1252 -t UTF-8 < .*/train.de \(data.malformed",
        ),
        ({"train.de": "ä\n".encode("utf-16"), "train.en": b"a\n"}, "line 1 is not UTF-8; .*: iconv -f UTF-16 "),
        ({"train.tsv.gz": gzip.compress(b"\xff\n")}, r"zcat \S+/train.tsv.gz | iconv -f WINDOWS-1252 -t UTF-8 "),
        ({"train.tsv": b"a\tb\na\n"}, "train.tsv, line 2 has 1 column"),
        ({"train.jsonl": b'{"de": "a", "en": "b"}\n{\n'}, "train.jsonl, line 2 is not JSON"),
        ({"train.jsonl": b'{"de": "a", "fr": "b"}\n'}, "train.jsonl, line 1 has no text for 'de' and 'en'"),
        ({"train.jsonl": b'{"de": "a", "en": 3}\n'}, "train.jsonl, line 1 has no text"),
        ({"train.jsonl": b'["a", "b"]\n'}, "train.jsonl, line 1 has no text"),
        ({"train.tsv.gz": b"not gzip"}, "train.tsv.gz cannot be read"),
    ],
)
def test_unsound_files_are_named(tmp_path, files, message):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        list(corpus(tmp_path).pairs("train"))


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match="data.dir is '.*nowhere', which is no folder"):
        list(corpus(tmp_path / "nowhere").pairs("train"))


def test_the_fingerprint_changes_with_the_text(tmp_path):
    write(tmp_path / "train.tsv", ["a\tb"])
    before = corpus(tmp_path).fingerprint("train")
    assert corpus(tmp_path).fingerprint("train") == before
    write(tmp_path / "train.tsv", ["a\tc"])
    assert corpus(tmp_path).fingerprint("train") != before


def test_the_demo_corpus_comes_with_the_project():
    pairs = list(DemoCorpus("de", "en", test="test").pairs("test"))
    assert len(pairs) == 500


BAD = {
    "plain": {"train.de": b"a\nb\xff\nc\xc3(\nd\n", "train.en": b"1\n2\n3\n\xed\xa0\x80\n"},
    "tsv": {"train.tsv": b"a\t1\nb\nc\n\td\xff\n"},
    "jsonl": {
        "train.jsonl": b'{"de": "a", "en": "1"}\n{"de": "b\\ud800", "en": "2"}\n'
        + b"[" * 9999
        + b"\n"
        + b"1" * 5000
        + b"\n"
    },
}


@pytest.mark.parametrize("layout", sorted(BAD))
def test_malformed_lines_are_told_by_file_and_number_and_treated_as_set(tmp_path, layout):
    for name, content in BAD[layout].items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"train.*, line 2 .*\(data.malformed=skip or replace goes on\)"):
        list(corpus(tmp_path).pairs("train"))
    tally = Tally()
    assert [pair[:2] for pair in corpus(tmp_path, malformed="skip").pairs("train", tally)] == [("a", "1")]
    assert reasons(tally.dropped) == "3 malformed"
    assert [re.search(r"line (\d)", fault)[1] for fault in tally.faults] == ["2", "3", "4"]
    replaced = list(corpus(tmp_path, malformed="replace").pairs("train", []))
    assert [pair.line for pair in replaced] == [1, 2, 3, 4]
    assert "\ufffd" in "".join(pair.src + pair.tgt for pair in replaced)
    for pair in replaced:
        (pair.src + pair.tgt).encode()


@given(st.lists(st.binary(max_size=12).filter(lambda line: b"\n" not in line), min_size=1, max_size=9))
def test_whatever_the_bytes_no_line_is_lost_or_moved(lines):
    with tempfile.TemporaryDirectory() as folder:
        for code in ("de", "en"):
            (Path(folder) / f"train.{code}").write_bytes(b"".join(line + b"\n" for line in lines))
        tally = Tally()
        found = list(corpus(folder, malformed="replace").pairs("train", tally))
    assert [pair.line for pair in found] == list(range(1, len(lines) + 1))
    bad = sum(line.decode(errors="ignore").encode() != line for line in lines)
    assert len(tally.faults) == 2 * bad


def test_several_files_are_one_text_in_their_order(tmp_path):
    write(tmp_path / "train.tsv", ["a\tb", "c\td"])
    write(tmp_path / "more.de.gz", ["c", "e"])
    write(tmp_path / "more.en", ["d", "f"])
    both = corpus(tmp_path, train="train+more")
    found = list(both.pairs("train+more"))
    assert [pair[:2] for pair in found] == [("a", "b"), ("c", "d"), ("c", "d"), ("e", "f")]
    assert [(both.parts("train+more")[pair.part], pair.line) for pair in found] == [
        ("train", 1), ("train", 2), ("more", 1), ("more", 2)
    ]  # fmt: skip
    before = both.fingerprint("train+more")
    assert len({before, both.fingerprint("train"), both.fingerprint("more"), both.fingerprint("more+train")}) == 4
    write(tmp_path / "more.en", ["d", "g"])
    assert both.fingerprint("train+more") != before
    with pytest.raises(ValueError, match="has no less.de"):
        list(both.pairs("train+less"))
