from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading

import pytest

from nmt.data.cleaning import Tally
from nmt.data.corpora import FileCorpus
from nmt.data.readers import MAX_BYTES, read_lines


def pairs(folder, content: str | bytes, name="train.tsv", malformed="fail", tally=None):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    corpus = FileCorpus("de", "en", dir=str(folder), malformed=malformed)
    return [(pair.src, pair.tgt) for pair in corpus.pairs("train", tally)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("77\tDer Hund schläft.\t1276\tThe dog sleeps.\n", "line 1 has 4 columns .'77', 'Der Hund schläft.', '1276'"),
        ("Go.\tGeh.\tCC-BY 2.0\n", "must have their names, and those with the text must be 'de' and 'en'$"),
        ("id\tsource\ttarget\n1\tJa.\tYes.\n", "line 1 has 3 columns .'id', 'source', 'target'.; with more than two"),
        ("de\tde\ten\nJa.\tNein.\tYes.\n", "line 1 names 'de' 2 times"),
        ("de\tGerman\ten\n1\tJa.\tYes.\n", "line 1 names 'de' 2 times"),
        ("de-AT\tde-DE\ten\nJa.\tJa.\tYes.\n", "line 1 names 'de' 2 times"),
    ],
)
def test_of_more_than_two_columns_without_names_none_is_taken_for_a_side(tmp_path, content, message):
    for malformed in ("fail", "skip", "replace"):
        with pytest.raises(ValueError, match=message) as error:
            pairs(tmp_path, content, malformed=malformed)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "header",
    ["EN\tDE", '"en"\t"de"', "en \t de", "'En'\tdE", "en-US\tde-DE", "en_GB\tde_ch", "English\tGerman", "eng\tdeu"],
)
def test_a_header_in_other_letters_quotes_tags_or_words_is_followed_and_no_pair(tmp_path, header):
    assert pairs(tmp_path, f"{header}\nYes.\tJa.\n") == [("Ja.", "Yes.")]
    three = header.replace("\t", "\tid\t")
    assert pairs(tmp_path, f"{three}\nYes.\t7\tJa.\n") == [("Ja.", "Yes.")]


@pytest.mark.parametrize(
    "header",
    ["source\ttarget", "src\ttgt", "Target text\tSource text", "English\tFrench", "German\tText", '"de"\t"fr"'],
)
def test_a_header_that_does_not_say_which_side_is_which_is_refused_and_no_pair(tmp_path, header):
    with pytest.raises(ValueError, match="looks like names of columns, .* must be 'de' and 'en', in the") as error:
        pairs(tmp_path, f"{header}\nYes.\tJa.\n")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("pair", ["it\tlo", "no\tne", "Deutsch\tGerman", "text\tText", "source\tQuelle", "de\tof"])
def test_a_first_pair_of_short_words_is_a_pair(tmp_path, pair):
    assert pairs(tmp_path, f"{pair}\na\tb\n") == [tuple(pair.split("\t")), ("a", "b")]


def test_of_two_variants_of_a_language_each_has_its_own_column(tmp_path):
    (tmp_path / "train.tsv").write_text("pt-BR\tpt-PT\nônibus\tautocarro\n", encoding="utf-8")
    for src, tgt in (("pt-PT", "pt-BR"), ("pt_pt", "pt"), ("pt", "pt-br")):
        (pair,) = FileCorpus(src, tgt, dir=str(tmp_path)).pairs("train")
        assert (pair.src, pair.tgt) == ("autocarro", "ônibus")
    with pytest.raises(ValueError, match="looks like names"):
        list(FileCorpus("pt-AO", "en", dir=str(tmp_path)).pairs("train"))


@pytest.mark.parametrize("first", ["", "de\ten\n"])
def test_a_later_row_of_another_width_is_a_fault_as_malformed_says(tmp_path, first):
    content = first + "a\t1\nb\tc\t2\nd\ne\t3\n"
    with pytest.raises(ValueError, match="has 3 columns; it needs 2 .data.malformed"):
        pairs(tmp_path, content)
    tally = Tally()
    assert pairs(tmp_path, content, malformed="skip", tally=tally) == [("a", "1"), ("e", "3")]
    assert len(tally.faults) == 2
    assert pairs(tmp_path, content, malformed="replace") == [("a", "1"), ("", ""), ("d", ""), ("e", "3")]


