"""The exponential moving average of the weights, which often translates better than the weights themselves.

Polyak & Juditsky (1992), "Acceleration of stochastic approximation by averaging"; for translation, Junczys-Dowmunt
et al. (2018), arXiv:1804.00344.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

EVERY = 4  # updates: to average at each would take 2 % of the time, and the difference cannot be seen


class WeightAverage(nn.Module):
    """mean <- d mean + (1 - d) weights, with d = decay ** EVERY, every EVERY updates.

    Early on d is less, so that the mean soon forgets where training began: at most (1 + n) / (10 + n) the n-th time.
    The mean is kept in buffers, so that it goes where the model goes and into its checkpoints.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__()
        self.decay = decay
        for name, parameter in model.named_parameters():
            self.register_buffer(name.replace(".", "/"), parameter.detach().clone())

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """After the model's update number `step`, from 1."""
        count, rest = divmod(step, EVERY)
        if rest == 0:
            decay = min(self.decay**EVERY, (1 + count) / (10 + count))
            torch._foreach_lerp_(list(self.buffers()), list(model.parameters()), 1 - decay)

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """The model has the mean for its weights."""
        self._swap(model)
        try:
            yield
        finally:
            self._swap(model)

    def _swap(self, model: nn.Module) -> None:
        for mean, parameter in zip(self.buffers(), model.parameters(), strict=True):
            mean.data, parameter.data = parameter.data, mean.data
