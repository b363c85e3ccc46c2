"""Refuses a run for what can be known before its text is prepared, which may take hours."""

from __future__ import annotations

from pathlib import Path

import torch

from nmt.common.extras import check_installed
from nmt.common.files import check_writable
from nmt.config import RunConfig
from nmt.data.mixing import check_weights
from nmt.kernels.trace import undisturbed
from nmt.metrics.measure import check_metric, check_tokenization
from nmt.model.seq2seq import Seq2Seq
from nmt.search.check import check_search
from nmt.training.loggers import check_loggers
from nmt.training.machine import Hardware, choose_hardware
from nmt.training.optim import check_schedule
from nmt.training.parts_check import check_parts, has_own_parts
from nmt.training.warm_start import frozen_parameters

PIECES = 16  # of a model that is only tried


def check_machine(config: RunConfig) -> Hardware:
    """What the run computes with. Raises ValueError, ModuleNotFoundError or OSError for what it would lack on this
    machine: a device, a library, a tokenisation, a cache that can be written."""
    hardware = choose_hardware(config.trainer)
    check_tokenization(config.metric)
    check_loggers(config)
    check_installed("matplotlib")  # draws curves.png
    check_writable(Path(config.cache_dir))
    return hardware


@undisturbed()
def check_settings(config: RunConfig, processes: int) -> None:
    """Raises ValueError for settings that no text makes possible: sizes that do not fit each other, parts to freeze
    that the model lacks, weights of other texts, and a faulty attention, decoder, metric, schedule or search of the
    user's own."""
    check_weights(config.data.mix, config.data.every_part(config.data.train))
    check_metric(config.metric.name)
    check_schedule(config.optim)
    check_search(config.search)
    with torch.device("meta"):
        model = Seq2Seq(config.model, PIECES, PIECES)
    frozen_parameters(model, config.optim.freeze)
    if has_own_parts(model):
        check_parts(Seq2Seq(config.model, PIECES, PIECES), processes)
