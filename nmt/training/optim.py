"""The optimiser and its learning-rate schedule."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from nmt.common.shown import error_line
from nmt.config import SCHEDULES, OptimConfig
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
    return (before, after) if after > before else None


def learning_rate_factor(config: OptimConfig, step: int, total_steps: int) -> float:
    """The factor of the learning rate at `step` (from 0) of `total_steps`.

    It first rises linearly over `warmup_steps`. Then "inverse_sqrt" falls with the root of the step (Vaswani et al.,
    2017, section 5.3); of the others SCHEDULES gives the share that is left above `final_ratio`.
    """
    warmup = config.warmup_steps
    if step < warmup:
        return (step + 1) / warmup
    if config.schedule == "inverse_sqrt":
        return math.sqrt(max(warmup, 1) / max(step, 1))
    done = min(1.0, (step - warmup) / max(1, total_steps - warmup))
    return config.final_ratio + (1 - config.final_ratio) * SCHEDULES[config.schedule](done)


def check_schedule(config: OptimConfig) -> None:
    """Raises ValueError for a schedule that fails, or gives anything but a share."""
    schedule = SCHEDULES[config.schedule]
    needs = "it must give the share of the learning rate that is left, 0 or more, for 0 to 1 of the updates"
    for done in (0.0, 0.25, 0.5, 1.0):
        try:
            left = schedule(done)
            is_share = 0 <= float(left + 0) < math.inf
        except Exception as error:  # a user's code may raise anything
            raise ValueError(f"the schedule {config.schedule!r} fails ({error_line(error)}); {needs}") from error
        if not is_share:
            raise ValueError(f"the schedule {config.schedule!r} gives {left!r} at {done}; {needs}")
