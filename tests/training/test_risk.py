"""Minimum risk training: candidates, their costs, and the expectation that is lowered."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import toy
from sacrebleu.metrics import BLEU, CHRF

import nmt
from nmt.config import OptimConfig
from nmt.data.batching import Batch, collate
from nmt.data.directions import Directions
from nmt.data.tokenizer import BOS_ID, EOS_ID
from nmt.metrics.measure import Measure
from nmt.search import Hypothesis
from nmt.training import objective
from nmt.training.metrics_file import read_metrics
from nmt.training.risk import SHARPNESS, candidates, costs, expected_cost
from nmt.training.run import train


@pytest.fixture(scope="module")
def translator(trained):
    return nmt.load(trained / "model", "cpu", "float32", False)


@pytest.fixture(scope="module")
def batch(translator, corpus_dir):
    src, tgt = (side[:5] for side in toy.lines(corpus_dir, "valid"))
    return collate(translator.tokenizer.encode_src(src), translator.tokenizer.encode_tgt(tgt))


def test_candidates_are_the_beams_best(translator, batch):
    found = candidates(translator, batch, 4)
    assert [len(row) for row in found] == [4] * 5
    texts = [translator.tokenizer.decode_tgt(row[0]) for row in found]
    sources = [translator.tokenizer.src.decode(ids[:length].tolist()) for ids, length in zip(*batch[:2], strict=True)]
    best = translator.translate(sources, nmt.search.Beam(beam_size=4, patience=10_000), nbest=4)
    assert texts == [t.text for t in best]
    for row, translation in zip(found, best, strict=True):
        assert len({tuple(ids) for ids in row}) == len(translation.alternatives)


def test_where_the_beam_finds_fewer_each_weighs_once(translator, batch, monkeypatch):
    """The risk of the whole is the mean of the sentences', each alone with what was found for it."""
    found = [[[4], [5, 6]], [[7]], [[4], [5], [6]], [[8, 9]], [[9], [4]]]
    hypotheses = [[Hypothesis(ids, 0, 0, len(ids) + 1) for ids in row] for row in found]
    monkeypatch.setattr(translator, "hypotheses", lambda task, sources: hypotheses)
    assert candidates(translator, batch, 3) == found
    cost = costs([Measure()] * len(found), translator.tokenizer, batch, found)
    assert cost.shape == (5, 3)
    alone = []
    for i, row in enumerate(found):
        one = Batch(*(part[i : i + 1] for part in batch[:5]), torch.arange(batch.tgt_len[i]))
        assert torch.equal(costs([Measure()], translator.tokenizer, one, [row]), cost[i : i + 1, : len(row)])
        alone.append(expected_cost(translator.model, one, [row], cost[i : i + 1, : len(row)]))
    risk = expected_cost(translator.model, batch, found, cost)
    torch.testing.assert_close(risk, torch.stack(alone).mean())
    risk.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in translator.model.parameters())


def test_the_cost_is_what_a_sentence_lacks_of_its_target(translator, batch):
    targets = [ids[: length - 1].tolist() for ids, length in zip(batch.tgt_out, batch.tgt_len, strict=True)]
    other = [targets[0][:-1], targets[0][::-1]]
    found = [[ids, *other] for ids in targets]
    cost = costs([Measure()] * len(found), translator.tokenizer, batch, found)
    assert cost.shape == (5, 3)
    assert not cost[:, 0].any()
    assert 0 < cost[0, 1] < cost[0, 2] <= 1


def test_sentence_bleu_tells_apart_what_shares_no_four_words():
    assert Measure().sentence_score("the dog sleeps", "the dog sleeps") == pytest.approx(100)
    assert (
        0
        < Measure().sentence_score("a dog ran home", "the dog sleeps here")
        < Measure().sentence_score("the dog ran", "the dog sleeps here")
    )


