"""A translation experiment is found again by all that its scores depend on, and never taken for another one."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import toy
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from nmt.cells import Cell
from nmt.cli.schema import register, to_plain
from nmt.common.files import locked
from nmt.common.resources import resource
from nmt.lab import configured, translation
from nmt.lab.store import path_of
from nmt.lab.translation import job_of
from nmt.lab.translation_results import by_attention, provenance_words
from nmt.metrics.measure import Measure
from nmt.plain_data import from_dict, to_dict

TEXT = {"train": "a" * 64, "valid": "b" * 64}


def settings(corpus_dir, *more):
    return [
        "lab_dir=lab", "cells=[rnn]", "attentions=[none]", *toy.data_of(corpus_dir),
        "tokenizer.vocab_size=320", "model=small", "model.hidden_size=16", "model.embedding_size=8",
        "search=greedy", "trainer.max_epochs=1", "trainer.precision=float32", "trainer.progress=false",
        "trainer.tensorboard=false", *more,
    ]  # fmt: skip


def test_another_experiment_in_the_same_folder_is_done_and_not_taken_from_the_first(
    tmp_path, corpus_dir, monkeypatch, run_here
):
    """Another decoder, rate and number of steps, and then another text: none is told by where it lies."""
    monkeypatch.chdir(tmp_path)
    trained = []

    def work(config, measure, test):
        trained.append(config)
        hyps = [pair.tgt[: config.trainer.max_steps] for pair in test]
        score = asdict(measure.scores(hyps, [[pair.tgt for pair in test]], ("bleu",), 10)["bleu"])
        others = {"by_length": {}, "length_unit": "words", "tokens_per_s": None}
        return {"parameters": 7, "bleu": score, "hyps": hyps, **others}

    monkeypatch.setattr(translation, "work", work)

    def done(folder, *more):
        page = run_here("nmt-lab", "translation", *settings(folder, *more)).out
        return page, json.loads(Path("lab/translation.json").read_text(encoding="utf-8"))

    page, first = done(corpus_dir, "decoders=[gnmt]", "trainer.max_steps=9")
    assert first["rows"][0]["decoder"] == "gnmt"
    assert "at most 1 epochs or 9 updates" in page
    other = "decoders=[bahdanau]", "trainer.max_steps=99", "optim.learning_rate=0.01"
    page, second = done(corpus_dir, *other)
    assert second["rows"][0]["decoder"] == "bahdanau"
    assert "at most 1 epochs or 99 updates" in page
    assert second["rows"][0]["bleu"]["score"] > 99 > first["rows"][0]["bleu"]["score"]
    assert [(run.model.decoder.name, run.trainer.max_steps) for run in trained] == [("gnmt", 9), ("bahdanau", 99)]

    changed = shutil.copytree(corpus_dir, tmp_path / "changed")
    for text in (changed / f"train.{code}" for code in ("de", "en")):
        text.write_text("".join(text.read_text(encoding="utf-8").splitlines(keepends=True)[:-9]), encoding="utf-8")
    _, third = done(changed, *other)
    assert len(trained) == 3
    assert third["hashes"]["train"] != second["hashes"]["train"]
    assert len({run.run for run in trained}) == 3
    results = {f"{run.run}.json" for run in trained}  # beside the folder of each
    assert results == {path.name for path in Path("lab/translation").glob("*.json")}

    _, again = done(corpus_dir, "decoders=[gnmt]", "trainer.max_steps=9", "trainer.num_samples=1")
    assert len(trained) == 3
    assert again == first


@pytest.mark.parametrize(
    ("changes", "is_another"),
    [
        ({"trainer__max_steps": 7}, True),
        ({"trainer__max_epochs": 5}, True),
        ({"trainer__patience": 2}, True),
        ({"optim__learning_rate": 0.03}, True),
        ({"model__decoder__name": "bahdanau"}, True),
        ({"search": {"name": "beam", "beam_size": 3}}, True),
        ({"seed": 2}, True),
        ({"cache_dir": "elsewhere"}, False),
        ({"trainer__progress": True, "trainer__num_samples": 0}, False),
    ],
)
def test_an_experiment_is_known_by_every_setting_that_its_scores_depend_on(corpus_dir, tmp_path, changes, is_another):
    config = toy.run_config(corpus_dir, tmp_path)
    other = toy.run_config(corpus_dir, tmp_path, **changes)
    paths = [path_of(job_of(one, TEXT, Measure()), tmp_path) for one in (config, other)]
    assert (paths[0] != paths[1]) == is_another
    assert paths[0].name.startswith("toy-s1-")


def test_an_experiment_is_known_by_its_text_and_how_it_is_scored(corpus_dir, tmp_path):
    config = toy.run_config(corpus_dir, tmp_path)
    paths = [path_of(job_of(config, TEXT, Measure()), tmp_path)]
    paths.append(path_of(job_of(config, TEXT | {"valid": "c" * 64}, Measure()), tmp_path))
    paths.append(path_of(job_of(config, TEXT, Measure(tokenize="char")), tmp_path))
    assert len({*paths}) == 3


@pytest.mark.parametrize(("typed", "size"), [([], None), (["model.attention.size=16"], 16)])
def test_settings_of_an_attention_are_for_those_that_have_them(tmp_path, monkeypatch, corpus_dir, typed, size):
    register()
    GlobalHydra.instance().clear()
    overrides = settings(corpus_dir, "attentions=[dot,additive,none]", "equal=size", *typed)
    with initialize_config_dir(version_base="1.3", config_dir=str(resource("conf"))):
        config, _ = configured("translation", to_plain(compose("lab_translation", overrides)))
    monkeypatch.setattr(translation, "build_model", lambda *_: torch.nn.Linear(1, 1))
    found = {
        run.model.attention.name: run.model.attention.size
        for run in translation.runs(config, SimpleNamespace(tokenizer=None))
    }
    assert found == {"dot": None, "additive": size, "none": None}


def test_an_experiment_that_is_going_on_already_is_named_and_not_its_hashed_run(corpus_dir, tmp_path):
    config = toy.run_config(corpus_dir, tmp_path)
    run_dir = Path(config.runs_dir) / config.run
    run_dir.mkdir(parents=True)
    with locked(run_dir, wait=False), pytest.raises(ValueError, match="is going on already") as refusal:
        translation.work(config, Measure(), [])
    assert str(refusal.value) == (
        f"{config.runs_dir} is in use: this experiment, or another with the same run, is going on already"
    )


def test_limits_of_training_are_all_told():
    data = {"rows": [{"seed": 1}, {"seed": 2}], "hashes": {"train": "ab"}, "equal": "size", "signature": "nrefs:1"}
    assert provenance_words(data | {"limits": {"epochs": 4, "updates": 3, "minutes": None}}) == (
        "Each run was trained for at most 4 epochs or 3 updates, seed 1 and 2, at equal size. Signature nrefs:1. "
        "SHA-256 of the text: train ab."
    )
    limits = {"epochs": 9, "updates": None, "minutes": 2.5}
    assert "at most 9 epochs or 2.5 minutes" in provenance_words(data | {"limits": limits})


def test_settings_of_one_cell_are_not_mixed_in_what_a_cell_is_worth():
    cells = [from_dict(Cell, {"name": "lstm", "forget_bias": bias}) for bias in (1.0, 3.0)]
    rows = [
        {"label": label, "attention": "dot", "cell": to_dict(cell), "bleu": {"score": score}}
        for label, cell, score in zip(("lstm-dot-h8", "lstm-forget_bias=3-dot-h8"), cells, (20.0, 26.0), strict=True)
    ]
    assert by_attention(rows) == (
        "Between the best and the worst cell: with attention=dot 6.00 BLEU lie between lstm-forget_bias=3 and lstm."
    )
