"""A cell of the comparison: one system, one size of the text, one training time. Its folder keeps the results as
JSON: trained.json after training and validation, tested.json after the test."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.quality import systems
from bench.quality.process import Tick, Usage, no_tick, run
from bench.quality.systems import FAST, Command, Place, System, converted, ctranslate2_translation, keep
from bench.quality.text import JUDGED
from nmt.common.files import write_atomically
from nmt.data.readers import read_lines
from nmt.metrics.comparison import compare
from nmt.metrics.config import MetricConfig
from nmt.metrics.measure import Measure

BEAM = 5  # for the test; validation is greedy, because it only compares models of one system
TRAINED, TESTED, TOGETHER = "trained.json", "tested.json", "compared.json"

Result = dict[str, Any]


class FailedError(Exception):
    """A system failed; the message names its log."""


def known(path: Path) -> Result | None:
    found: Result | None = json.loads(path.read_text()) if path.exists() else None
    return found


def save(path: Path, result: Mapping[str, Any]) -> None:
    write_atomically(path, (json.dumps(result, indent=2) + "\n").encode())


class Cell:
    def __init__(self, name: str, system: System, place: Place) -> None:
        self.name, self.system, self.place = name, system, place
        self.cores: Collection[int] = ()  # to use; empty: all
        self.log = place.folder / "log"
        self.marks = place.folder / "marks"

    def train(self, points: int) -> Result:
        """Train from scratch for the cell's minutes and keep the newest model at `points` times; then measure the
        greedy BLEU of each on the validation text. The best is kept as "chosen". Raises FailedError if there is
        none."""
        place = self.place
        if found := known(place.folder / TRAINED):
            return found
        used, kept = self._trained(points)
        curve = self._curve(kept)
        if not curve:
            raise FailedError(f"{self.name} saved no model that translates; {self.log} may tell why")
        best = max(curve, key=lambda point: point["bleu"])
        keep(self.marks / str(best["mark"]), place.folder / "chosen")
        shutil.rmtree(self.marks)
        for saved in place.run.glob("*.pt"), place.run.glob("*.ckpt"):
            for path in saved:
                path.unlink()
        result = {
            "system": self.name,
            "kind": self.system.kind,
            "version": self.system.version,
            "pieces": place.text.pieces,
            "max_tokens": place.text.max_tokens,
            "threads": place.threads,
            "clock": place.clock,
            "minutes": used.seconds / 60,
            "cpu_minutes": used.cpu_seconds / 60,
            "peak_bytes": used.peak_bytes,
            "parameters": self._parameters(),
            "curve": curve,
            "valid_bleu": best["bleu"],
            "date": time.strftime("%Y-%m-%d %H:%M"),
        }
        save(place.folder / TRAINED, result)
        return result

    def _trained(self, points: int) -> tuple[Usage, dict[int, float]]:
        """What training used, and the minutes after which each model was kept, by its number among `points`."""
        place = self.place
        shutil.rmtree(place.folder, ignore_errors=True)
        self.marks.mkdir(parents=True)
        limit = 60 * place.minutes
        kept: dict[int, float] = {}

        def mark(seconds: float) -> None:
            number = int(seconds / limit * points)
            if number and number not in kept and (model := self.system.saved(place)):
                keep(model, self.marks / str(number))
                kept[number] = seconds / 60

        used = self._run(self.system.train(place), limit, mark, clock=place.clock)
        if not used.timed_out and not used.ended_well:
            raise FailedError(f"{self.name} does not train; {self.log} tells why")
        time.sleep(systems.WHOLE_S + 0.1)  # until the last file counts as complete
        if model := self.system.saved(place):
            kept[points + 1] = (used.seconds if place.clock == "wall" else used.cpu_seconds / place.threads) / 60
            keep(model, self.marks / str(points + 1))
        return used, kept

    def test(self) -> Result:
        """Test the chosen model: BLEU and chrF on each test set, and translation speed on the first."""
        place = self.place
        if found := known(place.folder / TESTED):
            return found
        result: Result = {"tests": {}}
        for number, split in enumerate(place.text.tests):
            srcs, output = place.text.path(split, place.text.src), place.folder / f"hyp.{split}"
            used = self.translate(place.folder / "chosen", srcs, output, BEAM)
            result["tests"][split] = self.scores(split, output)
            if not number:
                result["sentences_per_cpu_s"] = self.speed(place.folder / "chosen", used)
        if self.name == FAST:
            result["ctranslate2"] = self.in_ctranslate2()
        save(place.folder / TESTED, result)
        return result

    def in_ctranslate2(self) -> Result:
        """Test the same model in int8. Empty if it cannot be converted."""
        place, model = self.place, self.place.folder / "converted"
        if not self._run(converted(place.folder / "chosen", model)).ended_well:
            return {}
        split, output = place.text.tests[0], place.folder / "hyp.ctranslate2"
        used = self.translate(model, place.text.path(split, place.text.src), output, BEAM, ctranslate2_translation)
        return self.scores(split, output) | {"sentences_per_cpu_s": self.speed(model, used, ctranslate2_translation)}

    def speed(self, model: Path, of_all: Usage, command: Command | None = None) -> float:
        """Sentences of the first test set per second of processor time, excluding the start of the command."""
        text = self.place.text
        lines = text.lines(text.tests[0], text.src)
        one = self.place.folder / "one.txt"
        one.write_text(f"{lines[0]}\n", encoding="utf-8")
        start = self.translate(model, one, self.place.folder / "hyp.one", BEAM, command)
        return round((len(lines) - 1) / max(of_all.cpu_seconds - start.cpu_seconds, 1e-3), 1)

    def translate(self, model: Path, src: Path, output: Path, beam: int, command: Command | None = None) -> Usage:
        """Translate with the system's command, or with another one in its environment. Raises FailedError."""
        arguments = (command or self.system.translate)(self.place, model, src, output, beam)
        pipes = command is None and self.system.pipes
        used = self._run(arguments, stdin=src if pipes else None, stdout=output if pipes else None)
        if not used.ended_well:
            raise FailedError(f"{self.name} does not translate with {model}; {self.log} tells why")
        return used

    def scores(self, split: str, output: Path, names: Any = ("bleu", "chrf")) -> Result:
        text = self.place.text
        refs = text.lines(split, text.tgt)
        measure = Measure.of(MetricConfig(), text.tgt, refs)
        found = measure.scores(list(read_lines(output)), [refs], names)
        return {name: round(score.score, 2) for name, score in found.items()}

    def _curve(self, kept: Mapping[int, float]) -> list[Result]:
        text, output = self.place.text, self.place.folder / "hyp.valid"
        curve: list[Result] = []
        for number, minutes in sorted(kept.items()):
            model = self.marks / str(number)
            try:
                self.translate(model, text.path(JUDGED, text.src), output, 1)
                curve.append({"mark": number, "minutes": round(minutes, 2), **self.scores(JUDGED, output, ("bleu",))})
            except (FailedError, ValueError):
                continue  # a truncated model
        return curve

    def _run(self, arguments: list[str], limit_s: float | None = None, tick: Tick = no_tick, **how: Any) -> Usage:
        place, command = self.place, [self.system.python(self.place), *arguments]
        stop = self.system.stop
        return run(command, self.log, place.folder, place.threads, self.cores, limit_s, stop, tick, **how)

    def _parameters(self) -> int | None:
        found = re.search(self.system.parameters, self.log.read_text(errors="replace"))
        return int(found[1].replace(",", "")) if found else None


def compared(cells: Mapping[str, Cell], folder: Path, ours: str) -> Result:
    """Paired bootstrap of every other system against `ours` on each test set: {test: {system: {metric: ...}}}."""
    if (before := known(folder / TOGETHER)) and before["systems"] == list(cells):
        return before
    text = cells[ours].place.text
    result: Result = {"systems": list(cells), "tests": {}}
    for split in text.tests:
        refs = text.lines(split, text.tgt)
        hyps = {
            name: list(read_lines(cells[name].place.folder / f"hyp.{split}"))
            for name in (ours, *(name for name in cells if name != ours))
        }
        measure = Measure.of(MetricConfig(), text.tgt, refs)
        found, signatures = compare(measure, hyps, [refs], "bs", 0, ("bleu", "chrf"))
        result["tests"][split] = {
            "signatures": signatures,
            **{name: {metric: asdict(one) for metric, one in of.items()} for name, of in found.items()},
        }
    save(folder / TOGETHER, result)
    return result
