"""Processes that train one model: how many there are, and what they exchange besides gradients.

torchrun or SLURM starts all of them, on any number of machines. Otherwise the first process starts the others on its
machine, through Lightning's Trainer. Only the first reads and writes the run's folder.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch.utilities import rank_zero_only

from nmt.common.signals import answering_signals
from nmt.config import TrainerConfig
from nmt.training.machine import chosen_accelerator

T = TypeVar("T")

PATIENCE = timedelta(days=1)  # for a machine still preparing its text; a lost machine is noticed at once
# What starts the processes of all machines: name -> its class, and its variables for the number of processes here,
# their number in all, and the number of this process.
STARTERS: dict[str, tuple[Callable[[], ClusterEnvironment], tuple[str, str, str]]] = {
    "torchrun": (TorchElasticEnvironment, ("LOCAL_WORLD_SIZE", "WORLD_SIZE", "RANK")),
    "slurm": (
        partial(SLURMEnvironment, auto_requeue=False),
        ("SLURM_NTASKS_PER_NODE", "SLURM_NTASKS", "SLURM_PROCID"),
    ),
}


class World(NamedTuple):
    devices: int  # per machine, with one process each
    nodes: int  # machines

    @property
    def size(self) -> int:
        return self.devices * self.nodes


def world(config: TrainerConfig, accelerator: str) -> World:
    """The processes that train. Raises ValueError when they do not match the strategy or cannot be started."""
    gpus = torch.cuda.device_count() if accelerator == "gpu" else 0
    if config.strategy not in STARTERS:
        startable = can_start_others()
        devices = config.devices or (startable and gpus) or 1
        if devices > 1 and not startable:
            raise ValueError(
                f"trainer.devices is {devices}, but what is typed, as in a notebook, or comes by `python -c` or a "
                "pipe cannot be started again for each of them: put it into a script"
            )
        every = World(devices, config.num_nodes)
        _check_place(every)
        return every
    _, names = STARTERS[config.strategy]
    try:
        devices, size, _ = (int(os.environ[name]) for name in names)
    except (KeyError, ValueError):
        wanted = "torchrun" if config.strategy == "torchrun" else "srun, in a job with --ntasks-per-node"
        raise ValueError(
            f"trainer.strategy is {config.strategy}, but not all of {', '.join(names)} are set: start it by {wanted}"
        ) from None
    if size % devices:
        raise ValueError(
            f"{config.strategy} started {devices} processes here and {size} in all: each machine must have as many"
        )
    if gpus and devices > gpus:
        raise ValueError(f"{config.strategy} started {devices} processes on a machine where each sees {gpus} GPU(s)")
    return World(devices, size // devices)


def _check_place(every: World) -> None:
    """Raises ValueError when variables of a launcher, left over, say that other processes are there already or come
    first: this one would wait for them for ever."""
    if every.size == 1:
        return
    here, size = LightningEnvironment(), str(every.size)
    if (node := here.node_rank()) >= every.nodes:
        raise ValueError(f"NODE_RANK or GROUP_RANK is {node}, but trainer.num_nodes is {every.nodes}: unset it")
    is_started = "MASTER_PORT" in os.environ and os.environ.get("WORLD_SIZE", size) == size
    if "LOCAL_RANK" in os.environ and not (is_started and here.local_rank() < every.devices):
        raise ValueError(
            f"LOCAL_RANK is set, but no launcher has started {size} processes: unset it, and they are started here "
            "(torchrun starts those of trainer=torchrun)"
        )


def own_rank(config: TrainerConfig, accelerator: str) -> int:
    """The number of this process among those that train. Raises ValueError as `world` does."""
    every, environment = world(config, accelerator), starter(config)
    if every.size == 1:
        return 0
    if config.strategy in STARTERS:
        return environment.global_rank()
    return environment.node_rank() * every.devices + environment.local_rank()


@contextmanager
def ranked(config: TrainerConfig) -> Iterator[None]:
    """Within this context only the first process of this training writes. Lightning takes the number of a process
    from RANK, SLURM_PROCID and others, which may be those of the program around it, or left over. Raises ValueError
    as `world` does."""
    lightnings: Any = rank_zero_only
    before = getattr(lightnings, "rank", 0)
    lightnings.rank = own_rank(config, chosen_accelerator(config))
    try:
        yield
    finally:
        lightnings.rank = before


def is_first_process() -> bool:
    """Whether this process, of several that train one model, is the one that writes."""
    return int(getattr(rank_zero_only, "rank", 0)) == 0


def can_start_others() -> bool:
    """Whether the first process can start the others, by running the same program again, or they exist already."""
    if "LOCAL_RANK" in os.environ:
        return True
    is_module = getattr(sys.modules["__main__"], "__spec__", None) is not None
    # In a notebook sys.argv[0] is the kernel's own file.
    return not hasattr(sys, "ps1") and (is_module or Path(sys.argv[0]).is_file())


def check_pairs(pairs: int, processes: int) -> None:
    """Raises ValueError when there are fewer validation pairs than processes."""
    if pairs < processes:
        raise ValueError(
            f"{processes} processes need a validation pair each, and there are {pairs}; take fewer processes"
        )


def with_shards(config: TrainerConfig, processes: int) -> TrainerConfig:
    """The config with a number of shards. Raises ValueError when the processes do not divide it."""
    shards = config.shards or processes
    if shards % processes:
        fits = [number for number in range(1, min(shards, processes) + 1) if shards % number == 0]
        raise ValueError(
            f"trainer.shards is {shards}, which {processes} processes do not divide; there must be a number of them "
            f"that does, such as {fits[-1]}"
        )
    return replace(config, shards=shards)


def starter(config: TrainerConfig) -> ClusterEnvironment:
    """Lightning's description of what starts the processes. It is not left to Lightning, which takes the variables of
    any launcher for those of its own processes."""
    return STARTERS[config.strategy][0]() if config.strategy in STARTERS else LightningEnvironment()


@contextmanager
def joined(config: TrainerConfig, accelerator: str) -> Iterator[None]:
    """Connects processes that were started from outside. Those that the first one starts are connected by the
    Trainer."""
    environment = starter(config)
    if config.strategy not in STARTERS or dist.is_initialized():
        yield
        return
    os.environ |= {"MASTER_ADDR": environment.main_address, "MASTER_PORT": str(environment.main_port)}
    meet = partial(
        dist.init_process_group,
        "cpu:gloo,cuda:nccl" if accelerator == "gpu" else "gloo",
        rank=environment.global_rank(),
        world_size=environment.world_size(),
        timeout=PATIENCE,
    )
    answering_signals(meet)
    yield
    dist.destroy_process_group()  # not after an error, when the others may be gone


def from_first(make: Callable[[], T]) -> T:
    """The result of `make` in the first process, sent to all that are connected; its ValueError or OSError too."""
    if not dist.is_initialized():
        return make()
    told: list[Any] = [None]
    if dist.get_rank() == 0:
        try:
            told = [(make(), None)]
        except (ValueError, OSError) as error:
            told = [(None, error)]
    dist.broadcast_object_list(told)
    made, fault = told[0]
    if fault is not None:
        raise fault
    return made  # type: ignore[no-any-return]


def gathered(value: T) -> list[T]:
    """Every process's value, in rank order."""
    if not dist.is_initialized():
        return [value]
    values: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values


def check_same(digest: str) -> None:
    """Raises ValueError, in all processes, when the hash of the prepared data differs from the first process's."""
    hosts, digests = zip(*gathered((socket.gethostname(), digest)), strict=True)
    for rank, (host, other) in enumerate(zip(hosts, digests, strict=True)):
        if other != digests[0]:
            raise ValueError(
                f"the text that process {rank} ({host}) prepared is not that of process 0 ({hosts[0]}): all machines "
                "need the same text, and the same version of nmt and its libraries"
            )
