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

from nmt.kernels import triton_additive, triton_cross_entropy


def compile(kernel, narrow, wide, **constants):
    kinds = {name: "i32" for name in kernel.arg_names}
    kinds |= dict.fromkeys(narrow, "*bf16") | dict.fromkeys(wide, "*fp32") | dict.fromkeys(constants, "constexpr")
    others = {"targets": "*i64", "share": "fp32", "r_drop": "fp32"}
    kinds |= {name: kind for name, kind in others.items() if name in kinds}
    places = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
    source = ASTSource(fn=kernel, signature=kinds, constexprs=places)
    print(kernel.__name__, len(triton.compile(source, target=GPUTarget("cuda", 80, 32)).asm["ptx"]))


forward, backward = triton_additive.FORWARD, triton_additive.BACKWARD
compile(triton_additive._scores, ["q", "k"], ["v", "scores"], limit=20.0, **forward)
compile(triton_additive._scores, ["q", "k"], ["v", "scores"], limit=20.0, heads=1, queries=1, **forward)
names = ["q", "k", "grad_q", "grad_k"], ["v", "grad", "grad_v"]
compile(triton_additive._gradients, *names, limit=20.0, **backward)
compile(triton_additive._gradients, *names, limit=20.0, heads=1, queries=1, **backward)
compile(triton_cross_entropy._of_one_pass, ["logits"], ["found"], block=4096)
compile(triton_cross_entropy._of_one_pass, ["logits"], ["found"], block=4096, padded=1, positions=1)
compile(triton_cross_entropy._of_two_passes, ["logits"], ["found"], block=4096)
compile(triton_cross_entropy._of_two_passes, ["logits"], ["found"], block=4096, padded=1, positions=1)
"""


def test_each_kernel_compiles_also_where_a_size_is_one(tmp_path):
    """Triton takes a size of 1 for a constant."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment |= {"TRITON_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", CODE]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 8
