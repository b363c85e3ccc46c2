"""The kernels in Triton against torch's own way: in Triton's interpreter, or on a GPU where one is."""

from __future__ import annotations

import re

import pytest
import torch
import toy
from row_functions import TRACEABLE
from triton_here import DEVICE

from nmt.kernels import check, scan, steps, triton_steps
from nmt.kernels.trace import trace
from nmt.model import loop as loop_module
from nmt.model import recurrent
from nmt.model.recurrent import Recurrent, loop

B, T, E, H = 2, 4, 3, 5
WIDE = scan.LANES + 3  # units of which one program has not all


KINDS = {name: toy.CELL_KINDS[name] for name in TRACEABLE}
FEW = ["gru", "lstm_ln", "slstm", "sru"]  # together they read and write all that kernels do
STRUCTURES = ["gru", "gru, depth 3", "indrnn", "lstm_ln, depth 2", "lstm_odyssey", "lstm_peephole", "slstm", "sru"]


@pytest.fixture
def _kernels(monkeypatch):
    """Take the kernels wherever they can compute."""
    monkeypatch.setattr(loop_module, "steps_of", lambda cell, *_: triton_steps.TritonSteps(cell))


@pytest.mark.parametrize(
    ("name", "narrow", "bound"),
    [*((name, torch.float32, 1e-5) for name in TRACEABLE), *((name, torch.bfloat16, 2e-2) for name in FEW)],
)
def test_a_step_equals_pointwise_and_its_gradient_by_autograd(name, narrow, bound):
    cell = KINDS[name]
    found = check.results(triton_steps.TritonSteps(cell), cell, DEVICE, narrow, H)
    expected = check.results(steps.TorchSteps(cell), cell, DEVICE, torch.double, H)
    for part, x in found.items():
        torch.testing.assert_close(x.double(), expected[part], rtol=bound, atol=bound, msg=part)


def values_and_gradients(cell, dtype, masked):
    """Of two layers side by side (T,B,E), by name; the same numbers in every precision."""
    torch.manual_seed(1)
    layers = [Recurrent(cell, E, H) for _ in range(2)]
    for parameter in (parameter for one in layers for parameter in one.parameters()):
        torch.nn.init.normal_(parameter, std=0.5)
    layers = [one.to(DEVICE, dtype) for one in layers]
    inputs = [torch.randn(B, T, E).to(DEVICE, dtype).requires_grad_() for _ in layers]
    given = torch.randn(2, cell.num_initial_vectors, B, H).to(DEVICE, dtype).requires_grad_()
    masks = [torch.randint(0, 2, (B, H)).to(DEVICE, dtype) * 2 if masked else None for _ in layers]
    outputs = torch.stack(list(loop(layers, inputs, [cell.start(*one) for one in given], masks)))
    (outputs * torch.randn(outputs.shape).to(DEVICE, dtype)).sum().backward()
    found = {"outputs": outputs.detach(), "given": given.grad} | {f"x{k}": x.grad for k, x in enumerate(inputs)}
    return found | {f"{k} {name}": p.grad for k, one in enumerate(layers) for name, p in one.named_parameters()}


@pytest.mark.parametrize(
    ("name", "masked"), [*((name, False) for name in STRUCTURES), ("gru", True), ("lstm_ln", True)]
)
def test_the_loop_by_kernels_equals_the_loop_by_torch(name, masked, request):
    expected = values_and_gradients(KINDS[name], torch.double, masked)
    request.getfixturevalue("_kernels")
    found = values_and_gradients(KINDS[name], torch.float32, masked)
    for part, x in expected.items():
        torch.testing.assert_close(found[part].double(), x, rtol=1e-4, atol=1e-4, msg=part)


@pytest.fixture
def started(monkeypatch):
    """The names of the kernels that were started."""
    names, start = [], triton_steps.start
    monkeypatch.setattr(
        triton_steps, "start", lambda kernel, *rest: (names.append(kernel.__name__), start(kernel, *rest))
    )
    return names


@pytest.mark.usefixtures("_kernels")
@pytest.mark.parametrize(("name", "last"), [("lstm", 0), ("lstm_ln", 1)])
def test_a_step_is_one_kernel_each_way(name, last, started):
    values_and_gradients(KINDS[name], torch.float32, masked=False)
    forward, backward = ([name for name in started if name.endswith(way)] for way in ("_forward", "_backward"))
    assert (len(forward), len(backward), len(started)) == (T, T, 2 * T + last)


def fails(*_):
    raise RuntimeError("no such architecture\nfor this GPU")


