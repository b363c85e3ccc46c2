"""Checkpoints are whole or not there, whatever the disk does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import toy
from disks import full_disk
from hydra.core.global_hydra import GlobalHydra

from nmt.cli.train import main
from nmt.common.files import replacing, write_atomically
from nmt.config import TrainerConfig
from nmt.data.datamodule import DataModule
from nmt.training import checkpoint as checkpoint_module
from nmt.training.checkpoint import FOLDER, LAST, PREVIOUS, CheckpointFiles, read_checkpoint
from nmt.training.folder import LOG
from nmt.training.resumption import _has, find_checkpoint, why_finished
from nmt.training.run import train

pytestmark = pytest.mark.long

COMMAND = [
    "nmt-train",
    "data=files",
    "data.src=de",
    "data.tgt=en",
    "run=toy",
    "tokenizer.vocab_size=320",
    "model.embedding_size=96",
    "model.hidden_size=48",
    "trainer.max_tokens=512",
    "trainer.accelerator=cpu",
    "trainer.precision=float32",
    "trainer.tensorboard=false",
]


def test_a_full_disk_stops_the_run_with_one_line_and_the_checkpoint_stays(corpus_dir, tmp_path, monkeypatch, capsys):
    def call(epochs):
        GlobalHydra.instance().clear()
        monkeypatch.setattr(sys, "argv", [*COMMAND, f"data.dir={corpus_dir}", f"trainer.max_epochs={epochs}"])
        main()

    monkeypatch.chdir(tmp_path)
    call(1)
    folder = tmp_path / "runs" / "toy" / FOLDER
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    capsys.readouterr()
    with full_disk(len(before[LAST]) // 2), pytest.raises(SystemExit) as end:
        call(2)
    told = capsys.readouterr().err
    assert end.value.code == 2
    assert told.splitlines()[-1] == "nmt-train: runs/toy/checkpoints/last.ckpt: File too large"
    assert "Traceback" not in told
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    call(2)


def test_a_lost_permission_is_an_error_and_the_checkpoint_stays():
    with tempfile.TemporaryDirectory() as folder:  # not below a folder of pytest's, which is the user's alone
        target = Path(folder) / LAST
        CheckpointFiles().save_checkpoint({"a": torch.zeros(3)}, target)
        user = os.geteuid()
        target.parent.chmod(0o555)
        os.seteuid(user or 65534)  # root may write everywhere
        try:
            with pytest.raises(OSError, match="Permission denied"):
                CheckpointFiles().save_checkpoint({"a": torch.ones(3)}, target)
        finally:
            os.seteuid(user)
            target.parent.chmod(0o755)
        assert CheckpointFiles().load_checkpoint(target, weights_only=True)["a"].tolist() == [0, 0, 0]
        assert [path.name for path in target.parent.iterdir()] == [LAST]


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({"trainer__checkpoint_every_minutes": None}, [11, 12]),
        ({"trainer__checkpoint_every_steps": 3, "trainer__checkpoint_every_minutes": None}, [3, 6, 9, 11, 12]),
        ({"trainer__checkpoint_every_minutes": 4.5}, [5, 10, 11, 12]),
    ],
)
def test_a_checkpoint_is_written_every_so_many_updates_or_minutes(corpus_dir, tmp_path, monkeypatch, settings, steps):
    """And before the last update of an epoch, and at its end. An update takes a minute here."""
    saved, updates = [], [0]
    save, step = CheckpointFiles.save_checkpoint, torch.optim.AdamW.step

    def watched(self, checkpoint, path, storage_options=None):
        saved.append(checkpoint["global_step"])
        save(self, checkpoint, path)

    def counted(self, closure=None):
        updates[0] += 1
        return step(self, closure)

    monkeypatch.setattr(CheckpointFiles, "save_checkpoint", watched)
    monkeypatch.setattr(torch.optim.AdamW, "step", counted)
    monkeypatch.setattr(checkpoint_module, "time", SimpleNamespace(monotonic=lambda: 60.0 * updates[0]))
    train(toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=1, **settings))
    assert saved == steps


def flipped(bit, place):
    """Flips a bit of the last part's entry in the directory of a zip archive."""

    def damage(path):
        torch.save({"number": 7}, path)
        content = bytearray(path.read_bytes())
        content[content.rindex(b"PK\1\2") + place] ^= bit
        path.write_bytes(content)

    return damage


def zip_of_one_file(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "y")


DAMAGES = [
    lambda path: path.write_bytes(path.read_bytes()[:-40]),
    flipped(1, 8),  # is encrypted
    flipped(8, 10),  # is compressed
    flipped(128, 46),  # has a name that is not UTF-8
    zip_of_one_file,
    lambda path: torch.save(torch.nn.Linear(1, 1), path),  # nothing that may be unpickled
    lambda path: torch.save([1], path),
]


def test_the_checkpoint_before_is_kept_and_taken_when_the_last_is_damaged(tmp_path, caplog):
    target = tmp_path / FOLDER / LAST
    for number in range(3):
        CheckpointFiles().save_checkpoint({"number": number}, target)
    assert {path.name for path in target.parent.iterdir()} == {LAST, PREVIOUS}
    assert find_checkpoint(tmp_path) == (target, {"number": 2})
    for damage in DAMAGES:
        caplog.clear()
        damage(target)
        assert find_checkpoint(tmp_path) == (target.with_name(PREVIOUS), {"number": 1})
        assert caplog.messages == [f"{target} is damaged"]
    resumed = CheckpointFiles(target.with_name(PREVIOUS))
    for number, before in ((1, 1), (2, 1), (3, 2)):  # never a damaged one
        resumed.save_checkpoint({"number": number}, target)
        assert read_checkpoint(target.with_name(PREVIOUS)) == {"number": before}
    target.unlink()
    assert find_checkpoint(tmp_path) == (target.with_name(PREVIOUS), {"number": 2})
    with pytest.raises(ValueError, match="previous.ckpt is no checkpoint of a training; delete"):
        find_checkpoint(tmp_path, SimpleNamespace())
    target.with_name(PREVIOUS).unlink()
    assert find_checkpoint(tmp_path) == (None, {})


