"""What does not fit the memory fails before the first update, and names what to lower."""

from __future__ import annotations

import pytest
import torch
import toy

from nmt.config import TrainerConfig
from nmt.training.memory import explained_shortage
from nmt.training.module import TrainingModule
from nmt.training.run import train


@pytest.mark.parametrize(
    ("moment", "error"),
    [
        ("forward", torch.OutOfMemoryError("CUDA out of memory")),
        ("backward", RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")),
    ],
)
def test_a_batch_that_does_not_fit_fails_first_and_says_what_to_lower(
    corpus_dir, tmp_path, monkeypatch, error, moment
):
    shapes = []
    original = TrainingModule.loss

    def loss(self, batch):
        shapes.append(batch.src.shape)
        value, nll = original(self, batch)
        if batch.src.numel() > 150:
            if moment == "forward":
                raise error
            value.register_hook(fail)
        return value, nll

    def fail(gradient):
        raise error

    monkeypatch.setattr(TrainingModule, "loss", loss)
    with pytest.raises(ValueError, match="a batch of trainer.max_tokens=256 does not fit the memory; lower it"):
        train(toy.run_config(corpus_dir, tmp_path))
    assert len(shapes) == 1


def test_a_shortage_that_python_tells_of_is_one_too():
    config = TrainerConfig(max_epochs=1, max_tokens=7)
    with pytest.raises(ValueError, match="max_tokens=7 does not fit the memory"), explained_shortage(config):
        raise MemoryError


def test_another_error_stays_what_it_is(corpus_dir, tmp_path, monkeypatch):
    def loss(self, batch):
        raise RuntimeError("something else")

    monkeypatch.setattr(TrainingModule, "loss", loss)
    with pytest.raises(RuntimeError, match="something else"):
        train(toy.run_config(corpus_dir, tmp_path))


def test_the_largest_batches_are_tried_and_change_nothing(corpus_dir, tmp_path, monkeypatch):
    sizes, steps = [], []
    original, start = TrainingModule.loss, TrainingModule.on_train_batch_start

    def loss(self, batch):
        (steps if self.trainer.fit_loop.epoch_loop.batch_progress.current.ready else sizes).append(batch.src.numel())
        return original(self, batch)

    def clean(self, batch, batch_idx):
        assert all(p.grad is None for p in self.parameters())  # nor do they stay after an update
        assert torch.are_deterministic_algorithms_enabled()
        start(self, batch, batch_idx)

    monkeypatch.setattr(TrainingModule, "loss", loss)
    monkeypatch.setattr(TrainingModule, "on_train_batch_start", clean)
    train(toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=1, trainer__deterministic=True))
    assert 1 <= len(sizes) <= 2
    assert max(sizes) == max(steps)
