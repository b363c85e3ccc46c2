"""The C kernels of search with other compilers and machines: with sanitizers, with clang, and for arm64 in an
emulator.

A small program calls every kernel with odd sizes, with each array in its own memory block of exactly its size, and
prints the results, which must be the same to the last bit everywhere.
"""

from __future__ import annotations

import platform
import subprocess

import compilers
import pytest
from compilers import SANITIZERS, compiled, found

from nmt import native
from nmt.native.build import FOLDER, KERNEL_OPTIONS, KERNELS, X86

PROGRAM = r"""
#include "kernels.c"
#include "processor.c"
#include <stdio.h>

static float number(void) {  // from -2 to 2
    static uint32_t seed = 1;
    seed = seed * 1664525u + 1013904223u;
    return (int32_t)seed / 1073741824.0f;
}

static float *numbers(int64_t count) {
    float *found = malloc(count * sizeof *found);
    for (int64_t i = 0; i < count; i++) found[i] = number();
    return found;
}

static int64_t *ids(int64_t count, int64_t size) {
    int64_t *found = malloc(count * sizeof *found);
    for (int64_t i = 0; i < count; i++) found[i] = i * 7 % size;
    return found;
}

static struct Weight weight(int out, int in, float scale) {
    int8_t *bytes = malloc((out + 2) * in), *packed = aligned_alloc(64, up(out, WIDE) * up(in, DEEP));
    for (int i = 0; i < (out + 2) * in; i++) bytes[i] = number() * 63.9f;
    for (int i = 0; i < in && i < 9; i++) bytes[i] = 127;
    int32_t *sums = malloc(up(out, WIDE) * sizeof *sums);
    int64_t *rows = ids(out, out + 2);
    nmt_pack(bytes, out % 2 ? rows : 0, out, in, packed, sums);
    float *scales = numbers(out);
    for (int i = 0; i < out; i++) scales[i] *= scale;
    free(bytes), free(rows);
    return (struct Weight){packed, sums, scales, numbers(out), out, in, 0, 0};
}

static void done(struct Weight w) {
    free((void *)w.packed), free((void *)w.sums), free((void *)w.scale), free((void *)w.bias);
}

static void print(const void *x, int64_t bytes) { fwrite(x, bytes, 1, stdout); }

static void try_product(int out, int in, int n) {
    struct Weight w = weight(out, in, 0.01f);
    float *x = numbers(n * in), *added = numbers(n * out), *y = malloc(n * out * sizeof *y);
    for (int i = 0; i < in && i < 9; i++) x[i] = 2;
    for (int way = 0; way < 3; way++) {
        nmt_product(w.packed, w.sums, w.scale, way ? w.bias : 0, out, in, way * 0.1f, x, n, way ? added : 0, way > 1,
                    y);
        print(y, n * out * sizeof *y);
    }
    free(x), free(added), free(y), done(w);
}

static void try_layer(step_of_row step, int own, int states, int u, int in, int steps, int n) {
    struct PackedTransition of = {.weight = weight(4 * u, in + u, 0.01f), .own = numbers(own * u + 1)};
    const struct Layer layer = {{step}, 0, u, states, u, 4 * u, 4 * u, 4 * u, 1, &of};
    const int places = n + 2;
    float *x = numbers(n * in + 1), *state = numbers(states * places * u), *after = malloc(states * n * u * 4);
    float *outputs = malloc(steps * n * u * 4);
    bfloat16 *table = malloc(7 * 4 * u * sizeof *table);
    for (int i = 0; i < 7 * 4 * u; i++) {
        const float value = number();
        memcpy(table + i, (char *)&value + 2, 2);
    }
    int64_t *looked_up = ids(steps * n, 7), *rows = ids(n, places);
    if (!nmt_steps(&layer, x, in, x, 0, in ? 0 : table, 7, looked_up, state, places, rows, in ? 1 : steps, n, 0,
                   after))
        abort();
    print(after, states * n * u * 4);
    if (!in && !nmt_steps(&layer, x, 0, x, 0, table, 7, looked_up, state, places, 0, steps, n, outputs, 0)) abort();
    if (!in) print(outputs, steps * n * u * 4);
    free(x), free(state), free(after), free(outputs), free(table), free(looked_up), free(rows);
    free((void *)of.own), done(of.weight);
}

static void try_attention(int b, int k, int s, int a, int d, int m) {
    float *q = numbers(b * k * a * d), *keys = numbers(b * s * a * d), *values = numbers(b * s * a * m);
    float *v = numbers(a * d);
    float *context = malloc(b * k * a * m * sizeof *context), *weights = malloc(b * k * a * s * sizeof *weights);
    uint8_t *real = malloc(b * s);
    for (int i = 0; i < b * s; i++) real[i] = i % s < 1 + i / s % s;
    for (int way = 0; way < 2; way++) {
        for (int i = 0; way && i < b * s * a * d; i++) keys[i] = keys[i] * keys[i] + 0.1f;
        nmt_attend(q, keys, values, real, way ? v : 0, 1.5f, b * k, k, s, a, d, m, context, weights);
        print(context, b * k * a * m * sizeof *context), print(weights, b * k * a * s * sizeof *weights);
    }
    free(q), free(keys), free(values), free(v), free(context), free(weights), free(real);
}

static void try_beam(int b, int k, int pieces, int wanted) {
    float *logits = numbers(b * k * pieces), *log_probs = numbers(b * k);
    float *totals = malloc(b * wanted * sizeof *totals);
    int64_t *places = malloc(b * wanted * sizeof *places);
    logits[pieces / 2] = log_probs[k - 1] = -INFINITY;
    nmt_extend(logits, log_probs, b, k, pieces, wanted, totals, places);
    print(totals, b * wanted * sizeof *totals), print(places, b * wanted * sizeof *places);
    struct Beams *beams = malloc(nmt_beams_size(b, k));
    int64_t *limits = ids(b, 5), *all = malloc(b * sizeof *all), *to[2], *from[2];
    for (int i = 0; i < b; i++) all[i] = i;
    uint8_t *lives = malloc(b);
    nmt_begin(beams, b, k, 1, 0.5, limits, log_probs);
    for (int t = 0; t < 2; t++) {
        to[t] = malloc(b * k * sizeof **to), from[t] = malloc(b * k * sizeof **from);
        nmt_advance(beams, all, b, t ? k : 1, logits, pieces, t ? log_probs : 0, to[t], from[t], lives);
        print(to[t], b * k * sizeof **to), print(from[t], b * k * sizeof **from), print(lives, b);
    }
    int64_t *found = calloc(b * k * 2, sizeof *found), *lengths = malloc(b * k * 3 * sizeof *lengths);
    double *scores = malloc(b * k * 2 * sizeof *scores);
    const int count = nmt_ended(beams, b, to, from, lengths, scores, found);
    print(found, count * 2 * sizeof *found), print(lengths, count * 3 * sizeof *lengths);
    print(scores, count * 2 * sizeof *scores);
    for (int t = 0; t < 2; t++) free(to[t]), free(from[t]);
    free(beams), free(limits), free(all), free(lives), free(found), free(lengths), free(scores);
    free(logits), free(log_probs), free(totals), free(places);
}

int main(void) {
    nmt_instruction_sets();  // asks for tiles, where they are
    const int rows[] = {1, 2, 3, 4, 5, 6, 7, 13, 17, 33, 40};
    for (int i = 0; i < 11; i++) try_product(1 + 13 * i, 130 - 11 * i, rows[i]);
    try_product(96, 67, 12), try_product(160, 64, 9);
    for (int u = 1; u < 40; u += 6) {
        try_layer(nmt_step_LSTM_0, 0, 2, u, u % 4 * 3, 1 + u % 3, 1 + u);
        try_layer(nmt_step_LayerNormLSTM_0, 10, 2, u, u % 2 * 5, 1 + u % 3, 1 + u);
        try_layer(nmt_step_SLSTM_0, 0, 4, u, u % 3 * 2, 2, 3);
    }
    for (int s = 1; s < 40; s += 5) try_attention(3, 1 + s % 2, s, 1 + s % 3, 41 - s, 2 * s + 1);
    for (int k = 1; k < 7; k++) try_beam(3, k, 3 + 9 * k, 2 * k);
    return 0;
}
"""
HERE = native.instruction_sets()
VNNI_OF_AVX512 = ["-march=x86-64-v3", "-mavx512vl", "-mavx512vnni", "-DLANES=8"]  # avx_vnni in another encoding
WAYS = {name: KERNELS[name].split() for name in HERE} | ({"vnni": VNNI_OF_AVX512} if "avx512" in HERE else {})


