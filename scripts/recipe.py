"""The stages of scripts/diversify: what they are, how long they take, and what each has given."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from nmt.sweep.space import typed

HERE = Path(__file__).parent
PART = 5000  # lines of a translation that a kill costs at most
STAGES, PLAN, CARD = "stages.json", "plan.json", "card.md"
TICK_S = 0.1


@dataclass(frozen=True)
class Stage:
    """One or two commands, by their names, that run beside one another."""

    kind: str  # training or translation
    commands: Mapping[str, Sequence[str]]
    text: Sequence[str]  # the names of the training texts that it reads


@dataclass(frozen=True)
class Recipe:
    folder: Path
    src: str
    tgt: str
    overrides: Sequence[str]
    last: Sequence[str]
    risk: Sequence[str]  # empty: no such stage
    models: int
    work: Path

    @property
    def data(self) -> Path:
        return self.work / "data"

    def training(self, src: str, tgt: str, run: str, *overrides: str) -> list[str]:
        where = ["data=files", typed("data.dir", str(self.data)), f"data.src={src}", f"data.tgt={tgt}"]
        return ["nmt-train", *where, typed("runs_dir", str(self.work)), f"run={run}", *overrides]

    def translation(self, name: str, src: str, tgt: str) -> list[str]:
        """Of all of the training text, by an ensemble; into the pair of files NAME-MODELS, so that another number of
        models makes other text."""
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


class Stopped(Exception):  # noqa: N818  (no error)
    """By a signal."""


@dataclass
class Runner:
    """Runs stages, and knows what each has taken, over all times that the recipe was started."""

    work: Path
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    at_work: list[subprocess.Popen[Any]] = field(default_factory=list)

    def run(self, stage: Stage) -> bool:
        """Whether all its commands ended well; each has its time kept, also when a signal ends it."""
        beside = len(stage.commands) > 1
        env = dict(os.environ)
        if beside:  # half of the cores each, which two runs use better than one does all
            env.setdefault("OMP_NUM_THREADS", str(((os.cpu_count() or 1) + 1) // 2))
        began, running = time.monotonic(), {}
        for name, command in stage.commands.items():
            say(shlex.join(command))
            running[name] = self._start(command, env, f"{name}  " if beside else "")
        codes: dict[str, int] = {}
        try:
            while len(codes) < len(running):
                for name, process in running.items():
                    if name not in codes and (code := process.poll()) is not None:
                        codes[name] = code
                        self._note(name, time.monotonic() - began, code == 0)
                time.sleep(TICK_S)
        finally:
            for name in running.keys() - codes.keys():
                self._note(name, time.monotonic() - began, False)
        return not any(codes.values())

    def _start(self, command: Sequence[str], env: dict[str, str], prefix: str) -> subprocess.Popen[Any]:
        process = subprocess.Popen(by_module(command), env=env, stderr=subprocess.PIPE if prefix else None, text=True)
        self.at_work.append(process)
        if process.stderr:
            threading.Thread(target=copy_lines, args=(process.stderr, prefix), daemon=True).start()
        return process

    def _note(self, name: str, seconds: float, done: bool) -> None:
        before = self.taken.get(name, {"seconds": 0.0, "done": False})
        if not before["done"]:  # else it only looked whether there is something left
            self.taken[name] = {"seconds": before["seconds"] + seconds, "done": done}
            write(self.work / STAGES, json.dumps(self.taken, indent=2))

    def end(self, number: int) -> None:
        """After a signal: SIGTERM is passed on to all at work, a terminal sends SIGINT to them itself. Waits for
        them."""
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, signal.SIG_IGN)
        for process in self.at_work:
            if process.poll() is None and number == signal.SIGTERM:
                process.terminate()
        for process in self.at_work:
            process.wait()


def by_module(command: Sequence[str]) -> list[str]:
    """nmt-NAME of this Python, whatever PATH says."""
    name, *arguments = command
    module = name.removeprefix("nmt-").replace("-", "_")
    return [sys.executable, "-c", f"from nmt.cli.{module} import main; main()", *arguments]


def copy_lines(lines: Any, prefix: str) -> None:
    for line in lines:
        print(f"{prefix}{line}", end="", file=sys.stderr, flush=True)


def main(usage: str) -> int:
    """The exit code."""
    if len(sys.argv) < 4:
        print(usage, file=sys.stderr)
        return 2
    folder, src, tgt, *overrides = sys.argv[1:]
    for name in (f"{split}.{language}" for split in ("train", "valid") for language in (src, tgt)):
        if not (Path(folder) / name).exists():
            print(f"diversify: there is no {Path(folder).resolve() / name}", file=sys.stderr)
            return 2
    last, risk = (os.environ.get(name, "").split() for name in ("LAST", "RISK"))
    models, work = int(os.environ.get("MODELS", "2")), Path(os.environ.get("WORK", "runs/diversified"))
    recipe = Recipe(Path(folder).resolve(), src, tgt, overrides, last, risk, models, work)
    every_setting = by_module(recipe.training(src, tgt, "last", *overrides, *last, *risk))  # less init, not there yet
    checked = subprocess.run([*every_setting, "--cfg", "job"], stdout=subprocess.DEVNULL, check=False)
    if checked.returncode:  # a typo is told now, not after hours
        return checked.returncode
    link_text(recipe)
    runner = Runner(work, known(work / STAGES))

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        wish = os.environ.get("PLAN", "yes")
        if wish != "no":
            print(planned(recipe), flush=True)
        return 0 if wish == "only" else carried_out(recipe, runner)
    except Stopped as stopped:
        (number,) = stopped.args
        runner.end(number)
        return 128 + int(number)


def carried_out(recipe: Recipe, runner: Runner) -> int:
    """The exit code."""
    for stage in recipe.stages():
        if not runner.run(stage):
            return 1  # what the others have done is kept
        if stage.kind == "translation":
            link_sources(recipe)
    card = card_of(recipe, runner.taken)
    write(recipe.work / CARD, card)
    print(card)
    return 0


def link_text(recipe: Recipe) -> None:
    recipe.data.mkdir(parents=True, exist_ok=True)
    for language in (recipe.src, recipe.tgt):
        for path in recipe.folder.glob(f"*.{language}"):
            link(recipe.data / path.name, path)


def link_sources(recipe: Recipe) -> None:
    """Beside each translation what it is of."""
    for name, language in (("forward", recipe.src), ("backward", recipe.tgt)):
        link(recipe.data / f"{name}-{recipe.models}.{language}", Path(f"train.{language}"))


def link(path: Path, target: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def planned(recipe: Recipe) -> str:
    """The stages, and about how many minutes each takes here by the speed of some updates, which is measured once."""
    found = known(recipe.work / PLAN)
    if not found:
        say("measuring how fast a training is here")
        told = subprocess.run(
            [sys.executable, str(HERE / "plan.py"), *arguments_of_plan(recipe)], capture_output=True, text=True
        )
        if told.returncode:
            return f"no plan: {(told.stderr.strip().splitlines() or ['?'])[-1]}"
        found = json.loads(told.stdout.splitlines()[-1])
        write(recipe.work / PLAN, json.dumps(found, indent=2))
    lines, total = ["stage | reads | about minutes", "--- | --- | ---"], 0.0
    for stage in recipe.stages():
        name = next(iter(stage.commands)) if stage.kind == "training" else "translation"
        minutes = found["translation" if stage.kind == "translation" else name.split("-")[0]]
        total += minutes
        lines.append(f"{stage.kind} of {' and '.join(stage.commands)} | {' + '.join(stage.text)} | {minutes:.1f}")
    lines.append(f"all, without validation | | {total:.1f}")
    return "\n".join(f"| {line} |" for line in lines)


def arguments_of_plan(recipe: Recipe) -> list[str]:
    base = recipe.training(recipe.src, recipe.tgt, "plan", *recipe.overrides)[1:]
    return [json.dumps({"base": base, "last": list(recipe.last), "risk": list(recipe.risk)})]


def card_of(recipe: Recipe, taken: Mapping[str, Mapping[str, Any]]) -> str:
    """In Markdown: what each stage took and, of the models, how well they translate the validation text."""
    lines = ["| stage | pairs | minutes | BLEU | chrF | over forward-1 |", "|---|---|---|---|---|---|"]
    first = None
    pairs = sum(1 for _ in (recipe.data / f"train.{recipe.src}").open("rb"))
    for stage in recipe.stages():
        for name in stage.commands:
            row = [name if stage.kind == "training" else f"{name}, translated", f"{pairs * len(stage.text):,}"]
            row.append(f"{taken[name]['seconds'] / 60:.1f}")
            if stage.kind == "training":
                scores = json.loads((recipe.work / name / "model/scores.json").read_text())["valid"]
                bleu, chrf = (scores[metric]["score"] for metric in ("bleu", "chrf"))
                first = bleu if first is None else first
                gain = "" if name == "forward-1" or name.startswith("backward") else f"{bleu - first:+.2f}"
                row += [f"{bleu:.2f}", f"{chrf:.2f}", gain]
            else:
                row += ["", "", ""]
            lines.append(f"| {' | '.join(row)} |")
    model = recipe.work / ("risk" if recipe.risk else "last") / "model"
    return "\n".join([*lines, "", f"of the validation text; the model: {model}"])


def known(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(f"{text}\n", encoding="utf-8")
    part.replace(path)


def say(text: str) -> None:
    print(f"+ {text}", file=sys.stderr, flush=True)
