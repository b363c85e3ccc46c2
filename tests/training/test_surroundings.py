"""What a program has as before when it has trained."""

from __future__ import annotations

import faulthandler
import logging
import os
import random
import signal
import warnings

import numpy as np
import pytest
import torch
import toy

from nmt.training.run import train
from nmt.training.surroundings import NAMES


def process_state():
    numbers = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    environment = {name: os.environ.get(name) for name in NAMES}
    said = logging.getLogger("lightning.pytorch").level, warnings.filters[:]
    deterministic = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    return numbers, environment, said, torch.get_num_threads(), deterministic


@pytest.mark.parametrize("seed_before", [None, "7"])
def test_a_training_leaves_the_process_as_it_was_though_it_failed(
    corpus_dir, tmp_path, monkeypatch, request, seed_before
):
    def fail(*arguments):
        assert os.environ["PL_GLOBAL_SEED"] == "1"
        assert logging.getLogger("lightning.pytorch").level == logging.WARNING
        with warnings.catch_warnings(record=True) as heard:
            warnings.warn("The dataloader does not have many workers", stacklevel=1)
        assert not heard
        assert torch.get_num_threads() == threads
        torch.use_deterministic_algorithms(True)
        raise InterruptedError

    monkeypatch.delenv("PL_GLOBAL_SEED", raising=False)
    if seed_before:
        monkeypatch.setenv("PL_GLOBAL_SEED", seed_before)
    monkeypatch.setattr("nmt.training.run._modules", fail)
    torch.use_deterministic_algorithms(bool(seed_before), warn_only=True)
    request.addfinalizer(lambda: torch.use_deterministic_algorithms(False))
    threads = torch.get_num_threads() + 1
    before = process_state()
    with pytest.raises(InterruptedError):
        train(toy.run_config(corpus_dir, tmp_path, seed=1, trainer__threads=threads))
    assert process_state() == before


def test_handlers_in_c_are_there_after_a_training(corpus_dir, tmp_path, monkeypatch):
    def fail(*arguments):
        for number in numbers:  # as Lightning does, with what Python knows of them
            signal.signal(number, signal.SIG_DFL)
        raise InterruptedError

    monkeypatch.setattr("nmt.training.run._train", fail)
    numbers = signal.SIGWINCH, signal.SIGURG  # of no effect by default
    with (tmp_path / "traces").open("w+") as file:
        for number in numbers:
            faulthandler.register(number, file)
        with pytest.raises(InterruptedError):
            train(toy.run_config(corpus_dir, tmp_path))
        for number in numbers:
            os.kill(os.getpid(), number)
            faulthandler.unregister(number)
        assert (tmp_path / "traces").read_text().count("Current thread") == 2
