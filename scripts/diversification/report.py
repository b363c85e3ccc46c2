"""The reports before and after the stages: the estimated duration of each stage, and its results."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diversification.recipe import Recipe
from diversification.runner import keep, known, say

PLAN = "plan.json"
SCRIPTS = Path(__file__).parents[1]
MEASURE = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); from diversification.speed import main; main()"


def planned(recipe: Recipe) -> str:
    """The stages with estimated minutes, from the speed of a few updates, which is measured once."""
    found = known(recipe.work / PLAN)
    if not found:
        say("measuring how fast a training is here")
        told = subprocess.run(
            [sys.executable, "-c", MEASURE, measured_settings(recipe)], capture_output=True, text=True
        )
        if told.returncode:
            return f"no plan: {(told.stderr.strip().splitlines() or ['?'])[-1]}"
        found = json.loads(told.stdout.splitlines()[-1])
        keep(recipe.work / PLAN, found)
    lines, total = ["stage | reads | about minutes", "--- | --- | ---"], 0.0
    for stage in recipe.stages():
        name = next(iter(stage.commands)) if stage.kind == "training" else "translation"
        minutes = found["translation" if stage.kind == "translation" else name.split("-")[0]]
        total += minutes
        lines.append(f"{stage.kind} of {' and '.join(stage.commands)} | {' + '.join(stage.text)} | {minutes:.1f}")
    lines.append(f"all, without validation | | {total:.1f}")
    return "\n".join(f"| {line} |" for line in lines)


def measured_settings(recipe: Recipe) -> str:
    base = recipe.training(recipe.src, recipe.tgt, "plan", *recipe.overrides)[1:]
    return json.dumps({"base": base, "last": list(recipe.last), "risk": list(recipe.risk)})


def card_of(recipe: Recipe, taken: Mapping[str, Mapping[str, Any]]) -> str:
    """A Markdown report: the time of each stage, and each model's scores on the validation text."""
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
