"""From a corpus to what training reads: a tokenizer, encoded training pairs, a lexicon, validation text.

Everything is done once and kept in a folder of the cache that is named by a hash of all that it depends on. The
folder appears by one rename when it is complete: a torn one is never seen, and two runs may prepare side by side.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from nmt.data.cleaning import clean
from nmt.data.corpus import Corpus, Pair
from nmt.data.encoded import EncodedCorpus, write_encoded
from nmt.data.lexicon import Lexicon, learn_lexicon
from nmt.data.tokenizer import JOINT, SRC, TGT, Tokenizer, TokenizerConfig, train_tokenizer

LAYOUT = 2  # raise it when the same input shall give other files
GROUP = 10_000  # sentences tokenised at once

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    tokenizer: Tokenizer
    train: EncodedCorpus
    lexicon: Lexicon
    valid: list[Pair]
    dropped: dict[str, int]  # training pairs left out, by reason


def prepare(corpus: Corpus, config: TokenizerConfig, cache_dir: Path, tokenizer: Tokenizer | None = None) -> Prepared:
    """Clean, tokenise and encode, or take all of it from the cache. A given `tokenizer` is used, not trained.

    Raises ValueError for unsound text, too little of it, or a vocabulary larger than it supports.
    """
    valid = list(corpus.pairs(_split(corpus, "valid")))
    if not valid:
        raise ValueError("the validation text is empty")
    folder = cache_dir / _key(corpus, config, tokenizer)
    if not folder.is_dir():
        _make(folder, corpus, config, valid, tokenizer)
    else:
        log.info("prepared data taken from %s", folder)
    models = {name: (folder / name).read_bytes() for name in (JOINT, SRC, TGT) if (folder / name).exists()}
    dropped = json.loads((folder / "dropped.json").read_text())
    with np.load(folder / "lexicon.npz", allow_pickle=False) as arrays:
        lexicon = Lexicon(*(torch.from_numpy(arrays[name]) for name in ("frequent", "likely")))
    return Prepared(Tokenizer(models), EncodedCorpus(folder / "train.arrow"), lexicon, valid, dropped)


def _split(corpus: Corpus, role: str) -> str:
    name = corpus.splits[role]
    if name is None:
        raise ValueError(f"data.{role} is not set")
    return name


def _held_out(corpus: Corpus, valid: list[Pair]) -> Iterator[Pair]:
    yield from valid
    if corpus.splits["test"]:
        yield from corpus.pairs(_split(corpus, "test"))


def _key(corpus: Corpus, config: TokenizerConfig, tokenizer: Tokenizer | None) -> str:
    content = {
        "layout": LAYOUT,
        "text": {role: corpus.fingerprint(name) for role, name in corpus.splits.items() if name},
        "cleaning": asdict(corpus.cleaning),
        "tokenizer": asdict(replace(config, sampling=0.0))
        if tokenizer is None
        else {name: hashlib.sha256(model).hexdigest() for name, model in tokenizer.models.items()},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:20]


def _make(
    folder: Path, corpus: Corpus, config: TokenizerConfig, valid: list[Pair], tokenizer: Tokenizer | None
) -> None:
    def cleaned(dropped: Counter[str]) -> Iterator[Pair]:
        pairs = corpus.pairs(_split(corpus, "train"))
        return clean(pairs, corpus.cleaning, _held_out(corpus, valid), dropped)

    if tokenizer is None:
        log.info("learning %d %s pieces", config.vocab_size, config.kind)
        tokenizer = train_tokenizer(
            config, (pair.src for pair in cleaned(Counter())), (pair.tgt for pair in cleaned(Counter()))
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        dropped: Counter[str] = Counter()
        encoded = _encode(cleaned(dropped), tokenizer, corpus.cleaning.max_pieces, dropped)
        if not write_encoded(draft / "train.arrow", encoded):
            raise ValueError(f"no training pair is left; what was left out: {dict(dropped)}")
        lexicon = learn_lexicon(
            EncodedCorpus(draft / "train.arrow"),
            tokenizer.src_vocab_size,
            tokenizer.tgt_vocab_size,
            tokenizer.joint,
        )
        np.savez(draft / "lexicon.npz", frequent=lexicon.frequent.numpy(), likely=lexicon.likely.numpy())
        for name, model in tokenizer.models.items():
            (draft / name).write_bytes(model)
        (draft / "dropped.json").write_text(json.dumps(dropped))
        draft.chmod(0o755)
        try:
            draft.rename(folder)
        except OSError:
            if not folder.is_dir():  # another run was first, with the same content
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _encode(
    pairs: Iterator[Pair], tokenizer: Tokenizer, max_pieces: int, dropped: Counter[str]
) -> Iterator[tuple[list[int], list[int]]]:
    threads = os.cpu_count() or 1
    while group := list(islice(pairs, GROUP)):
        src = tokenizer.encode_src([pair.src for pair in group], threads)
        tgt = tokenizer.encode_tgt([pair.tgt for pair in group], threads)
        for ids in zip(src, tgt, strict=True):
            if max(map(len, ids)) <= max_pieces:
                yield ids
            else:
                dropped["too many pieces"] += 1
