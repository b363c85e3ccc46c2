"""The output layer cut to a shortlist: places and pieces, and the estimate of what is left out."""

from __future__ import annotations

import pytest
import torch

from nmt.model.output import OutputLayer, Rows, Shortlist, common_layer, linear, shortlisted, without

V, F = 3000, 32
BANNED = (0, 1, 2)


def test_a_piece_has_a_place_in_the_list_and_a_place_its_piece():
    layer = OutputLayer(lambda features: features, None, torch.tensor([0, 1, 7, 3, 5]))
    ids = torch.tensor([[5, 0], [3, 7]])
    assert layer.places(ids).tolist() == [[4, 0], [3, 2]]
    assert layer.ids(layer.places(ids).flatten()).view(2, 2).equal(ids)
    assert OutputLayer(lambda features: features).places(ids) is ids


@pytest.fixture
def layer():
    """A weight (V,F) of normally distributed rows, a bias (V,), and features (50,F) of many lengths."""
    random = torch.Generator().manual_seed(3)
    weight = torch.randn(V, F, generator=random) * 0.4 + torch.randn(F, generator=random) * 0.2
    bias = without(torch.randn(V, generator=random) * 0.5 - 1, BANNED)
    return weight, bias, torch.randn(50, F, generator=random) * torch.linspace(0.1, 0.7, 50)[:, None]


def test_place_0_has_the_probability_of_what_is_left_out(layer):
    weight, bias, features = layer
    common = torch.cat([torch.arange(4), torch.arange(10, V, 7)])
    full = features @ weight.T + bias
    left_out = full.clone()
    left_out[:, common] = -torch.inf
    cut = common_layer(linear, weight, bias, common)
    logits = cut(features)
    torch.testing.assert_close(logits[:, 1:], full[:, common[1:]])
    torch.testing.assert_close(logits[:, 0], left_out.logsumexp(1), rtol=0, atol=0.25)
    torch.testing.assert_close(logits.logsumexp(1), full.logsumexp(1), rtol=0, atol=0.2)
    assert (full.logsumexp(1) - logits[:, 1:].logsumexp(1)).min() > 1  # so much would be wrong without


def test_what_a_sentence_may_use_besides_is_its_own(layer):
    weight, bias, features = layer
    common = torch.arange(100)
    allowed = torch.zeros(25, V, dtype=torch.bool)
    allowed[3, [200, 7]] = True
    allowed[4, 150] = True
    cut = shortlisted(common_layer(linear, weight, bias, common), Rows(weight), bias, Shortlist(common, allowed))
    assert cut.pieces is not None
    assert cut.pieces[100:].tolist() == [150, 200]
    found, full = cut(features), features @ weight.T + bias  # two rows a sentence
    expected = torch.full((50, 2), -torch.inf)
    expected[6:8, 1], expected[8:10, 0] = full[6:8, 200], full[8:10, 150]
    torch.testing.assert_close(found[:, 100:], expected)
    of_two = cut.select(torch.tensor([4, 0]))(features[:4])
    assert of_two[:, 100:].isfinite().tolist() == [[True, False]] * 2 + [[False, False]] * 2


@pytest.mark.parametrize(("common", "banned"), [(range(V), BANNED), (range(100), ())])
def test_nothing_is_estimated_where_nothing_is_left_out_or_padding_is_a_piece(layer, common, banned):
    weight, _, features = layer
    bias, pieces = without(torch.zeros(V), banned), torch.tensor([*common])
    torch.testing.assert_close(
        common_layer(linear, weight, bias, pieces)(features), (features @ weight.T + bias)[:, pieces]
    )
