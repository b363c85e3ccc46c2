"""Other toolkits at the sizes of experiment=bench_equal, each in an environment of its own, on the same text."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nmt.data.corpus import Corpus
from nmt.data.preparation import Prepared
from nmt.metrics import corpus_scores

HERE = Path(__file__).parent
STEPS = 120  # updates of a measurement
REPORT = 10  # updates of a window
WARM_UP = 4  # windows
SAVE_EVERY = 25  # updates of a trial


@dataclass(frozen=True)
class Trial:
    """How well a peer translates after so much time, everything included from its start on."""

    minutes: float
    src: Path
    ref: Path


@dataclass(frozen=True)
class Peer:
    version: str
    module: str  # what `python -m` runs
    arguments: Callable[[Path], list[str]]
    settings: Callable[[Path, int, int], dict[str, Any]]  # folder, updates, updates between checkpoints
    rate: re.Pattern[str]  # target tokens a second, in a line of its log
    translate: Callable[[Path, Path, Path], list[str]] | None = None  # model, source, output -> of `python -m`


def opennmt(work: Path, steps: int, save_every: int) -> dict[str, Any]:
    pieces, vocabulary = str(work / "tokenizer.model"), str(work / "vocabulary.txt")
    corpus = {
        name: {"path_src": f"{work}/{name}.src", "path_tgt": f"{work}/{name}.tgt", "transforms": ["sentencepiece"]}
        for name in ("train", "valid")
    }
    return {
        "data": {"corpus_1": corpus["train"], "valid": corpus["valid"]},
        **dict.fromkeys(("src_subword_model", "tgt_subword_model"), pieces),
        **dict.fromkeys(("src_vocab", "tgt_vocab"), vocabulary),
        **dict.fromkeys(("src_vocab_size", "tgt_vocab_size"), 8000),
        "save_data": str(work / "run/data"),
        "save_model": str(work / "run/model"),
        "overwrite": True,
        "save_checkpoint_steps": save_every,
        "keep_checkpoint": 2,
        "train_steps": steps,
        "valid_steps": steps,
        "report_every": REPORT,
        "seed": 1,
        "num_workers": 0,
        "bucket_size": 29000,
        "batch_type": "tokens",
        "batch_size": 4096,
        "valid_batch_size": 4096,
        "normalization": "tokens",
        "accum_count": [1],
        "accum_steps": [0],
        "model_dtype": "fp32",
        "optim": "adam",
        "adam_beta2": 0.999,
        "learning_rate": 0.001,
        "max_grad_norm": 1.0,
        "label_smoothing": 0.0,
        "encoder_type": "brnn",
        "decoder_type": "rnn",
        "rnn_type": "LSTM",
        "layers": 1,
        "hidden_size": 512,
        "word_vec_size": 256,
        "global_attention": "general",
        "input_feed": 1,
        "dropout": [0.3],
        "dropout_steps": [0],
    }


def opennmt_translate(model: Path, src: Path, output: Path) -> list[str]:
    pieces = [f"-{side}_subword_model=tokenizer.model" for side in ("src", "tgt")]
    files = [f"-model={model}", f"-src={src}", f"-output={output}"]
    return ["onmt.bin.translate", *files, "-beam_size=5", "-transforms=sentencepiece", *pieces]


def joeynmt(work: Path, steps: int, _: int) -> dict[str, Any]:
    embeddings = {"embedding_dim": 256, "scale": False, "dropout": 0.3}
    layer = {"type": "recurrent", "rnn_type": "lstm", "num_layers": 1, "dropout": 0.3, "embeddings": embeddings}
    side = {
        "max_length": 100,
        "lowercase": False,
        "normalize": False,
        "level": "bpe",
        "voc_file": str(work / "vocabulary.txt"),
        "tokenizer_type": "sentencepiece",
        "tokenizer_cfg": {"model_file": str(work / "tokenizer.model"), "pretokenizer": "none"},
    }
    return {
        "name": "bench",
        "joeynmt_version": "2.3.0",
        "model_dir": str(work / "run"),
        "use_cuda": False,
        "fp16": False,
        "random_seed": 1,
        "num_workers": 0,
        "data": {
            "train": str(work / "train"),
            "dev": str(work / "valid"),
            "dataset_type": "plain",
            "src": {"lang": "src", **side},
            "trg": {"lang": "tgt", **side},
        },
        "testing": {
            "beam_size": 1,
            "batch_type": "sentence",
            "batch_size": 64,
            "max_output_length": 100,
            "eval_metrics": ["bleu"],
            "sacrebleu_cfg": {"tokenize": "13a"},
        },
        "training": {
            "optimizer": "adam",
            "normalization": "tokens",
            "adam_betas": [0.9, 0.999],
            "learning_rate": 0.001,
            "scheduling": "exponential",
            "decrease_factor": 1.0,
            "patience": 1000,
            "clip_grad_norm": 1.0,
            "label_smoothing": 0.0,
            "batch_type": "token",
            "batch_size": 4096,
            "epochs": 100,
            "updates": steps,
            "logging_freq": REPORT,
            "validation_freq": 1_000_000,
            "early_stopping_metric": "bleu",
            "overwrite": True,
            "shuffle": True,
            "print_valid_sents": [0],
            "keep_best_ckpts": 1,
        },
        "model": {
            "initializer": "xavier_uniform",
            "embed_initializer": "normal",
            "embed_init_weight": 0.1,
            "bias_initializer": "zeros",
            "init_rnn_orthogonal": False,
            "lstm_forget_gate": 1.0,
            "tied_embeddings": False,
            "encoder": {**layer, "hidden_size": 256, "bidirectional": True},
            "decoder": {
                **layer,
                "hidden_size": 512,
                "emb_scale": False,
                "hidden_dropout": 0.3,
                "input_feeding": True,
                "init_hidden": "bridge",
                "attention": "luong",
            },
        },
    }


PEERS = {
    "opennmt": Peer(
        "3.5.1",
        "onmt.bin.train",
        lambda settings: ["-config", str(settings)],
        opennmt,
        re.compile(r"/\s*(\d+) tok/s"),
        opennmt_translate,
    ),
    "joeynmt": Peer(
        "2.3.0",
        "joeynmt",
        lambda settings: ["train", str(settings)],
        joeynmt,
        re.compile(r"Tokens per Sec:\s*(\d+)"),
    ),
}


def environment(name: str, folder: Path) -> Path:
    """The peer's own Python, installed once."""
    python = folder / "venv/bin/python"
    if not (folder / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, "torch==2.13.0"], check=True)
        # Its own ranges exclude this torch, so what it needs is listed beside this file.
        subprocess.run([*install, "--no-deps", "--requirement", str(HERE / f"{name}.txt")], check=True)
        (folder / "installed").touch()
    return python


