"""One model that translates in several directions: trained, validated, used."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import commands
import pytest
import toy
from safetensors.torch import load_file

import nmt
from nmt.data.corpora import Pair
from nmt.data.directions import Directions
from nmt.training.metrics_file import read_metrics
from nmt.training.run import train
from nmt.training.validation import rows_by_direction
from nmt.translation.translator import Translator
from nmt.translation.workers import Workers

BOTH = {"data__both_ways": True, "data__tags": True, "tokenizer__vocab_size": 330}
WAYS = {"de-en": "de", "en-de": "en"}


@pytest.fixture(scope="module")
def both(corpus_dir, tmp_path_factory) -> Path:
    """The run of a model that has learned the tiny language both ways."""
    folder = tmp_path_factory.mktemp("both")
    settings = {"trainer__max_epochs": 14, "trainer__val_every_epochs": 7, "optim__learning_rate": 0.02}
    settings["trainer__max_tokens"] = 512
    return train(toy.run_config(corpus_dir, folder, **BOTH | settings)).model_dir.parent


def lines(path):
    return path.read_text(encoding="utf-8").splitlines()


def test_the_mean_of_the_directions_chooses_and_each_is_told(both, corpus_dir):
    rows = [row for row in read_metrics(both / "metrics.csv") if row["val/bleu"]]
    for row in rows:
        each = [float(row[f"val/bleu/{way}"]) for way in WAYS]
        assert float(row["val/bleu"]) == pytest.approx(sum(each) / 2)
    best = max(
        rows, key=lambda row: (float(row["val/bleu"]), float(row["val/chrf"]), -round(float(row["val/nll"]), 3))
    )
    samples = re.findall("  src (.*)", (both / "train.log").read_text(encoding="utf-8"))[:3]
    assert [text in lines(corpus_dir / "valid.de") for text in samples] == [True, False, True]  # directions in turn
    scores = json.loads((both / "model" / "scores.json").read_text())
    assert scores["step"] == int(best["step"])
    card = (both / "model" / "README.md").read_text()
    assert "by whose BLEU (the mean of the directions) this is the best model" in card
    for way in WAYS:
        assert scores["directions"][way]["bleu"]["score"] == pytest.approx(float(best[f"val/bleu/{way}"]))
        assert float(best[f"val/bleu/{way}"]) > 90
        assert f"{way} {float(best[f'val/bleu/{way}']):.2f}" in (both / "train.log").read_text()
        assert f"| BLEU {way} |" in card


def test_a_direction_without_a_pair_to_validate_with_is_named():
    directions = Directions.of("", "", ["de-en", "en-de", "fr-en"], True)
    pairs = [Pair("a", "b", languages=("de", "en"))]
    with pytest.raises(ValueError, match="the validation text has no pair of en-de, fr-en"):
        rows_by_direction(SimpleNamespace(directions=directions, valid=pairs))


def test_the_command_on_the_card_translates(corpus_dir, tmp_path, monkeypatch):
    text = shutil.copytree(corpus_dir, tmp_path / "text")
    for split in ("train", "valid"):
        shutil.copy(text / f"{split}.de", text / f"{split}.fr")
    settings = {"data__directions": ["de-en", "fr-en"], "data__tags": "both", "tokenizer__vocab_size": 330}
    model = train(toy.run_config(text, tmp_path, trainer__max_steps=1, **settings)).model_dir
    (line,) = re.findall("^    (nmt-translate .*) < source.txt", (model / "README.md").read_text(), re.MULTILINE)
    assert line == "nmt-translate . --from de"
    monkeypatch.chdir(model)
    done = commands.command(*line.split(), stdin=b"Anna\n")
    assert (done.returncode, done.stdout.count(b"\n")) == (0, 1), done.stderr


def test_a_model_translates_as_it_is_told_and_knows_what_it_can(both, corpus_dir):
    translator = nmt.load(both / "model", "cpu", "float32")
    sides = dict(zip(("de", "en"), toy.lines(corpus_dir, "valid"), strict=True))
    for to, from_ in (("en", "de"), ("German", "English")):
        src, tgt = (sides["de" if code in ("de", "German") else "en"] for code in (from_, to))
        found = translator.translate(src, to=to, alignment=True)
        assert sum(one.text == ref for one, ref in zip(found, tgt, strict=True)) > 15
        assert {one.src_tokens[0] for one in found} == {"<2en>" if to == "en" else "<2de>"}
        every = nmt.load(both / "model", "cpu", "float32", shortlist=False).translate(src, to=to)
        assert [one.text for one in every] == [one.text for one in found]  # the shortlist lacks nothing
        right, wrong = (sum(one.log_prob for one in translator.score(src, of, to=to)) for of in (tgt, tgt[::-1]))
        assert right > wrong + 100
    assert translator.translate(["", " ", "12"], to="de")[2].text == "12"
    with pytest.raises(ValueError, match="say into which language with --to"):
        translator.translate("Anna.")
    with pytest.raises(ValueError, match="does not translate to 'fr'; it has: de-en, en-de"):
        translator.translate("Anna.", to="fr")
    assert "<Translator de-en, en-de: " in repr(translator)
    translator.direction = translator.directions.chosen("de")
    again = pickle.loads(pickle.dumps(translator))
    assert again.translate("Anna.")[0] == translator.translate("Anna.", to="de")[0]
    with Workers(translator, 2) as workers:
        assert workers.translate(sides["en"], to="de", batch_size=3) == translator.translate(
            sides["en"], batch_size=3
        )


def test_every_command_takes_a_direction(both, trained, corpus_dir, tmp_path, run_here):
    model, de, en = both / "model", corpus_dir / "valid.de", corpus_dir / "valid.en"
    languages = "de-en  de (Latn) to en (Latn)\nen-de  en (Latn) to de (Latn)\n"
    assert run_here("nmt-translate", model, "--languages") == (0, languages, "")
    for command, *options in (
        ("nmt-evaluate", "--src", en, "--ref", de),
        ("nmt-compare", trained / "model", "--src", en, "--ref", de),
        ("nmt-inspect", "Anna."),
        ("nmt-translate",),
    ):
        _, out, err = run_here(command, model, *options, code=2)
        assert "say into which language with --to (in Python to=): en, de" in err
        assert (out, err.count("\n")) == ("", 1)
    options = [model, "--src", en, "--ref", de, "--to", "de", "--workers", 1, "--json", "--output", tmp_path]
    assert json.loads(run_here("nmt-evaluate", *options).out)["scores"]["bleu"]["score"] > 90
    ensemble = ["nmt-translate", model, model, "--to", "deu", "--from", "en", "--compute", "float32"]
    done = commands.command(*ensemble, stdin=b"Anna.\n")
    alone = Translator.load(model, "cpu", "float32").translate("Anna.", to="de")[0].text
    assert done.stdout.decode() == f"{alone}\n"
    sentence = lines(en)[0]
    pairs = run_here("nmt-inspect", model, sentence, "--to", "de", "--alignment").out.split()
    assert max(int(pair.split("-")[0]) for pair in pairs) < len(sentence.split())  # the tag is no word
    shown = run_here("nmt-inspect", model, sentence, "--to", "de", "--json").out
    assert json.loads(shown)["src_pieces"][0] == "<2de>"


def test_a_model_of_one_direction_takes_its_own_code_alone(trained, corpus_dir):
    translator = nmt.load(trained / "model", "cpu")
    assert translator.translate("Anna.", to="en", from_="de") == translator.translate("Anna.", to="eng")
    for options in ({"to": "de"}, {"to": "en", "from_": "fr"}):
        with pytest.raises(ValueError, match="the model does not translate .*; it has: de-en"):
            translator.translate("Anna.", **options)


def test_a_run_of_several_directions_goes_on_to_the_same_bytes(corpus_dir, tmp_path):
    def run(folder, epochs):
        settings = {
            "trainer__max_epochs": epochs,
            "trainer__max_tokens": 1024,
            "tokenizer__sampling": 0.2,
            "model__dropout": 0.3,
        }
        return train(toy.run_config(corpus_dir, tmp_path / folder, **BOTH | settings)).model_dir.parent

    whole = run("whole", 2)
    for epochs in (1, 2):
        parts = run("parts", epochs)
    found = [load_file(one / "model" / "model.safetensors") for one in (whole, parts)]
    assert all(found[0][name].equal(found[1][name]) for name in found[0])
    assert (whole / "metrics.csv").read_text().count("val/bleu/en-de") == 1


def test_least_risk_is_counted_in_each_target_language(both, corpus_dir, tmp_path):
    settings = {"optim__risk": 10.0, "optim__candidates": 2, "trainer__max_steps": 1, "metric": {"name": "bleu"}}
    run = train(toy.run_config(corpus_dir, tmp_path, init=str(both / "model"), **BOTH | settings))
    assert nmt.load(run.model_dir).directions == nmt.load(both / "model").directions


def test_a_model_without_tags_cannot_learn_them_with_its_own_pieces(trained, both, corpus_dir, tmp_path):
    with pytest.raises(
        ValueError, match="init=.*: the tokenizer has no piece <2en>; init_vocabulary=swap learns new"
    ):
        train(
            toy.run_config(corpus_dir, tmp_path, init=str(trained / "model"), **BOTH | {"tokenizer__vocab_size": 320})
        )
    untagged = toy.run_config(corpus_dir, tmp_path, init=str(both / "model"), tokenizer__vocab_size=330)
    with pytest.raises(ValueError, match="begins each source with a tag; data.tags must be true too"):
        train(untagged)
