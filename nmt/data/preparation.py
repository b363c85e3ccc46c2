"""From a corpus to what training reads: a tokenizer, encoded training pairs, a lexicon, validation text.

Everything is done once and kept in a folder of the cache that is named by a hash of all that it depends on. The
folder appears by one rename when it is complete: a torn one is never seen, and two runs may prepare side by side.
Each file's checksum stands in the folder, so what was damaged later is not used either.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from nmt.data.cleaning import clean, held_out_share
from nmt.data.corpus import Corpus, Pair
from nmt.data.drafts import draft_folder
from nmt.data.encoded import EncodedCorpus, write_encoded
from nmt.data.lexicon import Lexicon, learn_lexicon
from nmt.data.normalization import outside
from nmt.data.oddities import blank_sides, equal_sides, oddities
from nmt.data.tokenizer import JOINT, SRC, TGT, Tokenizer, TokenizerConfig, train_tokenizer
from nmt.json_text import to_json

LAYOUT = 7  # raise it when the same input shall give other files
GROUP = 10_000  # sentences tokenised at once

COUNTS, CHECKSUMS = "counts.json", "checksums.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    tokenizer: Tokenizer
    train: EncodedCorpus
    lexicon: Lexicon
    valid: list[Pair]
    dropped: dict[str, int]  # training pairs left out, by reason
    faults: list[str]  # what was wrong with lines of the text (corpus.py)
    text: dict[str, str]  # a hash of each split
    parts: list[str]  # of the training text, by their names
    oddities: list[str]  # what may be a mistake (oddities.py)


def prepare(
    corpus: Corpus,
    config: TokenizerConfig,
    cache_dir: Path,
    tokenizer: Tokenizer | None = None,
    check: Callable[[dict[str, str]], None] = lambda text: None,
) -> Prepared:
    """Clean, tokenise and encode, or take all of it from the cache. A given `tokenizer` is used, not trained; `check`
    may refuse the text, by the hashes of its splits, before anything is made of it.

    Raises ValueError for unsound text, too little of it, or a vocabulary larger than it supports.
    """
    faults: list[str] = []
    valid = list(corpus.pairs(_split(corpus, "valid"), faults))
    blank_sides(valid)  # raises where there is nothing to validate with
    text = _fingerprints(corpus)
    check(text)
    folder = cache_dir / _key(text, corpus, config, tokenizer)
    if not _is_sound(folder):
        _make(folder, text, corpus, config, valid, tokenizer)
    else:
        log.info("prepared data taken from %s", folder)
    if tokenizer is None:
        models = {name: (folder / name).read_bytes() for name in (JOINT, SRC, TGT) if (folder / name).exists()}
        tokenizer = Tokenizer(models, *map(outside, config.normalizations))
    counts = json.loads((folder / COUNTS).read_text())
    with np.load(folder / "lexicon.npz", allow_pickle=False) as arrays:
        lexicon = Lexicon(*(torch.from_numpy(arrays[name]) for name in ("frequent", "likely")))
    train = EncodedCorpus(folder / "train.arrow")
    parts = corpus.parts(_split(corpus, "train"))
    odd = oddities(corpus, valid, len(train), counts["equal"], counts["dropped"])
    faults = counts["faults"] + faults
    return Prepared(tokenizer, train, lexicon, valid, counts["dropped"], faults, text, parts, odd)


def _split(corpus: Corpus, role: str) -> str:
    name = corpus.splits[role]
    if name is None:
        raise ValueError(f"data.{role} is not set")
    return name


def _held_out(corpus: Corpus, valid: list[Pair]) -> Iterator[Pair]:
    yield from valid
    if corpus.splits["test"]:
        yield from corpus.pairs(_split(corpus, "test"))


def _fingerprints(corpus: Corpus) -> dict[str, str]:
    return {role: corpus.fingerprint(name) for role, name in corpus.splits.items() if name}


def _key(text: dict[str, str], corpus: Corpus, config: TokenizerConfig, tokenizer: Tokenizer | None) -> str:
    src, tgt = config.normalizations
    own = replace(config, sampling=0.0, normalization=None, src_normalization=src, tgt_normalization=tgt)
    content = {
        "layout": LAYOUT,
        "text": text,
        "malformed": corpus.malformed,
        "cleaning": asdict(corpus.cleaning),
        "tokenizer": asdict(own) if tokenizer is None else tokenizer.content,
    }
    return hashlib.sha256(to_json(content, ascii_only=True, sort_keys=True).encode()).hexdigest()[:20]


def _is_sound(folder: Path) -> bool:
    """Whether the folder is there, with every file as it was made. One that is not is put out of the way."""
    if not folder.is_dir():
        return False
    try:
        if json.loads((folder / CHECKSUMS).read_text()) == checksums(folder):
            return True
    except (OSError, ValueError):
        pass
    log.warning("%s is damaged and is made anew", folder)
    shutil.rmtree(folder, ignore_errors=True)
    return False


def checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file of a folder but CHECKSUMS itself."""
    sums = {}
    for path in sorted(folder.iterdir()):
        if path.name != CHECKSUMS:
            with path.open("rb") as file:
                sums[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return sums


def _make(
    folder: Path,
    text: dict[str, str],
    corpus: Corpus,
    config: TokenizerConfig,
    valid: list[Pair],
    tokenizer: Tokenizer | None,
) -> None:
    def cleaned(dropped: Counter[str], faults: list[str]) -> Iterator[Pair]:
        pairs = corpus.pairs(_split(corpus, "train"), faults)
        return clean(pairs, corpus.cleaning, _held_out(corpus, valid), dropped)

    dropped, faults = Counter[str](), list[str]()
    if tokenizer is None:
        if next(cleaned(dropped, faults), None) is None:
            raise ValueError(_nothing_left(dropped, faults))
        dropped, faults = Counter(), []
        log.info("learning %d %s pieces", config.vocab_size, config.kind)
        tokenizer = train_tokenizer(
            config, (pair.src for pair in cleaned(Counter(), [])), (pair.tgt for pair in cleaned(Counter(), []))
        )
    with draft_folder(folder) as draft:
        equal = Counter[str]()
        encoded = _encode(cleaned(dropped, faults), tokenizer, corpus.cleaning.max_pieces, dropped, equal)
        if not write_encoded(draft / "train.arrow", encoded):
            raise ValueError(_nothing_left(dropped, faults))
        lexicon = learn_lexicon(
            EncodedCorpus(draft / "train.arrow"),
            tokenizer.src_vocab_size,
            tokenizer.tgt_vocab_size,
            tokenizer.joint,
        )
        np.savez(draft / "lexicon.npz", frequent=lexicon.frequent.numpy(), likely=lexicon.likely.numpy())
        for name, model in tokenizer.models.items():
            (draft / name).write_bytes(model)
        (draft / COUNTS).write_text(
            to_json({"dropped": dropped, "faults": faults, "equal": equal.total()}, ascii_only=True)
        )
        (draft / CHECKSUMS).write_text(to_json(checksums(draft)))
        if _fingerprints(corpus) != text:
            raise ValueError("the text changed while it was read; start again when it is complete")


def _nothing_left(dropped: Mapping[str, int], faults: list[str]) -> str:
    if not dropped and not faults:
        return "no training pair is left: the training text is empty"
    parts = ["no training pair is left"]
    if dropped:
        parts.append(held_out_share(0, dropped) or f"what was left out: {dict(dropped)}")
    if faults:
        parts.append(f"{len(faults)} fault(s) of the text, the first: {faults[0]}")
    return "; ".join(parts)


def _encode(
    pairs: Iterator[Pair], tokenizer: Tokenizer, max_pieces: int, dropped: Counter[str], equal: Counter[str]
) -> Iterator[tuple[list[int], list[int], int, int]]:
    threads = os.cpu_count() or 1
    while group := list(islice(pairs, GROUP)):
        src = tokenizer.encode_src([pair.src for pair in group], threads)
        tgt = tokenizer.encode_tgt([pair.tgt for pair in group], threads)
        for of_src, of_tgt, pair in zip(src, tgt, group, strict=True):
            if max(len(of_src), len(of_tgt)) <= max_pieces:
                equal["sides"] += equal_sides(pair)
                yield of_src, of_tgt, pair.line, pair.part
            else:
                dropped["too many pieces"] += 1
