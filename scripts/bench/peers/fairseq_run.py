"""fairseq's commands on raw text, in fairseq's environment:

    train TEXT SRC TGT RUN [OPTION ...]
    translate MODEL TEXT RUN SRC HYP BEAM BATCH

TEXT is a folder with train, valid, tokenizer.model and vocabulary.txt. fairseq needs text that is split into pieces
and binarized, and prints translations among other lines. Python 3.11 rejects defaults in the dataclasses of fairseq
and its Hydra as mutable, because they have no hash; so this script gives them one. An environment variable lets
torch, which is newer than fairseq, load the checkpoints made here.
"""

import contextlib
import dataclasses
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sentencepiece
import torch  # noqa: F401  (before the changes below)

plain: Any = dataclasses.dataclass


def hashable(cls: Any = None, **options: Any) -> Any:
    """dataclasses.dataclass, with a hash for the classes of these two libraries."""
    if cls is None:
        return lambda found: hashable(found, **options)
    is_theirs = cls.__module__.startswith(("fairseq", "hydra"))
    return plain(cls, **({"unsafe_hash": True} if is_theirs else {}) | options)


dataclasses.dataclass = hashable

from fairseq.modules.transformer_layer import TransformerEncoderLayerBase  # noqa: E402
from fairseq_cli import interactive, preprocess  # noqa: E402
from fairseq_cli import train as training  # noqa: E402

# fairseq's fast path calls a torch function that has changed since.
TransformerEncoderLayerBase.can_use_fastpath = property(lambda self: False, lambda self, value: None)

SPECIAL = 4  # special pieces of our vocabulary; fairseq adds its own


def run(main: Callable[[], Any], *arguments: object) -> None:
    sys.argv = ["fairseq", *map(str, arguments)]
    main()


def train(text: str, src: str, tgt: str, run_dir: str, *options: str) -> None:
    folder, binary = Path(text), Path(run_dir) / "binary"
    binary.mkdir(parents=True, exist_ok=True)
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    for split in ("train", "valid"):
        for language in (src, tgt):
            lines = (folder / f"{split}.{language}").read_text(encoding="utf-8").splitlines()
            cut = "".join(f"{' '.join(line)}\n" for line in pieces.encode(lines, out_type=str))
            (binary / f"{split}.pieces.{language}").write_text(cut, encoding="utf-8")
    words = (folder / "vocabulary.txt").read_text(encoding="utf-8").splitlines()[SPECIAL:]
    (binary / "dict.txt").write_text("".join(f"{word} 1\n" for word in words), encoding="utf-8")
    prefixes = ["--trainpref", binary / "train.pieces", "--validpref", binary / "valid.pieces"]
    languages = ["--source-lang", src, "--target-lang", tgt, "--destdir", binary]
    run(preprocess.cli_main, *languages, *prefixes, "--srcdict", binary / "dict.txt", "--joined-dictionary")
    run(training.cli_main, binary, "--save-dir", run_dir, "--task", "translation", *options)


def translate(model: str, text: str, run_dir: str, src: str, hyp: str, beam: str, batch: str) -> None:
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(Path(text) / "tokenizer.model"))
    lines = Path(src).read_text(encoding="utf-8").splitlines()
    cut = Path(f"{hyp}.pieces")
    cut.write_text("".join(f"{' '.join(line)}\n" for line in pieces.encode(lines, out_type=str)), encoding="utf-8")
    options = [
        "--input",
        cut,
        "--beam",
        beam,
        "--batch-size",
        batch,
        "--buffer-size",
        max(len(lines), int(batch)),
        "--cpu",
    ]
    with contextlib.redirect_stdout(io.StringIO()) as told:
        run(interactive.cli_main, Path(run_dir) / "binary", "--path", model, "--task", "translation", *options)
    found = [line.split("\t") for line in told.getvalue().splitlines() if line.startswith("H-")]
    best = {int(name[2:]): pieces.decode(words.split()) for name, _, words in found}
    Path(hyp).write_text("".join(f"{best.get(i, '')}\n" for i in range(len(lines))), encoding="utf-8")


COMMANDS: dict[str, Callable[..., None]] = {"train": train, "translate": translate}
COMMANDS[sys.argv[1]](*sys.argv[2:])
