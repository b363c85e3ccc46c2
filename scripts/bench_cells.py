#!/usr/bin/env python3
"""Training time of one layer of each cell, relative to the LSTM.

    scripts/bench_cells.py
    scripts/bench_cells.py --lengths 25 100 400 --cells lstm ssru mingru
    scripts/bench_cells.py --batch 640 --size 512 --beside-torch    # also torch's layers (cuDNN on a GPU)

A step is the forward and backward pass of one unidirectional layer over a batch of full-length sequences, in the
precision that training would choose here. On a GPU it runs in a CUDA graph, as in training, except for torch's
layers, which launch their kernels one by one. The cells take turns, so other load affects all alike. Prints the
median of the rounds. Cells differ in the size of their matrix products: see the column `parameters`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence

import torch
from torch import nn

from nmt.cells import CELLS
from nmt.cli.errors import Parser, one_line_errors
from nmt.common.process import IN_TRAINING, tune_process
from nmt.config import TrainerConfig
from nmt.kernels.graphs import Graphs, graphs_on
from nmt.model.recurrent import Recurrent
from nmt.training.machine import choose_hardware

TORCH = (nn.RNN, nn.GRU, nn.LSTM)
WARM_UP = 3  # rounds; the second captures the CUDA graphs
DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def main() -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="+", default=sorted(CELLS), choices=sorted(CELLS), metavar="CELL")
    parser.add_argument("--lengths", nargs="+", type=int, default=[25, 100], help="steps (default: 25 100)")
    parser.add_argument("--batch", type=int, default=64, help="sequences (default: %(default)s)")
    parser.add_argument("--size", type=int, default=256, help="inputs and units (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=9, help="(default: %(default)s)")
    parser.add_argument("--beside-torch", action="store_true", help="also torch's nn.RNN, nn.GRU and nn.LSTM")
    parser.add_argument("--precision", default="auto", help="as trainer.precision (default: %(default)s)")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with one_line_errors(parser.prog):
        run(arguments)


def run(arguments: argparse.Namespace) -> None:
    if min(arguments.batch, arguments.size, arguments.rounds, *arguments.lengths) < 1:
        raise ValueError("--batch, --size, --rounds and --lengths must be at least 1")
    accelerator, precision = choose_hardware(TrainerConfig(max_epochs=1, max_tokens=1, precision=arguments.precision))
    device = "cuda" if accelerator == "gpu" else "cpu"
    tune_process(IN_TRAINING)
    names = list(dict.fromkeys(["lstm", *arguments.cells]))
    layers: dict[str, nn.Module] = {
        name: Recurrent(CELLS[name](), arguments.size, arguments.size).train().to(device) for name in names
    }
    if arguments.beside_torch:
        layers |= {
            f"nn.{kind.__name__}": kind(arguments.size, arguments.size, batch_first=True).to(device) for kind in TORCH
        }
        names = list(layers)
    found: dict[str, dict[str, float]] = {name: {} for name in names}
    for length in arguments.lengths:
        x = torch.randn(arguments.batch, length, arguments.size, device=device)
        seconds: dict[str, list[float]] = {name: [] for name in names}
        graphs = graphs_on(x.device, "the bench") if device == "cuda" else None
        for _ in range(arguments.rounds + WARM_UP):
            for name, layer in layers.items():
                is_in_graph = device == "cuda" and isinstance(layer, Recurrent)
                seconds[name].append(step(layer, x, precision, graphs if is_in_graph else None))
        for name in names:
            found[name][f"{length}"] = statistics.median(seconds[name][WARM_UP:])
    if arguments.json:
        print(json.dumps({"precision": precision, "device": device, "seconds": found}))
        return
    print(f"one layer, {arguments.size} units, {arguments.batch} sequences, {precision} on {device}")
    print(
        f"{'cell':18}{'parameters':>12}"
        + "".join(f"{f'T={length}, ms':>12}{'/ lstm':>8}" for length in arguments.lengths)
    )
    for name in names:
        columns = "".join(
            f"{1000 * found[name][key]:12.2f}{found[name][key] / found['lstm'][key]:8.2f}" for key in found[name]
        )
        print(f"{name:18}{sum(p.numel() for p in layers[name].parameters()):12,}{columns}")


def step(layer: nn.Module, x: torch.Tensor, precision: str, graphs: Graphs | None) -> float:
    """The seconds of one step."""
    device = x.device.type
    parameters = list(layer.parameters())

    def work(x: torch.Tensor) -> Sequence[torch.Tensor]:
        x = x.detach().requires_grad_()
        with torch.enable_grad(), torch.autocast(device, DTYPES.get(precision), enabled=precision in DTYPES):
            found = layer(x)
            outputs = found[0] if isinstance(found, tuple) else found
        torch.clear_autocast_cache()
        return torch.autograd.grad(outputs, [x, *parameters], torch.ones_like(outputs))

    began = now(device)
    if graphs is None:
        work(x)
    else:
        graphs.run(layer, work, x)
    return now(device) - began


def now(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
