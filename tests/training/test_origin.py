"""What a run and its model say they were made of."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import subprocess
from dataclasses import replace

import toy
import yaml

from nmt.metrics.measure import METRICS, Measure
from nmt.plain_data import to_dict
from nmt.training.origin import git_commit, origin, recipe


def test_a_run_and_its_model_card_say_what_they_were_made_of(trained, corpus_dir):
    made_of = json.loads((trained / "origin.json").read_text())
    assert made_of["seed"] == 1
    for library in ("torch", "lightning", "sentencepiece", "numpy"):
        assert made_of["versions"][library].split("+")[0] == importlib.metadata.version(library).split("+")[0]
    for split in ("train", "valid"):
        digest = hashlib.sha256()
        for code in ("de", "en"):
            digest.update(hashlib.sha256((corpus_dir / f"{split}.{code}").read_bytes()).digest())
        assert made_of["text_sha256"][split] == digest.hexdigest()
    config = yaml.safe_load((trained / "config.yaml").read_text())
    card = (trained / "model" / "README.md").read_text()
    of_card, recipe_of_card = re.findall(r"```\w+\n(.*?)```", card, re.DOTALL)
    assert json.loads(of_card) == made_of
    for name, score in json.loads((trained / "model" / "scores.json").read_text())["valid"].items():
        assert f"| {METRICS[name].label} | {score['score']:.2f} | `{score['signature']}` |" in card
    assert "by whose BLEU this is the best model" in card
    assert "| languages | de (Latn), en (Latn) |" in card
    in_recipe = yaml.safe_load(recipe_of_card)
    assert {key: config[key] for key in in_recipe if key != "data"} == {
        k: v for k, v in in_recipe.items() if k != "data"
    }
    assert made_of["config_sha256"] == hashlib.sha256(json.dumps(in_recipe, sort_keys=True).encode()).hexdigest()


def test_the_hash_of_a_config_is_of_what_makes_the_model_and_not_of_where_it_lies(corpus_dir, tmp_path):
    config = toy.run_config(corpus_dir, tmp_path)
    moved = replace(config, run="x", runs_dir="y", cache_dir="z", data=replace(config.data, dir="w"))
    other = replace(config, seed=2)
    first, same, different = (origin(one, [Measure()], {})["config_sha256"] for one in (config, moved, other))
    assert first == same != different
    assert origin(config, [Measure()] * 2, {})["metric"]["signature"] == Measure().signature()
    assert recipe(config).keys() == to_dict(config).keys() - {"run", "runs_dir", "cache_dir", "auto"}


def test_the_commit_of_a_checkout_says_whether_it_was_changed(tmp_path):
    def git(*arguments):
        name = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
        return subprocess.run(
            ["git", "-C", tmp_path, *name, *arguments], capture_output=True, text=True, check=True
        ).stdout

    assert git_commit(tmp_path) is None
    git("init")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-m", "x")
    commit = git("rev-parse", "HEAD").strip()
    assert git_commit(tmp_path) == commit
    (tmp_path / "file").write_text("two")
    assert git_commit(tmp_path) == f"{commit}+"
