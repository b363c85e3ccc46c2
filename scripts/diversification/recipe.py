"""The stages of scripts/diversify."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nmt.sweep.overrides import typed

PART = 5000  # lines; at most this much of a translation is lost when it is killed


@dataclass(frozen=True)
class Stage:
    """One or two named commands that run in parallel."""

    kind: str  # training or translation
    commands: Mapping[str, Sequence[str]]
    text: Sequence[str]  # the names of its training texts


@dataclass(frozen=True)
class Recipe:
    folder: Path
    src: str
    tgt: str
    overrides: Sequence[str]
    last: Sequence[str]
    risk: Sequence[str]  # empty: no minimum risk training
    models: int
    work: Path

    @property
    def data(self) -> Path:
        return self.work / "data"

    def training(self, src: str, tgt: str, run: str, *overrides: str) -> list[str]:
        where = ["data=files", typed("data.dir", str(self.data)), f"data.src={src}", f"data.tgt={tgt}"]
        return ["nmt-train", *where, typed("runs_dir", str(self.work)), f"run={run}", *overrides]

    def translation(self, name: str, src: str, tgt: str) -> list[str]:
        """Translate the whole training text with an ensemble, into the pair of files NAME-MODELS. Their name contains
        the number of models, because it determines the text."""
        models = [str(self.work / f"{name}-{seed}/model") for seed in range(1, self.models + 1)]
        made = f"{name}-{self.models}"
        files = ["--input", str(self.data / f"train.{src}"), "--output", str(self.work / f"{made}.parts")]
        files += ["--join", str(self.data / f"{made}.{tgt}"), "--lines-per-part", str(PART)]
        return ["nmt-translate-corpus", *models, *files, "--beam-size", "5", "-q"]

    @property
    def last_training(self) -> list[str]:
        text = "+".join(self.texts)
        return self.training(self.src, self.tgt, "last", f"data.train={text}", *self.overrides, *self.last)

    @property
    def risk_training(self) -> list[str]:
        start = [typed("init", str(self.work / "last/model")), "data.train=train"]
        return self.training(self.src, self.tgt, "risk", *start, *self.overrides, *self.last, *self.risk)

    @property
    def texts(self) -> list[str]:
        return ["train", *(f"{name}-{self.models}" for name in ("forward", "backward"))]

    def stages(self) -> Iterator[Stage]:
        for seed in range(1, self.models + 1):
            both = {"forward": (self.src, self.tgt), "backward": (self.tgt, self.src)}
            commands = {
                f"{name}-{seed}": self.training(*sides, f"{name}-{seed}", f"seed={seed}", *self.overrides)
                for name, sides in both.items()
            }
            yield Stage("training", commands, ["train"])
        yield Stage("translation", {"forward": self.translation("forward", self.src, self.tgt)}, ["train"])
        yield Stage("translation", {"backward": self.translation("backward", self.tgt, self.src)}, ["train"])
        yield Stage("training", {"last": self.last_training}, self.texts)
        if self.risk:
            yield Stage("training", {"risk": self.risk_training}, ["train"])


def link_text(recipe: Recipe) -> None:
    recipe.data.mkdir(parents=True, exist_ok=True)
    for language in (recipe.src, recipe.tgt):
        for path in recipe.folder.glob(f"*.{language}"):
            link(recipe.data / path.name, path)


def link_sources(recipe: Recipe) -> None:
    """Link each translation's source beside it."""
    for name, language in (("forward", recipe.src), ("backward", recipe.tgt)):
        link(recipe.data / f"{name}-{recipe.models}.{language}", Path(f"train.{language}"))


def link(path: Path, target: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)
