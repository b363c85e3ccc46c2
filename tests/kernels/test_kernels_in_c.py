"""The kernels in C against `pointwise` and autograd in double precision, for each instruction set of this machine."""

from __future__ import annotations

import itertools
import random
import re
import runpy
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import toy
from row_functions import FEW, TRACEABLE, by_torch, step_inputs, traced

import nmt.cells
from nmt.kernels import native
from nmt.kernels.operands import NARROW_OPERANDS, digest
from nmt.kernels.steps import NativeSteps, TorchSteps, steps_of
from nmt.model.recurrent import Recurrent, loop
from nmt.native.build import CELLS, FOLDER, cells_library

ROOT = Path(__file__).parents[2]
BEST = native.instructions()
SETS = {  # what the machine can do -> what it therefore can do too
    "AVX512": ["AVX512", "AVX2", "DEFAULT"],
    "AVX2": ["AVX2", "DEFAULT"],
}.get(BEST, ["DEFAULT"])
SETS = [name for name in SETS if cells_library(name).exists()]
WIDTHS = {torch.float32: "float32", torch.bfloat16: "bfloat16"}
LANES = {"AVX512": 16, "AVX2": 8, "DEFAULT": 4}
NUMBERS = [0.0, -0.0, 1e-30, -1e-30, 15.0, -15.0]  # gates of unusual size
SHAPES = [(1, 3, 2), (2, 1, 3), (1, 1, 1), (2, 5, 2), (1, 2, 3)]  # layers, rows, steps

needs_kernels = pytest.mark.skipif(not SETS, reason="nmt/native is not compiled")
narrows = pytest.mark.parametrize("narrow", WIDTHS, ids=WIDTHS.values())
cells = pytest.mark.parametrize("name", TRACEABLE)
cells_and_sets = pytest.mark.parametrize(  # sets of instructions differ in the functions of vectors.h alone
    ("name", "instructions"),
    [*((name, SETS[0]) for name in TRACEABLE if SETS), *itertools.product(FEW, SETS[1:])],
    indirect=["instructions"],
)


@pytest.fixture
def instructions(request, monkeypatch):
    """Kernels for these, though the machine may have better ones."""
    monkeypatch.setattr(native, "instructions", lambda: request.param)
    return request.param


@pytest.fixture
def two_threads():
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


def without_kernels(monkeypatch):
    monkeypatch.setattr(native, "functions_of", lambda cell: None)


def sizes(instructions, seed):
    """(units, layers, rows, steps): units fewer than a vector has, as many, more, and many more."""
    lanes, draw = LANES[instructions], random.Random(seed)
    units = [1, draw.randrange(2, lanes + 1), lanes, lanes + draw.randrange(1, lanes), draw.randrange(70, 100)]
    return [(n, *layers_and_rows) for n, layers_and_rows in zip(units, SHAPES, strict=True)]


def a_step_of(cell, layers, rows, length, units, narrow):
    """Tensors of all steps, as a loop has them: those that are read are random."""
    torch.manual_seed(units)
    parts = {}
    made, own = step_inputs(cell, length * layers * rows, units)
    for key, part in made.items():
        wide = narrow if key in NARROW_OPERANDS else torch.float32
        parts[key] = part.view(length, layers, rows, -1).to(wide)
    usual = parts["gates" if parts["gates"].numel() else "x"]
    usual.view(-1)[: len(NUMBERS)] = torch.tensor(NUMBERS)[: usual.numel()].to(narrow)
    of_own = {key: torch.randn(layers, *part.shape) for key, part in own.items()}
    parts |= {key: part.view(1, layers, 1, -1) for key, part in of_own.items()}
    for key in ("hidden", *(f"new_{state}" for state in cell.states)):
        wide = narrow if key in NARROW_OPERANDS else torch.float32
        parts[key] = torch.full((length, layers, rows, units), torch.nan, dtype=wide)
    for key in ("grad_output", "grad_product", *(f"grad_new_{state}" for state in cell.states)):
        wide = narrow if key in NARROW_OPERANDS else torch.float32
        parts[key] = torch.randn(length if key == "grad_output" else 1, layers, rows, units).to(wide)
    for key in ("gates", "x"):
        parts[f"grad_{key}"] = torch.full_like(parts[key], torch.nan)
    for key in cell.states:
        parts[f"grad_{key}"] = torch.full((1, layers, rows, units), torch.nan)
    return parts, of_own