def test_a_checkpoint_has_all_parts_that_resuming_needs():
    wanted = {"a": int, "b": {...: str}, "c": {}}
    sound = {"a": 1, "b": {"x": "y"}, "c": {"z": 0}, "d": None}
    assert _has(sound, wanted)
    for other in ({"a": True}, {"b": {"x": 1}}, {"b": []}, {"c": None}):
        assert not _has(sound | other, wanted)
    assert not _has({"a": 1, "b": {}}, wanted)


@pytest.mark.parametrize("error", [OSError, MemoryError])
@pytest.mark.parametrize("place", ["testzip", "read"])
def test_a_checkpoint_that_cannot_be_read_now_is_not_taken_for_damaged(tmp_path, monkeypatch, error, place):
    def fail(*_):
        raise error

    CheckpointFiles().save_checkpoint({"number": 7}, tmp_path / FOLDER / LAST)
    if place == "read":
        monkeypatch.setattr("nmt.training.resumption.read_checkpoint", fail)
    else:
        monkeypatch.setattr(zipfile.ZipFile, "testzip", fail)
    with pytest.raises(error):
        find_checkpoint(tmp_path)


@pytest.mark.parametrize(("seconds", "told"), [(90, "1.5 minutes are over"), (89, None)])
def test_a_run_is_finished_when_its_minutes_are_over(seconds, told):
    content = {
        "global_step": 1,
        "progress": {"without_gain": 0},
        "callbacks": {"Timer": {"time_elapsed": {"train": seconds}}},
        DataModule.__qualname__: {"epoch": 0},
    }
    found = why_finished(TrainerConfig(max_epochs=1, max_tokens=1, max_minutes=1.5), content)
    assert found == (told and f"{told}; a larger trainer.max_minutes goes on")


def test_a_checkpoint_that_is_sound_and_not_of_this_run_gives_way_to_the_one_before(corpus_dir, tmp_path):
    config = toy.run_config(corpus_dir, tmp_path, trainer__max_steps=9, trainer__checkpoint_every_steps=4)
    run_dir = train(config).model_dir.parent
    last, previous = (run_dir / FOLDER / name for name in (LAST, PREVIOUS))
    content = torch.load(last, weights_only=True)
    name, weight = next(iter(content["state_dict"].items()))
    content["state_dict"][name] = weight[:-1]  # of another model
    torch.save(content, tmp_path / "foreign")
    shutil.copy(tmp_path / "foreign", last)
    train(config)
    assert f"continuing from {previous}" in (run_dir / LOG).read_text()
    steps = [torch.load(path, weights_only=True)["global_step"] for path in (previous, last)]
    assert steps == [8, 9]  # the foreign one has not taken the place of the one before
    for path in (last, previous):
        shutil.copy(tmp_path / "foreign", path)
    before = {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match=f"of another model; delete .*{FOLDER} to begin anew") as error:
        train(config)
    assert "\n" not in str(error.value)
    assert {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()} == before


def test_pieces_are_known_by_their_files_and_names():
    files = [{"a": b"x", "b": b"y"}, {"a": b"y", "b": b"x"}, {"a": b"x", "c": b"y"}, {"b": b"y", "a": b"x"}]
    first, *others, again = [checkpoint_module.pieces_hash(SimpleNamespace(models=models)) for models in files]
    assert first == again
    assert first not in others


def test_what_cannot_be_read_back_does_not_take_the_place_of_what_can(tmp_path, monkeypatch):
    target = tmp_path / FOLDER / LAST
    CheckpointFiles().save_checkpoint({"number": 1}, target)
    monkeypatch.setattr(torch, "save", lambda checkpoint, file: file.write(b"half"))
    with pytest.raises(OSError, match="what was read back is not what was written"):
        CheckpointFiles().save_checkpoint({"number": 2}, target)
    assert find_checkpoint(tmp_path) == (target, {"number": 1})
    assert [path.name for path in target.parent.iterdir()] == [LAST]


def test_a_file_is_replaced_whole_and_is_on_the_disk_before_it_is_seen(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        owner = os if name == "fsync" else Path
        original = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *a, n=name, o=original: (calls.append(n), o(*a))[1])
    write_atomically(tmp_path / "file", b"old")
    assert calls == ["fsync", "replace", "fsync"]  # the file, its name, the folder
    with replacing(tmp_path / "file") as file:
        assert Path(file.name).parent == tmp_path  # on the same disk
        file.write(b"old")
    with pytest.raises(TypeError), replacing(tmp_path / "file") as file:
        file.write("no bytes")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_process_that_is_killed_while_it_writes_leaves_the_old_file(tmp_path):
    write_atomically(tmp_path / "file", b"old")
    code = """
import os, signal, sys
from pathlib import Path
from nmt.common.files import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"new")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    result = subprocess.run([sys.executable, "-c", code, tmp_path / "file"])
    assert result.returncode == -signal.SIGKILL
    assert (tmp_path / "file").read_bytes() == b"old"
