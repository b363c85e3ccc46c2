"""Which of a run's models is kept: in any language, by any metric, and when the run goes on elsewhere."""

from __future__ import annotations

import json
import logging

import pytest
import torch
import toy

import nmt
from nmt.metrics import measure as measures
from nmt.metrics.config import MetricConfig
from nmt.training.metrics_file import COLUMNS, read_metrics
from nmt.training.run import train

pytestmark = pytest.mark.long

CHINESE = {
    "Der Hund": "小狗", "Die Katze": "猫", "Ein Kind": "孩子", "Anna": "安娜", "Paul": "保罗", "Die Frau": "女人",
    "sieht": "看见", "hört": "听见", "sucht": "寻找", "findet": "找到", "mag": "喜欢",
    "den Ball": "球", "das Haus": "房子", "einen Vogel": "鸟", "die Stadt": "城市", "kein Boot": "船",
}  # fmt: skip


@pytest.fixture(scope="module")
def chinese(tmp_path_factory):
    """German and Chinese, 130 pairs for training and 20 for validation. To BLEU's 13a a sentence is one word."""
    folder = toy.write_corpus(tmp_path_factory.mktemp("chinese"))
    for split in ("train", "valid"):
        text = (folder / f"{split}.de").read_text(encoding="utf-8").replace(".", "。")
        for german, word in CHINESE.items():
            text = text.replace(german, word)
        (folder / f"{split}.zh").write_text(text.replace(" ", ""), encoding="utf-8")
    return folder


def into_chinese(folder, runs_dir, **changes):
    settings = {"data__tgt": "zh", "trainer__max_epochs": 8, "optim__learning_rate": 0.03}
    return toy.run_config(folder, runs_dir, **settings | changes)


def validations(run_dir):
    return [row for row in read_metrics(run_dir / "metrics.csv") if row["val/nll"]]


def kept(run_dir):
    return json.loads((run_dir / "model" / "scores.json").read_text())


@pytest.mark.parametrize(("tokenize", "signature", "epochs"), [("auto", "tok:zh", 9), ("13a", "tok:13a", 3)])
def test_the_model_of_a_language_without_spaces_is_the_best_one_and_not_the_first(
    chinese, tmp_path, caplog, tokenize, signature, epochs
):
    with caplog.at_level(logging.INFO, logger="nmt"):
        settings = {"trainer__keep_best": 2, "trainer__max_epochs": epochs, "trainer__val_every_epochs": epochs // 3}
        result = train(into_chinese(chinese, tmp_path, metric={"tokenize": tokenize}, **settings))
    run_dir = result.model_dir.parent
    rows, found = validations(run_dir), kept(run_dir)
    rows.sort(key=lambda row: (-float(row["val/bleu"]), -float(row["val/chrf"]), round(float(row["val/nll"]), 3)))
    assert found["step"] == int(rows[0]["step"])
    best_chrf = max(float(row["val/chrf"]) for row in rows)
    assert float(rows[0]["val/chrf"]) == best_chrf
    assert torch.tensor(found["valid"]["chrf"]["score"]).item() == best_chrf  # which is logged as float32
    assert signature in found["valid"]["bleu"]["signature"]
    assert {path.name for path in (run_dir / "best").iterdir()} == {f"step-{row['step']}" for row in rows[:2]}
    assert found["step"] > min(int(row["step"]) for row in rows)
    warned = caplog.text.count("metric=chrf chooses by it always, and metric.tokenize= divides text otherwise")
    if tokenize == "auto":
        assert result.score > 90
        assert not warned
    else:
        assert result.score == 0
        assert warned == 1
        assert "metric.tokenize=13a" in caplog.text
    assert nmt.load(result.model_dir).measure().tokenize == signature.removeprefix("tok:")
    assert f"validation BLEU {result.score:.2f}; model" in caplog.text


@pytest.mark.parametrize(("name", "label"), [("chrf++", "chrF++"), ("ter", "TER"), ("nll", "nll")])
def test_the_metric_that_is_asked_for_chooses_and_is_named(corpus_dir, tmp_path, caplog, name, label):
    with caplog.at_level(logging.INFO, logger="nmt"):
        settings = {"trainer__max_epochs": 3, "optim__average_last": 2, "optim__learning_rate": 0.03}
        result = train(toy.run_config(corpus_dir, tmp_path, metric={"name": name}, **settings))
    run_dir = result.model_dir.parent
    rows, found = validations(run_dir), kept(run_dir)
    assert tuple(rows[0]) == (*COLUMNS, *([f"val/{name}"] if name in ("chrf++", "ter") else []))
    best = (min if name in ("ter", "nll") else max)(float(row[f"val/{name}"]) for row in rows)
    assert result.score == pytest.approx(best)
    assert (found["nll"] if name == "nll" else found["valid"][name]["score"]) == pytest.approx(best)
    shown = f"{label} {best:.3f}" if name == "nll" else f"{label} {best:.2f}"
    assert result.best == shown
    assert f"(best {shown})" in caplog.text
    assert f"best validation {shown}; model" in caplog.text
    assert f"by whose {label} this is the best model" in (result.model_dir / "README.md").read_text()
    made_of = json.loads((run_dir / "origin.json").read_text())["metric"]
    assert made_of["name"] == name
    assert made_of["signature"] == (found["valid"][name]["signature"] if name != "nll" else "nll")
    assert nmt.load(result.model_dir).metric == MetricConfig(name)


def test_what_auto_stands_for_is_decided_when_a_run_begins(chinese, tmp_path, monkeypatch):
    """And not once more when a tokenizer was installed, or removed, meanwhile."""
    train(into_chinese(chinese, tmp_path, trainer__max_epochs=1))
    monkeypatch.setitem(measures._PREFERRED, "chinese", ("char",))
    run_dir = train(into_chinese(chinese, tmp_path, trainer__max_epochs=3)).model_dir.parent
    assert kept(run_dir)["step"] > int(validations(run_dir)[0]["step"])
    assert "tok:zh" in kept(run_dir)["valid"]["bleu"]["signature"]
    assert "tok:zh" in json.loads((run_dir / "origin.json").read_text())["metric"]["signature"]
    monkeypatch.setattr(measures, "_obstacle", lambda tokenize: "it is gone" if tokenize == "zh" else None)
    with pytest.raises(ValueError, match="metric.tokenize is 'zh', which cannot be had here: it is gone"):
        train(into_chinese(chinese, tmp_path, trainer__max_epochs=4))
