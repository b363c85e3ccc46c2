"""A run's folder: it goes on with the text that it began with, and what cannot be written there is named."""

from __future__ import annotations

import gzip
import logging
import os
import shutil
from dataclasses import replace

import pytest
import torch
import toy
import yaml
from disks import full_disk
from test_resume import train_until

from nmt.common.files import write_atomically
from nmt.data.corpora import FileCorpus, HubCorpus, Pair
from nmt.data.preparation import prepare
from nmt.data.readers import Row
from nmt.data.tokenizer import TokenizerConfig
from nmt.plain_data import to_dict
from nmt.training.checkpoint import FOLDER, LAST, PREVIOUS, CheckpointFiles
from nmt.training.curves import draw_curves
from nmt.training.folder import CONFIG, LOG, METRICS, ORIGIN, check_run_dir, difference, write_validation
from nmt.training.loggers import TensorBoard
from nmt.training.logs import open_log
from nmt.training.metrics_file import MetricsFile
from nmt.training.resumption import find_checkpoint
from nmt.training.run import train

QUICK = {"trainer__max_steps": 2, "trainer__max_tokens": 1024, "trainer__num_samples": 0}
MORE = QUICK | {"trainer__max_steps": 3}


@pytest.fixture
def text(corpus_dir, tmp_path):
    """A text that a test may change, of three splits."""
    folder = shutil.copytree(corpus_dir, tmp_path / "text")
    for code in ("de", "en"):
        lines = (folder / f"valid.{code}").read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / f"test.{code}").write_text("".join(lines[10:]), encoding="utf-8")
        (folder / f"valid.{code}").write_text("".join(lines[:10]), encoding="utf-8")
    return folder


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def more_of(text, split):
    for code in ("de", "en"):
        with (text / f"{split}.{code}").open("a", encoding="utf-8") as file:
            file.write("Papa.\n")


@pytest.mark.parametrize(("split", "word"), [("train", "training"), ("valid", "validation"), ("test", "test")])
def test_another_text_under_the_same_name_is_refused_before_anything_is_written(text, tmp_path, split, word):
    """On a finished run, whether or not it shall go on."""
    run_dir = train(toy.run_config(text, tmp_path, data__test="test", **QUICK)).model_dir.parent
    before = content(run_dir)
    more_of(text, split)
    for settings in (QUICK, MORE):
        with pytest.raises(
            ValueError, match=rf"toy began with another {word} text: data.{split}={split} has"
        ) as error:
            train(toy.run_config(text, tmp_path, data__test="test", **settings))
        assert "\n" not in str(error.value)
    assert content(run_dir) == before


@pytest.mark.parametrize("batches", [1, 2])  # the second after a checkpoint
def test_another_text_is_refused_where_a_run_was_killed(text, tmp_path, batches):
    settings = QUICK | {"trainer__checkpoint_every_steps": 1}
    train_until(toy.run_config(text, tmp_path, **settings), "training_step", batches)
    before = content(tmp_path / "toy")
    assert (f"{FOLDER}/{LAST}" in before) == (batches == 2)
    more_of(text, "train")
    with pytest.raises(ValueError, match="began with another training text"):
        train(toy.run_config(text, tmp_path, **settings))
    assert content(tmp_path / "toy") == before


def test_a_dataset_whose_revision_has_moved_is_refused(text, tmp_path, monkeypatch):
    pairs = {split: list(FileCorpus("de", "en", dir=str(text)).pairs(split)) for split in ("train", "valid")}
    monkeypatch.setattr(HubCorpus, "rows", lambda self, split: map(Row, pairs[split]))
    hub = {"name": "hub", "src": "de", "tgt": "en", "dataset": "somebody/something", "valid": "valid"}
    train(toy.run_config(text, tmp_path, data=hub, **QUICK))
    pairs["train"][7] = pairs["train"][8]
    with pytest.raises(ValueError, match="began with another training text: data.train=train has changed"):
        train(toy.run_config(text, tmp_path, data=hub, **MORE))


