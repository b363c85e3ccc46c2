"""The settings of a whole run, and the one strict door from plain data to them.

Each part's dataclass stands beside its code; here they come together. A field without a default must be given:
for the command line its default is in conf/. `from_dict` serves the command line and a stranger's config.json
alike: it knows names from our own tables only and builds nothing but these dataclasses.
"""

from __future__ import annotations

import types
import typing
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar

from nmt.cells import CELLS, Cell
from nmt.data.corpus import CORPORA, Corpus
from nmt.data.tokenizer import TokenizerConfig
from nmt.entry_points import installed, names_in
from nmt.metrics.config import MetricConfig
from nmt.model.seq2seq import ModelConfig
from nmt.ranges import check_ranges
from nmt.search import SEARCHES, Search
from nmt.shown import MAX_BITS, brief
from nmt.suggestions import did_you_mean

T = TypeVar("T")

# A field of one of these types takes a mapping whose "name" is a key of the table.
CHOICES: dict[type, dict[str, type]] = {Cell: CELLS, Corpus: CORPORA, Search: SEARCHES}
ENTRY_POINTS: dict[type, str] = {Cell: "nmt.cells"}  # by which packages add to a table, when a name is asked for


@dataclass(frozen=True)
class OptimConfig:
    """AdamW (Loshchilov & Hutter, 2019, arXiv:1711.05101) and its learning rate over time (training/optim.py)."""

    learning_rate: float  # the highest, after the warm-up
    # What becomes of the learning rate after the warm-up. "linear" and "cosine" fall to `final_ratio` of it until the
    # last update, "inverse_sqrt" as one over the root of the updates; "plateau" is cut where validation finds no
    # better model.
    schedule: Literal["constant", "inverse_sqrt", "linear", "cosine", "plateau"]
    warmup_steps: int = 0  # updates in which the learning rate rises from 0
    final_ratio: float = 0.0  # of the rate, at the end of "linear" and "cosine"
    plateau_factor: float = 0.5  # what "plateau" multiplies the rate by ...
    plateau_patience: int = 1  # ... after so many validations in a row with no better model, and again after as many
    weight_decay: float = 0.0  # AdamW's
    beta1: float = 0.9  # of the mean of the gradients, an update
    beta2: float = 0.999  # of the mean of their squares
    epsilon: float = 1e-8  # what is added to the root of that
    label_smoothing: float = 0.1  # probability that is spread over all pieces (Szegedy et al., 2016)
    r_drop: float = 0.0  # α of R-Drop (model/loss.py), such as 5; training then takes twice the time
    risk: float = 0.0  # weight of the expected risk (training/risk.py) beside the likelihood, such as 400
    candidates: int = 8  # translations of a sentence that it is expected over
    # Weight of the attention's cross-entropy to an alignment by IBM model 1 (training/guidance.py), such as 1; it
    # falls to 0 until the last update.
    guided_alignment: float = 0.0
    clip_norm: float = 1.0  # of all gradients together; 0 clips nothing
    average_decay: float = 0.0  # of the moving average of the weights, an update; 0 for none
    average_last: int = 0  # validations whose weights are averaged; 0 for none
    # Parts of the model that stay as they are, by the names of its weights: encoder, decoder, decoder.attention,
    # embedding (both sides'), tgt_embedding, output ...
    freeze: tuple[str, ...] = ()
    freeze_steps: int | None = None  # for so many updates; None: always

    def __post_init__(self) -> None:
        check_ranges(
            self,
            learning_rate=(1e-9, 100),
            warmup_steps=(0, 10_000_000),
            final_ratio=(0, 1),
            plateau_factor=(0.01, 1),
            plateau_patience=(0, 1000),
            weight_decay=(0, 10),
            beta1=(0, 0.99999),
            beta2=(0, 0.999999),
            epsilon=(0, 1),
            label_smoothing=(0, 0.9),
            r_drop=(0, 1000),
            risk=(0, 1e6),
            guided_alignment=(0, 1e6),
            candidates=(2, 100),
            clip_norm=(0, 1e6),
            average_decay=(0, 0.999999),
            average_last=(0, 100),
            freeze_steps=(1, 1_000_000_000),
        )
        if self.freeze_steps and not self.freeze:
            raise ValueError(f"freeze_steps is {self.freeze_steps}, but freeze names no part")


