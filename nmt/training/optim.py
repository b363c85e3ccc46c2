"""The optimiser and its learning-rate schedule."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from nmt.config import OptimConfig
from nmt.kernels.trace import matrix_names, undisturbed
from nmt.model.recurrent import Recurrent


def build_optimizer(config: OptimConfig, model: nn.Module, fused: bool = True) -> torch.optim.AdamW:
    """AdamW. Matrices decay towards zero, vectors (biases, gains, peepholes) do not."""
    stacked = _stacked_vectors(model)
    matrices = [p for p in model.parameters() if p.ndim > 1 and id(p) not in stacked]
    vectors = [p for p in model.parameters() if p.ndim <= 1 or id(p) in stacked]
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(
        groups,
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        eps=config.epsilon,
        weight_decay=config.weight_decay,
        fused=fused,
    )


@undisturbed()
def _stacked_vectors(model: nn.Module) -> set[int]:
    """The ids of the cells' own parameters whose rows are vectors, not the matrix of a product."""
    layers = [layer for layer in model.modules() if isinstance(layer, Recurrent)]
    return {id(own) for layer in layers for name, own in layer.extra.items() if name not in matrix_names(layer.cell)}


def rise(schedule: LambdaLR) -> tuple[float, float] | None:
    """The learning rate before and after the next update, if it rises: a resumed run's schedule may end later than
    before."""
    before = float(schedule.optimizer.param_groups[0]["lr"])
    after = float(schedule.base_lrs[0] * schedule.lr_lambdas[0](schedule.last_epoch))
    return (before, after) if after > before * (1 + 1e-6) else None


def learning_rate_factor(config: OptimConfig, step: int, total_steps: int) -> float:
    """The factor of the learning rate at `step` (from 0) of `total_steps`.

    All schedules first rise linearly over `warmup_steps`. Then
    "inverse_sqrt" falls with the root of the step (Vaswani et al., 2017, section 5.3),
    "linear" and "cosine" (Loshchilov & Hutter, 2017, arXiv:1608.03983) reach `final_ratio` after the last step,
    "constant" and "plateau" stay (validation cuts the latter).
    """
    warmup = config.warmup_steps
    if step < warmup:
        return (step + 1) / warmup
    if config.schedule == "inverse_sqrt":
        return math.sqrt(max(warmup, 1) / max(step, warmup, 1))
    progress = min(1.0, (step - warmup) / max(1, total_steps - warmup))
    remaining = {
        "constant": 1.0,
        "plateau": 1.0,
        "linear": 1 - progress,
        "cosine": (1 + math.cos(math.pi * progress)) / 2,
    }[config.schedule]
    return config.final_ratio + (1 - config.final_ratio) * remaining
