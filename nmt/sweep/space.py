"""A search space: settings of nmt-train, each with its choices, in YAML.

cell: [gru, lstm]                                       # one of these
model.hidden_size: {low: 128, high: 512, step: 64}      # a whole number, because both ends are
optim.learning_rate: {low: 0.0005, high: 0.01, log: true}  # a number; powers of ten are equally likely
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nmt.common.files import from_home
from nmt.common.resources import resource
from nmt.common.shown import brief
from nmt.common.suggestions import did_you_mean
from nmt.plain_data import from_dict
from nmt.sweep.overrides import Scalar

MAX_BYTES = 1_000_000  # of a file
PREFIX = "tune_"  # of the spaces that come with nmt


@dataclass(frozen=True)
class Choice:
    values: tuple[Scalar, ...]

    @property
    def ends(self) -> tuple[Scalar, ...]:
        """Values that tell whether the setting accepts this choice."""
        return self.values


@dataclass(frozen=True)
class Range:
    low: float  # if all numbers are whole, so are the values
    high: float
    step: float | None = None
    log: bool = False  # powers of ten, not numbers, are equally likely

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"low is {self.low} and high {self.high}; low must be less")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log goes with numbers above 0 and without a step")
        if self.step is not None and not 0 < self.step <= self.high - self.low:
            raise ValueError(f"step is {self.step}; it must be above 0 and within low and high")

    @property
    def ends(self) -> tuple[Scalar, ...]:
        return self.low, self.high


@dataclass(frozen=True)
class WholeRange(Range):
    low: int
    high: int
    step: int | None = None


Space = dict[str, Choice | Range]


def find_space(name: str) -> Path:
    """The file of a space: a user's, by path, or one of nmt's, by name. Raises ValueError."""
    own = {path.stem.removeprefix(PREFIX): path for path in resource("conf").glob(f"{PREFIX}*.yaml")}
    if name in own:
        return own[name]
    if (path := from_home(name)).is_file():
        return path
    near = did_you_mean(name, own)
    raise ValueError(
        f"there is no space {name!r}{near or ';'} give a file, or choose one of: {', '.join(sorted(own))}"
    )


def read_space(path: Path) -> Space:
    """Raises OSError, and ValueError that names what is wrong."""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    try:
        if len(content) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
        data = yaml.safe_load(content)
        if not isinstance(data, dict) or not data:
            raise ValueError("it must map settings to their choices")
        return {str(key): _choices(str(key), value) for key, value in data.items()}
    except RecursionError:
        raise ValueError(f"{path} is no space: it nests without end") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no space: it is no YAML ({' '.join(str(error).split())})") from None
    except ValueError as error:
        raise ValueError(f"{path} is no space: {error}") from None


def _choices(key: str, value: Any) -> Choice | Range:
    if isinstance(value, list):
        for one in value:
            if not isinstance(one, Scalar):
                raise ValueError(f"{key} has {brief(one)}; each choice must be a word, a number, true, false or null")
        if len({(type(one), one) for one in value}) < max(len(value), 2):
            raise ValueError(f"{key} must have two choices or more, all different")
        return Choice(tuple(value))
    if not isinstance(value, dict):
        raise ValueError(f"{key} is {brief(value)}; it must be a list, or have low and high")
    whole = all(type(value.get(one)) is int for one in ("low", "high")) and type(value.get("step", 1)) is int
    return from_dict(WholeRange if whole else Range, value, key)


def plain(space: Mapping[str, Choice | Range]) -> dict[str, Any]:
    """The space as JSON data, for comparing spaces."""
    return {
        key: list(one.values) if isinstance(one, Choice) else [one.low, one.high, one.step, one.log]
        for key, one in space.items()
    }
