"""What validation has found in a run so far: its best models, and for how long there has been no better one.

One model is better than another when its selection key is greater (metrics/measure.py): by the selection metric, of
equals by chrF, and then by nll. Every such gain counts, for schedule "plateau" and for patience too: where the metric
cannot rise, because it is 100 or cannot see what is learned, chrF and nll still tell that training is not over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from nmt.training.divergence import ROLLBACK_RATE

SelectionKey = tuple[float, ...]  # the greater is the better model's


@dataclass(frozen=True)
class TrainingProgress:
    """Kept in the checkpoint."""

    best: tuple[tuple[SelectionKey, int], ...] = ()  # (key, step) of the best validations, the best one first
    validated_step: int = -1  # when validation ran last
    without_gain: int = 0  # validations since the best one
    since_cut: int = 0  # validations since the best one, or since schedule "plateau" cut the learning rate
    rate_scale: float = 1.0  # what that schedule multiplies the learning rate by
    rollbacks: int = 0  # from divergence to a checkpoint, each at a lower learning rate

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> TrainingProgress:
        """From a checkpoint. An earlier version counted once for both, and its `rate_scale` had the rollbacks in it;
        an earlier one kept BLEU alone, so that of equal ones the next is the better."""
        best = tuple((key if isinstance(key, tuple) else (key, -inf, -inf), step) for key, step in saved["best"])
        since = {"since_cut": saved["without_gain"], "rollbacks": saved.get("returns", 0)}
        return cls(**{**since, **{name: value for name, value in saved.items() if name != "returns"}, "best": best})

    def after(self, key: SelectionKey, step: int, keep: int = 1) -> TrainingProgress:
        """Of the best validations `keep` are remembered, of equal ones the earlier."""
        best = sorted([*self.best, (key, step)], key=lambda one: one[0], reverse=True)[:keep]
        if not self.best or key > self.best[0][0]:
            return replace(self, best=tuple(best), validated_step=step, without_gain=0, since_cut=0)
        waited = {"without_gain": self.without_gain + 1, "since_cut": self.since_cut + 1}
        return replace(self, best=tuple(best), validated_step=step, **waited)

    def cut(self, factor: float) -> TrainingProgress:
        """The learning rate is multiplied by `factor`."""
        return replace(self, rate_scale=self.rate_scale * factor, since_cut=0)

    def without_best(self) -> TrainingProgress:
        """What was measured otherwise cannot be compared: the next validation is the best."""
        return replace(self, best=(), validated_step=-1, without_gain=0, since_cut=0)

    @property
    def rate_factor(self) -> float:
        """What the schedule's learning rate is multiplied by."""
        return self.rate_scale * ROLLBACK_RATE**self.rollbacks

    @property
    def best_steps(self) -> list[int]:
        return [step for _, step in self.best]
