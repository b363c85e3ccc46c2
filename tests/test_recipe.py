"""Distillation and back-translation as in docs/train.md: a translation, and a training on both texts. Also the
reports of scripts/diversify, with stand-ins for its stages (tests/test_diversify.py runs them)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import toy
from commands import command, programs

from nmt.training.run import train


@pytest.mark.parametrize(
    "options", [["--beam-size", "2", "--no-repeat-ngram", "1"], ["--sample", "1", "--top-k", "2"]]
)
def test_a_student_learns_from_what_others_translate(trained, corpus_dir, tmp_path, options):
    folder = shutil.copytree(corpus_dir, tmp_path / "corpus")
    source = (folder / "train.de").read_bytes()
    models = [trained / "model"] * 2
    made = command("nmt-translate", *models, *options, stdin=source).stdout
    assert made.count(b"\n") == source.count(b"\n")
    (folder / "distilled.en").write_bytes(made)
    (folder / "distilled.de").symlink_to(folder / "train.de")
    config = toy.run_config(folder, tmp_path / "runs", data__train="train+distilled", trainer__max_epochs=2)
    run_dir = train(config).model_dir.parent
    pairs = [
        (folder / f"{name}.{code}").read_text().splitlines()
        for name in ("train", "distilled")
        for code in ("de", "en")
    ]
    different = {*zip(*pairs[:2], strict=True), *zip(*pairs[2:], strict=True)}
    assert len(different) > len(pairs[0])
    held = {line for code in ("de", "en") for line in (folder / f"valid.{code}").read_text().splitlines()}
    kept = sum(src not in held and tgt not in held and bool(tgt) for src, tgt in different)
    assert f"training pairs: {kept} of the folder {folder}; left out: " in (run_dir / "train.log").read_text()


@pytest.fixture
def recipe(monkeypatch, corpus_dir, tmp_path):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "scripts"))
    from diversification.recipe import Recipe, link_text

    made = Recipe(corpus_dir, "de", "en", ["cell=gru"], ["seed=7"], ["optim.risk=4"], 2, tmp_path / "work")
    link_text(made)
    return made


def test_a_plan_tells_the_minutes_of_each_stage_by_a_speed_that_is_measured_once(recipe, monkeypatch, capsys):
    from diversification import report

    measured = []

    def run(command, **how):
        measured.append(json.loads(command[-1]))
        found = {"forward": 2.5, "translation": 0.25, "last": 7.5, "risk": 1.5}
        return subprocess.CompletedProcess(command, 0, f"warning\n{json.dumps(found)}\n", "")

    monkeypatch.setattr(report.subprocess, "run", run)
    told = report.planned(recipe)
    assert told == report.planned(recipe)
    assert len(measured) == 1
    assert measured[0]["last"] == ["seed=7"]
    assert "cell=gru" in measured[0]["base"]
    assert "| training of forward-2 and backward-2 | train | 2.5 |" in told
    assert "| translation of backward | train | 0.2 |" in told
    assert "| training of last | train + forward-2 + backward-2 | 7.5 |" in told
    assert "| all, without validation | | 14.5 |" in told  # 2.5 twice, 0.25 twice, 7.5, 1.5


def test_a_path_of_any_characters_reaches_every_training(recipe, tmp_path):
    from nmt.cli.app import parsed_overrides

    made = replace(recipe, work=tmp_path / "one, two=three's [x]")
    commands = [made.risk_training, *(one for stage in made.stages() for one in stage.commands.values())]
    trainings = [command[1:] for command in commands if command[0] == "nmt-train"]
    assert len(trainings) == 7
    for training in trainings:
        told = {one.key_or_group: one.value() for one in parsed_overrides(training)}
        assert (told["runs_dir"], told["data.dir"]) == (str(made.work), str(made.work / "data"))
        assert told.get("init", f"{made.work}/last/model") == f"{made.work}/last/model"


def test_a_plan_that_cannot_be_measured_says_why(recipe, monkeypatch):
    from diversification import report

    failed = subprocess.CompletedProcess([], 2, "", "Traceback\nValueError: no\n")
    monkeypatch.setattr(report.subprocess, "run", lambda *_, **__: failed)
    assert report.planned(recipe) == "no plan: ValueError: no"
    assert not (recipe.work / report.PLAN).exists()


def test_the_speed_of_each_training_is_measured(recipe, monkeypatch, tmp_path):
    small = ["model=small", "tokenizer.vocab_size=320", "trainer.max_epochs=10", "trainer.accelerator=cpu"]
    where = ["data=files", f"data.dir={recipe.folder}", "data.src=de", "data.tgt=en", f"cache_dir={tmp_path}"]
    risk = ["optim.risk=1", "optim.candidates=3"]
    told = {"base": [*where, *small, "trainer.max_tokens=256"], "last": ["trainer.max_epochs=20"], "risk": risk}
    from diversification.report import MEASURE

    measuring = [programs() / "python3", "-c", MEASURE, json.dumps(told)]
    result = subprocess.run(measuring, check=True, capture_output=True, text=True)
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["translation"] == pytest.approx(found["forward"] / 10)
    assert found["last"] / found["forward"] > 3  # six times as many updates; the bound allows for other load
    assert found["risk"] > found["forward"]


def stage(recipe, seconds, code=0, names=("forward-1", "backward-1")):
    from diversification.recipe import Stage

    made = {name: ["stand-in", f"import time, sys; time.sleep({seconds}); sys.exit({code})"] for name in names}
    return Stage("training", made, ["train"])


def test_the_time_of_a_stage_is_kept_over_its_starts_and_not_counted_when_nothing_is_left(recipe, monkeypatch):
    from diversification import runner

    monkeypatch.setattr(runner, "by_module", lambda command: [sys.executable, "-c", command[1]])
    taken = recipe.work / runner.STAGES
    assert not runner.Runner(recipe.work).run(stage(recipe, 0.2, 3))
    first = runner.known(taken)
    assert not first["forward-1"]["done"]
    assert runner.Runner(recipe.work, runner.known(taken)).run(stage(recipe, 0.1))
    second = runner.known(taken)
    assert second["forward-1"]["done"]
    assert second["forward-1"]["seconds"] > first["forward-1"]["seconds"] + 0.1
    assert runner.Runner(recipe.work, second).run(stage(recipe, 0.1))
    assert runner.known(taken) == second


def test_a_translation_goes_on_at_its_last_part(recipe, monkeypatch, trained):
    from diversification import recipe as stages
    from diversification.runner import Runner, by_module

    monkeypatch.setattr(stages, "PART", 20)
    monkeypatch.setattr(sys, "executable", programs() / "python3")
    for name in ("forward-1", "forward-2"):
        (recipe.work / name).mkdir()
        (recipe.work / name / "model").symlink_to(trained / "model")
    command = recipe.translation("forward", "de", "en")
    join = command.index("--join")
    half = [*command[:join], *command[join + 2 :], "--part", "0/2"]
    subprocess.run(by_module(half), check=True, capture_output=True)
    folder = recipe.work / "forward-2.parts"
    before = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.txt")}
    assert before
    assert Runner(recipe.work).run(stages.Stage("translation", {"forward": command}, ["train"]))
    after = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.txt")}
    assert len(after) > len(before)
    assert {name: after[name] for name in before} == before
    stages.link_sources(recipe)
    made, of = ((recipe.data / f"forward-2.{code}").read_text().splitlines() for code in ("en", "de"))
    assert len(made) == len(of)
    assert of == (recipe.data / "train.de").read_text().splitlines()


def test_a_card_tells_what_each_stage_took_and_gave(recipe):
    from diversification.report import card_of

    names = ["forward-1", "backward-1", "forward-2", "backward-2", "forward", "backward", "last", "risk"]
    taken = {name: {"seconds": 60.0 * number, "done": True} for number, name in enumerate(names, 1)}
    for number, name in enumerate(names):
        (recipe.work / name / "model").mkdir(parents=True)
        scores = {"bleu": {"score": 30.0 + number}, "chrf": {"score": 50.0 + number}}
        (recipe.work / name / "model/scores.json").write_text(json.dumps({"valid": scores}))
    pairs = len((recipe.folder / "train.de").read_text().splitlines())
    rows = card_of(recipe, taken).splitlines()
    assert rows[2] == f"| forward-1 | {pairs:,} | 1.0 | 30.00 | 50.00 |  |"
    assert rows[4] == f"| forward-2 | {pairs:,} | 3.0 | 32.00 | 52.00 | +2.00 |"
    assert rows[6] == f"| forward, translated | {pairs:,} | 5.0 |  |  |  |"
    assert rows[8] == f"| last | {3 * pairs:,} | 7.0 | 36.00 | 56.00 | +6.00 |"
    assert rows[9] == f"| risk | {pairs:,} | 8.0 | 37.00 | 57.00 | +7.00 |"
    assert rows[-1].endswith(f"{recipe.work}/risk/model".replace("/", os.sep))
