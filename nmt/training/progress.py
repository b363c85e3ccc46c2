"""Validation results of a run so far: its best models, and how long ago the best was found.

A model is better than another if its selection key is greater (metrics/measure.py): by the selection metric, then by
chrF, then by nll. Every such gain counts, also for schedule "plateau" and for patience. When the metric cannot rise,
because it is 100 or does not see what is learned, chrF and nll still show that training is not over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from nmt.training.divergence import ROLLBACK_RATE

SelectionKey = tuple[float, ...]  # the better model has the greater key


@dataclass(frozen=True)
class TrainingProgress:
    """The state of a run's validations, kept in the checkpoint."""

    best: tuple[tuple[SelectionKey, int], ...] = ()  # (key, step) of the best validations, best first
    validated_step: int = -1  # step of the last validation
    without_gain: int = 0  # validations since the best one
    since_cut: int = 0  # validations since the best one, or since schedule "plateau" cut the learning rate
    rate_scale: float = 1.0  # the learning-rate factor of that schedule
    rollbacks: int = 0  # to a checkpoint after divergence, each lowering the learning rate

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> TrainingProgress:
        """From a checkpoint. An earlier version had one counter for both, and its `rate_scale` included the
        rollbacks. A still earlier one kept only BLEU; there, of equal scores the later is the better."""
        best = tuple((key if isinstance(key, tuple) else (key, -inf, -inf), step) for key, step in saved["best"])
        since = {"since_cut": saved["without_gain"], "rollbacks": saved.get("returns", 0)}
        return cls(**{**since, **{name: value for name, value in saved.items() if name != "returns"}, "best": best})

    def after(self, key: SelectionKey, step: int, keep: int = 1) -> TrainingProgress:
        """The state after a validation. Keeps the `keep` best ones; of equal ones, the earlier."""
        best = sorted([*self.best, (key, step)], key=lambda one: one[0], reverse=True)[:keep]
        if not self.best or key > self.best[0][0]:
            return replace(self, best=tuple(best), validated_step=step, without_gain=0, since_cut=0)
        waited = {"without_gain": self.without_gain + 1, "since_cut": self.since_cut + 1}
        return replace(self, best=tuple(best), validated_step=step, **waited)

    def cut(self, factor: float) -> TrainingProgress:
        """The state after multiplying the learning rate by `factor`."""
        return replace(self, rate_scale=self.rate_scale * factor, since_cut=0)

    def without_best(self) -> TrainingProgress:
        """Forget the best scores, of a different measure: the next validation is the best."""
        return replace(self, best=(), validated_step=-1, without_gain=0, since_cut=0)

    @property
    def rate_factor(self) -> float:
        """The factor for the schedule's learning rate."""
        return self.rate_scale * ROLLBACK_RATE**self.rollbacks

    @property
    def best_steps(self) -> list[int]:
        return [step for _, step in self.best]
