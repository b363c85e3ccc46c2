"""How many processes train, by what started them."""

from __future__ import annotations

import os
import signal
import sys
import threading

import pytest
import torch.distributed as dist

from nmt.common.signals import Signals, Stopped
from nmt.config import TrainerConfig
from nmt.training.ranks import (
    STARTERS,
    check_pairs,
    check_same,
    from_first,
    gathered,
    is_first_process,
    joined,
    own_rank,
    ranked,
    starter,
    with_shards,
    world,
)


def config(**settings):
    return TrainerConfig(max_epochs=1, max_tokens=1, **settings)


@pytest.fixture
def started(monkeypatch):
    """What the environment says of it."""

    def by(**names):
        for _, wanted in STARTERS.values():
            for name in wanted:
                monkeypatch.delenv(name, raising=False)
        for name, value in names.items():
            monkeypatch.setenv(name, str(value))

    return by


@pytest.mark.usefixtures("script")
def test_processes_are_those_that_were_asked_for_or_started(started):
    started()
    assert world(config(), "cpu") == (1, 1)
    assert world(config(devices=3, num_nodes=2, strategy="ddp"), "cpu").size == 6
    started(LOCAL_WORLD_SIZE=3, WORLD_SIZE=6, RANK=0)
    assert world(config(strategy="torchrun"), "cpu") == (3, 2)
    started(SLURM_NTASKS_PER_NODE=5, SLURM_NTASKS=20, SLURM_PROCID=19)
    assert world(config(strategy="slurm", devices=7), "cpu") == (5, 4)
    assert starter(config(strategy="slurm")).creates_processes_externally
    assert not starter(config(strategy="ddp")).creates_processes_externally


