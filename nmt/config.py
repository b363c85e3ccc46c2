"""The settings of a whole run.

Each part's dataclass stands beside its code; this module combines them. A field without a default must be given; the
command line takes its default from conf/.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from nmt.automatic import AUTOMATIC
from nmt.common.files import from_home
from nmt.common.parts import Parts
from nmt.common.ranges import check_ranges
from nmt.data.corpora import Corpus
from nmt.data.tokenizer import TokenizerConfig
from nmt.metrics.config import MetricConfig
from nmt.model.seq2seq import ModelConfig
from nmt.search import Search

MAX_NAME = 255  # bytes of a file's name, on most systems
# The share of the updates after the warm-up that are done -> the share of the learning rate that is left.
SCHEDULES: Parts[Callable[[float], float]] = Parts(
    "nmt.schedules",
    Callable,
    {
        "constant": lambda done: 1.0,
        "inverse_sqrt": lambda done: 1.0,  # falls with the updates, however many there will be
        "linear": lambda done: 1 - done,
        "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,  # Loshchilov & Hutter, 2017, arXiv:1608.03983
        "plateau": lambda done: 1.0,  # cut by validation
    },
    "optim.schedule",
)


@dataclass(frozen=True)
class OptimConfig:
    """AdamW (Loshchilov & Hutter, 2019, arXiv:1711.05101) and its learning-rate schedule (training/optim.py)."""

    learning_rate: float  # the highest, after the warm-up
    # The learning rate after the warm-up. "linear" and "cosine" fall to `final_ratio` of it by the last update,
    # "inverse_sqrt" falls as one over the square root of the updates, and "plateau" is cut when validation finds no
    # better model.
    schedule: Annotated[str, SCHEDULES]
    warmup_steps: int = 0  # updates in which the learning rate rises from 0
    final_ratio: float = 0.0  # of the rate, at the end of "linear" and "cosine"
    plateau_factor: float = 0.5  # "plateau" multiplies the rate by this ...
    plateau_patience: int = 1  # ... after so many validations in a row with no better model, and again after as many
    weight_decay: float = 0.0  # AdamW's, of matrices; none of biases, gains and peepholes
    beta1: float = 0.9  # decay of the moving average of the gradients, per update
    beta2: float = 0.999  # decay of the moving average of their squares
    epsilon: float = 1e-8  # added to the root of the average square
    label_smoothing: float = 0.1  # probability that is spread over all pieces (Szegedy et al., 2016)
    r_drop: float = 0.0  # α of R-Drop (model/loss.py), such as 5; training then takes twice the time
    risk: float = 0.0  # weight of the expected risk (training/risk.py) beside the likelihood, such as 400
    candidates: int = 8  # translations of a sentence that the expected risk is taken over
    # Weight of the attention's cross-entropy to an alignment by IBM model 1 (training/guidance.py), such as 1; it
    # falls to 0 by the last update.
    guided_alignment: float = 0.0
    clip_norm: float = 1.0  # maximum norm of all gradients together; 0 for no clipping
    average_decay: float = 0.0  # decay of the moving average of the weights, per update; 0 for none
    average_last: int = 0  # average the weights of the last so many validations; 0 for none
    # Parts of the model that are not trained, by the names of their weights: encoder, decoder, decoder.attention,
    # embedding (both sides'), tgt_embedding, output ...
    freeze: tuple[str, ...] = ()
    freeze_steps: int | None = None  # freeze these parts for so many updates; None: always

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
    max_tokens: int  # tokens of a batch, on either side, padding included
    max_steps: int | None = None  # end after so many updates, if sooner
    max_minutes: float | None = None  # end after so much training time, if sooner; "linear", "cosine" fall until then
    accumulate: int = 1  # batches of each shard per update; each counts as much, whatever its number of tokens
    # Shards that the batches of every update are split into. Processes take them in turn, and their number must
    # divide that of the shards. So a run can resume with more or fewer processes and end the same. None: one for each
    # process that the run begins with.
    shards: int | None = None
    val_every_epochs: int = 1  # epochs between two validations
    patience: int | None = None  # end after so many validations without a better model (see metric)
    # Precision of the matrix products. "auto": bfloat16 on a GPU (float16 on one that lacks it) and on a processor
    # with bfloat16 instructions, else float32.
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"  # "auto": a GPU where there is one
    devices: int | None = None  # None: one process on a CPU, or all GPUs
    num_nodes: int = 1  # machines
    # "ddp": one process for each device, with shared gradients; "torchrun" and "slurm": the processes that these have
    # started.
    strategy: Literal["auto", "ddp", "torchrun", "slurm"] = "auto"
    threads: int | None = None  # CPU threads of each process; 1 where other programs use the cores too
    deterministic: bool = False  # the same numbers in each run, on a GPU, too, where that is slower
    num_workers: int = 0  # processes that prepare batches
    checkpoint_every_steps: int | None = None  # besides those at each epoch's end: every so many updates ...
    checkpoint_every_minutes: float | None = 10  # ... and so often; a killed run repeats at most so much
    keep_best: int = 1  # best models to keep; more than one are in best/, beside the best of all in model/
    max_skipped: int = 10  # updates in a row that may be skipped because they are not finite
    # After one more: go back to the last checkpoint at half the learning rate, or stop.
    on_divergence: Literal["go_back", "stop"] = "go_back"
    log_every_steps: int = 20  # updates between two rows of metrics.csv
    num_samples: int = 3  # translations shown at each validation
    tensorboard: bool = True  # write a TensorBoard log, too
    # Services that also receive the metrics: wandb, mlflow (training/loggers.py).
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


@dataclass(frozen=True)
class RunConfig:
    run: str  # the run's folder, under runs_dir
    runs_dir: str  # the folder of all runs
    cache_dir: str  # the folder of prepared data, shared by runs
    seed: int  # of the weights, of dropout and of the order of the text
    data: Corpus  # the kind of corpus
    tokenizer: TokenizerConfig
    model: ModelConfig
    optim: OptimConfig
    search: Search  # for validation, and the default of the model directory
    trainer: TrainerConfig
    metric: MetricConfig = field(default_factory=MetricConfig)  # decides which of two models is better
    init: str | None = None  # a model directory: training starts from it, with its architecture
    # The pieces of a run with init: the model's, or ("swap") new ones, learned from the text at hand. A new piece
    # that the model has, too, keeps its weights; any other starts from the mean of the model's pieces that spell it.
    init_vocabulary: Literal["keep", "swap"] = "keep"
    auto: tuple[str, ...] = ()  # dotted keys of the settings that are still to be derived from the text

    def __post_init__(self) -> None:
        check_ranges(self, seed=(0, 2**32 - 1))
        if others := sorted(set(self.auto) - set(AUTOMATIC)):
            raise ValueError(f"auto has {others[0]!r}; choose among: {', '.join(AUTOMATIC)}")
        check_run(self.run)
        for name in ("runs_dir", "cache_dir"):
            object.__setattr__(self, name, str(from_home(getattr(self, name))))
        if self.model.tie == "all" and not self.tokenizer.joint:
            raise ValueError("model.tie is 'all' but tokenizer.joint is false; choose model.tie=target or none")
        if self.init_vocabulary != "keep" and not self.init:
            raise ValueError(f"init_vocabulary is {self.init_vocabulary}, but there is no init=")
        check_attention(self.model, self.search)
        if self.optim.guided_alignment and self.model.attention.name == "none":
            raise ValueError(
                "optim.guided_alignment is above 0, but the model has no attention (attention=none); it must be 0"
            )


def check_run(run: str) -> None:
    """Raises ValueError for a name that is no folder under runs_dir."""
    if not Path(run).parts or run.startswith(("/", "~")) or ".." in run.split("/"):
        raise ValueError(f"run is {run!r}; it must name a folder under runs_dir")
    if (size := max(len(name.encode(errors="replace")) for name in run.split("/"))) > MAX_NAME:
        raise ValueError(f"run has a name of {size} bytes; it may have {MAX_NAME} at most")


def check_attention(model: ModelConfig, search: Search) -> None:
    """Raises ValueError when the search needs attention and the model has none."""
    if search.sees_attention and model.attention.name == "none":
        raise ValueError("search.coverage is above 0, but the model has no attention (attention=none); it must be 0")
