from __future__ import annotations

import gzip
import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from nmt.common.stream import BOM, group_lines
from nmt.distribution import compression
from nmt.distribution.inputs import cut, input_files, input_format_of, read_groups_of
from nmt.distribution.parts import InputFormat, Part

FIRST = Part(0, 0, 0, 0, 1, 0, "")
PACKED = {
    "": lambda content: content,
    ".gz": lambda content: gzip.compress(content[:7]) + gzip.compress(content[7:]),
    ".zst": lambda content: zstandard.compress(content[:7]) + zstandard.compress(content[7:]),
}
PARTS = [b"\n", b"\n", b"\n", b"\r", b"a", "é".encode(), BOM, b"\xff", b"a longer word"]


def parts_of(path, lines, column=None, first=FIRST):
    source = input_format_of([path], column, as_text=False)
    folder = path.parent / "copies"
    folder.mkdir(exist_ok=True)
    parts, sha256 = cut(path, source, lines, first, lambda number: folder / str(number))
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    groups = [group for part in parts for group in read_groups_of(path, source, part, folder / str(part.number))]
    return parts, [line for group in groups for line in group.lines], groups


@pytest.mark.parametrize("suffix", PACKED)
@given(
    content=st.binary(max_size=200) | st.lists(st.sampled_from(PARTS), max_size=60).map(b"".join),
    lines=st.integers(1, 9),
    chunk=st.integers(1, 50),
)
def test_parts_of_any_bytes_hold_every_line_once(suffix, content, lines, chunk, tmp_path_factory):
    path = tmp_path_factory.mktemp("input") / f"text{suffix}"
    path.write_bytes(PACKED[suffix](content))
    before, compression.CHUNK_BYTES = compression.CHUNK_BYTES, chunk
    try:
        parts, found, _ = parts_of(path, lines)
    finally:
        compression.CHUNK_BYTES = before
    expected = [line for group in group_lines([content], 100) for line in group]
    assert found == expected
    assert [part.lines for part in parts[:-1]] == [lines] * (len(parts) - 1)
    assert sum(part.lines for part in parts) == len(expected)
    assert sum(part.size for part in parts) == len(content)


