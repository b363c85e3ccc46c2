from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from nmt.model import loss as loss_module
from nmt.model.loss import linear_cross_entropy

W, P, FEATURES, V = 2, 11, 4, 7


@pytest.fixture
def inputs():
    make = lambda *shape: torch.randn(*shape, dtype=torch.double, requires_grad=True)  # noqa: E731
    return make(W, P, FEATURES), make(V, FEATURES), make(V), torch.randint(0, V, (P,))


def plain_loss(features, weight, bias, targets, smoothing, r_drop):
    logits = F.linear(features, weight, bias)
    loss = F.cross_entropy(
        logits.flatten(0, 1), targets.repeat(len(logits)), reduction="sum", label_smoothing=smoothing
    )
    if r_drop:
        p, q = logits.log_softmax(-1)
        both = [F.kl_div(*pair, reduction="sum", log_target=True) for pair in ((p, q), (q, p))]
        loss = loss + r_drop / 2 * sum(both)
    return loss / len(logits)


@pytest.mark.parametrize(
    ("smoothing", "r_drop", "passes"), [(0.0, 0.0, 1), (0.1, 0.0, 1), (0.1, 0.0, 2), (0.1, 5.0, 2)]
)
@pytest.mark.parametrize(("chunk", "block"), [(6, 2), (6, 4), (100, 3), (100, 100)])
def test_it_equals_the_plain_loss_in_value_and_gradients(
    inputs, smoothing, r_drop, passes, chunk, block, monkeypatch
):
    monkeypatch.setattr(loss_module, "CHUNK", chunk)
    monkeypatch.setattr(loss_module, "BLOCK", block)
    features, weight, bias, targets = inputs
    features = features[:passes]
    loss, nll = linear_cross_entropy(features, weight, bias, targets, smoothing, r_drop)
    grads = torch.autograd.grad(3 * loss, [features, weight, bias])

    plain = plain_loss(features, weight, bias, targets, smoothing, r_drop)
    torch.testing.assert_close(loss, plain)
    torch.testing.assert_close(nll, plain_loss(features, weight, bias, targets, 0.0, 0.0))
    for ours, theirs in zip(grads, torch.autograd.grad(3 * plain, [features, weight, bias]), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("r_drop", [0.0, 5.0])
@pytest.mark.parametrize("way", ["native", "torch", "triton"])
def test_what_is_ignored_counts_for_nothing(way, r_drop, monkeypatch):
    if way == "triton":
        pytest.importorskip("triton_here")
    monkeypatch.setattr(loss_module, "CHUNK", 6)
    monkeypatch.setattr(loss_module, "BLOCK", 4)
    monkeypatch.setattr(loss_module, "FILL", 4)
    if way != "native":
        monkeypatch.setattr(loss_module.native, "takes", lambda *_: False)
        monkeypatch.setattr(loss_module, "_takes_triton", lambda *_: way == "triton")
    features, weight, bias = parts = [
        torch.randn(*shape, requires_grad=True)
        for shape in ((2 if r_drop else 1, P, FEATURES), (V, FEATURES), (V,))  # C has kernels for one pass
    ]
    targets, real = torch.randint(0, V, (P,)), torch.tensor([0, 2, 3, 5, 8, 9])
    expected = linear_cross_entropy(features[:, real], weight, bias, targets[real], 0.1, r_drop)
    with_holes = torch.full_like(targets, loss_module.IGNORED).index_copy(0, real, targets[real])
    found = linear_cross_entropy(features, weight, bias, with_holes, 0.1, r_drop, has_ignored=True)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad(found[0], parts), torch.autograd.grad(expected[0], parts))


@pytest.mark.parametrize("way", ["native", "torch"])
def test_logits_of_any_size_have_a_finite_loss(way, monkeypatch):
    """The probability of a target, as of any other piece, may be too small for a number."""
    if way == "torch":
        monkeypatch.setattr(loss_module.native, "takes", lambda *_: False)
    features, weight = torch.zeros(1, P, FEATURES), torch.zeros(V, FEATURES)
    bias, targets = torch.tensor([-1000.0, 0, 500, 3, -1000, 499, 0]), torch.arange(P) % V
    exact = plain_loss(features.double(), weight.double(), bias.double(), targets, 0.1, 0.0)
    torch.testing.assert_close(linear_cross_entropy(features, weight, bias, targets, 0.1)[0], exact.float())


def test_two_equal_passes_agree_already(inputs):
    features, *rest = inputs
    twice = features[:1].expand(2, -1, -1)
    torch.testing.assert_close(
        linear_cross_entropy(twice, *rest, r_drop=5.0)[0], linear_cross_entropy(features[:1], *rest)[0]
    )


def test_the_nll_has_no_gradient(inputs):
    assert not linear_cross_entropy(*inputs)[1].requires_grad


def test_no_positions_cost_nothing(inputs):
    features, weight, bias, targets = inputs
    loss, nll = linear_cross_entropy(features[:, :0], weight, bias, targets[:0], 0.1)
    assert loss == nll == 0


@pytest.mark.parametrize("r_drop", [0.0, 5.0])
def test_under_autocast_the_logits_are_narrow_and_the_sums_are_not(r_drop):
    many = 2000  # so that a narrow sum would be far off
    features, weight, bias = (
        torch.randn(*shape, requires_grad=True) for shape in ((W, many, FEATURES), (V, FEATURES), (V,))
    )
    targets = torch.randint(0, V, (many,))
    exact, _ = linear_cross_entropy(features, weight, bias, targets, 0.1, r_drop)
    with torch.autocast("cpu", torch.bfloat16):
        rough, _ = linear_cross_entropy(features, weight, bias, targets, 0.1, r_drop)
    assert rough.dtype == torch.float32
    assert rough != exact
    torch.testing.assert_close(rough, exact, rtol=0.001, atol=0)
    rough.backward()
    assert weight.grad.dtype == torch.float32
