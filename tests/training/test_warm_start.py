"""Fine-tuning: a run that starts from a model directory."""

from __future__ import annotations

import json

import pytest
import torch
import toy
import yaml
from safetensors.torch import load_file

import nmt
from nmt.bundle import build_model, load_bundle
from nmt.data.lexicon import Lexicon
from nmt.data.tokenizer import TokenizerConfig
from nmt.data.tokenizer_training import train_tokenizer
from nmt.data.transfer import origins
from nmt.plain_data import from_dict, to_dict
from nmt.training.metrics_file import read_metrics
from nmt.training.run import train
from nmt.training.warm_start import initialise_from, own_settings

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
    settings["trainer__max_tokens"] = 512
    start = train(toy.run_config(corpus_dir, tmp_path / "start", trainer__max_epochs=1)).model_dir

    def run(folder, epochs):
        config = toy.run_config(
            corpus_dir, tmp_path / folder, init=str(start), trainer__max_epochs=epochs, **settings
        )
        return train(config).model_dir.parent

    whole = run("whole", 2)
    for epochs in (1, 2, 2):
        parts = run("parts", epochs)
    assert weights(parts / "model") == weights(whole / "model")

    def steps(run_dir):
        return [(row["step"], row["train/nll"], row["val/nll"]) for row in read_metrics(run_dir / "metrics.csv")]

    assert steps(parts) == steps(whole)
    assert weights(whole / "model") != weights(start)
    assert yaml.safe_load((parts / "config.yaml").read_text())["init"] == str(start)


SWAP = {"init_vocabulary": "swap", "tokenizer__vocab_size": 310}


def other_text(folder):
    """The tiny language with other words for two of its own."""
    toy.write_corpus(folder)
    for path in folder.iterdir():
        path.write_text(
            path.read_text(encoding="utf-8").replace("Hund", "Kühe").replace("dog", "cows"), encoding="utf-8"
        )
    return folder


def test_new_pieces_keep_what_both_vocabularies_have(trained, tmp_path, caplog):
    start = trained / "model"
    text = other_text(tmp_path / "text")
    caplog.set_level("INFO", "nmt")
    run = train(toy.run_config(text, tmp_path, init=str(start), **SWAP | STILL)).model_dir
    old, new = load_bundle(start), load_bundle(run)
    assert new.tokenizer.src_vocab_size == 310
    theirs, ours = (dict(one.model.named_parameters()) for one in (old, new))
    pieces = [[one.tokenizer.tgt.id_to_piece(i) for i in range(one.tokenizer.tgt_vocab_size)] for one in (old, new)]
    shared = set(pieces[0]) & set(pieces[1])
    assert f"{len(shared)} of 310 pieces are those of {start}" in caplog.text
    for name, weight in ours.items():
        if "embedding" in name or name == "output_bias":
            for piece in shared:
                of_old, of_new = (side.index(piece) for side in pieces)
                torch.testing.assert_close(weight[of_new], theirs[name][of_old], rtol=0, atol=1e-6)
        else:
            torch.testing.assert_close(weight, theirs[name], rtol=0, atol=1e-6)
    spelled = min(set(pieces[1]) - shared)
    ids = origins(new.tokenizer.samplers[1], old.tokenizer.samplers[1])[pieces[1].index(spelled)]
    mean = theirs["tgt_embedding.weight"][ids].mean(0)
    torch.testing.assert_close(ours["tgt_embedding.weight"][pieces[1].index(spelled)], mean, rtol=0, atol=1e-6)


def test_a_model_learns_other_text_with_new_pieces_and_parts_that_stay(trained, tmp_path):
    start, text = trained / "model", other_text(tmp_path / "text")
    freeze = {"optim__freeze": ["encoder", "decoder.attention"], "optim__freeze_steps": 4}

    def run(folder, **settings):
        config = toy.run_config(text, tmp_path / folder, init=str(start), **SWAP | freeze | settings)
        return train(config).model_dir.parent

    whole = run("whole", trainer__max_steps=7)
    for steps in (2, 5, 7):
        parts = run("parts", trainer__max_steps=steps)
        frozen = {name: weight for name, weight in weights(parts / "model").items() if name.startswith("encoder.")}
        stays = frozen == {name: weight for name, weight in weights(start).items() if name in frozen}
        assert stays == (steps == 2)
    assert weights(parts / "model") == weights(whole / "model")
    log = (whole / "train.log").read_text()
    sizes = {name: weight.numel() for name, weight in load_file(whole / "model" / "model.safetensors").items()}
    learned = sum(sizes.values()) - sum(sizes[name] for name in sizes if name.startswith((*freeze["optim__freeze"],)))
    assert f" {learned:,} of them are trained; frozen for 4 updates: encoder, decoder.attention" in log


@pytest.mark.parametrize(
    ("freeze", "message"),
    [
        (["encodre"], "optim.freeze has 'encodre'; the model has: .*decoder, .*embedding, encoder"),
        (["encoder", "decoder", "embedding", "output"], "optim.freeze names all of the model"),
    ],
)
def test_a_part_that_cannot_be_frozen_is_refused(corpus_dir, tmp_path, freeze, message):
    with pytest.raises(ValueError, match=message):
        train(toy.run_config(corpus_dir, tmp_path, optim__freeze=freeze))
    assert not (tmp_path / "toy").exists()


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


@pytest.mark.parametrize(
    "settings",
    [{}, {"kind": "unigram", "joint": False, "protect": ("urls", "numbers"), "keep": "x+", "casing": "marked"}],
)
def test_a_model_brings_all_that_it_does_to_text(corpus_dir, settings):
    given = TokenizerConfig(305, **settings, src_normalization="nmt_nfkc", tgt_normalization="nfc")
    made = toy.bundle(toy.model_config(tie="none"), train_tokenizer(given, *toy.lines(corpus_dir, "train")))
    assert from_dict(TokenizerConfig, own_settings(made)["tokenizer"]) == given


def test_each_side_of_separate_vocabularies_keeps_its_own_weights(corpus_dir):
    sides = toy.lines(corpus_dir, "train")
    old, new = (train_tokenizer(TokenizerConfig(size, joint=False), *sides) for size in (310, 300))
    config = toy.model_config(tie="none")
    start, model = toy.bundle(config, old), build_model(config, new)
    initialise_from(start, model, new)
    for side in ("src", "tgt"):
        ours, theirs = (getattr(one, f"{side}_embedding").weight for one in (model, start.model))
        pieces, known = getattr(new, side), getattr(old, side)
        ids = [(i, known.piece_to_id(pieces.id_to_piece(i))) for i in range(265, 300)]
        assert all(torch.equal(ours[i], theirs[j]) for i, j in ids if known.id_to_piece(j) == pieces.id_to_piece(i))


def test_a_joined_lexicon_allows_what_either_does(lexicon):
    other = Lexicon(lexicon.frequent[:7] + 40, lexicon.likely.flip(0)[:, :5])
    src = lexicon.likely[:3, :4].long()
    either = lexicon.allowed(src, 320) | other.allowed(src, 320)
    assert lexicon.joined(other).allowed(src, 320).equal(either)