@pytest.mark.usefixtures("script")
def test_only_what_the_strategy_says_decides_which_process_is_the_first(started, monkeypatch):
    started(LOCAL_WORLD_SIZE=2, WORLD_SIZE=4, RANK=3, SLURM_NTASKS_PER_NODE=4, SLURM_NTASKS=4, SLURM_PROCID=2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.delenv("NODE_RANK", raising=False)
    monkeypatch.delenv("GROUP_RANK", raising=False)
    monkeypatch.setattr("lightning.pytorch.utilities.rank_zero_only.rank", 3)  # as Lightning reads them
    assert own_rank(config(strategy="torchrun"), "cpu") == 3
    assert own_rank(config(strategy="slurm"), "cpu") == 2
    monkeypatch.setenv("MASTER_PORT", "1")
    assert own_rank(config(strategy="ddp", devices=2, num_nodes=2), "cpu") == 1
    assert own_rank(config(), "cpu") == 0  # a process by itself, whatever is around it
    with ranked(config(accelerator="cpu")):
        assert is_first_process()
    assert not is_first_process()


@pytest.mark.parametrize(
    ("strategy", "names", "message"),
    [
        ("torchrun", {}, "torchrun, but not all of LOCAL_WORLD_SIZE, WORLD_SIZE, RANK are set: start it by torchrun"),
        ("torchrun", {"LOCAL_WORLD_SIZE": 2, "WORLD_SIZE": 2}, "RANK are set: start it by torchrun"),
        ("slurm", {"SLURM_NTASKS": 4}, "slurm, but not all .*: start it by srun, in a job with --ntasks-per-node"),
        (
            "torchrun",
            {"LOCAL_WORLD_SIZE": 2, "WORLD_SIZE": 5, "RANK": 1},
            "2 processes here and 5 in all: each machine must",
        ),
    ],
)
def test_a_start_that_is_not_what_the_strategy_says_is_refused(started, strategy, names, message):
    started(**names)
    with pytest.raises(ValueError, match=message):
        world(config(strategy=strategy), "cpu")


@pytest.mark.usefixtures("script")
@pytest.mark.parametrize(
    "left",
    [
        {"LOCAL_RANK": 0},
        {"LOCAL_RANK": 1, "MASTER_PORT": 1, "WORLD_SIZE": 4},
        {"LOCAL_RANK": 2, "MASTER_PORT": 1, "WORLD_SIZE": 2},
        {"NODE_RANK": 1},
        {"GROUP_RANK": 1},
    ],
)
def test_what_a_launcher_left_behind_is_refused_and_no_process_waits_for_ever(started, monkeypatch, left):
    for name in ("LOCAL_RANK", "MASTER_PORT", "NODE_RANK", "GROUP_RANK"):
        monkeypatch.delenv(name, raising=False)
    started(**left)
    with pytest.raises(ValueError, match="RANK .*unset it"):
        world(config(devices=2), "cpu")
    assert world(config(), "cpu").size == 1


def test_more_processes_than_gpus_are_refused(started, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    started(SLURM_NTASKS_PER_NODE=4, SLURM_NTASKS=8, SLURM_PROCID=0)
    with pytest.raises(ValueError, match=r"slurm started 4 processes on a machine where each sees 1 GPU\(s\)"):
        world(config(strategy="slurm"), "gpu")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    assert world(config(strategy="slurm"), "gpu") == (4, 2)


def test_what_is_no_script_trains_in_one_process(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    for given in ("-c", "-", ""):
        monkeypatch.setattr(sys, "argv", [given])
        assert world(config(), "gpu").size == world(config(), "cpu").size == 1
        for strategy in ("auto", "ddp"):
            with pytest.raises(ValueError, match="trainer.devices is 2, but .*: put it into a script"):
                world(config(devices=2, strategy=strategy), "cpu")
    monkeypatch.setattr(sys, "argv", [__file__])
    with monkeypatch.context() as typed:
        typed.setattr(sys, "ps1", ">>> ", raising=False)
        assert world(config(), "gpu").size == 1
    assert world(config(), "gpu").size == 4
    assert world(config(devices=2), "cpu").size == 2


def test_each_process_needs_a_validation_pair():
    check_pairs(3, 3)
    with pytest.raises(ValueError, match="4 processes need a validation pair each, and there are 3; take fewer"):
        check_pairs(3, 4)


def test_there_are_as_many_shards_as_processes_unless_more_are_asked_for():
    assert with_shards(config(), 3).shards == 3
    assert with_shards(config(shards=12), 3).shards == 12
    with pytest.raises(ValueError, match="trainer.shards is 12, which 5 processes do not divide; .* such as 4"):
        with_shards(config(shards=12), 5)


def test_a_signal_ends_the_waiting_for_other_processes(started, monkeypatch):
    over = threading.Event()

    def wait(*_, **__):
        assert threading.current_thread() is not threading.main_thread()  # where torch would hold the signal
        os.kill(os.getpid(), signal.SIGTERM)
        over.wait(60)

    started(LOCAL_WORLD_SIZE=1, WORLD_SIZE=2, RANK=0)
    for name, value in {"LOCAL_RANK": 0, "GROUP_RANK": 0, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": 1}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(dist, "init_process_group", wait)
    with pytest.raises(Stopped), Signals(), joined(config(strategy="torchrun"), "cpu"):
        pass
    over.set()


def test_an_error_of_the_first_process_is_raised_in_each(monkeypatch):
    sent = []

    def failing():
        raise NotADirectoryError(20, "Not a directory", "file/toy")

    def broadcast(told):
        told[:] = sent or told
        sent[:] = told

    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "broadcast_object_list", broadcast)
    for rank in (0, 1):
        monkeypatch.setattr(dist, "get_rank", lambda rank=rank: rank)
        with pytest.raises(NotADirectoryError, match="file/toy"):
            from_first(failing if rank == 0 else None)


def test_one_process_has_what_it_makes():
    assert from_first(lambda: 7) == 7
    assert gathered("a") == ["a"]
    check_same("a")
