"""The text of a comparison: the first pairs of a seeded shuffle, and the pieces that all systems share."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.config import load_config
from nmt.common.files import write_atomically
from nmt.data.readers import read_lines
from nmt.sweep.overrides import typed
from nmt.training.auto_settings import prepared_by_text

SEED = 26
JUDGED = "judged"  # the split for choosing the best of a system's models


@dataclass(frozen=True)
class Text:
    folder: Path  # train, valid and tests of both sides, tokenizer.model, vocabulary.txt (one piece per line)
    src: str
    tgt: str
    tests: tuple[str, ...]
    overrides: tuple[str, ...]  # of nmt-train, besides the location of the text
    pieces: int
    max_tokens: int  # per batch

    def path(self, split: str, language: str) -> Path:
        return self.folder / f"{split}.{language}"

    def lines(self, split: str, language: str) -> list[str]:
        return list(read_lines(self.path(split, language)))

    @property
    def arguments(self) -> list[str]:
        """The arguments of nmt-train."""
        where = ["data=files", typed("data.dir", str(self.folder)), f"data.src={self.src}", f"data.tgt={self.tgt}"]
        tests = [f"data.test={self.tests[0]}"] if self.tests else []
        return [*where, *tests, typed("cache_dir", str(self.folder.parent / "cache")), *self.overrides]


def make_text(
    folder: Path,
    source: Path,
    languages: tuple[str, str],
    tests: tuple[str, ...],
    pairs: int,
    overrides: list[str],
    valid_lines: int | None = None,
) -> Text:
    """Make the text in `folder`, once, from the whole text in `source`. The split JUDGED has the first `valid_lines`
    of the validation text. nmt-train's code learns the pieces and chooses the batch size from the text and
    `overrides`. Raises ValueError if files are missing or do not match, or if `folder` was made with other
    settings."""
    text = Text(folder, *languages, tests, tuple(overrides), 0, 0)
    wanted = json.loads(json.dumps(asdict(text), default=str))
    wanted |= {"source": str(source.resolve()), "pairs": pairs, "valid_lines": valid_lines}
    known = folder / "text.json"
    if known.exists():
        found = json.loads(known.read_text())
        sizes = {name: found[name] for name in ("pieces", "max_tokens")}
        if found != wanted | sizes:
            raise ValueError(f"{folder} has another text or other settings; choose another --output")
        return Text(folder, *languages, tests, tuple(overrides), **sizes)
    folder.mkdir(parents=True, exist_ok=True)
    sides = [list(read_lines(source / f"train.{language}")) for language in languages]
    if len(sides[0]) != len(sides[1]):
        raise ValueError(f"train.{languages[0]} and train.{languages[1]} of {source} differ in their number of lines")
    if pairs > len(sides[0]):
        raise ValueError(f"{source} has {len(sides[0])} pairs, so no {pairs}")
    lines = list(zip(*sides, strict=True))
    random.Random(SEED).shuffle(lines)
    for side, language in enumerate(languages):
        write_atomically(text.path("train", language), "".join(f"{one[side]}\n" for one in lines[:pairs]).encode())
        for split in ("valid", *tests):
            link = text.path(split, language)
            link.unlink(missing_ok=True)
            link.symlink_to((source / link.name).resolve(strict=True))
        judged = text.lines("valid", language)[:valid_lines]
        write_atomically(text.path(JUDGED, language), "".join(f"{line}\n" for line in judged).encode())
    config, prepared = prepared_by_text(load_config(text.arguments))
    (model,) = prepared.tokenizer.models.values()
    write_atomically(folder / "tokenizer.model", model)
    pieces = prepared.tokenizer.tgt_pieces(range(prepared.tokenizer.tgt_vocab_size))
    write_atomically(folder / "vocabulary.txt", "".join(f"{piece}\n" for piece in pieces).encode())
    sizes = {"pieces": len(pieces), "max_tokens": config.trainer.max_tokens}
    write_atomically(known, json.dumps(wanted | sizes, indent=2).encode())
    return Text(folder, *languages, tests, tuple(overrides), **sizes)
