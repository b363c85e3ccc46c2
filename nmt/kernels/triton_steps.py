"""Steps of the recurrence by kernels in Triton (triton_source.py), on a GPU.

Triton reads a kernel's source from its file, so a cell's source is written into a folder of this process that nobody
else may enter. The source comes from our own cells, never from a model's files. Triton keeps compiled kernels in its
own cache from run to run.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from nmt.cells import Cell
from nmt.kernels.operands import Kernel, Parts, StepCall, has_kernels, kept_states, kernels_of, parameter_names
from nmt.kernels.triton_source import backward_of_a_step, backward_of_parameters, cell_source, places_of

PRODUCT_DTYPES = (torch.float32, torch.bfloat16, torch.float16)
MOST_UNITS = 4096  # a program's part of a row must fit into its registers
PROGRAMS = 256  # per layer, to add up gradients of parameters: about two for each processor of a large GPU
LANES_A_WARP = 128  # four a thread


def can_compute(cell: Cell, device: torch.device, narrow: torch.dtype, wide: torch.dtype, units: int) -> bool:
    """Whether there are kernels; whether they are correct has to be tried."""
    is_for_them = device.type == "cuda" and narrow in PRODUCT_DTYPES and wide == torch.float32
    return is_for_them and units <= MOST_UNITS and has_kernels(cell)


@cache
def folder() -> tempfile.TemporaryDirectory[str]:
    """It exists as long as this process."""
    return tempfile.TemporaryDirectory(prefix="nmt-kernels-")


def module_of(source: str, name: str) -> ModuleType:
    """The module of this source, which must come from triton_source.py or triton_scan.py."""
    path = Path(folder().name) / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"nmt_kernels_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def start(
    kernel: Any,
    grid: tuple[int, ...],
    numbers: Sequence[int],
    units: int,
    operands: Sequence[Tensor],
    lanes: int | None = None,
) -> None:
    """Starts a kernel with a lane for each unit, or with this many."""
    lanes = lanes or 1 << max(units - 1, 1).bit_length()
    warps = min(16, max(1, lanes // LANES_A_WARP))
    device = operands[0].device
    with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
        kernel[grid](*numbers, units, *operands, BLOCK=lanes, num_warps=warps)


class Launch:
    """A kernel, and how to start it."""

    def __init__(self, kernel: Kernel, own: Collection[str], module: ModuleType) -> None:
        self.places = places_of(kernel, own)
        self.sums = {access.name for access in kernel.operands if access.is_sum}
        self.kernel = getattr(module, kernel.name)

    def operands(self, parts: Parts) -> list[Tensor]:
        """The operands (see steps.py), checked to have the memory layout that the kernel expects: layer by layer."""
        steps, _, batch, _ = parts["hidden"].shape
        layer_strides = {"at": steps * batch, "state_at": (steps + 1) * batch, "row": batch}
        found = []
        for name, place in self.places.items():
            part, size = parts[name], parts[name].shape[3]
            if place == "layer":
                part = part.contiguous()
            elif name not in self.sums:
                strides = batch * size, layer_strides[place] * size, size, 1
                pairs = zip(part.shape, part.stride(), strides, strict=True)
                assert all(count == 1 or stride == expected for count, stride, expected in pairs), name
            found.append(part)
        return found


@cache
def launches(cell: Cell) -> tuple[Launch, Launch, Launch | None]:
    """The kernels forward, backward and for the gradients of the parameters."""
    kernels = kernels_of(cell)
    module, own = module_of(cell_source(cell), kernels.forward.name), parameter_names(cell)
    last = backward_of_parameters(kernels)
    forward, backward = (Launch(part, own, module) for part in (kernels.forward, backward_of_a_step(kernels)))
    return forward, backward, None if last is None else Launch(last, own, module)


class TritonSteps:
    """The steps of a cell that has kernels."""

    def __init__(self, cell: Cell) -> None:
        self.states = kept_states(cell)
        self._own = parameter_names(cell)
        self._forward, self._backward, self._parameters = launches(cell)
        self.keeps_gradients = self._parameters is not None

    def forward(self, parts: Parts) -> StepCall:
        return _step(self._forward, parts)

    def backward(self, parts: Parts) -> StepCall:
        return _step(self._backward, parts)

    def sums(self, steps: int, rows: int, units: int) -> int:
        return min(steps * rows, PROGRAMS)

    def after_backward(self, parts: Parts, first: int, every: int) -> None:
        if self._parameters is not None:
            steps, layers, batch, units = parts["hidden"].shape
            numbers = first, every, len(range(first, steps, every)), steps, batch
            programs = len(parts[f"grad_{self._own[0]}"])
            start(self._parameters.kernel, (programs, layers), numbers, units, self._parameters.operands(parts))


def _step(launch: Launch, parts: Parts) -> StepCall:
    (steps, layers, batch, units), operands = parts["hidden"].shape, launch.operands(parts)
    return lambda t: start(launch.kernel, (batch, layers), (t, steps, batch), units, operands)
