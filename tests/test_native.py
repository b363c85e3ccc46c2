"""The C kernels against the same equations in torch, for sizes that are no multiple of a vector, tile or block."""

from __future__ import annotations

import platform
import shutil
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from instruction_sets import everywhere, extend

from nmt import native
from nmt.native import build as compiled

needs_kernels = pytest.mark.skipif(not native.is_here(), reason="not compiled, or not for this processor")
sizes = st.integers(1, 150)
rows = st.sampled_from([1, 2, 3, 4, 5, 6, 7, 13, 16, 17, 32, 33, 95, 96, 97, 200])


def random_bytes(*shape):
    return torch.randint(-127, 128, shape, dtype=torch.int8)


def rounded(x):
    """x (N,I) as quantized by the kernels: 127 steps up to the largest magnitude in a row."""
    step = x.abs().amax(1, keepdim=True).clamp(min=1e-30) / 127
    return (x / step).round() * step


@needs_kernels
@settings(max_examples=100, deadline=None)
@given(n=rows, i=sizes, o=sizes, biased=st.booleans(), picked=st.booleans(), seed=st.integers(0, 99))
def test_a_product(n, i, o, biased, picked, seed):
    torch.manual_seed(seed)
    weight, pieces = random_bytes(200, i), torch.randperm(200)[:o] if picked else None
    own = weight[pieces] if picked else weight
    scale, bias = torch.rand(len(own)), torch.randn(len(own)) if biased else None
    x = torch.randn(n, i)
    x[0, : i // 2] = 0
    expected = torch.nn.functional.linear(rounded(x).double(), own.double() * scale[:, None].double())
    (found,) = everywhere(lambda: [native.Int8Linear(weight, scale, bias, pieces)(x)])
    largest = expected.abs().max().item() + 1
    expected = expected if bias is None else expected + bias
    torch.testing.assert_close(found, expected.float(), rtol=0, atol=2e-3 * largest)


@needs_kernels
def test_no_result_depends_on_its_neighbours():
    of_weight, x = (random_bytes(80, 70), torch.rand(80)), torch.randn(230, 70)
    x[5] *= 1000
    parts = (0, 230), (0, 1), (3, 8), (4, 30), (100, 230)
    together, *found = everywhere(lambda: [native.Int8Linear(*of_weight)(x[first:last]) for first, last in parts])
    for (first, last), part in zip(parts[1:], found, strict=True):
        assert part.equal(together[first:last])


@needs_kernels
def test_a_row_of_zeros_is_the_bias():
    bias = torch.randn(5)
    assert native.Int8Linear(random_bytes(5, 9), torch.rand(5), bias)(torch.zeros(2, 9)).equal(bias.expand(2, 5))


@needs_kernels
@settings(max_examples=100, deadline=None)
@given(
    b=st.integers(1, 4), k=st.integers(1, 5), s=st.integers(1, 40), a=st.integers(1, 3), d=st.integers(1, 40),
    m=st.integers(1, 80), additive=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
def test_attention(b, k, s, a, d, m, additive, seed):
    torch.manual_seed(seed)
    query, keys, values = torch.randn(b, k, a, d), torch.randn(b, s, a, d), torch.randn(b, s, a, m)
    mask = torch.arange(s) < torch.randint(1, s + 1, (b, 1))
    if additive:
        v, keys, limit = torch.randn(a, d), keys.exp(), 2.0
        exponentials = query.clamp(-limit, limit).exp()
        scores = (v / (1 + exponentials[:, :, None] * keys[:, None])).sum(-1).permute(0, 3, 1, 2)  # (B, A, k, S)
    else:
        v, limit = None, 0.0
        scores = torch.einsum("bkad,bsad->baks", query, keys)
    weights = scores.masked_fill(~mask[:, None, None], -torch.inf).softmax(-1)
    context = torch.einsum("baks,bsam->bkam", weights, values)
    values[~mask] = torch.nan  # values at padding must not matter
    memory = keys.flatten(2), values.flatten(2), mask
    found = everywhere(lambda: native.attend(query.reshape(b * k, a * d), *memory, a, v, limit))
    torch.testing.assert_close(found[0], context.reshape(b * k, a * m), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[1], weights.transpose(1, 2).reshape(b * k, a, s), rtol=1e-4, atol=1e-6)


@needs_kernels
def test_large_numbers_stay_finite():
    query, keys = torch.full((1, 3), 1e4), torch.full((1, 2, 3), 1e3)
    context, weights = native.attend(query, keys, torch.ones(1, 2, 4), torch.ones(1, 2, dtype=torch.bool), 1)
    assert weights.equal(torch.full((1, 1, 2), 0.5))
    assert context.equal(torch.ones(1, 4))


@needs_kernels
def test_the_instruction_set_can_be_chosen(monkeypatch):
    try:
        for name in native.instruction_sets():
            monkeypatch.setenv("NMT_ISA", name)
            native.kernels.cache_clear()
            assert native.kernels() is native.load(name)
        monkeypatch.setenv("NMT_ISA", "mmx")
        native.kernels.cache_clear()
        with pytest.raises(ValueError, match=r"NMT_ISA is 'mmx'; here choose one of: .*\bavx2|neon"):
            native.kernels()
    finally:
        native.kernels.cache_clear()


def test_a_library_of_another_source_is_not_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "FOLDER", tmp_path)

    def names():
        return {library for library, _, _ in compiled.wanted()}

    (tmp_path / "kernels.c").write_text("int nmt;")
    found = names()
    (tmp_path / "kernels.c").write_text("int NMT;")
    found |= names()
    (tmp_path / "part.h").write_text("// included")
    assert len(found | names()) == 3 * len(names())
    assert not native.instruction_sets()  # none is available


def test_an_instruction_set_that_is_not_compiled_for_takes_the_one_that_all_have():
    names = {compiled.cells_library(name).name.partition("-")[0] for name in ("AVX512", "AVX2", "DEFAULT", "ZVECTOR")}
    assert names == {"cells_avx512", "cells_avx2", "cells_default"}


@pytest.fixture
def sources(tmp_path, monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(compiled, "FOLDER", tmp_path)
    (tmp_path / "processor.c").write_text("int nmt_processor;")
    (tmp_path / "kernels.c").write_text("int nmt_kernels;")
    (tmp_path / "cells.c").write_text("int nmt_cells;")
    return tmp_path


@pytest.mark.skipif(not shutil.which("cc"), reason="no compiler")
@pytest.mark.skipif(platform.machine() not in compiled.X86 or sys.platform != "linux", reason="not all are for it")
def test_compiling_leaves_the_libraries_of_today(sources, monkeypatch):
    (sources / "kernels_avx2-of_yesterday.so").touch()
    (sources / "cells_avx2-of_yesterday.so").touch()
    expected = {library for library, _, _ in compiled.wanted()}
    assert set(compiled.compile_libraries()) == expected
    assert set(sources.glob("*.so")) == expected
    (sources / "cells.c").write_text("int nmt_cells(")
    with pytest.warns(UserWarning, match="one library of nmt/native is missing: .*failed:\n") as warned:
        found = set(compiled.compile_libraries())
    assert found == {library for library, source, _ in compiled.wanted() if source != "cells.c"}
    assert len(warned) == len(expected) - len(found)
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(OSError, match="no-such-compiler"):
        compiled.compile_libraries()


def test_each_kind_of_processor_has_its_own(sources, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    names = {library.name.partition("-")[0]: options for library, _, options in compiled.wanted()}
    assert set(names) == {"processor", "kernels_neon", "kernels_neon_dot", "cells_default"}
    assert not any(
        "march" in option for name, options in names.items() for option in options if name != "kernels_neon_dot"
    )
    monkeypatch.setattr("platform.machine", lambda: "s390x")
    with pytest.raises(OSError, match="x86-64"):
        compiled.compile_libraries()


@needs_kernels
@settings(max_examples=100, deadline=None)
@given(
    b=st.integers(1, 4), k=st.integers(1, 5), pieces=st.integers(2, 70), wanted=st.integers(1, 12),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_extensions(b, k, pieces, wanted, seed):
    torch.manual_seed(seed)
    logits, log_probs = torch.randn(b * k, pieces), -torch.rand(b * k)
    logits[torch.rand(logits.shape) < 0.2] = -torch.inf
    logits[:, 1] = 2.0
    log_probs[-1] = -torch.inf if k > 1 else -1.0
    expected = logits.log_softmax(-1) + log_probs[:, None]
    expected[:, 0] = -torch.inf
    expected = expected.view(b, -1)
    totals, places = everywhere(lambda: extend(logits, log_probs, b, wanted))
    best = torch.nn.functional.pad(expected, (0, wanted), value=-torch.inf).topk(wanted).values
    torch.testing.assert_close(totals, best, rtol=1e-5, atol=1e-5)
    real = totals.isfinite()
    torch.testing.assert_close(expected.gather(1, places)[real], totals[real], rtol=1e-5, atol=1e-5)
    assert all(len(set(row[some].tolist())) == some.sum() for row, some in zip(places, real, strict=True))


@needs_kernels
def test_of_equal_extensions_the_first_comes_first():
    totals, places = extend(torch.zeros(2, 40), torch.zeros(2), 1, 6)
    assert places.tolist() == [[1, 2, 3, 4, 5, 6]]
    torch.testing.assert_close(totals, torch.full((1, 6), 1 / 40).log())
