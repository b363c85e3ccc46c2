"""Averages of the weights over training, which often translate better than the weights themselves.

Polyak & Juditsky (1992), "Acceleration of stochastic approximation by averaging"; for translation, Junczys-Dowmunt et
al. (2018), arXiv:1804.00344. Their state is in buffers, so it moves with the model and is saved in checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn

from nmt.config import OptimConfig

EVERY = 4  # updates; averaging after each would take 2 % of the time without a visible gain


class Average(nn.Module):
    """A mean of a model's past weights. Subclasses choose which weights."""

    def after_update(self, model: nn.Module, step: int) -> None:
        """After the model's update number `step`, from 1."""

    def before_validation(self, model: nn.Module) -> None:
        """When training pauses to validate."""

    def mean(self) -> Sequence[Tensor] | None:
        """Shaped like the parameters; None while there is nothing to average."""
        raise NotImplementedError


class MovingAverage(Average):
    """mean <- d mean + (1 - d) weights, with d = decay ** EVERY, every EVERY updates.

    At the n-th average d is at most (1 + n) / (10 + n), so the mean soon forgets the initial weights.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__()
        self.decay = decay
        for name, parameter in model.named_parameters():
            self.register_buffer(name.replace(".", "/"), parameter.detach().clone())

    @torch.no_grad()
    def after_update(self, model: nn.Module, step: int) -> None:
        count, rest = divmod(step, EVERY)
        if rest == 0:
            decay = min(self.decay**EVERY, (1 + count) / (10 + count))
            torch._foreach_lerp_(list(self.buffers()), list(model.parameters()), 1 - decay)

    def mean(self) -> Sequence[Tensor]:
        return list(self.buffers())


class LastMean(Average):
    """The mean of the weights at the last `number` validations."""

    count: Tensor

    def __init__(self, model: nn.Module, number: int) -> None:
        super().__init__()
        self.number = number
        for name, parameter in model.named_parameters():
            self.register_buffer(name.replace(".", "/"), parameter.detach().new_zeros(number, *parameter.shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.long))  # validations so far

    def before_validation(self, model: nn.Module) -> None:
        for kept, parameter in zip(self._kept(), model.parameters(), strict=True):
            kept[int(self.count) % self.number] = parameter.detach()
        self.count += 1

    def mean(self) -> Sequence[Tensor] | None:
        filled = min(int(self.count), self.number)
        return [kept[:filled].mean(0) for kept in self._kept()] if filled > 1 else None

    def _kept(self) -> list[Tensor]:
        return list(self.buffers())[:-1]


class Averages(nn.ModuleDict):
    """The averages that the config asks for, by name."""

    def __init__(self, model: nn.Module, optim: OptimConfig) -> None:
        super().__init__()
        if optim.average_decay:
            self["moving"] = MovingAverage(model, optim.average_decay)
        if optim.average_last:
            self["last"] = LastMean(model, optim.average_last)

    def after_update(self, model: nn.Module, step: int) -> None:
        for average in self._every().values():
            average.after_update(model, step)

    def before_validation(self, model: nn.Module) -> list[str]:
        """The names of the averages that can be validated now."""
        for average in self._every().values():
            average.before_validation(model)
        return [name for name, average in self._every().items() if average.mean() is not None]

    @contextmanager
    def applied(self, name: str | None, model: nn.Module) -> Iterator[None]:
        """A context with the named average as the model's weights; None changes nothing."""
        means, own = self._every()[name].mean() if name else None, [one.data for one in model.parameters()]
        for parameter, mean in zip(model.parameters(), means or own, strict=True):
            parameter.data = mean
        try:
            yield
        finally:
            for parameter, data in zip(model.parameters(), own, strict=True):
                parameter.data = data

    def _every(self) -> dict[str, Average]:
        return cast(dict[str, Average], dict(self.items()))