def write_text(work: Path, corpus: Corpus, prepared: Prepared) -> None:
    """Raw pairs, the piece model, and its pieces one a line."""
    for role in ("train", "valid"):
        split = corpus.splits[role]
        assert split is not None
        pairs = list(corpus.pairs(split))
        (work / f"{role}.src").write_text("".join(f"{pair.src}\n" for pair in pairs), encoding="utf-8")
        (work / f"{role}.tgt").write_text("".join(f"{pair.tgt}\n" for pair in pairs), encoding="utf-8")
    (model,) = prepared.tokenizer.models.values()
    (work / "tokenizer.model").write_bytes(model)
    pieces = prepared.tokenizer.tgt_pieces(range(prepared.tokenizer.tgt_vocab_size))
    (work / "vocabulary.txt").write_text("".join(f"{piece}\n" for piece in pieces))


def measure(
    name: str, folder: Path, corpus: Corpus, prepared: Prepared, threads: int, trial: Trial | None = None
) -> dict[str, Any]:
    """Train for STEPS updates and read the rate from the log: the median window after warm-up. With a `trial` train
    for as long as it says, and score what the last checkpoint translates with beam 5."""
    peer, work = PEERS[name], folder / name
    if trial is not None and peer.translate is None:
        raise SystemExit(f"how {name} translates is not known here, so there is no trial of it")
    work.mkdir(parents=True, exist_ok=True)
    python = environment(name, work)
    write_text(work, corpus, prepared)
    shutil.rmtree(work / "run", ignore_errors=True)
    settings, log = work / "settings.yaml", work / "train.log"
    steps, save_every, limit = (STEPS, STEPS, None) if trial is None else (10**6, SAVE_EVERY, 60 * trial.minutes)
    settings.write_text(yaml.safe_dump(peer.settings(work, steps, save_every)))
    env = {**os.environ, "OMP_NUM_THREADS": str(threads), "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}

    def call(arguments: list[str], timeout_s: float | None = None) -> None:
        command = [str(python), "-m", *arguments]
        with log.open("a") as output:
            subprocess.run(command, cwd=work, env=env, stdout=output, stderr=output, timeout=timeout_s)

    log.unlink(missing_ok=True)
    try:
        call([peer.module, *peer.arguments(settings)], limit)
    except subprocess.TimeoutExpired:
        assert trial is not None
    rates = [float(rate) for rate in peer.rate.findall(log.read_text())]
    if len(rates) <= WARM_UP:
        raise SystemExit(f"{name} reported no speed; its output is in {log}")
    result = {"name": name, "version": peer.version, "tgt_tokens_per_s": statistics.median(rates[WARM_UP:])}
    if trial is not None and peer.translate is not None:
        *_, last = sorted((work / "run").glob("model_step_*.pt"), key=lambda path: path.stat().st_mtime)
        call(peer.translate(last, trial.src.absolute(), work / "hyp.txt"))
        hyp, ref = (path.read_text(encoding="utf-8").split("\n")[:-1] for path in (work / "hyp.txt", trial.ref))
        result |= {"minutes": trial.minutes, "checkpoint": last.stem, "bleu": corpus_scores(hyp, ref)["bleu"].score}
    return result