@pytest.mark.parametrize(
    ("start", "reason"),
    [(lambda *_: None, "it is wrong by .*|.* is shorter than .*"), (fails, "no such architecture")],
)
def test_a_kernel_that_fails_is_left_out_with_one_warning(start, reason, monkeypatch, caplog):
    monkeypatch.setattr(triton_steps, "can_compute", lambda *_: True)
    monkeypatch.setattr(triton_steps, "start", start)
    steps.agrees.cache_clear()
    for _ in range(2):
        found = steps.steps_of(KINDS["lstm"], DEVICE, torch.float32, torch.float32, H)
        assert not isinstance(found, triton_steps.TritonSteps)
    steps.agrees.cache_clear()
    (warning,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert re.fullmatch(f"torch computes LSTM on {DEVICE}, as the kernel for it fails here: ({reason})", warning)


def test_a_kernel_that_is_right_is_taken(monkeypatch):
    monkeypatch.setattr(triton_steps, "can_compute", lambda *_: True)
    steps.agrees.cache_clear()
    found = steps.steps_of(KINDS["lstm_ln"], DEVICE, torch.float32, torch.float32, H)
    assert isinstance(found, triton_steps.TritonSteps)


def test_what_no_kernel_can_compute_keeps_torch(monkeypatch):
    gpu, float32 = torch.device("cuda"), torch.float32
    assert triton_steps.can_compute(KINDS["lstm"], gpu, torch.float16, float32, H)
    assert not triton_steps.can_compute(KINDS["lstm"], gpu, torch.double, torch.double, H)
    assert not triton_steps.can_compute(KINDS["lstm"], gpu, float32, float32, triton_steps.MOST_UNITS + 1)
    assert not triton_steps.can_compute(toy.CELL_KINDS["mlstm"], gpu, float32, float32, H)
    monkeypatch.setattr("nmt.kernels.operands.trace", None)  # known by now: nothing is traced at each call
    assert not triton_steps.can_compute(toy.CELL_KINDS["mlstm"], gpu, float32, float32, H)


SCANS = ["indrnn", "mingru", "minlstm", "sru", "ssru"]


def scanned(way, name, dtype, narrow):
    torch.manual_seed(1)
    cell = KINDS[name]

    def random(*shape):
        return torch.randn(shape).to(narrow).to(DEVICE, dtype).requires_grad_()

    x, given = random(B, T, cell.gate_rows(WIDE).all), random(cell.num_initial_vectors, B, WIDE)
    own = {part: random(*value.shape) for part, value in cell.own_parameters(WIDE).items()}
    h = way(cell, x.to(narrow) if dtype == torch.float32 else x, cell.start(*given), own)
    h.backward(random(*h.shape).detach().to(h.dtype))
    return {"h": h.detach(), "x": x.grad, "given": given.grad} | {part: value.grad for part, value in own.items()}


@pytest.mark.parametrize("name", SCANS)
@pytest.mark.parametrize(("narrow", "bound"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_a_scan_equals_one_step_after_the_other(name, narrow, bound):
    found = scanned(scan.scan, name, torch.float32, narrow)
    for part, x in scanned(scan.by_pointwise, name, torch.double, narrow).items():
        torch.testing.assert_close(found[part].double(), x, rtol=bound, atol=bound, msg=part)


def test_cells_that_work_unit_by_unit_and_see_no_h_are_scanned(monkeypatch):
    monkeypatch.setattr(triton_steps, "can_compute", lambda *_: True)
    monkeypatch.setattr(scan, "agrees", lambda *_: True)
    settings = DEVICE, torch.float32, torch.float32
    assert sorted(name for name, cell in KINDS.items() if scan.can_scan(cell, *settings)) == SCANS


def test_a_scan_is_one_kernel_each_way(started):
    assert scan.agrees.__wrapped__(KINDS["ssru"], DEVICE, torch.float32)
    assert started == ["forward", "backward"]


@torch.inference_mode()
def test_a_cell_is_traced_and_tried_without_a_trace():
    """Whoever asks first may be searching, and his random numbers are his."""
    state = torch.get_rng_state()
    traced = trace(KINDS["indrnn"])
    assert "grad_recurrent" in traced.backward.outputs
    assert scan.agrees.__wrapped__(KINDS["indrnn"], DEVICE, torch.float32)
    assert steps.agrees.__wrapped__(KINDS["gru"], DEVICE, torch.float32, H)
    assert state.equal(torch.get_rng_state())


@pytest.fixture
def _as_on_a_gpu(monkeypatch):
    """Take a GPU's branches here, with products in bfloat16."""
    monkeypatch.setattr(triton_steps, "can_compute", lambda *_: True)
    monkeypatch.setattr(recurrent, "replaces_torch", lambda *_: True)
    with torch.autocast(DEVICE.type, torch.bfloat16):
        yield


@pytest.mark.usefixtures("_as_on_a_gpu")
@pytest.mark.parametrize(("name", "expected"), [("lstm", 2 * T), ("lstm_ln", 2 * T + 1), ("ssru", 2), ("sru", 2)])
def test_how_many_kernels_a_layer_starts_in_training(name, expected, monkeypatch):
    layer = Recurrent(KINDS[name], E, H).to(DEVICE)
    layer(torch.randn(B, T, E, device=DEVICE)).sum().backward()  # tries them
    names, start = [], triton_steps.start
    monkeypatch.setattr(triton_steps, "start", lambda *rest: (names.append(rest[0].__name__), start(*rest)))
    x = torch.randn(B, T, E, device=DEVICE, requires_grad=True)
    outputs = layer(x)
    outputs.sum().backward()
    assert outputs.dtype == torch.bfloat16
    assert all(part.grad.isfinite().all() for part in (x, *layer.parameters()))
    assert len(names) == expected
