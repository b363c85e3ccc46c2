"""Prepare a corpus for training: a tokenizer, encoded training pairs, a lexicon, validation text.

Everything is done once and cached in a folder named by a hash of all inputs. The folder appears by one rename when it
is complete: nobody sees a partial one, and two runs may prepare side by side. It has a checksum of each file, so that
files damaged later are not used either.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nmt.common.files import sha256
from nmt.common.json_text import digest_of, to_json
from nmt.common.process import usable_cores
from nmt.data.augmentation import Aligner, augmented
from nmt.data.cleaning import Tally
from nmt.data.corpora import Corpus, Pair
from nmt.data.directions import Direction, Directions
from nmt.data.drafts import draft_folder
from nmt.data.duplicates import Duplicates
from nmt.data.encoded import EncodedCorpus, add_encoded, write_encoded
from nmt.data.lexicon import Lexicon, learn_lexicon
from nmt.data.normalization import outside
from nmt.data.oddities import blank_sides, equal_sides, oddities
from nmt.data.tokenizer import JOINT, SRC, TGT, Tokenizer, TokenizerConfig
from nmt.data.training_text import TrainingText, nothing_left
from nmt.data.validation import validation_text
from nmt.data.vocabulary import fitting

GROUP = 10_000  # sentences tokenised at once
LAYOUT = 9  # raise it when the same input must give other files
COUNTS, CHECKSUMS = "counts.json", "checksums.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    tokenizer: Tokenizer
    train: EncodedCorpus
    lexicon: Lexicon
    valid: list[Pair]
    dropped: dict[str, int]  # training pairs left out, by reason
    faults: list[str]  # faults in lines of the text (corpora)
    fingerprints: dict[str, str]  # of each split
    parts: list[str]  # names of the parts of the training text
    oddities: list[str]  # probable mistakes (oddities.py)
    corpus: Corpus  # with the automatic settings resolved
    tokenizer_config: TokenizerConfig  # likewise
    decisions: str = ""  # all resolved automatic settings, as a user types them
    sha256: str = ""  # of everything that training reads; must be the same in every process

    @property
    def directions(self) -> Directions:
        return self.corpus.every_direction

    def encode_src(self, pairs: Sequence[Pair]) -> list[list[int]]:
        """The ids of the sources, each with the tags of its direction."""
        return _encode_src(self.tokenizer, self.directions, pairs)


def prepare(
    corpus: Corpus,
    config: TokenizerConfig,
    cache_dir: Path,
    tokenizer: Tokenizer | None = None,
    check: Callable[[dict[str, str]], None] | None = None,
    auto: Collection[str] = (),
) -> Prepared:
    """Clean, tokenise and encode, or take the result from the cache. A given `tokenizer` is used, not trained.
    `check` gets the hashes of the splits and may refuse the text before it is used. The settings in `auto`
    ("data.valid", "tokenizer.vocab_size", "tokenizer.character_coverage") are derived from the text.

    Raises ValueError for unsound text, too little of it, or a vocabulary larger than it supports.
    """
    tally = Tally()  # of the validation text
    duplicates = Duplicates(partial(corpus.pairs, corpus.train), cache_dir)
    corpus, valid = validation_text(corpus, "data.valid" in auto, tally, duplicates)
    blank_sides(valid)  # raises if there is nothing to validate with
    text = corpus.fingerprints()
    if check:
        check(text)
    source = TrainingText(corpus, text, valid, tokenizer.rules if tokenizer else config.rules, duplicates)
    pieces = {key.removeprefix("tokenizer.") for key in auto} if tokenizer is None else set[str]()
    config = fitting(config, source.pairs(), pieces)
    folder = cache_dir / _key(text, corpus, config, tokenizer)
    learned = tokenizer
    if tokenizer is None and not _is_sound(folder):
        learned, config = source.learned(config, pieces)
        folder = cache_dir / _key(text, corpus, config, None)  # for the pieces that the text supports
    if not _is_sound(folder):
        assert learned is not None
        _make(folder, source, learned, config)
    else:
        log.info("prepared data taken from %s", folder)
    if tokenizer is None:
        sides = outside(config.normalizations[0]), outside(config.normalizations[1])
        models = {name: (folder / name).read_bytes() for name in (JOINT, SRC, TGT) if (folder / name).exists()}
        tokenizer = Tokenizer(models, *sides, config.rules)
    return _read(folder, tokenizer, source, config, tally.faults)


def _encode_src(
    tokenizer: Tokenizer, directions: Directions, pairs: Sequence[Pair], num_threads: int = 1
) -> list[list[int]]:
    """The ids of the pairs' sources, each with the tags of its direction."""
    encoded = tokenizer.encode_src([pair.src for pair in pairs], num_threads)
    if not directions.tags:
        return encoded
    tags = {one: tokenizer.control_ids(directions.tags_of(one)) for one in directions.every}
    return [[*tags[Direction(*pair.languages)], *ids] for pair, ids in zip(pairs, encoded, strict=True)]


