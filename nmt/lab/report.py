"""One page with the results of all experiments: what is the difference between an RNN and an LSTM?

This file contains the definitions; every statement about results is derived from the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from statistics import mean
from typing import Any

from nmt.cells import CELLS, Cell
from nmt.inspection.cell_terms import gate_term
from nmt.lab import gradients, memory, translation_results
from nmt.lab.diagrams import unit_diagram
from nmt.lab.learner import parameters_of
from nmt.lab.store import load_summary, provenance
from nmt.lab.tasks import TASKS
from nmt.lab.words import Row, listed, solved_words, unique
from nmt.pictures.charts import Section, Table
from nmt.plain_data import from_dict

TITLE = "What is the difference between an RNN and an LSTM?"
BASICS = ("rnn", "gru", "lstm", "lstm_peephole")
SHOWN: dict[str, Any] = {"gradients": gradients, "memory": memory, "translation": translation_results}
SIZE = 100  # units and inputs of the layers whose parameters are counted


@dataclass(frozen=True)
class ReportConfig:
    lab_dir: str


def run(config: ReportConfig) -> list[Section]:
    """The results in `lab_dir`. Raises ValueError when there are none, or when a file is damaged."""
    folder = Path(config.lab_dir)
    found = {name: load_summary(folder, name) for name in SHOWN}
    done = {name: data for name, data in found.items() if data is not None}
    if not done:
        raise ValueError(f"{folder} holds no experiment yet; run nmt-lab memory, gradients or translation first")
    sections = [answer(done), units(cells_of(done))]
    for name, data in done.items():
        sections += SHOWN[name].sections(data)
    return [*sections, which(done), sources(done)]


def cells_of(done: Mapping[str, Any]) -> list[str]:
    """The kinds of cells that the page covers: the basic ones and those of the experiments."""
    took_part = [row["cell"]["name"] for data in done.values() for row in data["rows"]]
    return list(dict.fromkeys(name for name in (*BASICS, *took_part) if name in CELLS))


def answer(done: Mapping[str, Any]) -> Section:
    paragraphs = [
        "A recurrent neural network (RNN) reads a sequence step by step and hands a state from each step to the "
        "next. That is the family. In the narrow sense an RNN is its simplest member, whose state is made anew at "
        "every step: h' = tanh(W x + R h). Long short-term memory (LSTM) is another member: it adds a cell c that a "
        "step changes by addition, c' = f ⊙ c + i ⊙ g, and gates between 0 and 1 that decide what is kept, written "
        "and shown.",
        "The difference is in the way back. In a simple RNN a gradient goes through R and the slope of tanh at every "
        "step, and so tends to shrink or to grow by a factor each time. In an LSTM there is a second way, along c, "
        "where it is multiplied by the forget gate alone: a factor that the network itself sets, near 1 where it "
        "should remember. With units and digits enough both can compute the same things; they differ in what they "
        "can learn in reasonable time.",
        "Is an LSTM a unit, a layer or a network? The equations below are those of a unit, strictly: one number of h "
        "and one of c. A layer is many units that see the same x and each other's h, so that W and R are matrices; "
        "toolkits call such a layer LSTM. A network is layers, an embedding and an output layer; papers call it an "
        "LSTM when its layers are. All three uses are right; only say which.",
    ]
    return Section("The answer", [*paragraphs, measured(done)])


def measured(done: Mapping[str, Any]) -> str:
    """Both cells' measurements side by side, for any outcome."""
    parts = []
    if "memory" in done:
        rows = done["memory"]["rows"]
        for task in unique(rows, "task"):
            lag = max(row["lag"] for row in rows if row["task"] == task)
            of = memory.first_of_kind([row for row in rows if row["task"] == task and row["lag"] == lag])
            if {"rnn", "lstm"} <= of.keys():
                counts = [f"{of[name]['label']} solved {solved_words(of[name])}" for name in ("rnn", "lstm")]
                parts.append(f"{TASKS[task].title} at lag {lag}: {', '.join(counts)} seeds")
    if "gradients" in done:
        rows = [row for row in done["gradients"]["rows"] if row["cell"]["name"] in ("rnn", "lstm")]
        factors = {row["label"]: f"{row['label']} {gradients.factor(row['untrained']):.3f}" for row in rows}
        if factors:
            parts.append(f"an untrained gradient is multiplied a step by: {listed(list(factors.values()))}")
    if "translation" in done:
        rows = done["translation"]["rows"]
        for attention in unique(rows, "attention"):
            of = memory.first_of_kind([row for row in rows if row["attention"] == attention])
            if {"rnn", "lstm"} <= of.keys():
                scores = [
                    f"{translation_results.cell_of(of[name])} "
                    f"{mean(row['bleu']['score'] for row in rows if row['label'] == of[name]['label']):.2f}"
                    for name in ("rnn", "lstm")
                ]
                parts.append(f"translation with attention={attention}: {' and '.join(scores)} BLEU")
    return f"Measured here: {'; '.join(parts)}." if parts else "RNN and LSTM were not both run here."


