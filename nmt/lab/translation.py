"""Real translation with every cell, attention and decoder, with equal parameters and significance tests."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Literal

import torch

from nmt.bundle import build_model
from nmt.cells import Cell
from nmt.common.files import check_writable
from nmt.common.ranges import check_ranges
from nmt.config import RunConfig
from nmt.data.corpora import Pair
from nmt.data.preparation import Prepared
from nmt.lab.learner import largest
from nmt.lab.store import Job, made_by, path_of, run_jobs, save_summary
from nmt.lab.translation_results import sections
from nmt.lab.words import Row, cell_label, check_different
from nmt.languages import unit
from nmt.metrics.measure import Measure
from nmt.model.attention import ATTENTIONS, AttentionConfig
from nmt.model.seq2seq import ModelConfig, num_parameters
from nmt.model.wirings import DECODERS
from nmt.pictures.charts import Section
from nmt.plain_data import to_dict

log = logging.getLogger(__name__)

SAMPLES = 1000  # for the bootstrap
AS_TRAINED: dict[str, Any] = {"compute": "float32", "shortlist": False}
OPTIONS: dict[str, Any] = {  # settings that only some kinds of attention have, and their defaults
    one.name: one.default
    for one in fields(AttentionConfig)
    if any(one.name in kind.options for kind in ATTENTIONS.values())
}
LOUDNESS = frozenset(["progress", "tensorboard", "num_samples", "num_workers"])  # settings that do not affect results


@dataclass(frozen=True)
class TranslationConfig:
    lab_dir: str
    cells: tuple[Cell, ...]
    attentions: tuple[Annotated[str, ATTENTIONS], ...]
    decoders: tuple[Annotated[str, DECODERS], ...]
    seeds: int
    equal: Literal["parameters", "size"]
    base: RunConfig  # of every run, except what varies

    def __post_init__(self) -> None:
        check_ranges(self, seeds=(1, 1000))
        if not self.cells or not self.attentions or not self.decoders:
            raise ValueError("cells, attentions and decoders take one name at least each")
        check_different(cells=map(cell_label, self.cells), attentions=self.attentions, decoders=self.decoders)
        if self.base.init:
            raise ValueError(f"init is {self.base.init!r}, but each cell is trained from scratch here; leave it out")
        kinds = [attention_of(self.base.model.attention, name) for name in self.attentions]
        for option, default in OPTIONS.items():
            value = getattr(self.base.model.attention, option)
            if value != default and not any(getattr(kind, option) == value for kind in kinds):
                raise ValueError(f"model.attention.{option} is {value}, but none of attentions has it")


def grouped(data: dict[str, Any]) -> dict[str, Any]:
    """The experiment's own keys, with the rest as the config of its runs."""
    own = {f.name for f in fields(TranslationConfig)} - {"base"}
    base = {key: value for key, value in data.items() if key not in own}
    return {key: value for key, value in data.items() if key in own} | {"base": base | {"run": "x"}}


def run(config: TranslationConfig) -> list[Section]:
    """Train the missing runs, translate and score the test text, save the summary and show it."""
    from nmt.training.auto_settings import prepared_by_text
    from nmt.training.early_check import check_machine

    check_machine(config.base)
    check_writable(Path(config.lab_dir))
    base, prepared = prepared_by_text(config.base)
    config = replace(config, base=base)
    corpus, trainer = base.data, base.trainer
    if corpus.every_direction.only is None:
        raise ValueError(f"data has the directions {corpus.every_direction}; models are compared in one")
    split = corpus.splits["test"] or corpus.splits["valid"]
    test = list(corpus.pairs(split)) if split else prepared.valid
    refs = [pair.tgt for pair in test]
    measure = Measure.of(config.base.metric, corpus.every_direction.targets[0], refs)
    hashes = corpus.fingerprints()
    folder = Path(config.lab_dir) / "translation"
    configs = runs(config, prepared)
    jobs = [job_of(run_config, hashes, measure) for run_config in configs]
    by_path = {  # a run's folder is beside its result, under the same name
        path_of(job, folder): replace(run_config, run=path_of(job, folder).stem, runs_dir=str(folder))
        for job, run_config in zip(jobs, configs, strict=True)
    }
    # One after the other, in this process: a training uses the whole machine.
    results = run_jobs(
        lambda job: work(by_path[path_of(job, folder)], measure, test), jobs, folder, processes=1, shows_itself=True
    )
    rows = [what_varies(run_config) | result for run_config, result in zip(configs, results, strict=True)]
    first = [row for row in rows if row["seed"] == config.base.seed]
    data = {
        "rows": [{key: value for key, value in row.items() if key != "hyps"} for row in rows],
        "baseline": rows[0]["label"],
        "equal": config.equal,
        "test": split or "held out",
        "sentences": len(test),
        "limits": {"epochs": trainer.max_epochs, "updates": trainer.max_steps, "minutes": trainer.max_minutes},
        "hashes": {role: digest[:16] for role, digest in hashes.items()},
        **compared(measure, first, refs),
    }
    save_summary(Path(config.lab_dir), "translation", made_by(jobs, folder), data)
    return sections(data)