def _encode_pairs(
    pairs: Iterator[Pair], tokenizer: Tokenizer, corpus: Corpus, tally: Tally
) -> Iterator[tuple[list[int], list[int], int, int]]:
    """Source ids, target ids, line and part of each pair that is not too long."""
    threads, directions = usable_cores(), corpus.every_direction
    while group := list(islice(pairs, GROUP)):
        src = _encode_src(tokenizer, directions, group, threads)
        tgt = tokenizer.encode_tgt([pair.tgt for pair in group], threads)
        for of_src, of_tgt, pair in zip(src, tgt, group, strict=True):
            if max(len(of_src), len(of_tgt)) <= corpus.cleaning.max_pieces:
                tally.equal += equal_sides(pair)
                yield of_src, of_tgt, pair.line, pair.part
            else:
                tally.dropped["too many pieces"] += 1


def _read(
    folder: Path, tokenizer: Tokenizer, source: TrainingText, config: TokenizerConfig, faults: list[str]
) -> Prepared:
    """The prepared data in a folder; `faults` are those of the validation text."""
    corpus, valid = source.corpus, source.valid
    counts = json.loads((folder / COUNTS).read_text())
    with np.load(folder / "lexicon.npz", allow_pickle=False) as arrays:
        lexicon = Lexicon(*(torch.from_numpy(arrays[name]) for name in ("frequent", "likely")))
    train = EncodedCorpus(folder / "train.arrow")
    sums = json.loads((folder / CHECKSUMS).read_text())
    read = [source.text, *(sums[name] for name in ("train.arrow", JOINT, SRC, TGT) if name in sums)]
    return Prepared(
        tokenizer,
        train,
        lexicon,
        valid,
        dropped=counts["dropped"],
        faults=counts["faults"] + faults,
        fingerprints=source.text,
        parts=corpus.every_part(corpus.train),
        oddities=oddities(corpus, valid, len(train), counts["equal"], counts["dropped"], tokenizer.rules),
        corpus=corpus,
        tokenizer_config=config,
        sha256=digest_of(read),
    )


def _key(text: dict[str, str], corpus: Corpus, config: TokenizerConfig, tokenizer: Tokenizer | None) -> str:
    src, tgt = config.normalizations
    own = replace(config, sampling=0.0, normalization=None, src_normalization=src, tgt_normalization=tgt)
    content = {
        "layout": LAYOUT,
        "text": text,
        "readings": [_reading(*bitext) for bitext in corpus.bitexts()],
        "tags": corpus.tags,
        "malformed": corpus.malformed,
        "cleaning": asdict(corpus.cleaning),
        "tokenizer": asdict(own) if tokenizer is None else tokenizer.content,
    }
    if corpus.splits["valid"] is None:
        content["held out"] = corpus.valid
    if tokenizer is not None and tokenizer.rules.symbols:
        content["copies"] = [config.protect_share, config.capitals_share]
    return digest_of(content)[:20]


def _reading(corpus: Corpus, directions: tuple[Direction, ...]) -> list[Any]:
    """How the text of one pair of languages is read; the same bytes could have more languages or another format."""
    forms = [corpus.forms(name) for name in corpus.splits.values() if name]
    return [corpus.src, corpus.tgt, list(map(str, directions)), forms]


def _is_sound(folder: Path) -> bool:
    """Whether the folder exists with every file as it was written. A damaged one is removed."""
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
    """The SHA-256 of every file in a folder except CHECKSUMS itself."""
    return {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.name != CHECKSUMS}


def _make(folder: Path, source: TrainingText, tokenizer: Tokenizer, config: TokenizerConfig) -> None:
    corpus, tally = source.corpus, Tally()
    with draft_folder(folder) as draft:
        encoded = _encode_pairs(source.pairs(tally, "encoding"), tokenizer, corpus, tally)
        if not write_encoded(draft / "train.arrow", encoded):
            raise ValueError(nothing_left(tally))
        if source.rules.symbols:
            aligner = Aligner(EncodedCorpus(draft / "train.arrow"), tokenizer)
            languages = Direction(corpus.src, corpus.tgt)
            made = augmented(source.pairs(what="copying"), source.rules, config, aligner, languages)
            add_encoded(draft / "train.arrow", _encode_pairs(made, tokenizer, corpus, Tally()))
        lexicon = learn_lexicon(
            EncodedCorpus(draft / "train.arrow"),
            tokenizer.src_vocab_size,
            tokenizer.tgt_vocab_size,
            tokenizer.joint,
        )
        np.savez(draft / "lexicon.npz", frequent=lexicon.frequent.numpy(), likely=lexicon.likely.numpy())
        for name, model in tokenizer.models.items():
            (draft / name).write_bytes(model)
        (draft / COUNTS).write_text(to_json(vars(tally), ascii_only=True))
        (draft / CHECKSUMS).write_text(to_json(checksums(draft)))
        if corpus.fingerprints() != source.text:
            raise ValueError("the text changed while it was read; start again when it is complete")