def expected_of(cell, parts, own, t, layer):
    """Of one step and layer by torch: the new state and the gradients."""
    inputs = {key: parts[key][t, layer].double() for key in ("gates", "x", *cell.states)}
    keys = ["grad_output", "grad_product", *(f"grad_new_{state}" for state in cell.states)]
    grads = {key: parts[key][t if key == "grad_output" else 0, layer].double() for key in keys}
    if "grad_new_h" not in traced(cell).backward.inputs:  # h goes on as R h alone
        grads["grad_new_h"] = torch.zeros_like(grads["grad_new_h"])
    return by_torch(cell, inputs, {key: part[layer].double() for key, part in own.items()}, grads)


def assert_close(found, expected, what):
    """As exact as its numbers are, and a gradient as the largest of its tensor."""
    tolerance = 1e-2 if found.dtype == torch.bfloat16 else 1e-4
    least = tolerance / 10 * expected.abs().amax().clamp(min=1).item() if expected.numel() else 0
    torch.testing.assert_close(
        found.double(), expected, rtol=tolerance, atol=least, msg=lambda text: f"{what}: {text}"
    )


@needs_kernels
@narrows
@cells_and_sets
def test_a_step_is_the_cells_and_its_gradient(name, narrow, instructions):
    cell = toy.CELL_KINDS[name]
    functions = native.functions_of(cell)
    assert functions is not None
    for units, layers, rows, length in sizes(instructions, name):
        parts, own = a_step_of(cell, layers, rows, length, units, narrow)
        sums = native.chunks(layers * rows, units)
        for key, part in own.items():
            parts[f"grad_{key}"] = torch.zeros(sums, layers, 1, part[0].numel())
        way, back = native.step_call(functions.forward, parts), native.step_call(functions.backward, parts)
        for t in range(length):
            for key in own:
                parts[f"grad_{key}"].zero_()
            way(t)
            back(t)
            for layer in range(layers):
                new, grads = expected_of(cell, parts, own, t, layer)
                for access in (*functions.forward.operands, *functions.backward.operands):
                    what = f"{access.name} of {units} units, layer {layer} of {layers}, step {t}"
                    found = parts[access.name]
                    if access.is_sum:
                        of_one = found.sum(0)[layer].view_as(grads[access.name])
                        assert_close(of_one, grads[access.name], what)
                    elif access.is_written:
                        assert_close(found[t if len(found) > 1 else 0, layer], (new | grads)[access.name], what)


@needs_kernels
@narrows
@cells_and_sets
def test_what_is_no_number_stays_none(name, narrow, instructions):
    """Training that diverges is found by it. But infinite states: here a closed gate leaves a trace of them."""
    cell = toy.CELL_KINDS[name]
    functions = native.functions_of(cell)
    units = LANES[instructions] + 3
    places = [(torch.nan, state) for state in cell.states]
    places += itertools.product((torch.nan, torch.inf, -torch.inf), ("gates", "x"))
    for (what, key), unit in itertools.product(places, (1, units - 1)):
        parts, own = a_step_of(cell, 1, 2, 1, units, narrow)
        if not parts[key].numel():
            continue
        parts[key][0, 0, 1, unit] = what
        for access in functions.backward.operands:
            if access.is_sum:
                parts[access.name] = torch.zeros(1, 1, 1, parts[access.name.removeprefix("grad_")].shape[-1])
        native.step_call(functions.forward, parts)(0)
        native.step_call(functions.backward, parts)(0)
        new, grads = expected_of(cell, parts, own, 0, 0)
        for access in (*functions.forward.operands, *functions.backward.operands):
            if access.is_written:
                found, expected = parts[access.name][0, 0], (new | grads)[access.name]
                nothing = ~found.isfinite().view_as(expected)
                assert nothing.equal(~expected.isfinite()), (access.name, what, key, unit)


