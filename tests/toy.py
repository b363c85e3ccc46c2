"""Small models and corpora that many tests share. All sizes differ, so that a swapped axis fails a test."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
import yaml

from nmt.bundle import Bundle, BundleConfig, build_model
from nmt.cells import CELLS, Cell
from nmt.common.resources import resource
from nmt.config import RunConfig
from nmt.data.corpora import Corpus
from nmt.data.directions import Directions
from nmt.data.preparation import Prepared
from nmt.data.tokenizer import BOS_ID, EOS_ID, PAD_ID, UNK_ID, TokenizerConfig
from nmt.model.attention import ATTENTIONS, AttentionConfig
from nmt.model.decoder import DecoderConfig
from nmt.model.encoder import EncoderConfig
from nmt.model.seq2seq import ModelConfig, Seq2Seq
from nmt.model.wirings import DECODERS
from nmt.plain_data import from_dict, to_dict
from nmt.search import Beam

FIRST_ID = 4  # after the special ones
VOCAB = 11


# Options that work with any cell, decoder and attention.
OPTIONS = {
    "context_gate": {"context_gate": True},
    "coverage": {"coverage": True, "heads": 2},
    "no residual": {"num_layers": 2, "residual": False},
    "one way": {"encoder": EncoderConfig(direction="unidirectional"), "num_layers": 3},
    "transparent": {"encoder": EncoderConfig(num_layers=2, direction="alternating", transparent=True)},
}


def cell_of(path: Path) -> Cell:
    """The cell that a file of conf/cell configures."""
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    (schema,) = settings.pop("defaults")
    return CELLS[schema.removeprefix("/schema/cell/").removesuffix("@_here_")](**settings)


# Every choice of cell, and some with several transitions per step. The toy layers have 4 or 8 units.
CELL_KINDS = {path.stem: cell_of(path) for path in resource("conf").glob("cell/*.yaml")} | {
    "gru, depth 3": CELLS["gru"](depth=3),
    "gru_reset_before, depth 2": CELLS["gru_reset_before"](depth=2),
    "lstm_ln, depth 2": CELLS["lstm_ln"](depth=2),
    "mlstm": CELLS["mlstm"](heads=2),
}
CORE_CELLS = ("rnn", "gru", "lstm")


def wirings() -> list[tuple[str, str, str]]:
    """(cell, decoder, attention): every combination for lstm, each decoder for gru and rnn, and one combination for
    each other cell. Cells, decoders and attentions are independent of one another."""
    attentions = sorted(set(ATTENTIONS) - {"location"})
    pairs = list(itertools.product(sorted(DECODERS), attentions))
    others = {cell: pairs[i % len(pairs)] for i, cell in enumerate(sorted(set(CELL_KINDS) - set(CORE_CELLS)))}
    slow = ("lstm_fgr", "lstm_niaf", "slstm", "gru_reset_before, depth 2")  # slow to learn, so with an easy wiring
    others |= dict.fromkeys(slow, ("gnmt", "general"))
    others |= {"mlstm": ("gnmt", "additive"), "lstm_noaf": ("input_feeding", "none")}
    every = [("lstm", *pair) for pair in pairs]
    every += [(cell, *pair) for i, cell in enumerate(("gru", "rnn")) for pair in pairs[i :: len(attentions) + 1]]
    return [*every, *((cell, *pair) for cell, pair in others.items()), ("gru", "gnmt", "location")]


def model_config(cell="lstm", decoder="gnmt", attention="general", **settings) -> ModelConfig:
    layers = settings.pop("num_layers", 1)
    heads = settings.pop("heads", 1)
    encoder = settings.pop("encoder", EncoderConfig(num_layers=layers))
    context_gate, coverage = settings.pop("context_gate", False), settings.pop("coverage", False)
    positions, residual = settings.pop("positions", None), settings.pop("residual", True)
    settings = {"embedding_size": 6, "hidden_size": 8, "dropout": 0.0} | settings
    return ModelConfig(
        cell=CELL_KINDS[cell],
        encoder=encoder,
        attention=AttentionConfig(attention, heads, coverage=coverage, positions=positions),
        decoder=DecoderConfig(decoder, num_layers=layers, residual=residual, context_gate=context_gate),
        **settings,
    )


def bundle(config: ModelConfig, tokenizer, lexicon=None, search=None, languages=("de", "en"), **others) -> Bundle:
    """The content of a model directory, with random weights."""
    directions = others.pop("directions", None) or Directions.of(*languages)
    described = BundleConfig.of(config, search or Beam(), tokenizer, directions, **others)
    return Bundle(described, build_model(config, tokenizer), tokenizer, lexicon)


def model(cell="lstm", decoder="gnmt", attention="general", vocab=VOCAB, **settings) -> Seq2Seq:
    """A model in double precision, so that two ways to compute a number agree to almost all digits."""
    torch.manual_seed(3)
    made = Seq2Seq(model_config(cell, decoder, attention, **settings), vocab, vocab, (PAD_ID, UNK_ID, BOS_ID))
    with torch.no_grad():
        for parameter in made.parameters():  # zero biases and peepholes would hide errors
            if parameter.abs().max() == 0:
                parameter.normal_(std=0.3)
    return made.double()


def sources(lengths: list[int], vocab=VOCAB) -> tuple[torch.Tensor, torch.Tensor]:
    """Padded random source ids of these lengths, including EOS."""
    generator = torch.Generator().manual_seed(5)
    src = torch.full((len(lengths), max(lengths)), PAD_ID)
    for row, length in zip(src, lengths, strict=True):
        row[: length - 1] = torch.randint(FIRST_ID, vocab, (length - 1,), generator=generator)
        row[length - 1] = EOS_ID
    return src, torch.tensor(lengths)


SUBJECTS = ["Der Hund", "Die Katze", "Ein Kind", "Anna", "Paul", "Die Frau"]
VERBS = ["sieht", "hört", "sucht", "findet", "mag"]
OBJECTS = ["den Ball", "das Haus", "einen Vogel", "die Stadt", "kein Boot"]
ENGLISH = {
    "Der Hund": "The dog", "Die Katze": "The cat", "Ein Kind": "A child", "Anna": "Anna", "Paul": "Paul",
    "Die Frau": "The woman", "sieht": "sees", "hört": "hears", "sucht": "seeks", "findet": "finds", "mag": "likes",
    "den Ball": "the ball", "das Haus": "the house", "einen Vogel": "a bird", "die Stadt": "the town",
    "kein Boot": "no boat",
}  # fmt: skip


def write_corpus(folder: Path) -> Path:
    """150 pairs of a tiny language: 130 for training, 20 for validation."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = [
        (f"{' '.join(parts)}.", f"{' '.join(ENGLISH[part] for part in parts)}.")
        for parts in itertools.product(SUBJECTS, VERBS, OBJECTS)
    ]
    pairs = pairs[::7] + [pair for i, pair in enumerate(pairs) if i % 7]
    for split, part in (("valid", pairs[:20]), ("train", pairs[20:])):
        for side, code in enumerate(("de", "en")):
            (folder / f"{split}.{code}").write_text("".join(f"{pair[side]}\n" for pair in part), encoding="utf-8")
    return folder


