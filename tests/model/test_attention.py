from __future__ import annotations

import pytest
import torch

from nmt.kernels.additive import _InChunks, additive_scores
from nmt.model.attention import ATTENTIONS, AttentionConfig, Memory, build_attention, product

B, T, S, D, M = 2, 3, 5, 8, 12
MASK = torch.tensor([[True] * 5, [True, True, True, False, False]])


def memory_of(attention, values, mask=MASK):
    return Memory(values, attention.keys(values), mask, values[:, 0])


def attend(name, heads=1, size=None):
    width = D if name == "dot" else M
    attention = build_attention(AttentionConfig(name, heads, size), D, width).double()
    query, values = torch.randn(B, T, D, dtype=torch.double), torch.randn(B, S, width, dtype=torch.double)
    assert attention.context_size == (0 if name == "none" else width)
    return attention, query, values, attention(query, memory_of(attention, values))


# The papers' scores, for one query q and one value h, spelled out.
SCORES = {
    "dot": lambda attention, q, h: q @ h,
    "general": lambda attention, q, h: q @ (attention.key.weight @ h),
    "additive": lambda attention, q, h: (
        attention.v[0] @ torch.tanh(attention.query.weight @ q + attention.query.bias + attention.key.weight @ h)
    ),
}


@pytest.mark.parametrize(("name", "size"), [*((name, None) for name in sorted(SCORES)), ("additive", 6)])
def test_the_weights_are_the_softmax_of_the_papers_score(name, size):
    attention, query, values, (context, weights) = attend(name, size=size)
    assert name != "additive" or attention.v.shape == (1, size or M)
    for b in range(B):
        length = int(MASK[b].sum())
        for t in range(T):
            scores = torch.stack([SCORES[name](attention, query[b, t], values[b, s]) for s in range(length)])
            expected = scores.softmax(0)
            torch.testing.assert_close(weights[b, 0, t, :length], expected)
            torch.testing.assert_close(context[b, t], expected @ values[b, :length])


@pytest.mark.parametrize("heads", [1, 4])
@pytest.mark.parametrize("name", sorted(set(ATTENTIONS) - {"none"}))
def test_weights_sum_to_one_on_real_tokens_and_are_zero_on_padding(name, heads):
    _, _, _, (context, weights) = attend(name, heads)
    assert weights.shape == (B, heads, T, S)
    assert context.shape == (B, T, D if name == "dot" else M)
    torch.testing.assert_close(weights.sum(-1), torch.ones(B, heads, T, dtype=torch.double))
    assert (weights[1, :, :, 3:] == 0).all()


def test_dropped_weights_leave_the_context_right_on_average():
    attention = build_attention(AttentionConfig("general", heads=2, dropout=0.3), D, M).double()
    query, values = torch.randn(1, 1, D, dtype=torch.double), torch.randn(1, S, M, dtype=torch.double)
    exact, _ = attention.eval()(query, memory_of(attention, values, MASK[:1]))
    many = [part.expand(3000, *part.shape[1:]) for part in (query, values, MASK[:1])]
    contexts, weights = attention.train()(many[0], memory_of(attention, *many[1:]))
    torch.testing.assert_close(weights.sum(-1), torch.ones(3000, 2, 1, dtype=torch.double))
    assert contexts.std(0).min() > 0.01
    torch.testing.assert_close(contexts.mean(0, keepdim=True), exact, atol=0.06, rtol=0)


def test_each_head_attends_over_its_own_slice():
    _, query, values, (context, weights) = attend("dot", heads=2)
    for head, part in enumerate((slice(0, 4), slice(4, 8))):
        scores = torch.einsum("btd,bsd->bts", query[..., part], values[..., part])
        expected = scores.masked_fill(~MASK[:, None], -torch.inf).softmax(-1)
        torch.testing.assert_close(weights[:, head], expected)
        torch.testing.assert_close(context[..., part], expected @ values[..., part])


@pytest.mark.parametrize("chunk", [1, 200, 1 << 20])
def test_the_gradient_of_additive_scores_is_their_slope_whatever_the_chunk(chunk, monkeypatch):
    monkeypatch.setattr(_InChunks, "CHUNK", chunk)
    q, k, v = (torch.randn(*shape, dtype=torch.double, requires_grad=True) for shape in ((3, T, 4), (3, S, 4), (4,)))
    expected = torch.tanh(q[:, :, None] + k[:, None]) @ v
    torch.testing.assert_close(_InChunks.apply(q, k, v), expected)
    assert torch.autograd.gradcheck(_InChunks.apply, (q, k, v))