def run(cell, x, states, masks, narrow=torch.float32):
    """Layers side by side, over x (D,B,T,E) -> outputs, and the gradients of what goes in."""
    torch.manual_seed(5)
    layers = [Recurrent(cell, x.shape[-1], states[0][0].shape[-1]) for _ in x]
    for parameter in (parameter for layer in layers for parameter in layer.parameters()):
        torch.nn.init.normal_(parameter, std=0.5)
    layers = [layer.to(x.dtype) for layer in layers]
    x = [part.clone().requires_grad_() for part in x]
    states = [tuple(part.detach().clone().to(x[0].dtype).requires_grad_() for part in state) for state in states]
    with torch.autocast("cpu", torch.bfloat16, enabled=narrow != torch.float32):
        outputs = loop(layers, x, states, masks)
    torch.stack([part.to(x[0].dtype) for part in outputs]).square().mean().backward()
    of_layers = [parameter.grad for layer in layers for parameter in layer.parameters()]
    grads = [*(part.grad for part in x), *(part.grad for state in states for part in state), *of_layers]
    return [*outputs, *(grad for grad in grads if grad is not None)]


def somewhere(cell, layers, rows, length, inputs, units):
    """Inputs and states before the first step."""
    torch.manual_seed(units)
    states = [cell.start(*torch.randn(cell.num_initial_vectors, rows, units)) for _ in range(layers)]
    return torch.randn(layers, rows, length, inputs), states


def deeper(cell):
    """The cell, and with two transitions a step where it has one and may have more."""
    may_have_more = cell.depth == 1 and cell.input_only < len(cell.gates)
    return [cell, replace(cell, depth=2)] if may_have_more else [cell]