def lines(corpus_dir: Path, split: str) -> list[list[str]]:
    """A split's lines, German and English."""
    return [(corpus_dir / f"{split}.{code}").read_text(encoding="utf-8").splitlines() for code in ("de", "en")]


def prepared_text(pairs: int, tokens: int, corpus: Corpus, config: TokenizerConfig) -> Prepared:
    """A prepared text with sizes only: `pairs` pairs of `tokens` target pieces and one source piece fewer."""

    def lengths(rows):
        return np.full_like(rows, tokens - 1), np.full_like(rows, tokens)

    counts = SimpleNamespace(tokens=pairs * tokens)
    train = SimpleNamespace(rows=pairs, longest=tokens, counts=counts, lengths=lengths)
    return Prepared(None, train, None, [], {}, [], {}, [], [], corpus=corpus, tokenizer_config=config)


# Overrides of nmt-train for a run on the tiny language that takes a second or two.
QUICK = [
    *("tokenizer.vocab_size=320", "model.embedding_size=16", "model.hidden_size=24", "trainer.max_tokens=256"),
    *("trainer.log_every_steps=1", "trainer.max_epochs=2", "trainer.accelerator=cpu", "trainer.progress=false"),
    "trainer.tensorboard=false",
]


def data_of(corpus_dir: Path) -> list[str]:
    return ["data=files", f"data.dir={corpus_dir}", "data.src=de", "data.tgt=en"]


def run_config(corpus_dir: Path, runs_dir: Path, **changes):
    """A run on the tiny language that takes a second or two. `changes` are dotted keys with __ instead of dots."""
    data = {
        "run": "toy",
        "runs_dir": str(runs_dir),
        "cache_dir": str(runs_dir / ".cache"),
        "seed": 1,
        "data": {"name": "files", "src": "de", "tgt": "en", "dir": str(corpus_dir)},
        "tokenizer": {"vocab_size": 320},
        "model": to_dict(model_config(embedding_size=32, hidden_size=48, dropout=0.1)),
        "optim": {"learning_rate": 0.02, "schedule": "constant"},
        "search": {"name": "beam", "beam_size": 2},
        "trainer": {
            "max_epochs": 4,
            "max_tokens": 256,
            "log_every_steps": 2,
            "progress": False,
            "tensorboard": False,
            "accelerator": "cpu",
            "precision": "float32",
        },
    }
    for key, value in changes.items():
        node, (*parents, last) = data, key.split("__")
        for parent in parents:
            node = node[parent]
        node[last] = value
    return from_dict(RunConfig, data)
