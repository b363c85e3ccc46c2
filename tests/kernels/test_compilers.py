"""The C of the kernels as other compilers and machines see it: with sanitizers, by clang, for arm64 in an emulator.

A small program runs every kernel over odd sizes, with each tensor in a block of memory of its own that is not a byte
too large, and prints what was written.
"""

from __future__ import annotations

import subprocess

import compilers
import numpy as np
import pytest
import toy
from compilers import SANITIZERS, compiled, found
from row_functions import FEW, TRACEABLE

from nmt.kernels import native
from nmt.kernels.operands import kernels_of
from nmt.native.build import CELLS, FOLDER, OPTIONS

pytestmark = pytest.mark.long

UNITS = [1, 3, 4, 5, 8, 11, 16, 19, 33]
BEGINNING = r"""
#include "cells.c"
#include <stdio.h>

struct Part { int64_t vectors; int is_narrow, is_written, is_sum; };

static float number(void) {  // from -2 to 2
    static uint32_t seed = 1;
    seed = seed * 1664525u + 1013904223u;
    return (int32_t)seed / 1073741824.0f;
}

static void *numbers(int64_t count, int bytes, int is_zero) {
    char *found = malloc(count * bytes);
    for (int64_t i = 0; i < count; i++) {
        float x = is_zero ? 0 : number();
        memcpy(found + i * bytes, (char *)&x + 4 - bytes, bytes);  // a bfloat16 is the upper half
    }
    return found;
}

static void print(const char *x, int64_t count, int bytes) {
    for (int64_t i = 0; i < count; i++) {
        float y = 0;
        memcpy((char *)&y + 4 - bytes, x + i * bytes, bytes);
        fwrite(&y, 4, 1, stdout);
    }
}

static void twice(void (*function)(void *), void *data, unsigned threads, unsigned flags) {
    for (unsigned i = 0; i < threads + flags; i++) function(data);
}

static void try_kernel(void kernel(const struct Plan *, int64_t), const struct Part *parts, int bytes, int64_t units,
                       int64_t layers, int64_t rows, int64_t chunks) {
    struct Plan p = {layers * rows, rows, units, chunks, {{0}}};
    int64_t counts[MOST_OPERANDS];
    for (int i = 0; parts[i].vectors; i++) {
        const int64_t n = parts[i].vectors * units, b = parts[i].is_narrow ? bytes : 4;
        counts[i] = n * layers * (parts[i].is_sum ? chunks : rows);
        p.operands[i].base = numbers(counts[i], b, parts[i].is_sum);
        p.operands[i].step = parts[i].is_sum ? layers * n * b : 0;
        p.operands[i].layer = parts[i].is_sum ? n * b : rows * n * b;
        p.operands[i].row = parts[i].is_sum ? 0 : n * b;
    }
    kernel(&p, 0);
    for (int i = 0; parts[i].vectors; i++) {
        if (parts[i].is_written) print(p.operands[i].base, counts[i], parts[i].is_narrow ? bytes : 4);
        free(p.operands[i].base);
    }
}

static void try_all(int64_t units) {
    const int64_t layers = 1 + units % 2, rows = 1 + units % 3, chunks = 1 + (layers * rows > 1);
"""
OTHERS = r"""
    const int64_t b = 2, t = 1 + units % 3, s = 3, heads = layers, width = heads * units, pairs = b * heads * t * s;
    {
        struct Scores_float of = {numbers(b * t * width, 4, 0), numbers(b * s * width, 4, 0), numbers(width, 4, 0),
            numbers(pairs, 4, 1), numbers(pairs, 4, 0), numbers(b * t * width, 4, 1), numbers(b * s * width, 4, 1),
            numbers(b * width, 4, 1), t, s, heads, units};
        nmt_scores_float(&of, b, 2);
        nmt_scores_gradient_float(&of, b, 1);
        print((char *)of.scores, pairs, 4), print((char *)of.grad_q, b * t * width, 4);
        print((char *)of.grad_k, b * s * width, 4), print((char *)of.grad_v, b * width, 4);
        free((void *)of.q), free((void *)of.k), free((void *)of.v), free(of.scores), free((void *)of.grad);
        free(of.grad_q), free(of.grad_k), free(of.grad_v);
    }
    {
        struct Scores of = {numbers(b * t * width, 2, 0), numbers(b * s * width, 2, 0), numbers(width, 4, 0),
            numbers(pairs, 4, 1), numbers(pairs, 4, 0), numbers(b * t * width, 2, 1), numbers(b * s * width, 2, 1),
            numbers(b * width, 4, 1), t, s, heads, units};
        nmt_scores_bfloat16(&of, b, 2);
        nmt_scores_gradient_bfloat16(&of, b, 1);
        print((char *)of.scores, pairs, 4), print((char *)of.grad_q, b * t * width, 2);
        print((char *)of.grad_k, b * s * width, 2), print((char *)of.grad_v, b * width, 4);
        free((void *)of.q), free((void *)of.k), free((void *)of.v), free(of.scores), free((void *)of.grad);
        free(of.grad_q), free(of.grad_k), free(of.grad_v);
    }
    int64_t *targets = calloc(rows, sizeof *targets);
    targets[rows - 1] = units - 1;
    {
        struct Logits_float of = {numbers(rows * units, 4, 0), targets, numbers(2 * rows, 4, 1), units, 0.9f};
        nmt_logits_gradient_float(&of, rows, 2);
        print((char *)of.logits, rows * units, 4), print((char *)of.totals, 2 * rows, 4);
        free(of.logits), free(of.totals);
    }
    {
        struct Logits of = {numbers(rows * units, 2, 0), targets, numbers(2 * rows, 4, 1), units, 0.9f};
        nmt_logits_gradient_bfloat16(&of, rows, 2);
        print((char *)of.logits, rows * units, 2), print((char *)of.totals, 2 * rows, 4);
        free(of.logits), free(of.totals);
    }
    free(targets);
}
"""