def test_additive_scores_of_any_size_are_finite_and_right():
    attention = build_attention(AttentionConfig("additive", size=6), D, M)
    query, values = 1e4 * torch.randn(B, T, D), 1e4 * torch.randn(B, S, M)
    query[0], values[1] = 0, 0
    query.requires_grad_()
    scores = attention.score(query, attention.keys(values))
    expected = torch.tanh(attention.query(query)[:, :, None] + attention.key(values)[:, None]) @ attention.v[0]
    torch.testing.assert_close(scores[:, 0], expected, rtol=1e-5, atol=1e-5)
    scores.sum().backward()
    assert query.grad.isfinite().all()


def test_what_attentions_learn_starts_at_the_scale_of_their_sums():
    additive = build_attention(AttentionConfig("additive", heads=4, size=4000, coverage=True), D, M)
    assert not additive.coverage.any()
    assert additive.v.std().item() == pytest.approx(1000**-0.5, rel=0.1)
    location = build_attention(AttentionConfig("location"), D, M)
    assert location.position.shape == (256, D)
    low, high = location.position.detach().aminmax()
    assert (-low.item(), high.item()) == pytest.approx((D**-0.5, D**-0.5), rel=0.05)


def test_no_attention_has_no_context():
    _, _, _, (context, weights) = attend("none")
    assert context.shape == (B, T, 0)
    assert not weights.any()


@pytest.mark.parametrize(
    ("config", "sizes", "message"),
    [
        (("general", 3), (8, 9), "attention.heads is 3; it must divide the query size 8"),
        (("general", 4), (8, 6), "attention.heads is 4; it must divide the memory size 6"),
        (("dot", 1), (8, 6), "attention.name is 'dot', which needs one size"),
        (("additive", 4, 6), (8, 8), "attention.heads is 4; it must divide attention.size 6"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(config, sizes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        build_attention(AttentionConfig(*config), *sizes)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="'luong'; choose one of: additive, dot, general, location, none"):
        AttentionConfig("luong")


@pytest.mark.parametrize(
    ("name", "option", "value", "message"),
    [
        ("dot", "size", 6, "size is 6, but only 'additive' attention has it"),
        ("location", "coverage", True, "coverage is true, but only 'additive' attention has it"),
        ("additive", "positions", 9, "positions is 9, but only 'location' attention has it"),
    ],
)
def test_an_option_belongs_to_its_kind(name, option, value, message):
    with pytest.raises(ValueError, match=message):
        AttentionConfig(name, **{option: value})


@pytest.mark.parametrize("heads", [1, 2])
def test_location_attention_knows_where_and_not_what(heads):
    attention = build_attention(AttentionConfig("location", heads, positions=3), D, M).double()
    query, values = torch.randn(B, T, D, dtype=torch.double), torch.randn(B, S, M, dtype=torch.double)
    context, weights = attention(query, memory_of(attention, values))
    rows = attention.position[[0, 1, 2, 2, 2]]  # those behind the last that it tells apart are as that one
    for head, part in enumerate(torch.arange(D).chunk(heads)):
        scores = query[..., part] @ rows[:, part].T
        expected = scores.masked_fill(~MASK[:, None], -torch.inf).softmax(-1)
        torch.testing.assert_close(weights[:, head], expected)
        torch.testing.assert_close(context.chunk(heads, -1)[head], expected @ values.chunk(heads, -1)[head])
    _, same = attention(query, memory_of(attention, torch.randn_like(values)))
    assert same.equal(weights)


@pytest.mark.parametrize(("device", "dtype"), [("cpu", torch.float32), ("meta", torch.bfloat16)])
def test_narrow_numbers_are_multiplied_in_full_width_on_the_cpu_alone(device, dtype):
    narrow = torch.zeros(B, T, D, device=device, dtype=torch.bfloat16)
    assert product(narrow, narrow.mT).dtype == dtype
    with torch.autocast("cpu", torch.bfloat16):
        assert product(narrow, narrow.mT).dtype == dtype


def test_scores_do_not_depend_on_what_was_in_memory_before():
    wide = torch.full((2, 40, 90), torch.nan)
    q, k, v = torch.randn(2, 3, 14), torch.randn(2, 5, 14), torch.randn(2, 7)
    additive_scores(wide, wide, torch.randn(2, 45))
    scores = additive_scores(q, k, v)
    expected = ((q.view(2, 3, 1, 2, 7) + k.view(2, 1, 5, 2, 7)).tanh() * v).sum(-1).permute(0, 3, 1, 2)
    torch.testing.assert_close(scores, expected, rtol=1e-5, atol=1e-5)
