from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from nmt.model import loss as loss_module
from nmt.model.loss import linear_cross_entropy

P, FEATURES, V = 11, 4, 7


@pytest.fixture
def inputs():
    make = lambda *shape: torch.randn(*shape, dtype=torch.double, requires_grad=True)  # noqa: E731
    return make(P, FEATURES), make(V, FEATURES), make(V), torch.randint(0, V, (P,))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(("chunk", "block"), [(6, 2), (6, 4), (100, 3), (100, 100)])
def test_it_equals_the_plain_loss_in_value_and_gradients(inputs, smoothing, chunk, block, monkeypatch):
    monkeypatch.setattr(loss_module, "CHUNK", chunk)
    monkeypatch.setattr(loss_module, "BLOCK", block)
    features, weight, bias, targets = inputs
    loss, nll = linear_cross_entropy(features, weight, bias, targets, smoothing)
    grads = torch.autograd.grad(3 * loss, [features, weight, bias])

    logits = F.linear(features, weight, bias)
    plain = F.cross_entropy(logits, targets, reduction="sum", label_smoothing=smoothing)
    torch.testing.assert_close(loss, plain)
    torch.testing.assert_close(nll, F.cross_entropy(logits, targets, reduction="sum"))
    for ours, theirs in zip(grads, torch.autograd.grad(3 * plain, [features, weight, bias]), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_nll_has_no_gradient(inputs):
    assert not linear_cross_entropy(*inputs)[1].requires_grad


def test_no_positions_cost_nothing(inputs):
    features, weight, bias, targets = inputs
    loss, nll = linear_cross_entropy(features[:0], weight, bias, targets[:0], 0.1)
    assert loss == nll == 0


def test_under_autocast_the_logits_are_narrow_and_the_sums_are_not():
    features, weight, bias = (
        torch.randn(*shape, requires_grad=True) for shape in ((P, FEATURES), (V, FEATURES), (V,))
    )
    targets = torch.randint(0, V, (P,))
    exact, _ = linear_cross_entropy(features, weight, bias, targets)
    with torch.autocast("cpu", torch.bfloat16):
        rough, _ = linear_cross_entropy(features, weight, bias, targets)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, rtol=0.02, atol=0)
    rough.backward()
    assert weight.grad.dtype == torch.float32