def program(names) -> str:
    """For the kernels of these cells, and what else cells.c has."""
    lines = [BEGINNING]
    for name in names:
        for kernel in kernels_of(toy.CELL_KINDS[name]):
            vectors = kernel.function.inputs | {key: len(nodes) for key, nodes in kernel.function.outputs.items()}
            parts = [
                f"{{{vectors[part.name]}, {part.is_narrow:d}, {part.is_written:d}, {part.is_sum:d}}}"
                for part in kernel.operands
            ]
            lines.append(f"    {{ static const struct Part parts[] = {{{', '.join(parts)}, {{0, 0, 0, 0}}}};")
            for narrow, size in (("float", 4), ("bfloat16", 2)):
                call = f"nmt_{kernel.name}_{narrow}, parts, {size}, units, layers, rows, chunks"
                lines.append(f"    try_kernel({call});")
            lines.append("    }")
    sizes = ", ".join(map(str, UNITS))
    lines += [OTHERS, "int main(void) {", "    nmt_threads((void *)twice);", f"    const int sizes[] = {{{sizes}}};"]
    lines += [f"    for (int i = 0; i < {len(UNITS)}; i++) try_all(sizes[i]);", "    return 0;", "}"]
    return "\n".join(lines)


def made(folder, names, *command):
    return compiled(folder, program(names), OPTIONS, *command)


def printed(*command) -> np.ndarray:
    return np.frombuffer(compilers.printed(*command), np.float32)


@pytest.fixture(scope="module")
def by_this_compiler(tmp_path_factory):
    return printed(made(tmp_path_factory.mktemp("cc"), FEW, "cc"))


def assert_same(numbers, expected):
    """But for the last digits."""
    assert len(numbers) == len(expected) > 10_000
    np.testing.assert_allclose(numbers, expected, rtol=2e-2, atol=1e-2)
    assert np.mean(~np.isclose(numbers, expected, rtol=1e-4, atol=1e-5)) < 0.01


INSTRUCTIONS = {"DEFAULT": [], "AVX2": ["AVX2"], "AVX512": ["AVX2", "AVX512"]}[native.instructions()]
FLAGS = ["", *(CELLS[name] for name in INSTRUCTIONS)]  # of what runs here


@found("cc")
@pytest.mark.parametrize("flag", sorted({FLAGS[0], FLAGS[-1]}))
def test_no_kernel_leaves_its_memory_or_what_c_defines(flag, tmp_path):
    names = TRACEABLE if flag == FLAGS[-1] else FEW
    assert np.isfinite(printed(made(tmp_path, names, "cc", *flag.split(), *SANITIZERS))).all()


@found("cc")
@found("clang")
@pytest.mark.parametrize("flag", FLAGS)
def test_clang_makes_the_same_of_it(flag, tmp_path, by_this_compiler):
    assert_same(printed(made(tmp_path, FEW, "clang", *flag.split())), by_this_compiler)


@found("cc")
@found("aarch64-linux-gnu-gcc")
@found("qemu-aarch64")
def test_arm64_makes_the_same_of_it(tmp_path, by_this_compiler):
    assert_same(printed("qemu-aarch64", made(tmp_path, FEW, "aarch64-linux-gnu-gcc", "-static")), by_this_compiler)


@found("cc")
@pytest.mark.parametrize("flag", FLAGS)
def test_it_compiles_without_a_warning(flag):
    strict = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only", *flag.split()]
    result = subprocess.run(["cc", *strict, FOLDER / "cells.c"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
