"""A run's folder: its owner and its configuration."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from nmt.automatic import AUTO
from nmt.common.files import check_writable, locked, remove_drafts, write_atomically
from nmt.composition import flat
from nmt.config import RunConfig
from nmt.data.corpora import Corpus, Pair
from nmt.plain_data import from_dict, to_dict
from nmt.training.ranks import is_first_process

CONFIG, ORIGIN = "config.yaml", "origin.json"
MODEL, BEST = "model", "best"
METRICS, LOG, TENSORBOARD = "metrics.csv", "train.log", "tensorboard"

PLACES = ("run", "runs_dir", "cache_dir")  # settings that say where a run's files lie
# Settings that may change between two starts of one run: how long, where and how verbosely it trains, not what.
CHANGEABLE = frozenset(
    [*PLACES]
    + [f"trainer.{field}" for field in ("max_epochs", "max_steps", "max_minutes", "patience", "num_samples")]
    + [f"trainer.{field}" for field in ("accelerator", "devices", "num_nodes", "strategy", "threads")]
    + [f"trainer.{field}" for field in ("num_workers", "log_every_steps", "tensorboard", "loggers", "progress")]
    + [f"trainer.{field}" for field in ("checkpoint_every_steps", "checkpoint_every_minutes")]
    + [f"trainer.{field}" for field in ("on_divergence", "max_skipped", "keep_best")]
)
ROLES = {"train": "training", "valid": "validation", "test": "test"}  # names of splits in messages

log = logging.getLogger(__name__)


class InUseError(ValueError):
    """Another process is training the run."""


def check_run_dir(run_dir: Path, config: RunConfig) -> None:
    """Raises ValueError when the folder belongs to another configuration, naming the first key that differs."""
    known = run_dir / CONFIG
    for path in (run_dir / name for name in (CONFIG, ORIGIN, METRICS, LOG)):
        if path.exists() and not path.is_file():  # reading a pipe would block
            raise ValueError(f"{path} is no file; remove it, or choose another run=")
    if not known.exists():
        if run_dir.exists() and any(not path.name.startswith(".") for path in run_dir.iterdir()):
            raise ValueError(f"{run_dir} is not empty and no run's folder; choose another run=")
        return
    try:
        # An earlier version behaved like the default of each setting that it did not write yet.
        before = flat(to_dict(from_dict(RunConfig, _plain(known))))
    except ValueError:
        raise ValueError(f"{known} is damaged, or of another version; choose another run=") from None
    now = flat(to_dict(config))
    # The text may have moved if check_text can tell that it is the same.
    changeable = CHANGEABLE | {"data.dir"} if recorded_text(run_dir) else CHANGEABLE
    if differs := difference(before, now, changeable):
        raise ValueError(f"{run_dir} belongs to a run with {differs}; choose another run=, or delete the folder")


def _plain(path: Path) -> Any:
    """The content of a YAML file. Raises ValueError when it is not YAML or nests without end."""
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is no file")
    try:
        return yaml.safe_load(path.read_text())
    except (yaml.YAMLError, RecursionError):
        raise ValueError(f"{path} is no YAML") from None


def recorded_text(run_dir: Path) -> dict[str, str]:
    """The hashes of the text that a run began with, by split; {} if there is no record. Raises ValueError when the
    record is damaged."""
    path = run_dir / ORIGIN
    try:
        text = json.loads(path.read_bytes()).get("text_sha256", {})
        if all(isinstance(digest, str) for digest in text.values()):
            return dict(text)
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError, RecursionError):
        pass
    raise ValueError(f"{path} is damaged; choose another run=, or delete that file if the text is still the same")


def check_text(run_dir: Path, corpus: Corpus, text: Mapping[str, str]) -> None:
    """Raises ValueError when a split differs from the text that the run began with, by the hashes in `text`. A
    different text would change the pieces, the order of batches, or scores that are to be compared."""
    recorded = recorded_text(run_dir)
    if not recorded and any(run_dir.glob("checkpoints/*.ckpt")) and is_first_process():
        log.warning("%s does not say which text the run began with; it must be the same", run_dir / ORIGIN)
    for role, before in recorded.items():
        name = corpus.splits.get(role)
        if name and before != text[role]:
            raise ValueError(
                f"{run_dir} began with another {ROLES[role]} text: data.{role}={name} has changed since; "
                "put it back, choose another run=, or delete the folder"
            )


def resumed_config(run_dir: Path, config: RunConfig) -> RunConfig:
    """The config, with settings that the user left open taken from the run's config.yaml: those that the text decided
    ("auto"), and the number of shards."""
    plain, left_open = to_dict(config), list(config.auto)
    if not config.trainer.shards:
        left_open.append("trainer.shards")
    with suppress(OSError, LookupError, TypeError, ValueError):  # no such file, or check_run_dir refuses it
        began = _plain(run_dir / CONFIG)
        for group, name in (key.split(".") for key in left_open):
            if name in began[group]:  # else its version lacked this setting, and behaved like its default
                plain[group][name] = began[group][name]
        return from_dict(RunConfig, plain | {"auto": []})
    return config


def write_validation(run_dir: Path, pairs: Sequence[Pair]) -> None:
    """Save the pairs of the training text that a run validates with, for evaluating and tuning."""
    for name, side in (("valid.src", [pair.src for pair in pairs]), ("valid.tgt", [pair.tgt for pair in pairs])):
        lines = (text.replace("\n", " ") + "\n" for text in side)
        write_atomically(run_dir / name, "".join(lines).encode(errors="replace"))


def difference(before: Mapping[str, Any], now: Mapping[str, Any], but: Collection[str] = ()) -> str:
    """ "KEY=VALUE, not OTHER" for the first dotted key that differs, or "". Choices by name come first, as other keys
    follow from them. Settings that the text decides compare as "auto"."""
    before, now = ({**one, **dict.fromkeys(one.get("auto") or (), AUTO), "auto": None} for one in (before, now))
    for key in sorted(before.keys() | now.keys(), key=lambda key: (not key.endswith(".name"), key)):
        if key not in but and before.get(key) != now.get(key):
            return f"{key}={before.get(key)}, not {now.get(key)}"
    return ""


def check_free(run_dir: Path) -> None:
    """Raises InUseError when another process is training the run, and OSError when the folder cannot be written."""
    check_writable(run_dir)
    if run_dir.exists():
        with taken(run_dir):
            pass


@contextmanager
def taken(run_dir: Path) -> Iterator[None]:
    """Locks the folder for this run. Raises InUseError."""
    if not is_first_process():
        yield
        return
    run_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(run_dir, wait=False))
        except BlockingIOError:
            started = "TORCHELASTIC_RUN_ID" in os.environ or "SLURM_PROCID" in os.environ
            hint = "; what torchrun or srun starts trains together by trainer=torchrun or trainer=slurm"
            raise InUseError(
                f"{run_dir} is in use: the same run is going on already{hint if started else ''}"
            ) from None
        for folder in (run_dir, run_dir / "checkpoints", run_dir / MODEL, *(run_dir / BEST).glob("*")):
            remove_drafts(folder)
        yield