def units(names: Sequence[str]) -> Section:
    """Diagrams, and the number of parameters of a layer."""
    cells = {name: from_dict(Cell, {"name": name}) for name in names}
    drawn = [unit_diagram(name, cell) for name, cell in cells.items()]
    rows = []
    for name, cell in cells.items():
        size = parameters_of(cell, SIZE, SIZE, 1) - (SIZE + 1)  # without the read-out
        rows.append((name, ", ".join(cell.gates), ", ".join(cell.states), f"{size:,}"))
    table = Table(
        f"a layer of {SIZE} units with {SIZE} inputs", ("cell", "products W x + R h", "state", "parameters"), rows
    )
    text = (
        "Each box is an equation, each arrow a value that it uses; yellow is what a step is given, green what it "
        "hands on. σ is the logistic function, ⊙ the product unit by unit. W and R are what a layer learns."
    )
    gates = [(name, gate, *gate_term(name, gate)) for name, cell in cells.items() for gate in cell.gates]
    meaning = Table("what the gates do", ("cell", "in its equations", "name", "what it says"), gates)
    return Section("The units", [text], [*(graph for graph in drawn if graph), meaning, table])


def which(done: Mapping[str, Any]) -> Section:
    """When to use which, based only on the measurements."""
    paragraphs, tables = [], []
    if "memory" in done:
        rows = done["memory"]["rows"]
        tables.append(longest_lags(rows))
        if {"rnn", "lstm"} <= memory.first_of_kind(rows).keys():
            paragraphs.append(advice(rows))
    if "translation" in done:
        paragraphs.append(translation_results.conclusion(done["translation"]))
        paragraphs.append(translation_results.by_attention(done["translation"]["rows"]))
    paragraphs.append(
        "These are results of small networks, one recipe for all cells and few seeds; where a cell failed, another "
        "learning rate, initialisation or more updates may help it, and where two cells tie, a harder task may part "
        "them."
    )
    return Section("When do you use which?", paragraphs, tables)


def longest_lags(rows: Sequence[Row]) -> Table:
    """The longest lag at which each cell solved each task with every seed."""
    tasks = unique(rows, "task")
    lags = {
        (row["label"], row["task"]): row["lag"] for row in sorted(rows, key=itemgetter("lag")) if all(row["solved"])
    }
    found = [(label, *(str(lags.get((label, task), "none")) for task in tasks)) for label in unique(rows, "label")]
    titles = [TASKS[task].title for task in tasks]
    how = " with every seed" if any(len(row["solved"]) > 1 for row in rows) else ""
    return Table(f"the longest lag that was solved{how}, in steps", ("cell", *titles), found)


def advice(rows: Sequence[Row]) -> str:
    """Where gates were worth their price in these runs."""
    labels = {name: memory.first_of_kind(rows)[name]["label"] for name in ("rnn", "lstm")}
    solved: dict[str, dict[tuple[str, int], int]] = {
        name: {(row["task"], row["lag"]): sum(row["solved"]) for row in rows if row["label"] == label}
        for name, label in labels.items()
    }
    found: dict[str, list[str]] = {}
    for place, lstm in solved["lstm"].items():
        rnn = solved["rnn"].get(place, 0)
        more = f"{labels['lstm']} solved with more seeds than {labels['rnn']}:"
        fewer = f"{labels['rnn']} solved with more seeds than {labels['lstm']}:"
        equal = "both solved with as many seeds:" if lstm else "neither solved"
        words = more if lstm > rnn else fewer if lstm < rnn else equal
        found.setdefault(words, []).append(f"{TASKS[place[0]].title} at lag {place[1]}")
    parts = [f"{words} {listed(names)}" for words, names in found.items()]
    if not any(solved["lstm"].values()) and not any(solved["rnn"].values()):
        return f"At equal parameters {'; '.join(parts)}: no network learned a task, so nothing is shown for either."
    return (
        f"At equal parameters {'; '.join(parts)}. Where {labels['rnn']} does as well, it is the simpler "
        "choice, but hardly a cheaper one: as many parameters are as many multiplications."
    )


def sources(done: Mapping[str, Any]) -> Section:
    """Versions, seeds and hashes."""
    rows = []
    for name, data in done.items():
        seeds = {str(row.get("seeds", row.get("seed"))) for row in data["rows"]}
        made = ", ".join(f"{key} {value}" for key, value in data["provenance"].items())
        rows.append((f"nmt-lab {name}", f"seeds {', '.join(sorted(seeds))}", made))
    here = ", ".join(f"{key} {value}" for key, value in provenance().items())
    rows.append(("this page", "", here))
    text = (
        "Each figure is made by the command of its experiment. A number of seeds means seeds 1 to that number; "
        "hashes of the text that was translated stand beside its table."
    )
    return Section("Where the numbers come from", [text], [Table("runs", ("command", "seeds", "versions"), rows)])
