from __future__ import annotations

import pytest
import torch

from nmt.search import topk as module
from nmt.search.topk import argmax, top


@pytest.mark.parametrize("many", [0, 10**9])
@pytest.mark.parametrize("width", [1, 3])
def test_the_largest_of_each_sentence_come_best_first(width, many, monkeypatch):
    monkeypatch.setattr(module, "MANY", many)
    x = torch.randn(4 * width, 40)
    x[1, 7] = -torch.inf
    expected = x.view(4, -1).topk(6)
    best, index = top(x.clone(), 4, 6, 6)
    assert torch.equal(best, expected.values)
    assert torch.equal(index, expected.indices)
    assert torch.equal(argmax(x), x.argmax(1))


@pytest.mark.parametrize("many", [0, 10**9])
def test_where_there_are_fewer_all_come(many, monkeypatch):
    monkeypatch.setattr(module, "MANY", many)
    best, index = top(torch.tensor([[1.0, 3.0], [2.0, 0.0]]), 1, 10, 2)
    assert best.tolist() == [[3, 2, 1, 0]]
    assert index.tolist() == [[1, 2, 0, 3]]
