from __future__ import annotations

import random

import pytest

from nmt.data import duplicates
from nmt.data.duplicates import Duplicates
from nmt.data.readers import Pair


@pytest.mark.parametrize("most", [5, 1000])
def test_repeated_pairs_are_found_alike_in_memory_and_on_disk(tmp_path, monkeypatch, most):
    monkeypatch.setattr(duplicates, "MAX_IN_MEMORY", most)
    chance = random.Random(1)
    pairs = [Pair(f"a{chance.randrange(40)}", "b", line) for line in range(90)]
    pairs += [pair._replace(languages=("de", "en")) for pair in pairs[:7]]  # of others they are others
    reads = []

    def read():
        reads.append(1)
        return iter(pairs)

    seen, expected = set(), []
    for pair in pairs:
        key = pair.src, pair.tgt, pair.languages
        expected.append(key in seen)
        seen.add(key)
    found = Duplicates(read, tmp_path / "cache")
    for _ in range(2):
        repeats = found.check()
        assert [repeats(number, pair) for number, pair in enumerate(pairs)] == expected
    assert len(reads) == (most == 5)  # once for all passes
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
