from __future__ import annotations

import pytest
import torch

from nmt.search import top as module
from nmt.search.top import argmax, top


@pytest.mark.parametrize("many", [0, 10**9])
@pytest.mark.parametrize("k", [1, 6])
def test_the_largest_of_each_row_come_best_first(k, many, monkeypatch):
    monkeypatch.setattr(module, "MANY", many)
    x = torch.randn(5, 40)
    x[1, 7] = -torch.inf
    expected = x.topk(k)
    best, index = top(x.clone(), k)
    assert torch.equal(best, expected.values)
    assert torch.equal(index, expected.indices)
    assert torch.equal(argmax(x), x.argmax(1))