def test_blank_lines_are_no_rows_of_jsonl_and_not_at_the_end_of_tsv(tmp_path):
    row = '{"de": "a", "en": "b"}\n'
    assert pairs(tmp_path, f"{row}\n  \n{row}\n", "train.jsonl") == [("a", "b")] * 2
    (tmp_path / "train.jsonl").unlink()
    assert pairs(tmp_path, "a\tb\n\n\r\n") == [("a", "b")]
    with pytest.raises(ValueError, match="line 2 has 1 column; it needs 2"):
        pairs(tmp_path, "a\tb\n\na\tb\n")


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_line_is_bounded_and_the_next_one_is_found_again(tmp_path, suffix):
    lines = [b"x" * MAX_BYTES, b"y" * (MAX_BYTES + 1), b"z" * (3 * MAX_BYTES), b"a"]
    content = b"\n".join(lines) + b"\n"
    for code in ("de", "en"):
        (tmp_path / f"train.{code}{suffix}").write_bytes(gzip.compress(content) if suffix else content)
    tally = Tally()
    corpus = FileCorpus("de", "en", dir=str(tmp_path), malformed="replace")
    found = [pair.src for pair in corpus.pairs("train", tally)]
    assert [(line[:1], len(line)) for line in found] == [
        ("x", MAX_BYTES),
        ("y", MAX_BYTES),
        ("z", MAX_BYTES),
        ("a", 1),
    ]
    assert len(tally.faults) == 4
    assert f"train.de{suffix}, line 2 is longer than {MAX_BYTES} bytes" in tally.faults[0]
    with pytest.raises(ValueError, match="line 2 is longer than"):
        list(read_lines(tmp_path / f"train.de{suffix}"))


def test_a_gzip_without_a_line_end_does_not_fill_the_memory(tmp_path):
    with gzip.open(tmp_path / "bomb.gz", "wb", compresslevel=1) as file:
        for _ in range(200):
            file.write(bytes(MAX_BYTES))
    code = (
        "import sys, resource, pathlib; from nmt.data.readers import lines_of\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert [line.number for line in lines_of(pathlib.Path(sys.argv[1]))] == [1]\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "bomb.gz")]
    grown = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert grown < 30_000  # kB


def test_a_pipe_is_read_once_and_is_not_missing(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=("a\r\nß".encode(),))
    writer.start()
    assert list(read_lines(tmp_path / "pipe")) == ["a", "ß"]
    writer.join()
    code = "from pathlib import Path; from nmt.data import readers; print(*readers.read_lines(Path('/dev/stdin')))"
    done = subprocess.run([sys.executable, "-c", code], input="a\nb", capture_output=True, text=True, check=True)
    assert done.stdout == "a b\n"


def test_a_folder_or_nothing_in_the_place_of_a_file_is_one_clear_line(tmp_path):
    with pytest.raises(ValueError, match="is a folder, not a file"):
        list(read_lines(tmp_path))
    (tmp_path / "packed.gz").touch()
    (tmp_path / "plain").touch()
    for missing, near in (("packed", "packed.gz"), ("plain.gz", "plain")):
        with pytest.raises(ValueError, match=rf"{missing} is missing; did you mean .*/{near}\?$"):
            list(read_lines(tmp_path / missing))
    with pytest.raises(ValueError, match="nowhere is missing"):
        list(read_lines(tmp_path / "nowhere"))
    for suffix in (".bz2", ".xz", ".zst"):
        (tmp_path / f"a.de{suffix}").write_bytes(b"BZh91")
        with pytest.raises(ValueError, match=rf"a.de{suffix} ends in {suffix}; of compressed files only .gz is read"):
            list(read_lines(tmp_path / f"a.de{suffix}"))


def test_a_corpus_of_no_folder_is_not_the_current_one():
    with pytest.raises(ValueError, match="data.dir is empty"):
        list(FileCorpus("de", "en", dir="").pairs("train"))
