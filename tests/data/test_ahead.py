"""Copying ahead, with a GPU's streams played by what writes down the order of things."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
import toy
from safetensors.torch import load_file
from torch import Tensor

from nmt.data import datamodule
from nmt.data.ahead import CopiedAhead
from nmt.data.batching import collate
from nmt.training.run import train


class Stream:
    def __init__(self, happened):
        self.happened, self.sent = happened, 0

    def record_event(self):
        self.sent += 1
        self.happened.append(f"{self.sent} is sent")
        return self.sent

    def wait_event(self, event):
        self.happened.append(f"{event} is waited for")


@pytest.fixture
def happened(monkeypatch):
    found: list[str] = []
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: Stream(found))
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream(found))
    monkeypatch.setattr(Tensor, "pin_memory", lambda part: found.append(f"pinned {part.is_contiguous()}") or part)
    monkeypatch.setattr(Tensor, "record_stream", lambda part, stream: found.append("kept"))
    return found


def test_the_next_batch_is_sent_before_one_is_used(happened):
    batches = [collate([[7, 3], [5, 6, 3]][:n], [[2, 8, 9, 3], [2, 3]][:n]) for n in (2, 1, 2)]
    copied, used = CopiedAhead(batches, torch.device("cpu")), []
    assert len(copied) == 3
    for number, batch in enumerate(copied, 1):
        happened.append(f"{number} is used")
        used.append(batch)
    assert all(torch.equal(*pair) for one in zip(used, batches, strict=True) for pair in zip(*one, strict=True))
    assert [what for what in happened if " is " in what] == [
        *("1 is sent", "2 is sent", "1 is waited for", "1 is used"),
        *("3 is sent", "2 is waited for", "2 is used", "3 is waited for", "3 is used"),
    ]
    assert happened.count("pinned True") == happened.count("kept") == 3


def test_no_batches_are_none(happened):
    assert list(CopiedAhead([], torch.device("cpu"))) == []


def test_training_is_the_same(happened, corpus_dir, tmp_path, monkeypatch, no_pictures):
    found = []
    for name in ("plain", "ahead"):
        monkeypatch.setattr(datamodule, "is_copied_ahead", lambda device, name=name: name == "ahead")
        monkeypatch.setattr(datamodule, "in_few_shapes", lambda batch: batch)
        model = train(toy.run_config(corpus_dir, tmp_path / name, trainer__max_epochs=1)).model_dir
        found.append(load_file(model / "model.safetensors"))
    assert happened
    assert all(torch.equal(weight, found[1][name]) for name, weight in found[0].items())
