"""Fine-tuning: a run that starts from a model directory."""

from __future__ import annotations

import json

import pytest
import toy
import yaml
from safetensors.torch import load_file

import nmt
from nmt.bundle import load_bundle
from nmt.config import to_dict
from nmt.data.lexicon import Lexicon
from nmt.data.tokenizer import TokenizerConfig, train_tokenizer
from nmt.train import train
from nmt.training.callbacks import read_metrics

STILL = {"optim__learning_rate": 1e-9, "trainer__max_steps": 1}


def text(path):
    return path.read_text(encoding="utf-8").splitlines()


def weights(model_dir):
    return {name: weight.tolist() for name, weight in load_file(model_dir / "model.safetensors").items()}


def test_without_learning_the_translations_are_the_models_own(trained, corpus_dir, tmp_path):
    config = toy.run_config(corpus_dir, tmp_path, init=str(trained / "model"), **STILL)
    run = train(config).model_dir
    own, found = (nmt.load(folder, "cpu", "float32", False) for folder in (trained / "model", run))
    src = text(corpus_dir / "valid.de")
    assert [t.text for t in found.translate(src)] == [t.text for t in own.translate(src)]


def test_what_is_kept_is_never_worse_than_the_start(trained, corpus_dir, tmp_path):
    ruin = {"optim__learning_rate": 10.0, "trainer__max_steps": 2}
    result = train(toy.run_config(corpus_dir, tmp_path, init=str(trained / "model"), **ruin))
    rows = [row for row in read_metrics(result.model_dir.parent / "metrics.csv") if row["val/bleu"]]
    assert [row["step"] for row in rows] == ["0", "2"]
    assert float(rows[1]["val/bleu"]) < float(rows[0]["val/bleu"])
    assert result.score == pytest.approx(float(rows[0]["val/bleu"]))
    assert weights(result.model_dir) == weights(trained / "model")
    assert json.loads((result.model_dir / "scores.json").read_text())["step"] == 0


def test_other_text_keeps_the_vocabulary_and_adds_to_the_lexicon(trained, tmp_path):
    folder = toy.write_corpus(tmp_path / "text")
    for path in folder.iterdir():
        path.write_text(path.read_text(encoding="utf-8").upper(), encoding="utf-8")
    run = train(toy.run_config(folder, tmp_path, init=str(trained / "model"), **STILL)).model_dir
    old, new = load_bundle(trained / "model"), load_bundle(run)
    assert new.tokenizer.models == old.tokenizer.models
    assert set(old.lexicon.frequent.tolist()) < set(new.lexicon.frequent.tolist())
    src = old.tokenizer.encode_src(["ANNA", "Anna"])
    for ids in src:
        assert set(old.lexicon.likely[ids].flatten().tolist()) <= set(new.lexicon.likely[ids].flatten().tolist())


def test_a_resumed_run_goes_on_from_its_checkpoint(corpus_dir, tmp_path):
    settings = {"optim__learning_rate": 0.01, "model__dropout": 0.3, "optim__average_decay": 0.9}
    start = train(toy.run_config(corpus_dir, tmp_path / "start", trainer__max_epochs=1)).model_dir

    def run(folder, epochs):
        config = toy.run_config(
            corpus_dir, tmp_path / folder, init=str(start), trainer__max_epochs=epochs, **settings
        )
        return train(config).model_dir.parent

    whole = run("whole", 3)
    for epochs in (1, 2, 3, 3):
        parts = run("parts", epochs)
    assert weights(parts / "model") == weights(whole / "model")

    def steps(run_dir):
        return [(row["step"], row["train/nll"], row["val/nll"]) for row in read_metrics(run_dir / "metrics.csv")]

    assert steps(parts) == steps(whole)
    assert weights(whole / "model") != weights(start)
    assert yaml.safe_load((parts / "config.yaml").read_text())["init"] == str(start)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"model__hidden_size": 46}, "model.hidden_size=46"),
        ({"model": to_dict(toy.model_config("gru", embedding_size=32, hidden_size=48))}, "model.cell.name=gru"),
        ({"tokenizer__vocab_size": 300}, "tokenizer.vocab_size=300"),
        ({"tokenizer__kind": "unigram"}, "tokenizer.kind=unigram"),
    ],
)
def test_another_architecture_is_refused(trained, corpus_dir, tmp_path, changes, key):
    with pytest.raises(ValueError, match=f"{key} does not go with init=.*model, which has its own; leave it out"):
        train(toy.run_config(corpus_dir, tmp_path, init=str(trained / "model"), **changes))
    assert not (tmp_path / "toy").exists()


def test_a_model_of_before_keeps_what_it_does_to_text(old_bundle_dir, corpus_dir, tmp_path):
    settings = STILL | {"model": to_dict(load_bundle(old_bundle_dir).config.model)}
    for _ in range(2):  # and when the run is started again
        run = train(toy.run_config(corpus_dir, tmp_path, init=str(old_bundle_dir), **settings)).model_dir
        tokenizer = load_bundle(run).tokenizer
        assert tokenizer.content == load_bundle(old_bundle_dir).tokenizer.content
        assert tokenizer.normalizations == ("nmt_nfkc", "nmt_nfkc")
    same = toy.run_config(
        corpus_dir, tmp_path / "b", init=str(old_bundle_dir), tokenizer__normalization="nmt_nfkc", **settings
    )
    assert load_bundle(train(same).model_dir).tokenizer.content == tokenizer.content
    other = toy.run_config(
        corpus_dir, tmp_path / "c", init=str(old_bundle_dir), tokenizer__tgt_normalization="nfc", **settings
    )
    with pytest.raises(ValueError, match="tokenizer.tgt_normalization=nfc does not go with init="):
        train(other)


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_tokenizer_tells_its_kind(corpus_dir, kind):
    sides = (text(corpus_dir / f"train.{code}") for code in ("de", "en"))
    assert train_tokenizer(TokenizerConfig(310, kind), *sides).kind == kind


def test_a_joined_lexicon_allows_what_either_does(lexicon):
    other = Lexicon(lexicon.frequent[:7] + 40, lexicon.likely.flip(0)[:, :5])
    src = lexicon.likely[:3, :4].long()
    either = lexicon.allowed(src, 320) | other.allowed(src, 320)
    assert lexicon.joined(other).allowed(src, 320).equal(either)
