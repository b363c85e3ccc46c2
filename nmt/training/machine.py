"""The machine that trains: which device, which precision, and how the C libraries underneath are set."""

from __future__ import annotations

import ctypes
import os
import sys

import torch

from nmt.config import TrainerConfig

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


def choose_hardware(config: TrainerConfig) -> tuple[str, str]:
    """The accelerator ("cpu" or "gpu") and the precision. Raises ValueError for what this machine has not."""
    has_gpu = torch.cuda.is_available()
    accelerator = ("gpu" if has_gpu else "cpu") if config.accelerator == "auto" else config.accelerator
    if accelerator == "gpu" and not has_gpu:
        raise ValueError("trainer.accelerator is 'gpu', but no GPU is to be seen here; choose auto or cpu")
    if accelerator == "gpu" and (config.devices or 1) > torch.cuda.device_count():
        raise ValueError(f"trainer.devices is {config.devices}, but there are {torch.cuda.device_count()} GPUs")
    has_bf16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    if config.precision != "auto":
        if accelerator == "cpu" and (
            config.precision == "float16" or (config.precision == "bfloat16" and not has_bf16)
        ):
            raise ValueError(
                f"trainer.precision is {config.precision!r}, which this processor cannot do; choose auto"
            )
        return accelerator, config.precision
    if accelerator == "gpu":
        return accelerator, "bfloat16" if has_bfloat16_lstm() else "float16"
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return accelerator, "bfloat16" if fast else "float32"


def has_bfloat16_lstm() -> bool:
    """Whether the GPU has bfloat16 and its cuDNN a fused LSTM for it; tried, because versions differ."""
    if not torch.cuda.is_bf16_supported(including_emulation=False):
        return False
    layer = torch.nn.LSTM(8, 8, device="cuda", dtype=torch.bfloat16)
    try:
        layer(torch.zeros(2, 2, 8, device="cuda", dtype=torch.bfloat16))[0].sum().backward()
    except RuntimeError:
        return False
    return True


def tune_process() -> None:
    """Set what makes training on CPU faster, for the whole process; before its first product.

    - oneDNN keeps the code that it made for a shape, by default of 1,024. There are a few per layer and shape of a
      batch, so more are wanted; but each takes about half a megabyte, so not any number.
    - malloc gives large blocks back to the system at once; with each step taking them anew, a twelfth of the time
      goes into zeroing pages.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "2048")
    _glibc("mallopt", M_MMAP_THRESHOLD, 1 << 30)
    _glibc("mallopt", M_TRIM_THRESHOLD, (1 << 31) - 1)


TRIM_EVERY = 100  # batches


def trim_memory() -> None:
    """Give back what malloc holds without use. Batches differ in size, and the gaps that they leave would grow to
    some hundred megabytes; called every TRIM_EVERY batches, this costs about 1 % of the time."""
    _glibc("malloc_trim", 0)


def _glibc(name: str, *arguments: int) -> None:
    """Call a function that only glibc has; elsewhere nothing."""
    function = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if function is not None:
        function(*arguments)