def test_the_expectation_is_over_length_normalised_likelihoods():
    model = toy.model()
    src, src_len = toy.sources([6, 3])
    found = [[[4, 5, 6], [7]], [[8, 9], [10, 4]]]
    cost = torch.tensor([[0.2, 0.9], [1.0, 0.5]], dtype=torch.double)
    expected = 0.0
    for i, row in enumerate(found):
        scores = []
        for ids in row:
            pair = collate([src[i, : src_len[i]].tolist()], [[BOS_ID, *ids, EOS_ID]])
            scores.append(model.token_log_probs(*pair).mean())
        expected += ((SHARPNESS * torch.stack(scores)).softmax(0) * cost[i]).sum() / 2
    batch = collate([ids[:length].tolist() for ids, length in zip(src, src_len, strict=True)], [[BOS_ID, EOS_ID]] * 2)
    found_risk = expected_cost(model, batch, found, cost)
    torch.testing.assert_close(found_risk, expected)
    found_risk.backward()
    assert all(p.grad is not None for p in model.parameters())
    with torch.no_grad():
        for p in model.parameters():
            p -= 1e-3 * p.grad
    assert expected_cost(model, batch, found, cost) < found_risk


def test_candidates_are_found_without_dropout_and_cost_in_their_own_language(monkeypatch):
    model, modes, costly = toy.model().train(), [], []
    monkeypatch.setattr(objective, "Searcher", lambda *_: None)
    monkeypatch.setattr(objective, "candidates", lambda *_: modes.append(model.training))
    monkeypatch.setattr(objective, "costs", lambda measures, *_: costly.extend(measures))
    monkeypatch.setattr(objective, "expected_cost", lambda *_: modes.append(model.training))
    prepared = SimpleNamespace(
        lexicon=None,
        directions=Directions.of("", "", ["de-en", "en-de"], True),
        tokenizer=SimpleNamespace(control_ids=lambda tags: [{"<2en>": 5, "<2de>": 6}[tag] for tag in tags]),
    )
    batch = collate([[6, 7, EOS_ID], [5, EOS_ID], [6, EOS_ID]], [[BOS_ID, EOS_ID]] * 3)
    optim = OptimConfig(learning_rate=0.1, schedule="constant", risk=1.0)
    measures = dict(zip(prepared.directions.every, ("en's", "de's"), strict=True))
    objective.Objective(optim, model, prepared)._risk(batch, measures)
    assert modes == [False, True]
    assert costly == ["de's", "en's", "de's"]


def test_training_lowers_it(trained, corpus_dir, tmp_path):
    settings = {"optim__risk": 100.0, "optim__candidates": 4, "optim__learning_rate": 1e-3, "model__dropout": 0.0}
    settings["trainer__val_every_epochs"] = 4
    config = toy.run_config(corpus_dir, tmp_path, init=str(trained / "model"), trainer__max_epochs=4, **settings)
    rows = read_metrics(train(config).model_dir.parent / "metrics.csv")
    risks = [float(row["train/risk"]) for row in rows if row.get("train/risk")]
    quarter = len(risks) // 4
    assert sum(risks[-quarter:]) < sum(risks[:quarter])


@pytest.mark.parametrize(
    ("measure", "theirs"),
    [
        (Measure(tokenize="zh"), BLEU(tokenize="zh", smooth_method="add-k", smooth_value=1, effective_order=True)),
        (Measure("ter"), BLEU(smooth_method="add-k", smooth_value=1, effective_order=True)),
        (Measure("chrf"), CHRF()),
        (Measure("chrf++"), CHRF(word_order=2)),
    ],
    ids=["bleu of zh", "ter", "chrf", "chrf++"],
)
def test_the_cost_is_of_the_measure_that_chooses_models_and_in_its_tokens(measure, theirs):
    """13a makes one word of a Chinese sentence: all that is not right is as wrong."""
    near, far, ref = "老师看见一只小猫。", "我。", "老师看见一只小狗。"
    scores = [measure.sentence_score(hyp, ref) for hyp in (near, far)]
    assert scores == [theirs.sentence_score(hyp, [ref]).score for hyp in (near, far)]
    assert (scores[0] > scores[1]) == (measure.name != "ter")
