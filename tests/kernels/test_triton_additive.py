"""Additive attention's kernels in Triton: on a GPU where there is one, else in Triton's interpreter."""

from __future__ import annotations

import pytest
import torch
from triton_here import DEVICE

from nmt.kernels import additive, triton_additive
from nmt.kernels.additive import LIMIT

SIZES = [(2, 3, 5, 1, 7), (1, 9, 17, 3, 33), (3, 1, 2, 2, 40), (1, 34, 4, 1, 5)]  # B, T, S, A, D


def given(batch, queries, keys, heads, size, dtype):
    q, k = (3 * torch.randn(batch, length, heads * size, device=DEVICE) for length in (queries, keys))
    q[0, 0, :3], k[0, 0, :3] = torch.tensor([30.0, -30, 25]), torch.tensor([-30.0, -30, -19])
    return q.to(dtype), k.to(dtype), torch.randn(heads, size, device=DEVICE)


def expected_scores(q, k, v):
    q, k = (part.clamp(-LIMIT, LIMIT).unflatten(-1, v.shape) for part in (q, k))  # (B, L, A, D)
    return ((q[:, :, None] + k[:, None]).tanh() * v).sum(-1).permute(0, 3, 1, 2)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float16, 2e-3), (torch.bfloat16, 2e-2)]
)
def test_scores_and_gradients_equal_those_of_the_equation(sizes, dtype, tolerance):
    parts = given(*sizes, dtype)
    exact = [part.double().requires_grad_() for part in parts]
    scores, expected = triton_additive.scores(*parts, LIMIT), expected_scores(*exact)
    torch.testing.assert_close(scores.double(), expected, rtol=1e-5, atol=2e-5)
    grad = torch.randn_like(scores)
    grads = triton_additive.gradients(*parts, grad, LIMIT)
    for found, wanted in zip(grads, torch.autograd.grad(expected, exact, grad.double()), strict=True):
        torch.testing.assert_close(found.double(), wanted, rtol=tolerance, atol=tolerance * float(wanted.abs().max()))
    assert [found.dtype for found in grads] == [dtype, dtype, torch.float32]


def test_nothing_to_score_is_nothing():
    q, k, v = torch.zeros(2, 0, 6), torch.zeros(2, 3, 6), torch.ones(2, 3)
    scores = triton_additive.scores(q, k, v, LIMIT)
    assert scores.shape == (2, 2, 0, 3)
    assert not any(grad.any() for grad in triton_additive.gradients(q, k, v, scores, LIMIT))


def test_the_trial_passes_and_by_the_kernel_all_is_as_in_chunks(caplog):
    assert additive._has_triton.__wrapped__(DEVICE, torch.float32)
    assert additive._has_triton.__wrapped__(DEVICE, torch.bfloat16)
    assert caplog.messages == []
    parts = [part.requires_grad_() for part in given(2, 3, 5, 2, 7, torch.float32)]
    found = [scores(*parts) for scores in (additive._ByTriton.apply, additive._in_chunks)]
    grads = [torch.autograd.grad(scores.sin().sum(), parts) for scores in found]
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(*grads, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fault", ["wrong", "none"])
def test_a_kernel_that_fails_is_told_once_and_not_used(fault, monkeypatch, caplog):
    def scores(q, k, v, limit):
        if fault == "none":
            raise RuntimeError("no compiler\nat all")
        return 1.1 * expected_scores(q, k, v)

    monkeypatch.setattr(triton_additive, "scores", scores)
    before = torch.get_rng_state()
    assert not additive._has_triton.__wrapped__(DEVICE, torch.float32)
    assert torch.equal(torch.get_rng_state(), before)
    (message,) = caplog.messages
    assert message.startswith("torch computes additive attention, as the kernel for it fails here: ")
    assert ("wrong by 0.1" in message) == (fault == "wrong")
    assert "at all" not in message
