"""A whole training run: what it leaves behind, how it goes on, and what it refuses."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import sys
import warnings
from dataclasses import replace

import pytest
import torch
import toy
import yaml

import nmt
from nmt.bundle import load_bundle
from nmt.common.files import locked
from nmt.config import SCHEDULES, RunConfig
from nmt.data.batching import collate
from nmt.metrics.config import METRICS, Metric
from nmt.metrics.measure import Measure
from nmt.plain_data import from_dict
from nmt.search import Greedy
from nmt.training.checkpoint import CheckpointFiles
from nmt.training.machine import Hardware
from nmt.training.metrics_file import COLUMNS, read_metrics
from nmt.training.run import train

pytestmark = pytest.mark.long


def test_a_run_learns_the_language_and_leaves_what_it_should(trained, corpus_dir):
    assert {path.name for path in trained.iterdir()} == {
        "config.yaml", "origin.json", "checkpoints", "metrics.csv", "curves.png", "train.log", "model"
    }  # fmt: skip
    assert {path.name for path in (trained / "model").iterdir()} == {
        "config.json", "model.safetensors", "lexicon.safetensors", "tokenizer.model", "README.md", "scores.json"
    }  # fmt: skip
    scores = json.loads((trained / "model" / "scores.json").read_text())["valid"]
    assert scores["bleu"]["score"] > 60
    assert "tok:13a" in scores["bleu"]["signature"]
    log = (trained / "train.log").read_text(encoding="utf-8")
    samples = [line.split("  src ")[1] for line in log.splitlines() if "  src " in line][:3]
    assert samples == [(corpus_dir / "valid.de").read_text(encoding="utf-8").splitlines()[i] for i in (0, 6, 13)]
    assert "  hyp " in log
    assert f"BLEU {scores['bleu']['score']:.2f}" in log


def test_the_model_directory_translates_as_training_did(trained, corpus_dir):
    src, ref = toy.lines(corpus_dir, "valid")
    translator = nmt.load(trained / "model", device="cpu")
    hyps = [translation.text for translation in translator.translate(src)]
    scores = json.loads((trained / "model" / "scores.json").read_text())["valid"]
    assert Measure().scores(hyps, [ref])["bleu"].score == scores["bleu"]["score"]
    assert [nmt.load(trained / "model").translate([text])[0].text for text in src[:5]] == hyps[:5]


def test_metrics_have_a_row_for_every_log_and_rise_in_steps(trained):
    rows = read_metrics(trained / "metrics.csv")
    assert tuple(rows[0]) == COLUMNS
    steps = [int(row["step"]) for row in rows]
    assert steps == sorted(steps)
    assert sum(row["val/bleu"] != "" for row in rows) == 5
    assert all(float(row["train/tokens_per_s"]) > 0 for row in rows if row["train/tokens_per_s"])


def test_the_saved_config_is_the_runs(trained):
    assert from_dict(RunConfig, yaml.safe_load((trained / "config.yaml").read_text())).run == "toy"


def test_the_best_of_the_weights_and_their_averages_is_kept(corpus_dir, tmp_path):
    config = toy.run_config(
        corpus_dir, tmp_path, trainer__max_epochs=4, optim__average_decay=0.9, optim__average_last=2
    )
    run_dir = train(config).model_dir.parent
    best = max(read_metrics(run_dir / "metrics.csv"), key=lambda row: float(row["val/bleu"] or -1))
    report = json.loads((run_dir / "model" / "scores.json").read_text())
    assert float(best["val/bleu"]) < 100  # else both are alike
    assert (report["average"] is not None) == (best["val/bleu_of_average"] == best["val/bleu"])
    src, ref = toy.lines(corpus_dir, "valid")
    hyps = [translation.text for translation in nmt.load(run_dir / "model", device="cpu").translate(src)]
    assert Measure().scores(hyps, [ref])["bleu"].score == report["valid"]["bleu"]["score"]


def test_the_nll_beside_the_bleu_is_that_of_the_weights_that_are_kept(corpus_dir, tmp_path, monkeypatch):
    scores = itertools.cycle([20.0, 30.0])  # of the weights, and of their average

    def scored(self, hyps, refs, *names):
        found = real(self, hyps, refs, *names)
        return found if names else found | {"bleu": replace(found["bleu"], score=next(scores))}

    real = Measure.scores
    monkeypatch.setattr(Measure, "scores", scored)
    config = toy.run_config(corpus_dir, tmp_path, optim__average_decay=0.9, trainer__max_epochs=1)
    run_dir = train(config).model_dir.parent
    report = json.loads((run_dir / "model" / "scores.json").read_text())
    (row,) = [r for r in read_metrics(run_dir / "metrics.csv") if r["val/nll"] and int(r["step"]) == report["step"]]
    assert report["average"] == "moving"
    kept = load_bundle(run_dir / "model")
    src, tgt = toy.lines(corpus_dir, "valid")
    batch = collate(kept.tokenizer.encode_src(src), kept.tokenizer.encode_tgt(tgt))
    nll = float(kept.model.eval().loss(*batch)[1] / batch.tgt_len.sum())
    assert float(row["val/nll"]) == pytest.approx(nll, rel=1e-5)
    assert float(row["val/ppl"]) == pytest.approx(math.exp(nll), rel=1e-5)


def test_the_best_models_of_a_run_are_kept_and_make_an_ensemble(corpus_dir, tmp_path, monkeypatch):
    """And only what no checkpoint needs any more is removed."""
    scores = iter([(10.0, 60.0), (30.0, 50.0), (20.0, 40.0), (30.0, 30.0), (25.0, 20.0), (40.0, 10.0)])
    seen = []

    def scored(self, hyps, refs, *names):
        found = real(self, hyps, refs, *names)
        if names:  # the metric is tried before training
            return found
        bleu, chrf = next(scores)
        return {"bleu": replace(found["bleu"], score=bleu), "chrf": replace(found["chrf"], score=chrf)}

    def watched(self, checkpoint, path, storage_options=None):
        seen.append({int(folder.name.removeprefix("step-")) for folder in (tmp_path / "toy" / "best").glob("step-*")})
        save(self, checkpoint, path)

    save, real = CheckpointFiles.save_checkpoint, Measure.scores
    monkeypatch.setattr(Measure, "scores", scored)
    monkeypatch.setattr(CheckpointFiles, "save_checkpoint", watched)
    settings = {"trainer__max_tokens": 1024, "trainer__keep_best": 2}
    steps = []
    for epochs in (4, 6):
        run_dir = train(toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=epochs, **settings)).model_dir.parent
        steps.append(sorted(int(path.name.removeprefix("step-")) for path in (run_dir / "best").iterdir()))
    epoch = steps[0][0] // 2
    assert steps == [[2 * epoch, 4 * epoch], [2 * epoch, 6 * epoch]]
    assert seen[-1] == {2 * epoch, 4 * epoch, 6 * epoch}
    assert json.loads((run_dir / "model" / "scores.json").read_text())["step"] == 6 * epoch
    first, last = (run_dir / "best" / f"step-{step}" for step in steps[1])
    assert (last / "model.safetensors").read_bytes() == (run_dir / "model" / "model.safetensors").read_bytes()
    assert nmt.load([first, last], device="cpu").translate(["Anna mag den Ball."])


def test_another_configuration_does_not_go_on_in_the_same_folder(corpus_dir, tmp_path):
    run_dir = train(toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=1)).model_dir.parent
    before = (run_dir / "metrics.csv").read_text()
    with pytest.raises(ValueError, match="belongs to a run with model.dropout=0.1, not 0.2; choose another run="):
        train(toy.run_config(corpus_dir, tmp_path, model__dropout=0.2))
    assert (run_dir / "metrics.csv").read_text() == before


def test_a_run_goes_on_that_began_before_an_option_and_a_column_were_there(corpus_dir, tmp_path):
    run_dir = train(toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=1)).model_dir.parent
    config = yaml.safe_load((run_dir / "config.yaml").read_text())
    del config["optim"]["risk"], config["optim"]["candidates"]
    (run_dir / "config.yaml").write_text(yaml.safe_dump(config))
    rows = [row.rsplit(",", 1)[0] for row in (run_dir / "metrics.csv").read_text().splitlines()]
    assert rows[0].split(",") == list(COLUMNS[:-1])
    (run_dir / "metrics.csv").write_text("\n".join(rows) + "\n")
    train(toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=2))
    after = (run_dir / "metrics.csv").read_text().splitlines()
    assert after[: len(rows)] == rows
    assert len(after) > len(rows)
    assert {row.count(",") for row in after} == {len(COLUMNS) - 2}


def test_a_run_with_a_damaged_configuration_is_left_alone(corpus_dir, tmp_path):
    run_dir = train(toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=1)).model_dir.parent
    for content in (b"", b"run: [", b"- 1", b"\xff", b"run: toy\n", b"- " * 1500):
        (run_dir / "config.yaml").write_bytes(content)
        with pytest.raises(ValueError, match="config.yaml is damaged, or of another version; choose another run="):
            train(toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokenizer__vocab_size": 9000}, "tokenizer.vocab_size is 9000, but the training text supports"),
        ({"trainer__max_tokens": 5}, "trainer.max_tokens is 5, but the longest training sentence has"),
        ({"data__valid": "nothing"}, "has no nothing.de"),
        (
            {"trainer__devices": 21},
            "21 processes need a validation pair each, and there are 20; take fewer processes",
        ),
    ],
)
@pytest.mark.usefixtures("script")
def test_what_cannot_work_writes_nothing(corpus_dir, tmp_path, monkeypatch, changes, message):
    monkeypatch.setattr("nmt.training.run.build_trainer", None)  # which would start processes
    with pytest.raises(ValueError, match=message):
        train(toy.run_config(corpus_dir, tmp_path, **changes))
    assert not (tmp_path / "toy").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model__hidden_size": 49}, "hidden_size is 49"),
        ({"model__attention__heads": 5}, "attention.heads is 5; it must divide"),
        ({"optim__freeze": ["middle"]}, "optim.freeze has 'middle'; the model has: decoder, "),
        ({"data__mix": {"weights": [3, 1]}}, r"data.mix.weights has 2 number\(s\), but .* 1 part\(s\): train"),
        ({"metric": {"tokenize": "ja-mecab"}}, "metric.tokenize is 'ja-mecab', which cannot be had here: none"),
        ({"optim__schedule": "linear"}, "^the schedule 'linear' gives nan at 0.0; it must give the share of"),
        ({"optim__schedule": "cosine"}, r"^the schedule 'cosine' fails \(TypeError: .*\); it must give the share of"),
        ({"metric": {"name": "chrf++"}}, r"^the metric 'chrf\+\+' fails \(AttributeError: .*\); its function must"),
        ({"search": {"name": "greedy"}}, "^the search Greedy gives NoneType for 2 sentences; find must give, for"),
        ({"trainer__precision": "float16"}, "'float16', which this processor cannot do"),
        ({"trainer__strategy": "torchrun"}, "trainer.strategy is torchrun, but .*: start it by torchrun"),
        ({"trainer__strategy": "slurm"}, "trainer.strategy is slurm, but .*: start it by srun"),
        ({"trainer__loggers": ["wandb"]}, "wandb"),
        ({"trainer__tensorboard": True}, "tensorboard"),
        ({"cache_dir": "file/cache"}, "Not a directory: 'file/cache'"),
        ({"run": "file/toy"}, "Not a directory: '.*file/toy'"),
        ({"run": "taken"}, "taken is in use: the same run is going on already"),
    ],
)
def test_what_no_text_makes_possible_is_told_before_it_is_prepared(
    corpus_dir, tmp_path, monkeypatch, changes, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nmt.training.run.prepare", None)
    monkeypatch.setattr("nmt.metrics.measure._obstacle", lambda tokenize: "none")
    monkeypatch.setitem(SCHEDULES, "linear", lambda done: math.nan)
    monkeypatch.setitem(SCHEDULES, "cosine", lambda done: None)
    monkeypatch.setitem(METRICS, "chrf++", Metric("mine", lambda measure, refs: None))
    monkeypatch.setattr(Greedy, "find", lambda self, *_: None)
    for name in ("wandb", "tensorboard"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    (tmp_path / "file").touch()
    (tmp_path / "taken").mkdir()
    config = toy.run_config(corpus_dir, tmp_path, **changes)
    with locked(tmp_path / "taken", wait=False), pytest.raises((ValueError, OSError, ImportError), match=message):
        train(config)
    assert {path.name for path in tmp_path.iterdir()} == {"file", "taken"}


def test_training_says_that_it_needs_torchs_own_default_type(corpus_dir, tmp_path, default_dtype):
    default_dtype(torch.float64)
    with pytest.raises(ValueError, match="needs torch.set_default_dtype.torch.float32., and"):
        train(toy.run_config(corpus_dir, tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


def test_a_folder_with_other_things_is_left_alone(corpus_dir, tmp_path):
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not empty and no run's folder"):
        train(toy.run_config(corpus_dir, tmp_path))


@pytest.mark.parametrize(("waits", "rates"), [(0, [1, 1, 0.5, 0.25]), (2, [1, 1, 1, 0.5])])
def test_the_plateau_schedule_cuts_when_it_says_and_leaves_patience_to_count(corpus_dir, tmp_path, waits, rates):
    still = {"optim__learning_rate": 1e-9, "optim__schedule": "plateau", "optim__plateau_patience": waits}
    settings = still | {"trainer__patience": 3, "trainer__max_tokens": 4096, "trainer__log_every_steps": 1}
    for epochs in (2, 9):  # the counts outlive an end
        config = toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=epochs, **settings)
        run_dir = train(config).model_dir.parent
    rows = read_metrics(run_dir / "metrics.csv")
    assert sum(row["val/bleu"] != "" for row in rows) == 4
    logged = [float(row["train/lr"]) for row in rows if row["train/lr"]]  # one update an epoch
    assert [rate / logged[0] for rate in logged] == pytest.approx(rates)


def test_training_that_ends_inside_an_epoch_is_validated_once_more(corpus_dir, tmp_path):
    run_dir = train(toy.run_config(corpus_dir, tmp_path, trainer__max_steps=3)).model_dir.parent
    assert [row["step"] for row in read_metrics(run_dir / "metrics.csv") if row["val/bleu"]] == ["3"]
    assert nmt.load(run_dir / "model").translate(["Anna mag den Ball."])


def test_accumulated_batches_make_fewer_updates(corpus_dir, tmp_path):
    settings = {"trainer__max_epochs": 2, "trainer__val_every_epochs": 2}
    runs = {n: toy.run_config(corpus_dir, tmp_path / str(n), trainer__accumulate=n, **settings) for n in (1, 5)}
    steps = {n: int(read_metrics(train(c).model_dir.parent / "metrics.csv")[-1]["step"]) for n, c in runs.items()}
    epochs = runs[1].trainer.max_epochs
    assert steps[5] == epochs * math.ceil(steps[1] / epochs / 5)  # an epoch's last batches are an update of their own


def test_mixed_precision_learns_as_well(corpus_dir, tmp_path, monkeypatch):
    hardware = Hardware("cpu", "bfloat16")  # slow on some machines, never wrong
    settings = {"trainer__max_epochs": 1, "metric": {"name": "nll"}}
    full = train(toy.run_config(corpus_dir, tmp_path / "full", **settings)).score
    monkeypatch.setattr("nmt.training.run.check_machine", lambda _: hardware)
    mixed = train(toy.run_config(corpus_dir, tmp_path / "mixed", **settings)).score
    assert full != mixed == pytest.approx(full, rel=0.02)


@pytest.mark.parametrize("joint", [True, False])
def test_a_model_learns_to_write_what_its_targets_have_and_nfkc_has_not(corpus_dir, tmp_path, joint):
    text = shutil.copytree(corpus_dir, tmp_path / "text")
    for path in text.glob("*.en"):
        path.write_text(path.read_text(encoding="utf-8").replace(".", " ½，m²…"), encoding="utf-8")
    settings = {
        "tokenizer__joint": joint,
        "tokenizer__vocab_size": 300,
        "tokenizer__sampling": 0.05,
        "model__tie": "target",
    }
    settings |= {"trainer__max_epochs": 7, "trainer__val_every_epochs": 7, "optim__learning_rate": 0.03}
    config = toy.run_config(text, tmp_path / "runs", **settings)
    trained = train(config)
    assert trained.score > 30
    assert nmt.load(trained.model_dir).translate(["Anna mag den Ball."])[0].text.endswith(" ½，m²…")
    assert (trained.model_dir / "tokenizer.src.model").exists() != joint


def test_what_may_be_a_mistake_is_told_in_the_log(corpus_dir, tmp_path):
    text = shutil.copytree(corpus_dir, tmp_path / "text")
    for split in ("train", "valid"):
        shutil.copy(text / f"{split}.de", text / f"{split}.en")
    log = (
        train(toy.run_config(text, tmp_path / "runs", trainer__max_steps=1)).model_dir.parent / "train.log"
    ).read_text()
    assert "warning: 130 of 130 training pairs have the same text on both sides\n" in log
    assert "warning: 20 of 20 validation pairs have the same text on both sides\n" in log


def test_a_small_text_brings_no_warning_of_a_librarys(corpus_dir, tmp_path):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        train(toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=1, trainer__log_every_steps=500))
    assert not [
        str(one.message) for one in seen if "lightning" in one.filename and issubclass(one.category, UserWarning)
    ]


def test_malformed_lines_are_told_in_the_log(corpus_dir, tmp_path):
    text = shutil.copytree(corpus_dir, tmp_path / "text")
    with (text / "train.en").open("r+b") as file:
        file.write(b"\xff")
    for code, number in (("de", "12"), ("en", "twelve")):
        with (text / f"valid.{code}").open("a", encoding="utf-8") as file:
            file.write(f"{number}\n")
    settings = {"data__malformed": "skip", "model__recurrent_dropout": 0.2, "trainer__max_steps": 1}
    config = toy.run_config(text, tmp_path / "runs", **settings)
    model = train(config).model_dir
    log = (model.parent / "train.log").read_text()
    assert f"malformed: {text / 'train.en'}, line 1 is not UTF-8; of another encoding make it so: iconv " in log
    assert f"training pairs: 129 of the folder {text}; left out: 1 malformed\n" in log
    seen = load_bundle(model).config  # of the text
    assert (seen.copy_letterless, seen.scripts) == (False, {"de": "Latn", "en": "Latn"})
    assert 5 < seen.src_pieces < 30


def test_a_run_goes_on_in_one_process_at_a_time(corpus_dir, tmp_path):
    config = toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=1)
    run_dir = train(config).model_dir.parent
    (run_dir / "checkpoints" / ".last.ckpt-abcd1234").write_bytes(b"left by a process that was killed")
    for name in ("step-3", ".step-4"):  # of one that was killed before it had removed them
        (run_dir / "best" / name).mkdir(parents=True)
    for folder in ("model", "best/step-3"):
        (run_dir / folder / ".config.json-abcd1234").touch()
    before = (run_dir / "metrics.csv").read_bytes()
    with locked(run_dir, wait=False), pytest.raises(ValueError, match="in use: the same run is going on already"):
        train(config)
    assert (run_dir / "metrics.csv").read_bytes() == before
    train(config)
    assert {path.name for path in (run_dir / "checkpoints").iterdir()} == {"last.ckpt", "previous.ckpt"}
    assert not list((run_dir / "best").iterdir())
    assert not list((run_dir / "model").glob(".*"))
