"""What a training sets for the whole process, which a program that trains from Python has as before in the end."""

from __future__ import annotations

import logging
import os
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

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
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        for chatter in NOT_FOR_USERS:
            warnings.filterwarnings("ignore", message=f".*{chatter}")
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def process_left_as_found() -> Iterator[None]:
    """After this context, however it ends, random numbers go on as if it had not been, and torch's number of threads,
    whether it is deterministic, and the environment are as before."""
    environment = {name: os.environ.get(name) for name in NAMES}
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    only_warns = torch.is_deterministic_algorithms_warn_only_enabled()
    in_python, in_numpy, in_torch = random.getstate(), np.random.get_state(), torch.get_rng_state()
    is_on_gpu = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    on_gpus = torch.cuda.get_rng_state_all() if is_on_gpu else None
    try:
        yield
    finally:
        random.setstate(in_python)
        np.random.set_state(in_numpy)
        torch.set_rng_state(in_torch)
        if on_gpus is None:  # to ask would have taken memory of each of them; whoever seeds one seeds all
            torch.cuda.manual_seed_all(torch.initial_seed())
        else:
            torch.cuda.set_rng_state_all(on_gpus)
        torch.use_deterministic_algorithms(deterministic, warn_only=only_warns)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        for name, value in environment.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
