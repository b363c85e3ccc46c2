"""The embedded corpus equals the output of its script, and is a fair learning task."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from nmt.common.resources import resource

SCRIPT = Path(__file__).parents[1] / "scripts" / "make_demo_corpus.py"
SIZES = {"train": 20_000, "valid": 500, "test": 500}


def lines(split: str, side: str) -> list[str]:
    return (resource("data/demo") / f"{split}.{side}").read_text(encoding="utf-8").split("\n")[:-1]


def test_the_script_writes_it_byte_for_byte(tmp_path):
    subprocess.run([sys.executable, SCRIPT, tmp_path], check=True)
    for split in SIZES:
        for side in ("de", "en"):
            name = f"{split}.{side}"
            assert (tmp_path / name).read_bytes() == (resource("data/demo") / name).read_bytes()


@pytest.mark.parametrize("side", ["de", "en"])
def test_no_sentence_stands_twice_on_either_side(side):
    every = [line for split in SIZES for line in lines(split, side)]
    assert {split: len(lines(split, side)) for split in SIZES} == SIZES
    assert len(set(every)) == sum(SIZES.values())


@pytest.mark.parametrize("side", ["de", "en"])
def test_every_word_of_the_test_text_is_common_in_training(side):
    known = Counter(word for line in lines("train", side) for word in words(line))
    assert len(known) < 1500
    assert min(known[word] for line in lines("test", side) for word in words(line)) >= 5


def test_a_sentence_always_means_the_same(monkeypatch):
    """Far more sentences than in the corpus: equal German sentences must have equal translations."""
    monkeypatch.syspath_prepend(SCRIPT.parent)
    import make_demo_corpus as grammar

    rng, meaning = random.Random(0), {}
    for _ in range(10_000):
        clause = grammar.random_clause(rng, depth=1)
        pair = grammar.Text(grammar.german_clause(clause, "second"), grammar.english_clause(clause))
        assert meaning.setdefault(pair.de, pair.en) == pair.en


def words(line: str) -> list[str]:
    return [word.strip(".,?").lower() for word in line.split()]
