"""What a training sets for the whole process, which a program that trains from Python has as before in the end."""

from __future__ import annotations

import logging
import os
import random
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch

# What Lightning sets in the environment, but for what it tells the processes that it starts: these are there for the
# next training too. With OMP_NUM_THREADS set, it would leave that one the threads of all processes.
NAMES = ("PL_GLOBAL_SEED", "PL_SEED_WORKERS", "OMP_NUM_THREADS", "CUBLAS_WORKSPACE_CONFIG")

# Lightning's warnings about things that are intended.
NOT_FOR_USERS = (
    "does not have many workers",
    "resuming from a checkpoint that ended before the epoch ended",  # the DataModule knows the place
    "isinstance.treespec, LeafSpec.* is deprecated",
    "The number of training batches .* is smaller than the logging interval",  # a small text
    "sync_dist=True",  # every rank has the same figures
    "`broadcast_buffers` is deprecated",  # torch's replacement sends the buffers once, and older versions lack it
)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Within this context Lightning says nothing of what is intended; a program's own trainings hear of it again."""
    with warnings.catch_warnings(), ExitStack() as after:
        for chatter in NOT_FOR_USERS:
            warnings.filterwarnings("ignore", message=f".*{chatter}")
        for logger in map(logging.getLogger, ("lightning.pytorch", "lightning.fabric")):
            after.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.WARNING)
        yield


@contextmanager
def process_left_as_found() -> Iterator[None]:
    """After this context, however it ends, random numbers go on as if it had not been, and torch's number of threads,
    whether it is deterministic, and the environment are as before."""
    with ExitStack() as after:
        after.callback(random.setstate, random.getstate())
        after.callback(np.random.set_state, np.random.get_state())
        after.callback(torch.set_rng_state, torch.get_rng_state())
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            after.callback(torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all())
        else:  # to ask would take memory of each of them; whoever seeds one seeds all
            after.callback(torch.cuda.manual_seed_all, torch.initial_seed())
        only_warns = torch.is_deterministic_algorithms_warn_only_enabled()
        deterministic = torch.are_deterministic_algorithms_enabled()
        after.callback(torch.use_deterministic_algorithms, deterministic, warn_only=only_warns)
        after.callback(_set_threads, torch.get_num_threads())
        for name in NAMES:
            after.callback(_set_variable, name, os.environ.get(name))
        yield


def _set_threads(number: int) -> None:
    if torch.get_num_threads() != number:
        torch.set_num_threads(number)


def _set_variable(name: str, value: str | None) -> None:
    os.environ.pop(name, None)
    if value is not None:
        os.environ[name] = value
