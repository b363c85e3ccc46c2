"""Real translation with every cell, attention and decoder: at equal parameters, with significance."""

from __future__ import annotations

import itertools
import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from statistics import mean, median
from typing import Any, Literal

import torch

from nmt.bundle import build_model
from nmt.config import RunConfig, to_dict
from nmt.data.corpus import Pair
from nmt.data.preparation import prepare
from nmt.files import write_atomically
from nmt.lab.learner import largest
from nmt.lab.store import save_summary
from nmt.lab.words import cell_label, listed, unique
from nmt.metrics.measure import Measure
from nmt.model.cells import Cell
from nmt.model.seq2seq import ModelConfig
from nmt.pictures.charts import Line, Lines, Section, Table
from nmt.ranges import check_ranges

log = logging.getLogger(__name__)

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class TranslationConfig:
    lab_dir: str
    cells: tuple[Cell, ...]
    attentions: tuple[str, ...]
    decoders: tuple[str, ...]
    seeds: int
    equal: Literal["parameters", "size"]
    base: RunConfig  # of every run but for what is varied

    def __post_init__(self) -> None:
        check_ranges(self, seeds=(1, 1000))
        if not self.cells or not self.attentions or not self.decoders:
            raise ValueError("cells, attentions and decoders take one name at least each")


def grouped(data: dict[str, Any]) -> dict[str, Any]:
    """The experiment's own keys, and what is left as the config of its runs."""
    own = {f.name for f in fields(TranslationConfig)} - {"base"}
    base = {key: value for key, value in data.items() if key not in own}
    return {key: value for key, value in data.items() if key in own} | {"base": base | {"run": "x"}}


def run(config: TranslationConfig) -> list[Section]:
    """Train what is missing, translate and score the test text, keep the summary, and show it."""
    corpus = config.base.data
    split = corpus.splits["test"] or corpus.splits["valid"]
    assert split is not None
    test = list(corpus.pairs(split))
    rows = [row_of(run_config, test) for run_config in runs(config)]
    first = [row for row in rows if row["seed"] == config.base.seed]
    refs = [pair.tgt for pair in test]
    significance = compared(Measure.of(config.base.metric, corpus.tgt, refs), first, refs)
    data = {
        "rows": [{key: value for key, value in row.items() if key != "hyps"} for row in rows],
        "baseline": rows[0]["label"],
        "equal": config.equal,
        "test": split,
        "sentences": len(test),
        "epochs": config.base.trainer.max_epochs,
        "minutes": config.base.trainer.max_minutes,
        "hashes": {role: corpus.fingerprint(name)[:16] for role, name in corpus.splits.items() if name},
        **significance,
    }
    save_summary(Path(config.lab_dir), "translation", data)
    return sections(data)


def runs(config: TranslationConfig) -> list[RunConfig]:
    """One for each combination and seed, the baseline first."""
    base = config.base
    prepared = prepare(base.data, base.tokenizer, Path(base.cache_dir))

    def size_of(model: ModelConfig) -> int:
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in build_model(model, prepared.tokenizer).parameters())

    made, budget = [], None
    for cell, attention, decoder in itertools.product(config.cells, config.attentions, config.decoders):
        model = replace(
            base.model,
            cell=cell,
            attention=replace(base.model.attention, name=attention, size=None),
            decoder=replace(base.model.decoder, name=decoder),
        )
        if budget is None:
            budget = size_of(model)
        elif config.equal == "parameters":
            model = with_parameters(model, size_of, budget)
        label = " ".join([cell_label(cell), attention, *([decoder] if len(config.decoders) > 1 else [])])
        for seed in range(base.seed, base.seed + config.seeds):
            name = f"{label} h{model.hidden_size} s{seed}".replace(" ", "-")
            folder = str(Path(config.lab_dir) / "translation")
            made.append(replace(base, run=name, runs_dir=folder, seed=seed, model=model))
    return sorted(made, key=lambda one: one.seed)  # a first result for everything, then the spread


def with_parameters(model: ModelConfig, size_of: Any, budget: int) -> ModelConfig:
    """The model with the hidden size that comes nearest to so many parameters without being larger."""

    def of_hidden(hidden_size: int) -> int:
        return int(size_of(replace(model, hidden_size=hidden_size)))

    step = math.lcm(8, 2 * model.attention.heads)  # two directions, each head its part; by 8 products are fast
    return replace(model, hidden_size=largest(of_hidden, budget, step))


def row_of(config: RunConfig, test: Sequence[Pair]) -> dict[str, Any]:
    """Train, unless that is done, translate and score one run. Its translations stay beside its model."""
    from nmt.metrics.buckets import bleu_by_length
    from nmt.train import train
    from nmt.translator import Translator

    folder = Path(config.runs_dir) / config.run
    done = folder / "lab.json"
    if not done.exists():
        train(config)
        translator = Translator.load(folder / "model", compute="float32", shortlist=False)
        srcs, refs = [pair.src for pair in test], [pair.tgt for pair in test]
        hyps = [one.text for one in translator.translate(srcs, plain=True)]
        measure = Measure.of(config.metric, config.data.tgt, refs)
        score = measure.scores(hyps, [refs], ("bleu",), 1000)["bleu"]
        row = {
            **what_varies(config),
            "parameters": sum(parameter.numel() for parameter in translator.model.parameters()),
            "bleu": asdict(score),
            "by_length": bleu_by_length(measure, srcs, hyps, [refs]),
            "tokens_per_s": tokens_per_s(folder / "metrics.csv"),
            "hyps": hyps,
        }
        write_atomically(done, json.dumps(row, indent=1, ensure_ascii=False).encode())
        log.info("%s: BLEU %.2f", config.run, score.score)
    found: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
    return found


