"""How many processes train, by what started them."""

from __future__ import annotations

import pytest

from nmt.config import TrainerConfig
from nmt.training.ranks import check_same, from_first, gathered, starter, with_shards, world


def config(**settings):
    return TrainerConfig(max_epochs=1, max_tokens=1, **settings)


@pytest.fixture
def started(monkeypatch):
    """What the environment says of it."""

    def by(**names):
        for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE", "SLURM_NTASKS", "SLURM_NTASKS_PER_NODE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in names.items():
            monkeypatch.setenv(name, str(value))

    return by


def test_processes_are_those_that_were_asked_for_or_started(started):
    started()
    assert world(config(), "cpu") == (1, 1)
    assert world(config(devices=3, num_nodes=2, strategy="ddp"), "cpu").size == 6
    started(LOCAL_WORLD_SIZE=3, WORLD_SIZE=6)
    assert world(config(strategy="torchrun"), "cpu") == (3, 2)
    started(SLURM_NTASKS_PER_NODE=5, SLURM_NTASKS=20)
    assert world(config(strategy="slurm", devices=7), "cpu") == (5, 4)
    assert starter(config(strategy="slurm")).creates_processes_externally
    assert starter(config(strategy="ddp")) is None


@pytest.mark.parametrize(
    ("strategy", "names", "message"),
    [
        ("torchrun", {}, "torchrun, but LOCAL_WORLD_SIZE and WORLD_SIZE are not set: start it by torchrun"),
        ("slurm", {"SLURM_NTASKS": 4}, "slurm, but .* not set: start it by srun, in a job with --ntasks-per-node"),
        ("torchrun", {"LOCAL_WORLD_SIZE": 2, "WORLD_SIZE": 5}, "2 processes here and 5 in all: each machine must"),
    ],
)
def test_a_start_that_is_not_what_the_strategy_says_is_refused(started, strategy, names, message):
    started(**names)
    with pytest.raises(ValueError, match=message):
        world(config(strategy=strategy), "cpu")


def test_more_processes_than_gpus_are_refused(started, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    started(SLURM_NTASKS_PER_NODE=4, SLURM_NTASKS=8)
    with pytest.raises(ValueError, match=r"slurm started 4 processes on a machine where each sees 1 GPU\(s\)"):
        world(config(strategy="slurm"), "gpu")


def test_there_are_as_many_shards_as_processes_unless_more_are_asked_for():
    assert with_shards(config(), 3).shards == 3
    assert with_shards(config(shards=12), 3).shards == 12
    with pytest.raises(ValueError, match="trainer.shards is 12, which 5 processes do not divide; .* such as 4"):
        with_shards(config(shards=12), 5)


def test_one_process_has_what_it_makes():
    assert from_first(lambda: 7) == 7
    assert gathered("a") == ["a"]
    check_same("a")