@dataclass(frozen=True)
class TrainerConfig:
    max_epochs: int  # passes over the training text, at most
    max_tokens: int  # of a batch, on either side, padding included
    max_steps: int | None = None  # end after so many updates, if sooner
    max_minutes: float | None = None  # end after so much training time, if sooner; "linear" and "cosine" fall to it
    accumulate: int = 1  # batches of each shard an update
    # Shards that the batches of every update are made for. Processes, whose number must divide that of the shards,
    # take them in turn, so that a run goes on with more or fewer of them and ends the same. None: one for each of the
    # processes that the run begins with.
    shards: int | None = None
    val_every_epochs: int = 1  # epochs between two validations
    patience: int | None = None  # end after so many validations without a better model (see metric)
    # Of the matrix products. "auto": bfloat16 on a GPU (float16 on one that lacks it) and on a processor that is made
    # for it, else float32.
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"  # "auto": a GPU where there is one
    devices: int | None = None  # None: one on CPU, all GPUs there are
    num_nodes: int = 1  # machines
    # "ddp": a process for each device, which share the gradients; "torchrun" and "slurm": those that it has started,
    # whose number it says.
    strategy: Literal["auto", "ddp", "torchrun", "slurm"] = "auto"
    threads: int | None = None  # of the processor, a process
    deterministic: bool = False  # the same numbers on each run, on a GPU too, where that is slower
    num_workers: int = 0  # processes that prepare batches
    checkpoint_every_steps: int | None = None  # besides those at each epoch's end: every so many updates ...
    checkpoint_every_minutes: float | None = 10  # ... and so often; how much a killed run does again at most
    keep_best: int = 1  # validated models; with more than one they are in best/, beside the best of all in model/
    max_skipped: int = 10  # updates in a row that may be left out because they are not finite
    on_divergence: Literal["go_back", "stop"] = "go_back"  # to the last checkpoint at half the rate; after one more
    log_every_steps: int = 20  # updates between two rows of metrics.csv
    num_samples: int = 3  # translations shown at each validation
    tensorboard: bool = True  # write TensorBoard's log too
    # Services that the metrics go to as well: wandb, mlflow (training/loggers.py).
    loggers: tuple[Literal["wandb", "mlflow"], ...] = ()
    progress: bool = True  # a bar on a terminal; elsewhere a line for the first update and every log_every_steps

    def __post_init__(self) -> None:
        check_ranges(
            self,
            max_epochs=(1, 100_000),
            max_tokens=(1, 10_000_000),
            max_steps=(1, 1_000_000_000),
            max_minutes=(0.001, 1_000_000),
            accumulate=(1, 10_000),
            shards=(1, 65_536),
            val_every_epochs=(1, 100_000),
            patience=(1, 10_000),
            devices=(1, 4096),
            num_nodes=(1, 4096),
            threads=(1, 4096),
            num_workers=(0, 256),
            checkpoint_every_steps=(1, 1_000_000_000),
            checkpoint_every_minutes=(0.001, 1_000_000),
            keep_best=(1, 1000),
            max_skipped=(0, 1_000_000),
            log_every_steps=(1, 1_000_000),
            num_samples=(0, 1000),
        )


AUTO = "auto"
# Settings that may be "auto": the text decides (data/validation.py, data/vocabulary.py, training/by_size.py). Until
# it has, each is what it is with much text; None: its default.
AUTOMATIC: dict[str, Any] = {
    "data.valid": None,
    "tokenizer.vocab_size": 8000,
    "tokenizer.character_coverage": None,
    "model.dropout": 0.3,
    "model.src_word_dropout": None,
    "model.tgt_word_dropout": None,
    "optim.warmup_steps": 200,
    "optim.guided_alignment": None,
    "trainer.max_epochs": 10,
    "trainer.max_tokens": 4096,
    "trainer.val_every_epochs": None,
}


@dataclass(frozen=True)
class RunConfig:
    run: str  # the run's folder, under runs_dir
    runs_dir: str  # the folder of all runs
    cache_dir: str  # prepared data, shared by runs
    seed: int  # of the weights, of dropout and of the order of the text
    data: Corpus  # how the text lies there
    tokenizer: TokenizerConfig
    model: ModelConfig
    optim: OptimConfig
    search: Search  # of the validation, and the default of the model directory
    trainer: TrainerConfig
    metric: MetricConfig = field(default_factory=MetricConfig)  # which of two models is better
    init: str | None = None  # a model directory: training starts from it, with its architecture
    # The pieces of a run that has init: the model's, or ("swap") new ones, learned from the text at hand. Of these a
    # piece that the model has too keeps its weights, and another has the mean of those that spell it there.
    init_vocabulary: Literal["keep", "swap"] = "keep"
    auto: tuple[str, ...] = ()  # the settings, by their dotted keys, that the text has still to decide

    def __post_init__(self) -> None:
        check_ranges(self, seed=(0, 2**32 - 1))
        if others := sorted(set(self.auto) - set(AUTOMATIC)):
            raise ValueError(f"auto has {others[0]!r}; choose among: {', '.join(AUTOMATIC)}")
        if not self.run or self.run.startswith(("/", "~")) or ".." in self.run.split("/"):
            raise ValueError(f"run is {self.run!r}; it must name a folder under runs_dir")
        if self.model.tie == "all" and not self.tokenizer.joint:
            raise ValueError("model.tie is 'all' but tokenizer.joint is false; choose model.tie=target or none")
        if self.init_vocabulary != "keep" and not self.init:
            raise ValueError(f"init_vocabulary is {self.init_vocabulary}, but there is no init=")
        check_attention(self.model, self.search)
        if self.optim.guided_alignment and self.model.attention.name == "none":
            raise ValueError(
                "optim.guided_alignment is above 0, but the model has no attention (attention=none); it must be 0"
            )


