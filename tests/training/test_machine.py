"""Which precision a machine gets, and what is set in the process."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from nmt.common import process
from nmt.config import TrainerConfig
from nmt.training.machine import choose_hardware

AUTO = TrainerConfig(max_epochs=1, max_tokens=1)


@pytest.mark.parametrize(
    ("avx512", "amx", "precision"), [(False, False, "float32"), (True, False, "bfloat16"), (False, True, "bfloat16")]
)
def test_a_processor_gets_bfloat16_where_it_is_fast(avx512, amx, precision, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert choose_hardware(AUTO) == ("cpu", precision)


def test_a_gpu_without_bfloat16_gets_float16(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    assert choose_hardware(AUTO) == ("gpu", "float16")


@pytest.mark.parametrize(
    ("gpus", "asked", "found"),
    [
        (0, {"accelerator": "gpu"}, "accelerator is 'gpu', but no GPU is to be seen here; choose auto or cpu"),
        (2, {"devices": 3}, "trainer.devices is 3, but there are 2 GPUs"),
        (2, {"devices": 3, "accelerator": "cpu", "precision": "float32"}, ("cpu", "float32")),
        (2, {"devices": 2, "precision": "float32"}, ("gpu", "float32")),
        (0, {"precision": "float16"}, "'float16', which this processor cannot do; choose auto"),
        (0, {"precision": "bfloat16"}, "'bfloat16', which this processor cannot do; choose auto"),
        (1, {"precision": "bfloat16"}, ("gpu", "bfloat16")),
    ],
)
def test_what_is_asked_for_is_there_or_refused_in_a_line(monkeypatch, gpus, asked, found):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    if isinstance(found, str):
        with pytest.raises(ValueError, match=found):
            choose_hardware(replace(AUTO, **asked))
    else:
        assert choose_hardware(replace(AUTO, **asked)) == found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_that_nothing_uses_is_given_back():
    """In a process of its own, because malloc's settings are those of a whole process."""
    script = """
import torch
from nmt.common.process import IN_TRAINING, trim_memory, tune_process

def resident_bytes():
    return 4096 * int(open("/proc/self/statm").read().split()[1])

tune_process(IN_TRAINING)
blocks = [torch.ones(1 << 18) for _ in range(200)]  # a megabyte each
del blocks[:-1]
held = resident_bytes()
trim_memory()
assert held - resident_bytes() > 100e6, (held, resident_bytes())
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_gaps_between_batches_are_given_back_before_they_are_twice_what_a_batch_needs(monkeypatch):
    trimmed, resident = [], iter([100, 140, 143, 148, 149, 101, 130, 149, 150, 100])  # in MB
    monkeypatch.setattr(process, "resident_bytes", lambda: next(resident))
    monkeypatch.setattr(process, "trim_memory", lambda: trimmed.append(True))
    trimmer = process.MemoryTrimmer()
    counts = []
    for _ in range(7):
        trimmer.after_batch()
        counts.append(len(trimmed))
    assert counts == [0, 0, 0, 1, 1, 1, 2]