def test_lines_are_counted_over_all_files_and_each_may_begin_with_a_bom(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(BOM + b"a\nb")
    parts, found, _ = parts_of(path, 1, first=FIRST._replace(number=4, first=9))
    assert [(part.number, part.first) for part in parts] == [(4, 9), (5, 10)]
    assert [(line.number, line.text) for line in found] == [(9, "a"), (10, "b")]


def test_input_that_has_changed_is_found_when_its_part_is_read(tmp_path):
    path, source = tmp_path / "text", input_format_of([tmp_path / "text"], None, as_text=False)
    path.write_bytes(b"a\nb\nc\n")
    parts, _ = cut(path, source, 2, FIRST, lambda number: None)
    path.write_bytes(b"a\nb\nd\n")
    assert len(list(read_groups_of(path, source, parts[0], path))) == 1
    with pytest.raises(ValueError, match="text has changed since it was cut"):
        list(read_groups_of(path, source, parts[1], path))


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("cut_at", [-3, 12, 0])
def test_what_is_compressed_and_torn_is_refused(suffix, cut_at, tmp_path):
    path = tmp_path / f"text{suffix}"
    path.write_bytes(PACKED[suffix](b"some text\n" * 9)[:cut_at] or b"junk")
    with pytest.raises(ValueError, match=f"text{suffix} cannot be read: "):
        parts_of(path, 2)


@pytest.mark.parametrize("suffix", PACKED)
def test_a_column_between_tabs_is_found_by_its_name_or_its_number(suffix, tmp_path):
    path = tmp_path / f"x.tsv{suffix}"
    path.write_bytes(PACKED[suffix](BOM + b"id\tde\ten\r\n1\tA\tB\n2\n3\tC\tD\tE\n4\t\xff\tF\n"))
    parts, found, groups = parts_of(path, 2, "de")
    assert [part.lines for part in parts] == [2, 2]
    assert [line.text for line in found] == ["A", "", "C", "\ufffd"]
    uneven = [f"{n} columns; the first line has 3" for n in (1, 4)]
    assert [line.fault for line in found] == [None, *uneven, "not UTF-8; U+FFFD stands for what is wrong"]
    assert [row for group in groups for row in group.rows] == [
        ["1", "A", "B"],
        ["2", "", ""],
        ["3", "C", "D"],
        ["4", "\ufffd", "F"],
    ]
    _, found, _ = parts_of(path, 3, "3")
    assert [line.text for line in found] == ["en", "B", "", "D", "F"]
    assert found[2].fault == "no column 3"


def test_rows_of_parquet_are_read_a_part_at_a_time(tmp_path):
    path = tmp_path / "x.parquet"
    texts = [None if i % 5 == 2 else f"text {i}\n" for i in range(23)]
    kinds = {
        "de": pa.array(texts).dictionary_encode(),
        "en": pa.array(texts, pa.large_string()),
    }  # as others write it
    pq.write_table(pa.table({"id": range(23)} | kinds), path, row_group_size=6)
    for column in ("de", "2", "en"):
        parts, found, groups = parts_of(path, 4, column)
        assert [part.lines for part in parts] == [4, 4, 4, 4, 4, 3]
        assert [line.text for line in found] == [text or "" for text in texts]
        assert [line.number for line in found] == list(range(1, 24))
        assert [i for group in groups for i in group.rows.column(0).to_pylist()] == list(range(23))
    pq.write_table(pa.table({"id": range(22), "de": texts[:22]}), path)
    with pytest.raises(ValueError, match="x.parquet has changed since it was cut into parts"):
        list(read_groups_of(path, InputFormat("parquet", "de"), parts[-1], path))


def test_a_file_that_cannot_be_meant_is_refused(tmp_path):
    for name, content in {
        "a.de": "x",
        "b.tsv": "de\ten\n",
        "c.tsv": "de\tfr\n",
        "d.jsonl": "{}",
        "i.de.bz2": "BZ",
    }.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "f.tsv").write_text("de\tde\n")
    pq.write_table(pa.table({"id": [1]}), tmp_path / "e.parquet")
    pq.write_table(pa.table({"id": ["x"]}), tmp_path / "g.parquet")
    pq.write_table(pa.table({"2": ["x"], "1": ["y"]}), tmp_path / "h.parquet")
    files = {path.name[0]: path for path in tmp_path.iterdir()}

    def refused(names, column=None):
        with pytest.raises(ValueError, match=".") as error:
            input_format_of([files[name] for name in names], column, as_text=False)
        return str(error.value).replace(f"{tmp_path}/", "")

    assert refused("ab").startswith("a.de and b.tsv are not of one kind")
    assert refused("a", "de") == "a.de is no table, so it has no column 'de'"
    assert refused("b").startswith("b.tsv is a table; --column says")
    assert refused("b", "fr") == "b.tsv has the columns 'de', 'en'; there is no one 'fr'"
    assert refused("b", "0") == "b.tsv has the columns 'de', 'en'; there is no one '0'"
    assert refused("g", "0") == "g.parquet has the columns 'id'; there is no one '0'"
    assert refused("f", "de") == "f.tsv has the columns 'de', 'de'; there is no one 'de'"
    assert refused("bc", "de") == "c.tsv has other columns than b.tsv"
    assert refused("ge", "id") == "e.parquet has columns of other types than g.parquet"
    assert input_format_of([files["h"]], "1", as_text=False).column == "1"  # a name before a number
    assert refused("d").startswith("d.jsonl: what can be translated is")
    assert refused("i").startswith("i.de.bz2: what can be translated is")
    assert refused("e", "id") == "e.parquet: the column 'id' is of type int64; it must hold text"
    assert input_format_of([files["b"]], None, as_text=True).kind == "text"
    assert input_format_of([files["a"], files["b"]], None, as_text=True).kind == "text"
    for name, message in {
        "d": "what can be translated is",
        "e": "e.parquet has no lines; --score and --prefix",
    }.items():
        with pytest.raises(ValueError, match=message):
            input_format_of([files["a"], files[name]], None, as_text=True)


def test_patterns_stand_for_the_files_in_order(tmp_path):
    for name in ("b.de", "a.de", "c[1].de"):
        (tmp_path / name).touch()
    assert [path.name for path in input_files([tmp_path / "*.de"])] == ["a.de", "b.de", "c[1].de"]
    assert [path.name for path in input_files([tmp_path / "c[1].de"])] == ["c[1].de"]
    for wrong in ("", tmp_path / "*.fr", tmp_path):
        with pytest.raises(ValueError, match="is missing|is no file"):
            input_files([wrong])