def _without_auto(data: dict[str, Any]) -> dict[str, Any]:
    """The plain data of a RunConfig with a number where it says "auto", whose key is in its `auto` then."""
    found = []
    for key, stand_in in AUTOMATIC.items():
        group, name = key.split(".")
        settings = data.get(group)
        if isinstance(settings, dict) and settings.get(name) == AUTO:
            found.append(key)
            others = {other: value for other, value in settings.items() if other != name}
            data = data | {group: others if stand_in is None else others | {name: stand_in}}
    return data | {"auto": [*data.get("auto", []), *found]} if found else data


def check_attention(model: ModelConfig, search: Search) -> None:
    """Raises ValueError when the search asks for an attention that the model has not."""
    if search.sees_attention and model.attention.name == "none":
        raise ValueError("search.coverage is above 0, but the model has no attention (attention=none); it must be 0")


def choice_of(kind: type, name: str) -> type | None:
    """What a table has under a name, or another package by its entry point, which is imported now; None: nobody.
    Raises ValueError when that cannot be imported."""
    table = CHOICES[kind]
    if name not in table and kind in ENTRY_POINTS and (found := installed(ENTRY_POINTS[kind], name, kind)):
        table[name] = found
    return table.get(name)


def names_of(kind: type) -> list[str]:
    """All that may be chosen; imports nothing."""
    return sorted({*CHOICES[kind], *(names_in(ENTRY_POINTS[kind]) if kind in ENTRY_POINTS else ())})


def from_dict(cls: type[T], data: Any, path: str = "") -> T:
    """Build the dataclass `cls` from plain data, strictly.

    Raises ValueError that names the dotted key of anything unknown, missing, of the wrong type or out of range,
    and what would be right.
    """
    return typing.cast(T, _build(cls, data, path))


def to_dict(config: Any) -> Any:
    """The plain data that `from_dict` turns into an equal config."""
    if isinstance(config, tuple):
        return [to_dict(value) for value in config]
    if not is_dataclass(config):
        return config
    names = [name for table in CHOICES.values() for name, cls in table.items() if cls is type(config)]
    return ({"name": names[0]} if names else {}) | {
        field.name: to_dict(getattr(config, field.name)) for field in fields(config)
    }


@cache
def _types_of(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _build(cls: type, data: Any, path: str) -> Any:
    where = path or "the config"
    if not isinstance(data, dict):
        raise ValueError(f"{where} is {brief(data)}; it must be a mapping")
    if cls in CHOICES:
        name = data.get("name")
        chosen = choice_of(cls, name) if isinstance(name, str) else None
        if chosen is None:
            elsewhere = ", or install the package that has it" if cls in ENTRY_POINTS else ""
            raise ValueError(
                f"{_join(path, 'name')} is {brief(name)}; choose one of: {', '.join(names_of(cls))}{elsewhere}"
            )
        cls, data = chosen, {key: value for key, value in data.items() if key != "name"}
    if cls is RunConfig:
        data = _without_auto(data)
    types_of = _types_of(cls)
    known = {setting.name: setting for setting in fields(cls)}
    for key in data:
        if key not in known:
            near = did_you_mean(str(key), known)
            raise ValueError(f"{_join(path, str(key))} is unknown; {where} has: {', '.join(known)}{near}")
    for name, setting in known.items():
        if name not in data and setting.default is MISSING and setting.default_factory is MISSING:
            raise ValueError(f"{_join(path, name)} is missing")
    values = {key: _value(types_of[key], value, _join(path, key)) for key, value in data.items()}
    try:
        return cls(**values)
    except ValueError as error:
        raise ValueError(_join(path, str(error))) from None


def _value(expected: Any, value: Any, path: str) -> Any:
    if type(value) is int and value.bit_length() > MAX_BITS:
        raise ValueError(f"{path} is {brief(value)}; it may have {MAX_BITS} at most")
    origin, arguments = typing.get_origin(expected), typing.get_args(expected)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        others = [argument for argument in arguments if argument is not type(None)]
        expected = next((other for other in others if other is type(value)), others[0])
        return _value(expected, value, path)
    if origin is tuple:  # of any length
        if not isinstance(value, list):
            raise ValueError(f"{path} is {brief(value)}; it must be a list")
        if any(isinstance(item, list) for item in value):
            raise ValueError(f"{path} is {brief(value)}; a list must not hold another")
        return tuple(_value(arguments[0], item, f"{path}[{i}]") for i, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise ValueError(f"{path} is {brief(value)}; it must be a mapping")
        return {key: _value(arguments[1], item, _join(path, str(key))) for key, item in value.items()}
    if origin is Literal:
        if not any(type(value) is type(choice) and value == choice for choice in arguments):  # 1 is not True
            raise ValueError(f"{path} is {brief(value)}; choose one of: {', '.join(map(str, arguments))}")
        return value
    if is_dataclass(expected):
        return _build(typing.cast(type, expected), value, path)
    if expected is float and type(value) is int:
        return float(value)
    if type(value) is not expected:  # so that True is no int
        or_auto = f", or {AUTO}" if path in AUTOMATIC else ""
        raise ValueError(f"{path} is {brief(value)}; it must be of type {expected.__name__}{or_auto}")
    return value


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
