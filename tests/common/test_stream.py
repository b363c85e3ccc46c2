from __future__ import annotations

import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.common import stream
from nmt.common.stream import lines_left, read_groups, valid


def lines_of(content: bytes, group_size=100, **settings):
    """Feed `content` through a pipe."""
    reader, writer = os.pipe()

    def feed():
        with os.fdopen(writer, "wb") as file:
            file.write(content)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        return [line for group in read_groups(reader, group_size, **settings) for line in group]
    finally:
        thread.join()
        os.close(reader)


def test_a_line_ends_at_newline_and_nowhere_else():
    content = "a\rb\u2028c\x85d\x0be\x0cf\x1cg\x00h\n\ni"
    lines = lines_of(content.encode())
    assert [line.text for line in lines] == ["a\rb\u2028c\x85d\x0be\x0cf\x1cg\x00h", "", "i"]
    assert [line.number for line in lines] == [1, 2, 3]
    assert [line.fault for line in lines] == [None] * 3


def test_windows_ends_and_a_bom_are_dropped():
    assert [line.text for line in lines_of(b"\xef\xbb\xbfa\r\n\xef\xbb\xbfb\r\n\r\n")] == ["a", "\ufeffb", ""]


def test_bytes_that_are_not_utf8_are_replaced_and_reported():
    first, second = lines_of(b"a\xffb\nc\n")
    assert first.text == "a\ufffdb"
    assert first.fault.startswith("not UTF-8")
    assert second.fault is None


def test_an_endless_line_is_cut_and_the_next_one_is_whole():
    first, second = lines_of("é".encode() * 200_000 + b"\nnext", max_bytes=101)
    assert first.text == "é" * 50
    assert first.fault == "longer than 101 bytes; the rest is left out"
    assert second == (2, "next", None)


@pytest.mark.parametrize("chunk", [1, 100])
def test_what_is_dropped_does_not_count_as_length(monkeypatch, chunk):
    monkeypatch.setattr(stream, "CHUNK_BYTES", chunk)
    assert lines_of(stream.BOM + b"1234\r\n12345\r\n", max_bytes=4) == [
        (1, "1234", None),
        (2, "1234", "longer than 4 bytes; the rest is left out"),
    ]


PARTS = [b"\n", b"\n", b"\r", b"\x00", b"a", stream.BOM, "\u2028".encode(), b"\xed\xa0\x80", b"\xff", b"\xc3"]


@given(
    st.binary(max_size=300) | st.lists(st.sampled_from(PARTS), max_size=100).map(b"".join),
    st.integers(1, 5),
    st.integers(1, 7),
    st.integers(4, 400),
)
def test_any_bytes_give_a_line_for_every_newline_however_they_come(content, group_size, chunk, max_bytes):
    before, stream.CHUNK_BYTES = stream.CHUNK_BYTES, chunk
    try:
        lines = lines_of(content, group_size, max_bytes=max_bytes)
    finally:
        stream.CHUNK_BYTES = before
    raws = content.removesuffix(b"\n").split(b"\n") if content else []
    assert [line.number for line in lines] == list(range(1, len(raws) + 1))
    for line, raw in zip(lines, raws, strict=True):
        assert "\n" not in line.text
        raw = raw.removesuffix(b"\r").removeprefix(stream.BOM if line.number == 1 else b"")
        if len(raw) > max_bytes:  # what is dropped does not count
            assert line.text == raw[:max_bytes].decode(errors="ignore")
            assert line.fault.startswith("longer than")
            continue
        assert line.text == raw.decode(errors="replace")
        assert (line.fault is None) == (line.text.encode() == raw)


def test_a_line_is_handed_on_before_the_next_one_comes():
    reader, writer = os.pipe()
    groups = read_groups(reader, 100)
    for text in (b"first", b"second"):
        os.write(writer, text + b"\n")
        assert [line.text for line in next(groups)] == [text.decode()]
    os.write(writer, b"no newline")
    os.close(writer)
    assert [line.text for line in next(groups)] == ["no newline"]
    assert list(groups) == []
    os.close(reader)


def test_groups_have_at_most_their_size():
    reader, writer = os.pipe()
    os.write(writer, b"x\n" * 7)
    os.close(writer)
    assert [len(group) for group in read_groups(reader, 3)] == [3, 3, 1]
    os.close(reader)


def test_a_group_of_long_lines_ends_early(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "GROUP_BYTES", 100)
    path = tmp_path / "lines"
    path.write_bytes(b"".join(b"x" * 40 + b"\n" for _ in range(7)))
    descriptor = os.open(path, os.O_RDONLY)
    groups = list(read_groups(descriptor, 100))
    os.close(descriptor)
    assert [len(group) for group in groups] == [3, 3, 1]
    assert [line.number for group in groups for line in group] == list(range(1, 8))


def test_how_many_lines_are_left_in_a_file_is_known_and_none_is_taken(tmp_path):
    path = tmp_path / "text"
    for content in (b"", b"one", b"one\n", b"one\n\ntwo", b"x\n" * 600_000):
        path.write_bytes(content)
        with path.open("rb") as file:
            expected = sum(len(group) for group in read_groups(file.fileno(), 100))
            file.seek(0)
            assert lines_left(file.fileno()) == expected
            assert file.read() == content
            assert lines_left(file.fileno()) == 0
    reader, writer = os.pipe()
    assert lines_left(reader) is None
    os.close(reader)
    os.close(writer)


@given(st.text(st.characters() | st.sampled_from("\ud800\udbff\udc00\udfff\U0001f600aä")))
def test_valid_text_stays_and_half_a_character_becomes_a_sign_for_it(text):
    found = valid(text)
    assert found.encode().decode() == found
    if not any("\ud800" <= sign <= "\udfff" for sign in text):
        assert found == text
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")  # two halves may be one
    assert found == whole
