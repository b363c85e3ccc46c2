"""Several processes that train one model behave like a single one."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import toy
from lightning.pytorch.utilities import rank_zero_only
from test_resume import SETTINGS, result
from torch.nn.parallel import DistributedDataParallel

from nmt.common.signals import Signals
from nmt.training.checkpoint import Checkpoints
from nmt.training.divergence import DivergenceError
from nmt.training.module import TrainingModule
from nmt.training.resumption import find_checkpoint
from nmt.training.run import train

WORLD_SIZE = 2
SHARDED = {
    "trainer__shards": 4,
    "trainer__max_tokens": 128,
    "trainer__checkpoint_every_steps": 1,
    "optim__learning_rate": 0.003,  # the default; rounding errors grow with it
}


def train_rank(rank, port, config, hook, count, act):
    """Train as if started by Lightning's launcher or torchrun. Calls `act` at the `count`-th call of the hook."""
    from nmt.training.run import train

    number = WORLD_SIZE if config.trainer.strategy == "torchrun" else config.trainer.devices
    names = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": number, "RANK": rank}
    if config.trainer.strategy == "torchrun":  # one machine per process
        names |= {"LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 1, "GROUP_RANK": rank}
    else:
        names |= {"LOCAL_RANK": rank, "NODE_RANK": 0}
    os.environ.update({name: str(value) for name, value in names.items()})
    rank_zero_only.rank = rank
    original, calls = getattr(TrainingModule, hook), [0]

    def wrapped(self, *arguments, **named):
        calls[0] += 1
        if calls[0] == count:
            act(rank)
        return original(self, *arguments, **named)

    setattr(TrainingModule, hook, wrapped)
    train(config)


def train_all(corpus_dir, folder, hook="training_step", count=0, act=None, **changes):
    """Train -> the exit codes."""
    settings = SETTINGS | {"trainer__devices": WORLD_SIZE, "trainer__strategy": "ddp", "trainer__max_epochs": 2}
    settings |= changes
    config = toy.run_config(corpus_dir, folder, **settings)
    return train_each([config] * config.trainer.devices, hook, count, act)


def train_each(configs, hook="training_step", count=0, act=None):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    fork = multiprocessing.get_context("fork")
    arguments = [(rank, port, config, hook, count, act) for rank, config in enumerate(configs)]
    processes = [fork.Process(target=train_rank, args=each) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.fixture(scope="module")
def whole(corpus_dir, tmp_path_factory):
    """The result of two uninterrupted processes."""
    folder = tmp_path_factory.mktemp("whole")
    assert train_all(corpus_dir, folder) == [0, 0]
    return result(folder / "toy")


def kill(rank):
    os.kill(os.getpid(), signal.SIGKILL)


def tell_the_last(rank):
    if rank == WORLD_SIZE - 1:
        os.kill(os.getpid(), signal.SIGTERM)


def tell_amid_the_search(rank):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)


def test_processes_that_were_stopped_anywhere_end_as_if_they_were_not(corpus_dir, tmp_path, whole):
    stops = [("training_step", 5, kill, -9), ("training_step", 2, tell_the_last, 143)]
    stops += [("translator", 1, tell_amid_the_search, 143)]
    for hook, count, act, code in stops:
        assert train_all(corpus_dir, tmp_path / "parts", hook, count, act) == [code, code], hook
    assert train_all(corpus_dir, tmp_path / "parts") == [0, 0]
    assert result(tmp_path / "parts" / "toy") == whole


def test_a_run_goes_on_with_more_or_fewer_processes_and_ends_the_same(corpus_dir, tmp_path, monkeypatch):
    """Updates have the same sentences and dropout masks with one, two and four processes."""
    step = TrainingModule.on_train_batch_end

    def recorded(self, outputs, batch, batch_idx):
        data = self.trainer.datamodule
        with (Path(self.config.runs_dir) / "batches").open("a") as file:
            place = self.current_epoch, *data.place(batch_idx)
            lines = [line for _, line in data.lines(range(batch_idx, batch_idx + 1))]
            file.write(json.dumps([place, lines, int(torch.initial_seed())]) + "\n")
        step(self, outputs, batch, batch_idx)

    monkeypatch.setattr(TrainingModule, "on_train_batch_end", recorded)
    settings = SHARDED | {"trainer__strategy": "auto", "trainer__num_samples": 0}
    assert train_all(corpus_dir, tmp_path / "whole", **settings | {"trainer__devices": 1}) == [0]
    for number, count, act, code in ((1, 13, kill, -9), (4, 3, tell_the_last, 143), (2, 0, None, 0)):
        strategy = {"trainer__devices": number, "trainer__strategy": "auto" if number == 1 else "ddp"}
        codes = train_all(corpus_dir, tmp_path / "parts", "training_step", count, act, **settings | strategy)
        assert codes == [code] * number
    made = [(tmp_path / name / "batches").read_text().splitlines() for name in ("whole", "parts")]
    assert len(made[1]) > len(made[0]) == len(set(made[0]))
    assert set(made[0]) == set(made[1])  # lost updates were repeated
    for epoch in range(2):
        batches = [lines for (of, *_), lines, _ in map(json.loads, made[0]) if of == epoch]
        assert sorted(line for lines in batches for line in lines) == list(range(1, 131))
    states = [find_checkpoint(tmp_path / name / "toy")[1]["state_dict"] for name in ("whole", "parts")]
    for name, weight in states[0].items():
        torch.testing.assert_close(states[1][name], weight, rtol=0, atol=1e-6)


def test_the_first_process_says_where_all_go_on(corpus_dir, tmp_path, whole):
    """The machines share neither the run's folder nor the text, and one of them restarts with an empty folder."""
    text = shutil.copytree(corpus_dir, tmp_path / "text")
    settings = SETTINGS | {"trainer__strategy": "torchrun", "trainer__max_epochs": 2}
    configs = [
        toy.run_config(of, tmp_path / name, **settings)
        for of, name in ((corpus_dir, "first"), (text, "second"), (text, "third"))
    ]
    assert train_each(configs[:2], "training_step", 7, kill) == [-9, -9]
    assert train_each([configs[0], configs[2]]) == [0, 0]
    assert result(tmp_path / "first" / "toy") == whole
    assert not (tmp_path / "second" / "toy").exists()


def test_processes_that_prepared_another_text_are_refused(corpus_dir, tmp_path, capfd):
    other = shutil.copytree(corpus_dir, tmp_path / "text")
    (other / "train.de").write_text((other / "train.de").read_text().replace("Anna", "Hanna", 1))
    configs = [
        toy.run_config(of, tmp_path / of.name, trainer__strategy="torchrun", trainer__max_epochs=1)
        for of in (corpus_dir, other)
    ]
    assert train_each(configs) == [1, 1]
    assert capfd.readouterr().err.count("the text that process 1 (") == 2


@pytest.mark.parametrize("number", [3, 8])
@pytest.mark.usefixtures("script")
def test_processes_that_cannot_share_evenly_are_refused(corpus_dir, tmp_path, number):
    config = toy.run_config(corpus_dir, tmp_path, trainer__shards=4, trainer__devices=number)
    with pytest.raises(ValueError, match=f"trainer.shards is 4, which {number} processes do not divide; .* such as"):
        train(config)
    assert not (tmp_path / "toy").exists()


def test_averages_of_the_weights_are_equal_in_all_processes_and_never_sent(corpus_dir, tmp_path, monkeypatch):
    """From the first update on, the processes exchange only gradients."""
    end, send = TrainingModule.on_train_end, DistributedDataParallel._distributed_broadcast_coalesced

    def watched_end(self):
        state = {name: tensor.tolist() for name, tensor in self.state_dict().items()}
        (tmp_path / f"{self.global_rank}.json").write_text(json.dumps(state))
        end(self)

    def watched_send(self, tensors, *rest, **named):
        with (tmp_path / "sent").open("a") as file:
            file.write(f"{sum(tensor.numel() for tensor in tensors)}\n")
        return send(self, tensors, *rest, **named)

    monkeypatch.setattr(TrainingModule, "on_train_end", watched_end, raising=False)
    monkeypatch.setattr(DistributedDataParallel, "_distributed_broadcast_coalesced", watched_send)
    assert train_all(corpus_dir, tmp_path / "runs", trainer__max_epochs=1, trainer__val_every_epochs=1) == [0, 0]
    states = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(WORLD_SIZE)]
    assert {name.split(".")[0] for name in states[0]} == {"model", "averages"}
    assert states[0] == states[1]
    assert not (tmp_path / "sent").exists()


def test_processes_that_a_run_has_started_end_with_it(tmp_path):
    started = [subprocess.Popen(["sleep", "60"]) for _ in range(2)]
    trainer = SimpleNamespace(strategy=SimpleNamespace(launcher=SimpleNamespace(procs=list(started))))
    Checkpoints(tmp_path, None, None, Signals()).on_exception(trainer, None, DivergenceError())  # all have it
    assert [process.poll() for process in started] == [None] * 2
    Checkpoints(tmp_path, None, None, Signals()).on_exception(trainer, None, OSError("no space left"))
    assert [process.wait() for process in started] == [-signal.SIGKILL] * 2
    assert trainer.strategy.launcher.procs == []
    trainer.strategy.launcher = None  # one process
    Checkpoints(tmp_path, None, None, Signals()).on_exception(trainer, None, OSError("no space left"))