def test_the_same_text_in_another_folder_or_gzipped_is_the_same(text, tmp_path):
    train(toy.run_config(text, tmp_path, **QUICK))
    moved = shutil.move(text, tmp_path / "moved")
    for name in ("train.de", "valid.en"):
        (moved / f"{name}.gz").write_bytes(gzip.compress((moved / name).read_bytes(), mtime=1))
        (moved / name).unlink()
    run_dir = train(toy.run_config(moved, tmp_path, **MORE)).model_dir.parent
    assert "continuing from" in (run_dir / LOG).read_text()


def test_a_renamed_folder_is_the_same_run(text, tmp_path):
    config = toy.run_config(text, tmp_path, run="before")
    (tmp_path / "after").mkdir()
    (tmp_path / "after" / CONFIG).write_text(yaml.safe_dump(to_dict(config)))
    check_run_dir(tmp_path / "after", replace(config, run="after", runs_dir="elsewhere", cache_dir="elsewhere too"))
    (tmp_path / "after" / CONFIG).rename(tmp_path / "after" / ".hidden")  # as file managers leave some
    check_run_dir(tmp_path / "after", config)


def test_the_pairs_a_run_validates_with_are_a_line_each(tmp_path):
    write_validation(tmp_path, [Pair("a\nb", "c\ud800"), Pair("d", "é")])
    assert (tmp_path / "valid.src").read_bytes() == b"a b\nd\n"
    assert (tmp_path / "valid.tgt").read_text(encoding="utf-8") == "c?\né\n"


def test_a_test_text_that_is_newly_named_is_another_configuration(text, tmp_path):
    """It is kept out of the training text, so that the pieces may become others."""
    train(toy.run_config(text, tmp_path, **QUICK))
    with pytest.raises(ValueError, match="belongs to a run with data.test=None, not test"):
        train(toy.run_config(text, tmp_path, data__test="test", **MORE))


def test_of_two_configurations_what_was_chosen_by_name_is_told_first_and_auto_by_its_keys():
    before = {"model.cell.forget_bias": 1.0, "model.cell.name": "lstm", "auto": []}
    assert difference(before, {"model.cell.name": "gru", "auto": []}) == "model.cell.name=lstm, not gru"
    now = before | {"trainer.max_epochs": 9, "auto": ["trainer.max_epochs"]}
    assert difference(before | {"trainer.max_epochs": 9}, now) == "trainer.max_epochs=9, not auto"
    assert not difference(now, dict(now))


def test_a_run_without_a_record_of_its_text_goes_on_in_the_same_folder(text, tmp_path, caplog):
    run_dir = train(toy.run_config(text, tmp_path, **QUICK)).model_dir.parent
    for left in ("{}", None):
        (run_dir / ORIGIN).write_text(left) if left else (run_dir / ORIGIN).unlink()
        with pytest.raises(ValueError, match=r"belongs to a run with data.dir=.*text, not .*elsewhere"):
            train(toy.run_config(tmp_path / "elsewhere", tmp_path, **MORE))
        caplog.clear()
        train(toy.run_config(text, tmp_path, **MORE))
        assert f"{run_dir / ORIGIN} does not say which text the run began with" in caplog.text


def test_a_record_of_the_text_that_is_damaged_is_named_and_nothing_is_written(text, tmp_path):
    run_dir = train(toy.run_config(text, tmp_path, **QUICK)).model_dir.parent
    for damaged in (b"", b"\xff", b"[]", b"[" * 100_000, b'{"text_sha256": ["x"]}', b'{"text_sha256": {"train": 1}}'):
        (run_dir / ORIGIN).write_bytes(damaged)
        before = content(run_dir)
        with pytest.raises(ValueError, match=r"origin.json is damaged; choose another run=, or delete that file if"):
            train(toy.run_config(text, tmp_path, **MORE))
        assert content(run_dir) == before


