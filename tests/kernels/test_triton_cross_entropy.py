"""Cross-entropy's kernels in Triton: on a GPU where there is one, else in Triton's interpreter."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from triton_here import DEVICE

from nmt.kernels import triton_cross_entropy
from nmt.kernels.triton_cross_entropy import to_gradient
from nmt.model import loss as loss_module

POSITIONS, PADDED, SHARE = 3, 5, 0.9


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("pieces", [7, 64, 130])
@pytest.mark.parametrize(("passes", "r_drop"), [(1, 0.0), (2, 0.0), (2, 5.0)])
def test_logits_become_the_gradient_and_their_sums_are_right(passes, r_drop, pieces, dtype, monkeypatch):
    monkeypatch.setattr(triton_cross_entropy, "BLOCK", 32)  # several to a row
    logits = (3 * torch.randn(passes, PADDED, pieces, device=DEVICE)).to(dtype)
    logits[0, 1, 3] += 90
    targets = torch.randint(pieces, (POSITIONS,), device=DEVICE)
    exact = logits.double().requires_grad_()
    log_probs = exact[:, :POSITIONS].log_softmax(-1)
    partitions = exact[:, :POSITIONS].logsumexp(-1).sum()
    chosen = exact[:, :POSITIONS].gather(-1, targets.expand(passes, -1)[..., None]).sum()
    divergence = torch.zeros((), device=DEVICE, dtype=torch.double)
    if r_drop:
        pairs = (log_probs, log_probs.flip(0))
        divergence = F.kl_div(*pairs, reduction="sum", log_target=True)
    (gradient,) = torch.autograd.grad(partitions - SHARE * chosen + r_drop / 2 * divergence, exact)
    sums = to_gradient(logits, targets, SHARE, r_drop)
    torch.testing.assert_close(sums.double(), torch.stack([partitions, chosen, divergence]), rtol=1e-5, atol=1e-5)
    eps = max(1e-5, torch.finfo(dtype).eps)
    torch.testing.assert_close(logits.double(), gradient, rtol=eps, atol=1e-5 * float(gradient.abs().max()))
    assert not logits[:, POSITIONS:].any()


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # NumPy's, in the interpreter
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_hidden(value):
    logits = torch.zeros(1, 2, 9, device=DEVICE)
    logits[0, 1, 4] = value
    sums = to_gradient(logits, torch.zeros(2, dtype=torch.long, device=DEVICE), SHARE, 0.0)
    assert not sums[0].isfinite()
    assert logits[0, 0].isfinite().all()
    assert not logits[0, 1].isfinite().all()


def test_no_positions_are_nothing():
    logits, targets = torch.zeros(2, 0, 9, device=DEVICE), torch.zeros(0, dtype=torch.long, device=DEVICE)
    assert not to_gradient(logits, targets, SHARE, 0.0).any()


@pytest.mark.parametrize("r_drop", [0.0, 5.0])
def test_the_loss_by_the_kernel_is_the_loss_by_torch(r_drop, monkeypatch, caplog):
    for dtype in (torch.float32, torch.bfloat16):
        assert loss_module._has_triton.__wrapped__(DEVICE, dtype, bool(r_drop))
    assert caplog.messages == []
    parts = [torch.randn(*shape, device=DEVICE, requires_grad=True) for shape in ((2, 11, 4), (7, 4), (7,))]
    targets = torch.randint(7, (11,), device=DEVICE)
    found = []
    monkeypatch.setattr(loss_module.native, "takes", lambda *_: False)
    for by_kernel in (True, False):
        monkeypatch.setattr(loss_module, "_takes_triton", lambda *_, by_kernel=by_kernel: by_kernel)
        loss, nll = loss_module.linear_cross_entropy(*parts, targets, 0.1, r_drop)
        found.append((loss, nll, *torch.autograd.grad(loss, parts)))
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-5)


def test_a_kernel_that_fails_is_told_once_and_not_used(monkeypatch, caplog):
    monkeypatch.setattr(triton_cross_entropy, "to_gradient", lambda logits, *_: torch.zeros(3, device=DEVICE))
    assert not loss_module._has_triton.__wrapped__(DEVICE, torch.float32, False)
    (message,) = caplog.messages
    assert message.startswith("torch computes cross-entropy's gradient, as the kernel for it fails here: it is wrong")
