"""The machine that trains: which device and which precision."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch

from nmt.config import RunConfig, TrainerConfig
from nmt.engine.device import has_fast_bfloat16


class Hardware(NamedTuple):
    accelerator: str  # "cpu" or "gpu"
    precision: str


def choose_hardware(config: TrainerConfig) -> Hardware:
    """Raises ValueError for a device or precision that this machine lacks."""
    accelerator = chosen_accelerator(config)
    if accelerator == "gpu" and (config.devices or 1) > torch.cuda.device_count():
        raise ValueError(f"trainer.devices is {config.devices}, but there are {torch.cuda.device_count()} GPUs")
    if config.precision != "auto":
        if accelerator == "cpu" and (
            config.precision == "float16" or (config.precision == "bfloat16" and not has_fast_bfloat16())
        ):
            raise ValueError(
                f"trainer.precision is {config.precision!r}, which this processor cannot do; choose auto"
            )
        return Hardware(accelerator, config.precision)
    if accelerator == "gpu":
        return Hardware(accelerator, "bfloat16" if has_bfloat16_lstm() else "float16")
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return Hardware(accelerator, "bfloat16" if fast else "float32")


def chosen_accelerator(config: TrainerConfig) -> str:
    """ "cpu" or "gpu". Raises ValueError for a GPU that this machine lacks."""
    has_gpu = torch.cuda.is_available()
    if config.accelerator == "gpu" and not has_gpu:
        raise ValueError("trainer.accelerator is 'gpu', but no GPU is to be seen here; choose auto or cpu")
    if config.accelerator == "auto":
        return "gpu" if has_gpu else "cpu"
    return config.accelerator


def has_bfloat16_lstm() -> bool:
    """Whether the GPU has bfloat16 and its cuDNN a fused LSTM for it; found by trying, because versions differ."""
    if not torch.cuda.is_bf16_supported(including_emulation=False):
        return False
    layer = torch.nn.LSTM(8, 8, device="cuda", dtype=torch.bfloat16)
    try:
        layer(torch.zeros(2, 2, 8, device="cuda", dtype=torch.bfloat16))[0].sum().backward()
    except RuntimeError:
        return False
    return True


def on_one_device(config: RunConfig) -> RunConfig:
    """The config for one of several runs of a command, whose other processes would start all of them again. Raises
    ValueError when more devices are asked for."""
    trainer = config.trainer
    for key, value, only in (("strategy", trainer.strategy, "auto"), ("devices", trainer.devices or 1, 1)):
        if value != only:
            raise ValueError(f"trainer.{key}={value} does not go with a sweep or a search; start its runs one by one")
    return replace(config, trainer=replace(trainer, devices=1))
