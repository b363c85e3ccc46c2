"""Reading safetensors: as the library does, and nothing that the library refuses."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, save

from nmt.bundle import tensors as tensors_module
from nmt.bundle.tensors import read_tensors

EXPECTED = {"w": ("F32", (2, 3)), "ids": ("I32", (None,)), "b": ("F32", (5,))}
START = 0, 20, 40, 64  # of ids, b, w, and the end


def tensors():
    return {"w": torch.randn(2, 3), "ids": torch.arange(5, dtype=torch.int32), "b": torch.randn(5)}


def file_of(header, content=bytes(range(64))):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content


def header(**changes):
    whole = {
        "ids": {"dtype": "I32", "shape": [5], "data_offsets": [0, 20]},
        "b": {"dtype": "F32", "shape": [5], "data_offsets": [20, 40]},
        "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [40, 64]},
    }
    for name, change in changes.items():
        whole[name] = {**whole.get(name, {}), **change} if change is not None else whole.pop(name) and None
    return {name: one for name, one in whole.items() if one is not None}


@pytest.mark.parametrize("padding", [0, 1, 2, 3, 7])
def test_tensors_are_those_of_the_library_wherever_they_stand(tmp_path, padding):
    saved = tensors()
    content = save(saved)
    length = struct.unpack("<Q", content[:8])[0]
    content = struct.pack("<Q", length + padding) + content[8 : 8 + length] + b" " * padding + content[8 + length :]
    (tmp_path / "x").write_bytes(content)
    found, checksum = read_tensors(tmp_path / "x", EXPECTED)
    assert checksum == hashlib.sha256(content).hexdigest()
    assert found.keys() == saved.keys()
    for name, tensor in load(content).items():
        assert found[name].equal(tensor)
        assert found[name].dtype == tensor.dtype
        assert found[name].data_ptr() % 4 == 0
        found[name] += 1  # they may be written to


def test_metadata_and_empty_tensors_are_read(tmp_path):
    content = save({**tensors(), "ids": torch.empty(0, dtype=torch.int32)}, {"format": "pt"})
    (tmp_path / "x").write_bytes(content)
    assert read_tensors(tmp_path / "x", EXPECTED)[0]["ids"].shape == (0,)


def test_entries_may_stand_in_any_order(tmp_path):
    there = header(b={"shape": [0], "data_offsets": [20, 20]}, w={"data_offsets": [20, 44]})
    (tmp_path / "x").write_bytes(file_of(dict(reversed(there.items())), bytes(44)))
    found, _ = read_tensors(tmp_path / "x", EXPECTED | {"b": ("F32", (0,))})
    assert {name: tuple(tensor.shape) for name, tensor in found.items()} == {"w": (2, 3), "ids": (5,), "b": (0,)}


def test_a_further_name_is_allowed_by_its_end_and_an_expected_one_is_what_it_must_be(tmp_path):
    (tmp_path / "x").write_bytes(save({"a.size": torch.ones(2), "b.size": torch.ones(3)}))
    found, _ = read_tensors(tmp_path / "x", {"a.size": ("F32", (2,))}, {".size": ("F32", (None,))})
    assert found.keys() == {"a.size", "b.size"}
    with pytest.raises(ValueError, match=r"a.size is F32 \[2\]; the config says I32 \[2\]"):
        read_tensors(tmp_path / "x", {"a.size": ("I32", (2,))}, {".size": ("F32", (None,))})


def test_more_than_there_is_memory_for_is_told_in_one_line(tmp_path, monkeypatch):
    def too_many(size):
        raise MemoryError

    (tmp_path / "x").write_bytes(save(tensors()))
    monkeypatch.setattr(tensors_module, "bytearray", too_many, raising=False)
    with pytest.raises(ValueError, match="x has [0-9]+ bytes, more than there is memory for"):
        read_tensors(tmp_path / "x", EXPECTED)


def test_a_file_larger_than_what_is_read_at_once(tmp_path):
    many = {"w": torch.randn(700_000)}
    (tmp_path / "x").write_bytes(save(many))
    found, checksum = read_tensors(tmp_path / "x", {"w": ("F32", (None,))})
    assert found["w"].equal(many["w"])
    assert checksum == hashlib.sha256(save(many)).hexdigest()


def test_a_file_that_comes_in_small_parts(tmp_path, monkeypatch):
    class OnANetwork(io.FileIO):
        def readinto(self, buffer):
            return super().readinto(buffer[:7])

    saved = tensors()
    (tmp_path / "x").write_bytes(save(saved))
    monkeypatch.setattr(Path, "open", lambda path, *_, **__: OnANetwork(path))
    found, checksum = read_tensors(tmp_path / "x", EXPECTED)
    assert all(found[name].equal(tensor) for name, tensor in saved.items())
    assert checksum == hashlib.sha256(save(saved)).hexdigest()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it has no header"),
        (bytes(8), "it has no header"),
        (struct.pack("<Q", 2**63) + b"{}", "it has no header"),
        (struct.pack("<Q", 3) + b"{}", "it has no header"),
        (file_of(b"{} " * 400_000), "it has no header"),
        (file_of(b"[" * 50_000), "its header is damaged"),
        (file_of(b"9" * 5_000), "its header is damaged"),
        (file_of(b"[]"), "its header is damaged"),
        (file_of(b"null"), "its header is damaged"),
        (file_of(json.dumps(header()).encode("utf-16")), "its header is damaged"),
        (file_of({"w": 3}), "its header is damaged"),
        (file_of({"w": {}}), "its header is damaged"),
        (file_of(header(w={"data_offsets": [40, 63]})), "its header is damaged"),
        (file_of(header(w={"data_offsets": [64, 40]})), "its header is damaged"),
        (file_of(header(w={"data_offsets": [40.0, 64]})), "its header is damaged"),
        (file_of(header(w={"data_offsets": [40]})), "its header is damaged"),
        (file_of(header(w={"data_offsets": [-24, 0]})), "its header is damaged"),
        (file_of(header(w={"shape": [2, 2**70]})), "its header is damaged"),
        (file_of(header(w={"shape": [2, True]})), "its header is damaged"),
        (file_of(header(w={"shape": [2**40, 2**40]})), "its header is damaged"),
        (file_of(header(w={"shape": [1] * 100_000 + [2, 3]})), "its header is damaged"),
        (file_of(header(w={"shape": {}, "data_offsets": [40, 44]}), bytes(44)), "its header is damaged"),
        (file_of(header(ids={"shape": [0, 2**70], "data_offsets": [0, 0]})), "its header is damaged"),
        (file_of(header(w={"scale": 2})), "its header is damaged"),
        (file_of(header(w={"dtype": None})), "its header is damaged"),
        (file_of(header(b={"data_offsets": [0, 20]})), "its tensors do not follow one another"),
        (file_of(header(b={"data_offsets": [0, 20]}, w={"shape": [11], "data_offsets": [20, 64]})), "do not follow"),
        (file_of(header(w={"data_offsets": [44, 68]})), "its tensors do not follow one another"),
        (file_of(header(), bytes(65)), "it has [0-9]+ bytes, and its header is of [0-9]+"),
        (file_of(header(), bytes(63)), "it has [0-9]+ bytes, and its header is of [0-9]+"),
        (file_of(header(b=None, ids={"shape": [10], "data_offsets": [0, 40]})), "lacks the weight b"),
        (file_of(header(c={"dtype": "F32", "shape": [0], "data_offsets": [64, 64]})), "the weight c"),
        (file_of(header(w={"shape": [3, 2]})), r"w is F32 \[3, 2\]; the config says F32 \[2, 3\]"),
        (file_of(header(w={"shape": [2, 3, 1]})), r"w is F32 \[2, 3, 1\]; the config says F32 \[2, 3\]"),
        (file_of(header(w={"dtype": "BF16"})), r"w is BF16 \[2, 3\]; the config says F32 \[2, 3\]"),
    ],
)
def test_a_file_that_does_not_fit_together_is_refused(tmp_path, content, message):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ValueError, match=f"x.*{message}"):
        read_tensors(tmp_path / "x", EXPECTED)


def test_a_file_of_holes_takes_no_memory(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(save(tensors()))
    os.truncate(path, 1 << 40)
    tracemalloc.start()
    with pytest.raises(ValueError, match="it has 1099511627776 bytes"):
        read_tensors(path, EXPECTED)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="x cannot be read: No such file or directory"):
        read_tensors(tmp_path / "x", EXPECTED)


NUMBERS = st.sampled_from([-1, 0, 1, 2, 3, 5, 20, 24, 40, 64, 2**31, 2**63, 10**400, 1.0, True, None])


@given(
    name=st.sampled_from(["w", "ids", "b"]),
    key=st.sampled_from(["dtype", "shape", "data_offsets", "x"]),
    value=st.lists(NUMBERS, max_size=3) | st.sampled_from(["F32", "I32", "F64", "BF16", None, {}]),
)
def test_what_the_library_refuses_is_refused(tmp_path_factory, name, key, value):
    content = file_of(header(**{name: {key: value}}))
    path = tmp_path_factory.getbasetemp() / "changed"
    path.write_bytes(content)
    found = None
    with suppress(ValueError):
        found, _ = read_tensors(path, EXPECTED)
    if found is not None:
        usual = load(content)
        assert all(found[name].view(torch.int32).equal(usual[name].view(torch.int32)) for name in usual)
