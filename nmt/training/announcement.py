"""What a run logs about itself before it starts or resumes."""

from __future__ import annotations

import logging

import torch

from nmt.bundle import load_bundle
from nmt.common.process import load_on_cores
from nmt.data.cleaning import reasons
from nmt.data.datamodule import DataModule
from nmt.data.mixing import describe_share
from nmt.model.seq2seq import num_parameters
from nmt.training.machine import Hardware
from nmt.training.module import TrainingModule
from nmt.training.resumption import ResumePoint
from nmt.training.warm_start import shared_pieces

log = logging.getLogger(__name__)


def announce(
    module: TrainingModule, datamodule: DataModule, hardware: Hardware, start: ResumePoint, failure: str
) -> None:
    prepared, size = module.prepared, num_parameters(module.model)
    if prepared.decisions:
        log.info("decided by the text: %s", prepared.decisions)
    where, left_out = module.config.data.where, reasons(prepared.dropped)
    log.info("training pairs: %d of %s; left out: %s", len(prepared.train), where, left_out or "none")
    for text in datamodule.texts:
        log.info("an epoch has %s", describe_share(text, len(prepared.train)))
    for fault in prepared.faults:
        log.warning("malformed: %s", fault)
    for oddity in prepared.oddities:
        log.warning("warning: %s", oddity)
    threads = torch.get_num_threads()
    log.info("%s parameters, %s on %s, %d thread(s)", f"{size:,}", hardware.precision, hardware.accelerator, threads)
    is_slow = hardware.accelerator == "cpu" and not start.finished
    if is_slow and (crowd := crowd_of(threads, *load_on_cores())):
        log.warning("warning: %s", crowd)
    if module.frozen:
        trained = size - sum(parameter.numel() for parameter in module.frozen)
        optim = module.config.optim
        until = f" for {optim.freeze_steps} updates" if optim.freeze_steps else ""
        log.info("%s of them are trained; frozen%s: %s", f"{trained:,}", until, ", ".join(optim.freeze))
    if module.config.init and module.config.init_vocabulary == "swap":
        shared = shared_pieces(load_bundle(module.config.init).tokenizer, prepared.tokenizer)
        log.info("%d of %d pieces are those of %s", *shared, module.config.init)
    if failure:
        log.warning(failure)
    if start.finished:
        log.info("finished: %s", start.finished)
    elif start.checkpoint:
        log.info("continuing from %s", start.checkpoint)


def crowd_of(threads: int, wanted: float, cores: int) -> str:
    """What to say where others use the cores as well: threads that take turns on a core are slower than one alone."""
    if threads < 2 or wanted <= 2 * cores:
        return ""
    load = f"a load of {wanted:.1f} on {cores}"
    return f"other programs use the cores too ({load}); with trainer.threads=1 training may be many times faster"