def job_of(config: RunConfig, hashes: Mapping[str, str], measure: Measure) -> Job:
    """Everything that a run's scores depend on, wherever the run is and whatever its name: its settings, its text,
    and how it is translated and scored."""
    from nmt.training.origin import recipe

    settings = recipe(config)
    settings["trainer"] = {key: value for key, value in settings["trainer"].items() if key not in LOUDNESS}
    signature = str(measure.metric("bleu", [[""]]).get_signature())  # it includes the version of sacreBLEU
    return {
        "name": f"{config.run}-s{config.seed}",
        "settings": settings,
        "text": dict(hashes),
        "translated": AS_TRAINED,
        "scored": {**asdict(measure), "samples": SAMPLES, "signature": signature},
    }


def attention_of(config: AttentionConfig, name: str) -> AttentionConfig:
    """The attention of this name, with the settings that apply to it. Raises ValueError for an unknown name."""
    own = ATTENTIONS[name].options
    return replace(config, name=name, **{key: value for key, value in OPTIONS.items() if key not in own})


def runs(config: TranslationConfig, prepared: Prepared) -> list[RunConfig]:
    """One run for each combination and seed, the baseline first. Runs that differ only in the seed have one name."""
    base = config.base

    def size_of(model: ModelConfig) -> int:
        with torch.device("meta"):
            return num_parameters(build_model(model, prepared.tokenizer))

    made, budget = [], None
    for cell, attention, decoder in itertools.product(config.cells, config.attentions, config.decoders):
        model = replace(
            base.model,
            cell=cell,
            attention=attention_of(base.model.attention, attention),
            decoder=replace(base.model.decoder, name=decoder),
        )
        if budget is None:
            budget = size_of(model)
        elif config.equal == "parameters":
            model = with_parameters(model, size_of, budget)
        label = " ".join([cell_label(cell), attention, *([decoder] if len(config.decoders) > 1 else [])])
        name = f"{label} h{model.hidden_size}".replace(" ", "-")
        guided = base.optim.guided_alignment if attention != "none" else 0.0
        optim = replace(base.optim, guided_alignment=guided)
        made += [replace(base, run=name, seed=base.seed + i, model=model, optim=optim) for i in range(config.seeds)]
    return sorted(made, key=lambda one: one.seed)  # every combination first, then more seeds


def with_parameters(model: ModelConfig, size_of: Callable[[ModelConfig], int], budget: int) -> ModelConfig:
    """The model with the largest hidden size that stays within this many parameters."""
    step = math.lcm(8, 2 * model.attention.heads)  # two directions, equal heads; multiples of 8 are fast
    units = largest(lambda units: size_of(replace(model, hidden_size=units)), budget, step)
    return replace(model, hidden_size=units)


def work(config: RunConfig, measure: Measure, test: Sequence[Pair]) -> dict[str, Any]:
    """Train (or resume), translate and score one run. Raises ValueError if it is being trained already."""
    from nmt.metrics.buckets import bleu_by_length
    from nmt.training.folder import InUseError
    from nmt.training.run import train
    from nmt.translation.translator import Translator

    folder = Path(config.runs_dir) / config.run
    try:
        train(config)
    except InUseError:
        others = "this experiment, or another with the same run, is going on already"
        raise ValueError(f"{config.runs_dir} is in use: {others}") from None
    translator = Translator.load(folder / "model", **AS_TRAINED)
    srcs, refs = [pair.src for pair in test], [pair.tgt for pair in test]
    hyps = [one.text for one in translator.translate(srcs, plain=True)]
    score = measure.scores(hyps, [refs], ("bleu",), SAMPLES)["bleu"]
    log.info("%s: BLEU %.2f", config.run, score.score)
    return {
        "parameters": num_parameters(translator.model),
        "bleu": asdict(score),
        "by_length": bleu_by_length(measure, srcs, hyps, [refs]),
        "length_unit": unit(srcs),
        "tokens_per_s": tokens_per_s(folder / "metrics.csv"),
        "hyps": hyps,
    }


def what_varies(config: RunConfig) -> dict[str, Any]:
    model = config.model
    return {
        "label": config.run,
        "seed": config.seed,
        "cell": to_dict(model.cell),
        "attention": model.attention.name,
        "decoder": model.decoder.name,
        "hidden_size": model.hidden_size,
    }


def tokens_per_s(metrics: Path) -> float | None:
    """The median of the logged values."""
    from nmt.training.metrics_file import read_metrics

    logged = [float(row["train/tokens_per_s"]) for row in read_metrics(metrics) if row["train/tokens_per_s"]]
    return median(logged) if logged else None


def compared(measure: Measure, rows: Sequence[Row], refs: Sequence[str]) -> dict[str, Any]:
    """Paired bootstrap of every run against the first."""
    from nmt.metrics.comparison import compare

    found, signatures = compare(
        measure, {row["label"]: row["hyps"] for row in rows}, [refs], "bs", SAMPLES, ("bleu",)
    )
    return {"p_values": {label: of["bleu"].p_value for label, of in found.items()}, "signature": signatures["bleu"]}
