"""Settings that suit the text: the values of "auto" (automatic.py) once the text is known.

Text is measured in tokens as batches count them: the longer side of each pair, in pieces. With MUCH text or more the
settings are those of AUTOMATIC. With less,
- max_tokens is halved, down to a quarter, until an epoch has about ENOUGH batches;
- max_epochs is EPOCHS * (MUCH / tokens) ** POWER: a tenth of the text is read 4.6 times as often, in half the time;
  val_every_epochs divides them into VALIDATIONS;
- dropout and whole-word dropout rise, since every sentence is read so often;
- attention is guided (guidance.py), as there are few updates to learn it, unless `init` brings a trained model.
Warm-up never takes more than a fifth of all updates.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nmt.composition import flat, merged, nested
from nmt.config import RunConfig, TrainerConfig
from nmt.data.batching import token_batches
from nmt.data.encoded import EncodedCorpus
from nmt.data.plan import WINDOW
from nmt.data.preparation import Prepared, prepare
from nmt.plain_data import from_dict, to_dict

MUCH = 300_000  # tokens; Multi30k has 435,000
ENOUGH = 75  # batches per epoch
EPOCHS, POWER, MOST_EPOCHS = 10, 2 / 3, 200
VALIDATIONS = 20
WARMUP = 200  # updates


def decided(config: RunConfig, prepared: Prepared) -> tuple[RunConfig, Prepared]:
    """The config with a value for every setting in its `auto`, which is then empty, and the text with these
    decisions."""
    plain = to_dict(config) | {
        "data": to_dict(prepared.corpus),
        "tokenizer": to_dict(prepared.tokenizer_config),
        "auto": [],
    }
    for decide in (_by_tokens, _by_updates):  # the second needs what the first decided
        for key, value in decide(from_dict(RunConfig, plain), prepared.train).items():
            if key in config.auto:
                plain = merged(plain, nested(key, value))
    values = flat(plain)
    decisions = " ".join(f"{key}={values[key]}" for key in config.auto)
    return from_dict(RunConfig, plain), replace(prepared, decisions=decisions)


def prepared_by_text(config: RunConfig) -> tuple[RunConfig, Prepared]:
    """The config with every setting decided, and its text. Raises ValueError as `prepare` does."""
    return decided(config, prepare(config.data, config.tokenizer, Path(config.cache_dir), auto=config.auto))


def _by_tokens(config: RunConfig, train: EncodedCorpus) -> dict[str, Any]:
    """The settings that depend on the number of tokens alone."""
    if (tokens := train.counts.tokens) >= MUCH:
        return {}
    max_tokens = next(size for size in (4096, 2048, 1024) if tokens >= ENOUGH * size or size == 1024)
    return {
        "model.dropout": 0.4,
        "model.src_word_dropout": 0.1,
        "model.tgt_word_dropout": 0.1,
        "optim.guided_alignment": float(config.model.attention.name != "none" and not config.init),
        "trainer.max_tokens": max(max_tokens, train.longest),
        "trainer.max_epochs": epochs_for(tokens),
    }


def _by_updates(config: RunConfig, train: EncodedCorpus) -> dict[str, Any]:
    # Training until interrupted is validated as often.
    epochs = min(config.trainer.max_epochs, epochs_for(train.counts.tokens))
    return {
        "optim.warmup_steps": min(WARMUP, estimated_updates(config.trainer, train) // 5),
        "trainer.val_every_epochs": max(1, epochs // VALIDATIONS),
    }


def epochs_for(tokens: int) -> int:
    return min(round(EPOCHS * float((MUCH / tokens) ** POWER)), MOST_EPOCHS)


def estimated_updates(trainer: TrainerConfig, train: EncodedCorpus) -> int:
    """The updates of a whole training; a lower bound for text of more than one window."""
    if train.rows <= WINDOW:
        src_len, tgt_len = train.lengths(np.arange(train.rows))
        batches = len(token_batches(src_len, tgt_len, trainer.max_tokens, seed=(0,)))
    else:
        batches = train.counts.tokens // trainer.max_tokens
    every = trainer.max_epochs * max(1, batches // (trainer.accumulate * (trainer.shards or 1)))
    return min(every, trainer.max_steps or every)
