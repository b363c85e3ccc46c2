"""Validation results of a run so far: its best models, and how long ago the best was found.

A model is better than another if its selection key is greater (metrics/measure.py): by the selection metric, then by
chrF, then by nll. Every such gain counts, also for schedule "plateau" and for patience. When the metric cannot rise,
because it is 100 or does not see what is learned, chrF and nll still show that training is not over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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

    @property
    def rate_factor(self) -> float:
        """The factor for the schedule's learning rate."""
        return self.rate_scale * ROLLBACK_RATE**self.rollbacks

    @property
    def best_steps(self) -> list[int]:
        return [step for _, step in self.best]
