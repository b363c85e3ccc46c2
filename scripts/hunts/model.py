"""A small model, and a small training."""

from __future__ import annotations

from pathlib import Path

import torch

from nmt.bundle import Bundle, BundleConfig, build_model, save_bundle
from nmt.config import RunConfig
from nmt.data.corpora import DemoCorpus
from nmt.data.directions import Directions
from nmt.data.tokenizer import TokenizerConfig
from nmt.data.tokenizer_training import train_tokenizer
from nmt.model.seq2seq import ModelConfig
from nmt.plain_data import from_dict
from nmt.search import Greedy

MODEL = {
    "cell": {"name": "gru"},
    "encoder": {"num_layers": 1, "direction": "unidirectional"},
    "attention": {"name": "dot", "heads": 1},
    "decoder": {"name": "gnmt", "num_layers": 1},
    "embedding_size": 16,
    "hidden_size": 16,
    "dropout": 0.0,
}


def make_model(folder: Path) -> Path:
    """A model directory with random weights that translates every input to three pieces."""
    pairs = list(DemoCorpus("de", "en").pairs("valid"))
    tokenizer = train_tokenizer(
        TokenizerConfig(vocab_size=600), [pair.src for pair in pairs], [pair.tgt for pair in pairs]
    )
    config = from_dict(ModelConfig, MODEL)
    torch.manual_seed(1)
    model = build_model(config, tokenizer)
    for weight in model.parameters():
        weight.data.normal_()
    described = BundleConfig.of(config, Greedy(0.0, 3), tokenizer, Directions.of("de", "en"))
    save_bundle(folder, Bundle(described, model, tokenizer, None), "# random", {})
    return folder


def run_config(folder: Path, epochs: int) -> RunConfig:
    data = {
        "run": "killed",
        "runs_dir": str(folder / "runs"),
        "cache_dir": str(folder / "cache"),
        "seed": 1,
        "data": {"name": "demo", "src": "de", "tgt": "en", "train": "valid", "valid": "test"},
        "tokenizer": {"vocab_size": 400},
        "model": MODEL | {"dropout": 0.2, "initial_dropout": 0.05},
        "optim": {"learning_rate": 0.01, "schedule": "linear", "average_decay": 0.9},
        "search": {"name": "greedy", "max_ratio": 0.0, "max_extra": 3},
        "trainer": {
            "max_epochs": epochs,
            "max_tokens": 1024,
            "accumulate": 2,
            "log_every_steps": 1,
            "checkpoint_every_steps": 3,
            "keep_best": 2,
            "accelerator": "cpu",
            "precision": "float32",
            "tensorboard": False,
            "progress": False,
        },
    }
    return from_dict(RunConfig, data)
