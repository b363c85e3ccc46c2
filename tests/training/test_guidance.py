"""Guided alignment: what attention is drawn to, how, and for how long."""

from __future__ import annotations

import itertools

import pytest
import torch
import toy
import yaml
from torch.testing import assert_close

from nmt.data import lexicon
from nmt.data.batching import collate
from nmt.data.preparation import prepare
from nmt.model.attention import ATTENTIONS
from nmt.model.loss import attention_cross_entropy
from nmt.training.auto_settings import decided
from nmt.training.guidance import Guide
from nmt.training.objective import Objective
from nmt.training.run import train

ONE, TWO, THREE = (4, 5), (6, 7), (8, 9)  # source and target pieces that translate each other
END, BEGIN, OTHER = 3, 2, 11
RARE = 10  # which was in no pair


@pytest.fixture
def guide(monkeypatch):
    texts = [[ONE, TWO], [TWO, THREE], [THREE, ONE], [ONE], [TWO], [THREE]] * 5
    src = [torch.tensor([*(src for src, _ in pair), 0], dtype=torch.int32).numpy() for pair in texts]
    tgt = [torch.tensor([tgt for _, tgt in reversed(pair)], dtype=torch.int32).numpy() for pair in texts]
    monkeypatch.setattr(lexicon, "sample", lambda corpus: (src, tgt))
    return Guide(None, 12)


def test_each_target_token_is_drawn_to_what_it_translates(guide):
    batch = collate(
        [[ONE[0], TWO[0], THREE[0], END], [TWO[0], END]],
        [[BEGIN, THREE[1], ONE[1], OTHER, END], [BEGIN, TWO[1], END]],
    )
    found = guide(batch)
    assert found.shape == (2, 4, 4)
    assert found[0, 0].argmax() == 2
    assert found[0, 1].argmax() == 0
    assert found[0, 0, 2] > 0.6
    assert found[1, 0, 0] > 0.6
    assert not found[0, 2].any()  # in no pair of the text
    assert not found[0, 3].any()  # the end
    assert not found[1, 1:].any()  # the end and padding
    assert not found[0, :, 3].any()
    assert not found[1, :, 1:].any()
    assert (found.sum(-1) <= 1 + 1e-6).all()


def test_of_two_alike_the_nearer_one_counts_more(guide):
    found = guide(collate([[ONE[0], TWO[0], ONE[0], END]], [[BEGIN, ONE[1], TWO[1], ONE[1], END]]))[0]
    assert found[0, 0] > found[0, 2] > 0
    assert found[2, 2] > found[2, 0] > 0


def test_the_cross_entropy_is_least_where_attention_is_as_it_should_be():
    alignment = torch.tensor([[[0.7, 0.3], [0.0, 0.0]]])
    weights = torch.tensor([[[[0.6, 0.4], [0.1, 0.9]], [[0.8, 0.2], [0.5, 0.5]]]], requires_grad=True)  # two heads
    found = attention_cross_entropy(weights, alignment)
    assert_close(found, -(0.7 * torch.tensor(0.7).log() + 0.3 * torch.tensor(0.3).log()))
    other = attention_cross_entropy(weights.detach().flip(-1), alignment)
    assert other > found
    (gradient,) = torch.autograd.grad(found, weights)
    assert not gradient[:, :, 1].any()
    assert torch.isfinite(attention_cross_entropy(torch.zeros(1, 1, 2, 2), alignment))


@pytest.mark.parametrize(
    ("attention", "wiring"),
    zip(sorted(set(ATTENTIONS) - {"none"}), itertools.cycle(["gnmt", "input_feeding", "bahdanau"])),
)
def test_attention_learns_it_and_twice_read_is_as_once(attention, wiring):
    model = toy.model("gru", wiring, attention).train()
    batch = collate([[5, 8, 6, 3], [6, 5, 3]], [[2, 9, 5, 3], [2, 7, 3]])
    alignment = torch.zeros(2, 3, 4, dtype=torch.double)
    alignment[0, 0, 1] = alignment[0, 1, 0] = alignment[1, 0, 1] = 1
    plain, nll = model.loss(*batch)
    guided, same = model.loss(*batch, alignment)
    assert same == nll
    assert guided > plain
    assert_close(model.loss(*batch, alignment, r_drop=5.0)[0], guided)
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(60):
        optimizer.zero_grad()
        model.loss(*batch, alignment)[0].backward()
        optimizer.step()
    _, weights = model(batch.src, batch.src_len, batch.tgt_in)
    assert weights.mean(1)[alignment.bool()].min() > 0.6


def test_it_counts_less_and_less_and_a_run_that_goes_on_has_what_it_would_have_had(corpus_dir, tmp_path, monkeypatch):
    seen = []

    class Watched(Objective):
        def alignment(self, batch, remaining):
            seen.append(super().alignment(batch, remaining))
            return seen[-1]

    monkeypatch.setattr("nmt.training.module.Objective", Watched)

    def trained(folder, watch=None):
        settings = {"optim__guided_alignment": 1.0, "trainer__num_samples": 0, "trainer__max_epochs": 2}
        return train(toy.run_config(corpus_dir, tmp_path / folder, **settings), watch).load().model

    whole = trained("whole")
    tops = [float(one.amax()) for one in seen]
    assert tops[0] > 0.5
    assert tops[0] > tops[len(tops) // 2] > tops[-1] > 0
    ends: list[tuple[int, bool]] = []
    for _ in range(2):
        resumed = trained("parts", lambda epoch, _, is_over: ends.append((epoch, is_over)) or True)
    assert ends == [(1, False), (2, True)]
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_run_of_a_version_without_guidance_goes_on_without_it(corpus_dir, tmp_path):
    def config(epochs):
        settings = {"optim__guided_alignment": "auto", "model__dropout": "auto", "trainer__max_epochs": epochs}
        return toy.run_config(corpus_dir, tmp_path, **settings, trainer__num_samples=0)

    train(config(1))
    saved = tmp_path / "toy" / "config.yaml"
    began = yaml.safe_load(saved.read_text())
    assert began["optim"].pop("guided_alignment") == 1
    saved.write_text(yaml.safe_dump(began))
    train(config(2))
    assert yaml.safe_load(saved.read_text())["optim"]["guided_alignment"] == 0


def test_without_attention_there_is_nothing_to_guide(corpus_dir, tmp_path):
    without = {"model__attention__name": "none"}
    with pytest.raises(ValueError, match="guided_alignment is above 0, but the model has no attention"):
        toy.run_config(corpus_dir, tmp_path, optim__guided_alignment=1.0, **without)
    for given, expected in (({}, 1.0), (without, 0.0)):
        config = toy.run_config(corpus_dir, tmp_path, optim__guided_alignment="auto", **given)
        text = prepare(config.data, config.tokenizer, tmp_path / "cache")
        assert decided(config, text)[0].optim.guided_alignment == expected