def made(folder, *command):
    return compiled(folder, PROGRAM, KERNEL_OPTIONS, *command)


def printed(*command) -> bytes:
    numbers = compilers.printed(*command)
    assert len(numbers) > 100_000
    return numbers


needs_kernels = pytest.mark.skipif(not HERE, reason="not compiled, or not for this processor")


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return printed(made(tmp_path_factory.mktemp("cc"), "cc", *WAYS[HERE[-1]]))


@found("cc")
@needs_kernels
@pytest.mark.parametrize("way", WAYS)
def test_no_kernel_leaves_its_memory_or_what_c_defines(way, tmp_path, expected):
    assert printed(made(tmp_path, "cc", *WAYS[way], *SANITIZERS)) == expected


@found("cc")
@needs_kernels
@pytest.mark.parametrize(
    ("compiler", "way"),
    [*(("cc", way) for way in HERE[:-1]), *(pytest.param("clang", way, marks=found("clang")) for way in WAYS)],
)
def test_every_instruction_set_gives_the_same(compiler, way, tmp_path, expected):
    """Less optimized than the library, which test_native.py compares."""
    assert printed(made(tmp_path, compiler, *WAYS[way], "-O1")) == expected


@found("cc")
@needs_kernels
@found("aarch64-linux-gnu-gcc")
@found("qemu-aarch64")
@pytest.mark.parametrize("way", [name for name in KERNELS if name.startswith("neon")])
def test_arm64_gives_the_same(way, tmp_path, expected):
    program = made(tmp_path, "aarch64-linux-gnu-gcc", "-static", *KERNELS[way].split())
    assert printed("qemu-aarch64", program) == expected


@found("cc")
@pytest.mark.skipif(platform.machine() not in X86, reason="its flags are of x86")
@pytest.mark.parametrize("way", [name for name in KERNELS if not name.startswith("neon")])
def test_it_compiles_without_a_warning(way):
    strict = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    for source, flags in (("kernels.c", KERNELS[way].split()), ("processor.c", [])):
        result = subprocess.run(["cc", *strict, *flags, FOLDER / source], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
