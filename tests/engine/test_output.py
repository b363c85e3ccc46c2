"""The output layer cut to a shortlist: places and pieces, and the estimate of what is left out."""

from __future__ import annotations

import pytest
import torch

from nmt.engine.output import EstimatedOutputLayer, OutputLayer, Rows, with_banned

V, F = 3000, 32
BANNED = (0, 1, 2, 5)  # the last is common in some tests


@pytest.fixture
def layer():
    """A weight (V,F) of normally distributed rows, a bias (V,), and features (50,F) of many lengths."""
    random = torch.Generator().manual_seed(3)
    weight = torch.randn(V, F, generator=random) * 0.4 + torch.randn(F, generator=random) * 0.2
    bias = with_banned(torch.randn(V, generator=random) - 1, BANNED)
    return weight, bias, torch.randn(50, F, generator=random) * torch.linspace(0.1, 0.7, 50)[:, None]


def allowing(sentences, common, own=None):
    allowed = torch.zeros(sentences, V, dtype=torch.bool)
    allowed[:, common] = True
    for sentence, pieces in (own or {}).items():
        allowed[sentence, pieces] = True
    return allowed


def test_place_0_has_the_probability_of_what_is_left_out(layer):
    weight, bias, features = layer
    common, before = torch.cat([torch.arange(4), torch.arange(10, V, 7)]), (weight.clone(), bias.clone())
    full = features @ weight.T + bias
    left_out = full.clone()
    left_out[:, common] = -torch.inf
    logits = EstimatedOutputLayer.of(Rows, weight, bias, common).shortlisted(allowing(25, common))(features)
    torch.testing.assert_close(logits[:, 1:], full[:, common[1:]])
    torch.testing.assert_close(logits[:, 0], left_out.logsumexp(1), rtol=0, atol=0.25)
    torch.testing.assert_close(logits.logsumexp(1), full.logsumexp(1), rtol=0, atol=0.2)
    assert (full.logsumexp(1) - logits[:, 1:].logsumexp(1)).min() > 1  # so much would be wrong without
    assert weight.equal(before[0])  # the model's own
    assert bias.equal(before[1])


def test_what_is_banned_never_comes():
    bias = torch.arange(6.0)
    assert with_banned(bias, (0, 4)).tolist() == [-torch.inf, 1, 2, 3, -torch.inf, 5]
    assert bias.equal(torch.arange(6.0))


OWN = {2: [200], 3: [7, 150, 200], 4: [150]}  # of three of 25 sentences, besides the pieces below 100


@pytest.fixture
def cut(layer):
    common = torch.arange(100)
    return EstimatedOutputLayer.of(Rows, *layer[:2], common).shortlisted(allowing(25, common, OWN))


def test_each_sentence_has_its_own_list(layer, cut):
    weight, bias, features = layer
    found, full = cut(features), features @ weight.T + bias  # two rows a sentence
    assert found.shape == (50, 102)
    torch.testing.assert_close(found[:, 1:100], full[:, 1:100])
    expected = torch.full((50, 2), -torch.inf)
    expected[4:6, 0], expected[6:8], expected[8:10, 0] = full[4:6, 200], full[6:8][:, [150, 200]], full[8:10, 150]
    torch.testing.assert_close(found[:, 100:], expected)


def test_a_list_is_the_same_among_fewer_sentences(layer, cut):
    weight, bias, features = layer
    found = cut(features)
    fewer = cut.select(torch.tensor([4, 0, 3]))(torch.cat([features[8:10], features[0:2], features[6:8]]))
    torch.testing.assert_close(fewer, torch.cat([found[8:10], found[0:2], found[6:8]]))
    common = torch.arange(100)
    alone = EstimatedOutputLayer.of(Rows, weight, bias, common).shortlisted(allowing(1, common, {0: OWN[3]}))
    torch.testing.assert_close(alone(features[6:8]), found[6:8])
    assert alone.pieces.equal(cut.pieces[3:4])


@pytest.mark.parametrize("taken", [300, V])
def test_more_rows_may_be_multiplied_than_sentences_ask_for(layer, cut, taken):
    class MoreRows(Rows):
        def taken(self, asked):
            return taken

    weight, bias, features = layer
    common = torch.arange(100)
    wide = EstimatedOutputLayer.of(MoreRows, weight, bias, common).shortlisted(allowing(25, common, OWN))
    assert wide.product(features).shape == (50, taken + 1)  # one that may not come
    assert wide.pieces.equal(cut.pieces)
    torch.testing.assert_close(wide(features), cut(features))
    alone = EstimatedOutputLayer.of(MoreRows, weight, bias, common).shortlisted(allowing(1, common, {0: OWN[3]}))
    assert alone.pieces.equal(cut.pieces[3:4])


def test_a_piece_has_a_place_in_its_sentences_list_and_a_place_its_piece(cut):
    ids = torch.tensor([[5, 99]] * 25)
    assert cut.places_of(ids).equal(ids)
    ids[2], ids[3], ids[4] = torch.tensor([200, 3]), torch.tensor([200, 150]), torch.tensor([4, 150])
    places = cut.places_of(ids)
    assert places[2:5].tolist() == [[100, 3], [101, 100], [4, 100]]
    assert cut.ids(places.flatten()).view(25, 2).equal(ids)
    assert OutputLayer(lambda features: features).places_of(ids) is ids


def test_nothing_is_estimated_where_nothing_is_left_out(layer):
    weight, bias, features = layer
    pieces = torch.arange(V)
    cut = EstimatedOutputLayer.of(Rows, weight, bias, pieces).shortlisted(allowing(50, pieces))
    torch.testing.assert_close(cut(features), (features @ weight.T + bias)[:, pieces])