@needs_kernels
@pytest.mark.parametrize("drop", [False, True], ids=["", "recurrent dropout"])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", [cell for name in TRACEABLE for cell in deeper(toy.CELL_KINDS[name])], ids=repr)
def test_a_layer_is_torchs(cell, layers, drop, monkeypatch):
    x, states = somewhere(cell, layers, 3, 4, 5, 17)
    masks = list(2 * torch.randint(2, (layers, 3, 17)).float()) if drop else [None] * layers
    found = run(cell, x, states, masks)
    narrow = run(cell, x, states, masks, torch.bfloat16)
    without_kernels(monkeypatch)
    exact = run(cell, x.double(), states, [mask if mask is None else mask.double() for mask in masks])
    narrow_by_torch = run(cell, x, states, masks, torch.bfloat16)
    for parts in zip(found, exact, narrow, narrow_by_torch, strict=True):
        scale = parts[1].abs().amax().clamp(min=1e-3)
        found_one, exact_one, narrow_one, by_torch_one = (part.double() / scale for part in parts)
        torch.testing.assert_close(found_one, exact_one, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(narrow_one, by_torch_one, rtol=0.05, atol=0.05)


@needs_kernels
@narrows
@cells_and_sets
def test_threads_change_no_bit_of_what_comes_out(name, narrow, instructions, two_threads, monkeypatch):
    monkeypatch.setattr(native, "SHARED_FROM", 1)
    functions = native.functions_of(toy.CELL_KINDS[name])
    found = []
    for threads in (2, 1):
        torch.set_num_threads(threads)
        parts, own = a_step_of(toy.CELL_KINDS[name], 2, 5, 1, 21, narrow)
        for key, part in own.items():
            parts[f"grad_{key}"] = torch.zeros(threads, 2, 1, part[0].numel())
        native.step_call(functions.forward, parts)(0)
        native.step_call(functions.backward, parts)(0)
        found.append(parts)
    two, one = found
    for access in (*functions.forward.operands, *functions.backward.operands):
        if access.is_sum:
            torch.testing.assert_close(two[access.name].sum(0), one[access.name].sum(0), rtol=1e-4, atol=1e-4)
        elif access.is_written:
            assert two[access.name].equal(one[access.name])


@needs_kernels
@cells
def test_rows_do_not_depend_on_their_neighbours(name):
    """Neither on how many they are. Products of torch's may; here they are of one size."""
    cell = toy.CELL_KINDS[name]
    units, rows = 19, 7
    functions = native.functions_of(cell)
    parts, _ = a_step_of(cell, 1, rows, 1, units, torch.float32)
    native.step_call(functions.forward, parts)(0)
    names = [access.name for access in functions.forward.operands if access.is_written]
    together = {key: parts[key].clone() for key in names}
    for first, last in ((0, 1), (2, 5), (6, 7)):
        some = {key: part[:, :, first:last] if part.shape[2] == rows else part for key, part in parts.items()}
        for key in names:
            some[key].fill_(torch.nan)
        native.step_call(functions.forward, some)(0)
        for key in names:
            assert some[key].equal(together[key][:, :, first:last])
            parts[key].copy_(together[key])


@needs_kernels
def test_every_traceable_cell_of_conf_has_kernels_here():
    for name in TRACEABLE:
        chosen = steps_of(toy.CELL_KINDS[name], torch.device("cpu"), torch.bfloat16, torch.float32, 8)
        assert isinstance(chosen, NativeSteps), name
    for name in sorted(set(toy.CELL_KINDS) - set(TRACEABLE)):
        chosen = steps_of(toy.CELL_KINDS[name], torch.device("cpu"), torch.float32, torch.float32, 8)
        assert isinstance(chosen, TorchSteps), name


def test_other_numbers_are_torchs_and_so_is_all_without_kernels(monkeypatch):
    cell, cpu = toy.CELL_KINDS["lstm_ln"], torch.device("cpu")
    assert isinstance(steps_of(cell, cpu, torch.float64, torch.float64, 8), TorchSteps)
    assert isinstance(steps_of(cell, cpu, torch.float16, torch.float32, 8), TorchSteps)
    without_kernels(monkeypatch)
    assert isinstance(steps_of(cell, cpu, torch.float32, torch.float32, 8), TorchSteps)
    x, states = somewhere(cell, 1, 2, 3, 4, 5)
    assert all(part.isfinite().all() for part in run(cell, x, states, [None]))


def test_the_kernels_are_those_of_the_cells_as_they_are(tmp_path, monkeypatch):
    """Else: scripts/write_kernels.py && python nmt/native/build.py"""
    monkeypatch.setattr(sys, "argv", ["write_kernels.py", "--output", str(tmp_path)])
    runpy.run_path(str(ROOT / "scripts" / "write_kernels.py"), run_name="__main__")
    for name in ("forward.h", "cells.h"):
        assert (tmp_path / name).read_text() == (FOLDER / name).read_text()


def test_the_threads_are_those_of_torchs_own_openmp(tmp_path):
    for name in ("libgomp-a34b3233.so.1", "libomp.dylib", "libiomp5.so", "libbackend_with_compiler.so", "libc10.so"):
        (tmp_path / name).touch()
    names = [path.name for path in native.openmp_runtimes(tmp_path)]
    assert names == ["libgomp-a34b3233.so.1", "libomp.dylib", "libiomp5.so"]


def test_a_comment_in_a_cell_asks_for_no_new_kernels(tmp_path, monkeypatch):
    source = Path(nmt.cells.__file__).parent
    cells = shutil.copytree(source, tmp_path / "cells", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(nmt.cells, "__file__", str(cells / "__init__.py"))
    digests = []
    for more in ("", "VALUE = 1", "  # why"):
        with (cells / "gru.py").open("a", encoding="utf-8") as file:
            file.write(more)
        digests.append(digest.__wrapped__())
    assert digests[0] != digests[1] == digests[2]


def test_every_instruction_set_that_is_compiled_for_can_be_tested_somewhere():
    assert set(CELLS) == set(LANES)


def test_the_docs_say_which_cells_have_none():
    page = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    (without,) = re.findall(r"All cells but (.*) have kernels in C", page)
    assert set(re.findall(r"`(\w+)`", without)) == {name for name in toy.CELL_KINDS if "," not in name} - set(
        TRACEABLE
    )