def test_a_start_that_has_other_pieces_by_now_is_refused(text, tmp_path):
    """The embeddings in the checkpoint stand for the pieces of the model that was there before."""
    starts = {}
    for name in ("a", "b"):
        shutil.copytree(text, tmp_path / name)
        more_of(tmp_path / name, "train")
        (tmp_path / name / "train.en").write_text((text / "train.en").read_text().replace("dog", name) + f"{name}\n")
        config = toy.run_config(tmp_path / name, tmp_path / f"{name}-runs", **QUICK)
        starts[name] = train(config).model_dir
    tuned = toy.run_config(text, tmp_path, init=str(starts["a"]), **QUICK)
    run_dir = train(tuned).model_dir.parent
    shutil.rmtree(starts["a"])
    shutil.copytree(starts["b"], starts["a"])
    before = content(run_dir)
    with pytest.raises(ValueError, match="last.ckpt is of other pieces than the tokenizer has now; delete"):
        train(toy.run_config(text, tmp_path, init=str(starts["a"]), **MORE))
    assert content(run_dir) == before


def write_log(folder):
    with open_log(folder / LOG):
        logging.getLogger("nmt").info("more than ten bytes")


WRITERS = {
    ORIGIN: lambda folder: write_atomically(folder / ORIGIN, bytes(11)),
    METRICS: lambda folder: MetricsFile(folder / METRICS).log_metrics({"val/nll": 1.0}, 1),
    "tensorboard": lambda folder: TensorBoard(folder, name="", version="tensorboard").log_metrics({"a": 1.0}, 1),
    LOG: write_log,
    "curves.png": lambda folder: draw_curves(folder / "few.csv", folder / "curves.png"),
    "last.ckpt": lambda folder: CheckpointFiles().save_checkpoint({"a": torch.zeros(99)}, folder / "last.ckpt"),
    "cache": lambda folder: prepare(
        FileCorpus("de", "en", dir=str(folder / "text")), TokenizerConfig(vocab_size=320), folder / "cache"
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_an_error_of_a_full_disk_names_the_file(text, tmp_path, name):
    (tmp_path / "few.csv").write_text("step,train/nll,val/nll,val/bleu,val/chrf\n1,2,,,\n")
    with pytest.raises(OSError, match="too large") as error, full_disk():
        WRITERS[name](tmp_path)
    assert str(tmp_path / name) in str(error.value.filename or error.value)


@pytest.mark.parametrize("name", [CONFIG, ORIGIN, METRICS, LOG])
def test_a_pipe_in_the_place_of_a_runs_file_is_refused_and_not_waited_for(corpus_dir, tmp_path, name):
    run_dir = train(toy.run_config(corpus_dir, tmp_path, **QUICK)).model_dir.parent
    (run_dir / name).unlink()
    os.mkfifo(run_dir / name)
    with pytest.raises(ValueError, match=f"{name} is no file; remove it, or choose another run="):
        train(toy.run_config(corpus_dir, tmp_path, **MORE))


def test_a_folder_in_the_place_of_a_checkpoint_gives_way_to_the_one_before(corpus_dir, tmp_path):
    run_dir = train(toy.run_config(corpus_dir, tmp_path, **QUICK)).model_dir.parent
    last = run_dir / FOLDER / LAST
    last.replace(last.with_name(PREVIOUS))
    last.mkdir()
    assert find_checkpoint(run_dir)[0] == last.with_name(PREVIOUS)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_run_whose_best_model_is_lost_does_not_end_as_if_it_were_there(corpus_dir, tmp_path, name):
    """It would be found out by who translates with it."""
    run_dir = train(toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=1)).model_dir.parent
    (run_dir / "model" / name).write_bytes(b"{}")
    with pytest.raises(ValueError, match=f"the best model of the run is lost .*{name}.*; put it back, or choose"):
        train(toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=2))
