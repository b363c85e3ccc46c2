"""Settings that are "auto": the text decides once, and what is typed has the last word."""

from __future__ import annotations

import json
import shutil

import pytest
import toy
import yaml

from nmt.automatic import AUTOMATIC
from nmt.config import RunConfig
from nmt.data.tokenizer import TokenizerConfig
from nmt.plain_data import from_dict, to_dict
from nmt.training import auto_settings
from nmt.training.auto_settings import decided
from nmt.training.folder import CONFIG, LOG
from nmt.training.run import train

QUICK = {"trainer__max_steps": 2, "trainer__num_samples": 0}
AUTO = {key.replace(".", "__"): "auto" for key in AUTOMATIC}


TOKENS = 12  # of a pair


def decided_for(pairs, corpus_dir, tmp_path, tokens=TOKENS, **settings) -> RunConfig:
    config = toy.run_config(corpus_dir, tmp_path, **(AUTO | settings))
    return decided(config, toy.prepared_text(pairs, tokens, config.data, TokenizerConfig(900)))[0]


def test_much_text_has_what_the_presets_have(corpus_dir, tmp_path):
    given = toy.run_config(corpus_dir, tmp_path, **AUTO)
    text = toy.prepared_text(60_000, TOKENS, given.data, TokenizerConfig(900))
    config, prepared = decided(given, text)
    assert prepared.decisions.startswith("data.valid=valid tokenizer.vocab_size=900 ")
    trainer, model = config.trainer, config.model
    assert (model.dropout, model.src_word_dropout, model.tgt_word_dropout) == (0.3, 0, 0)
    assert config.optim.warmup_steps == 200
    assert (trainer.max_epochs, trainer.max_tokens, trainer.val_every_epochs) == (10, 4096, 1)
    assert config.auto == ()


def test_little_text_is_read_more_often_in_smaller_batches_and_with_more_dropout(corpus_dir, tmp_path):
    texts = [decided_for(pairs, corpus_dir, tmp_path) for pairs in (300, 3000, 15_000, 60_000)]
    epochs = [config.trainer.max_epochs for config in texts]
    assert epochs == sorted(epochs, reverse=True)
    assert len(set(epochs)) == 4
    assert [config.trainer.max_tokens for config in texts] == [1024, 1024, 2048, 4096]
    assert texts[0].model.dropout > texts[-1].model.dropout
    assert texts[0].trainer.val_every_epochs > 1
    assert all(10 <= one.trainer.max_epochs / one.trainer.val_every_epochs < 25 for one in texts)
    assert decided_for(20, corpus_dir, tmp_path, 1500).trainer.max_tokens == 1500  # of the longest sentence
    endless = decided_for(300, corpus_dir, tmp_path, trainer__max_epochs=10_000)
    assert endless.trainer.val_every_epochs == texts[0].trainer.val_every_epochs


@pytest.mark.parametrize("settings", [{}, {"trainer__max_epochs": 1}, {"trainer__max_steps": 30}])
@pytest.mark.parametrize("pairs", [20, 2000, 60_000])
def test_the_learning_rate_arrives(corpus_dir, tmp_path, pairs, settings):
    config = decided_for(pairs, corpus_dir, tmp_path, **settings)
    text = toy.prepared_text(pairs, TOKENS, config.data, config.tokenizer).train
    updates = auto_settings.estimated_updates(config.trainer, text)
    assert config.optim.warmup_steps <= updates / 5
    assert updates <= (config.trainer.max_steps or updates)
    assert config.optim.warmup_steps <= 200


def test_a_trained_model_is_not_guided_and_longer_updates_are_fewer(corpus_dir, tmp_path):
    assert decided_for(300, corpus_dir, tmp_path).optim.guided_alignment == 1
    assert decided_for(300, corpus_dir, tmp_path, init="somewhere").optim.guided_alignment == 0
    steps = [decided_for(3000, corpus_dir, tmp_path, trainer__accumulate=n) for n in (5, 20)]
    assert steps[0].optim.warmup_steps > steps[1].optim.warmup_steps > 0


def test_what_is_typed_wins(corpus_dir, tmp_path):
    typed = {"model__dropout": 0.25, "optim__warmup_steps": 300, "trainer__max_epochs": 7, "trainer__max_tokens": 500}
    config = decided_for(300, corpus_dir, tmp_path, **typed)
    assert (config.model.dropout, config.optim.warmup_steps) == (0.25, 300)
    assert (config.trainer.max_epochs, config.trainer.max_tokens) == (7, 500)


def test_only_some_settings_can_be_left_to_the_text(corpus_dir, tmp_path):
    with pytest.raises(ValueError, match="tokenizer.vocab_size is 'some'; it must be of type int, or auto"):
        toy.run_config(corpus_dir, tmp_path, tokenizer__vocab_size="some")
    with pytest.raises(ValueError, match="model.hidden_size is 'auto'; it must be of type int$"):
        toy.run_config(corpus_dir, tmp_path, model__hidden_size="auto")
    with pytest.raises(ValueError, match="auto has 'seed'; choose among: data.valid, "):
        from_dict(RunConfig, to_dict(toy.run_config(corpus_dir, tmp_path)) | {"auto": ["seed"]})


def test_a_run_is_what_the_text_decided_and_goes_on_with_it(corpus_dir, tmp_path, monkeypatch):
    """Also when a later version would decide otherwise; and the validation text is the run's."""
    text = shutil.copytree(corpus_dir, tmp_path / "text", ignore=shutil.ignore_patterns("valid*"))
    run = train(toy.run_config(text, tmp_path, **AUTO, **QUICK)).model_dir.parent
    began = yaml.safe_load((run / CONFIG).read_text())
    assert (began["auto"], began["data"]["valid"]) == ([], 13)
    logged = (run / LOG).read_text()
    assert "decided by the text: data.valid=13 tokenizer.vocab_size=" in logged
    for name in ("valid.src", "valid.tgt"):
        assert len((run / name).read_text(encoding="utf-8").splitlines()) == 13
    card = (run / "model/README.md").read_text()
    assert f"vocab_size: {began['tokenizer']['vocab_size']}" in card
    monkeypatch.setattr(auto_settings, "POWER", 0.5)
    config = toy.run_config(text, tmp_path, **AUTO, **QUICK)
    before = json.loads((run / "origin.json").read_text())
    train(config)
    assert yaml.safe_load((run / CONFIG).read_text()) == began
    assert json.loads((run / "origin.json").read_text()) == before
    with pytest.raises(ValueError, match=r"belongs to a run with tokenizer.vocab_size=\d+, not 300"):
        train(toy.run_config(text, tmp_path, **(AUTO | {"tokenizer__vocab_size": 300}), **QUICK))