def what_varies(config: RunConfig) -> dict[str, Any]:
    model = config.model
    return {
        "label": config.run.rpartition("-s")[0],
        "seed": config.seed,
        "cell": to_dict(model.cell),
        "attention": model.attention.name,
        "decoder": model.decoder.name,
        "hidden_size": model.hidden_size,
    }


def tokens_per_s(metrics: Path) -> float | None:
    """The median of what training logged."""
    from nmt.training.callbacks import read_metrics

    logged = [float(row["train/tokens_per_s"]) for row in read_metrics(metrics) if row["train/tokens_per_s"]]
    return median(logged) if logged else None


def compared(measure: Measure, rows: Sequence[Mapping[str, Any]], refs: Sequence[str]) -> dict[str, Any]:
    """Paired bootstrap of every run against the first one."""
    from nmt.metrics.comparison import compare

    if len(rows) < 2:
        return {"p_values": {}, "signature": ""}
    found, signatures = compare(measure, {row["label"]: row["hyps"] for row in rows}, [refs], "bs", 1000, ("bleu",))
    return {"p_values": {label: of["bleu"].p_value for label, of in found.items()}, "signature": signatures["bleu"]}


def sections(data: Mapping[str, Any]) -> list[Section]:
    rows = data["rows"]
    labels = unique(rows, "label")
    best = {label: [row for row in rows if row["label"] == label] for label in labels}
    table = Table(
        f"BLEU on {data['test']} ({data['sentences']:,} sentences), p against {data['baseline']}",
        ("cell and attention", "units", "parameters", "BLEU", "all seeds", "p", "training tokens/s"),
        [
            (
                label,
                str(of[0]["hidden_size"]),
                f"{of[0]['parameters']:,}",
                f"{of[0]['bleu']['score']:.2f} ± {of[0]['bleu']['interval']:.2f}",
                f"{mean(row['bleu']['score'] for row in of):.2f} over {len(of)}",
                p_words(data["p_values"].get(label)),
                "" if of[0]["tokens_per_s"] is None else f"{of[0]['tokens_per_s']:,.0f}",
            )
            for label, of in best.items()
        ],
    )
    lengths = list(dict.fromkeys(bucket for row in rows for bucket in row["by_length"]))
    lines = [
        Line(
            label,
            [lengths.index(bucket) for bucket in of[0]["by_length"]],
            [bucket["bleu"] for bucket in of[0]["by_length"].values()],
            dashed=of[0]["attention"] == "none",
        )
        for label, of in best.items()
    ]
    chart = Lines(
        "BLEU by source length", "source words", "BLEU", [line for line in lines if line.x], x_names=lengths
    )
    return [Section("Translation", [conclusion(data), by_attention(rows), provenance_words(data)], [table, chart])]


def p_words(p: float | None) -> str:
    return "baseline" if p is None else f"{p:.4f}"


def conclusion(data: Mapping[str, Any]) -> str:
    """Which runs differ from the baseline, and whether that means anything."""
    baseline = data["baseline"]
    scores = {row["label"]: row["bleu"]["score"] for row in reversed(data["rows"])}
    better: list[str] = []
    worse: list[str] = []
    same: list[str] = []
    for label, p in data["p_values"].items():
        if p is not None:
            where = same if p >= SIGNIFICANT else better if scores[label] > scores[baseline] else worse
            where.append(f"{label} ({scores[label] - scores[baseline]:+.2f}, p = {p:.3f})")
    parts = [
        f"{words} {listed(names)}"
        for words, names in (
            ("significantly better:", better),
            ("significantly worse:", worse),
            ("no difference that a paired bootstrap finds:", same),
        )
        if names
    ]
    if not parts:
        return f"Only {baseline} was run; there is nothing to compare it with."
    return f"Against {baseline} with {scores[baseline]:.2f} BLEU: {'; '.join(parts)}."


def by_attention(rows: Sequence[Mapping[str, Any]]) -> str:
    """What attention is worth to each cell, and what a cell is worth with and without attention."""
    means: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        means.setdefault((row["attention"], row["cell"]["name"]), []).append(row["bleu"]["score"])
    parts = []
    for attention in dict.fromkeys(attention for attention, _ in means):
        of = {cell: mean(scores) for (one, cell), scores in means.items() if one == attention}
        if len(of) > 1:
            low, high = min(of, key=lambda cell: of[cell]), max(of, key=lambda cell: of[cell])
            parts.append(f"with attention={attention} {of[high] - of[low]:.2f} BLEU lie between {high} and {low}")
    return f"Between the best and the worst cell: {'; '.join(parts)}." if parts else "Only one cell was run."


def provenance_words(data: Mapping[str, Any]) -> str:
    how = f"{data['minutes']:g} minutes" if data["minutes"] else f"{data['epochs']} epochs at most"
    hashes = ", ".join(f"{role} {digest}" for role, digest in data["hashes"].items())
    seeds = listed([str(seed) for seed in unique(data["rows"], "seed")])
    return (
        f"Each run was trained for {how}, seed {seeds}, at equal {data['equal']}. "
        f"Signature {data['signature'] or 'none'}. SHA-256 of the text: {hashes}."
    )
