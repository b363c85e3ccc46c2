"""Kernels in Triton compile for a GPU, which need not be there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("triton")

CODE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from nmt.cells import CELLS
from nmt.kernels import scan, triton_additive, triton_beam, triton_cross_entropy, triton_steps
from nmt.kernels.operands import NARROW_OPERANDS

NUMBERS = {"t", "length", "batch", "first", "every", "count", "units"}


def compile(kernel, narrow, wide, **constants):
    kinds = {name: "i32" for name in kernel.arg_names}
    kinds |= dict.fromkeys(narrow, "*bf16") | dict.fromkeys(wide, "*fp32") | dict.fromkeys(constants, "constexpr")
    whole = "targets tokens ids max_length step history_tokens history_parents ended_count ended_at ended_parents"
    others = dict.fromkeys([*whole.split(), "ended_tokens", "rows"], "*i64") | {"done": "*i1"}
    others |= dict.fromkeys(["share", "r_drop", "patience"], "fp32") | {"best": "*fp64"}
    kinds |= {name: kind for name, kind in others.items() if name in kinds}
    compile_for(kernel, kinds, constants)


def compile_of_cell(kernel, **constants):
    pointers = {name: "*bf16" if name in NARROW_OPERANDS else "*fp32" for name in kernel.arg_names}
    kinds = {name: "i32" if name in NUMBERS else pointer for name, pointer in pointers.items()}
    compile_for(kernel, kinds | dict.fromkeys(constants, "constexpr"), constants)


def compile_for(kernel, kinds, constants):
    places = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
    source = ASTSource(fn=kernel, signature=kinds, constexprs=places)
    print(kernel.__name__, len(triton.compile(source, target=GPUTarget("cuda", 80, 32)).asm["ptx"]))


forward, backward = triton_additive.FORWARD, triton_additive.BACKWARD
compile(triton_additive._scores, ["q", "k"], ["v", "scores"], limit=20.0, **forward)
compile(triton_additive._scores, ["q", "k"], ["v", "scores"], limit=20.0, heads=1, queries=1, **forward)
names = ["q", "k", "grad_q", "grad_k"], ["v", "grad", "grad_v"]
compile(triton_additive._gradients, *names, limit=20.0, **backward)
compile(triton_additive._gradients, *names, limit=20.0, heads=1, queries=1, **backward)
compile(triton_cross_entropy._of_one_pass, ["logits"], ["found"], block=256)
compile(triton_cross_entropy._of_one_pass, ["logits"], ["found"], block=256, padded=1, positions=1)
compile(triton_cross_entropy._of_two_passes, ["logits"], ["found"], block=256)
compile(triton_cross_entropy._of_two_passes, ["logits"], ["found"], block=256, padded=1, positions=1)
compile(triton_beam._extensions, ["logits"], ["log_probs", "gains"], block=256, most=8)
compile(triton_beam._extensions, ["logits"], ["log_probs", "gains"], block=256, most=2, each=1)
numbers = ["gains", "covered", "log_probs", "ended_log_probs", "ended_coverage"]
for beam, lanes, places, others in ((5, 32, 8, {}), (1, 1, 1, {"sentences": 1, "each": 1, "eos": 1})):
    settings = {"has_coverage": beam > 1, "lanes": lanes, "places": places, **others}
    compile(triton_beam._advance, [], numbers, beam=beam, **settings)
for name in ("lstm_ln", "slstm", "sru"):
    for launch in triton_steps.launches(CELLS[name]()):
        if launch is not None:
            compile_of_cell(launch.kernel, BLOCK=64)
            compile_of_cell(launch.kernel, BLOCK=2, units=1)
for name in ("indrnn", "minlstm", "sru"):
    for kernel in scan.kernels(CELLS[name]()):
        compile_of_cell(kernel, BLOCK=128)
        compile_of_cell(kernel, BLOCK=128, units=1)
"""


def test_each_kernel_compiles_also_where_a_size_is_one(tmp_path):
    """Triton takes a size of 1 for a constant."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment |= {"TRITON_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", CODE]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    by_hand, of_steps, of_scans = 12, 2 * (3 + 2 + 3), 3 * 2 * 2
    assert len(result.stdout.splitlines()) == by_hand + of_steps + of_scans
