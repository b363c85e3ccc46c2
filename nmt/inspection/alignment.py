"""Attention as an alignment of words: in Pharaoh format, with or without weights.

languages.py defines words: units between spaces, or single characters in scripts without spaces.

Dims: A heads, S source and T target pieces, P source and Q target words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from nmt.data.batching import pad
from nmt.data.tokenizer import BOS_ID
from nmt.inspection.sentences import tagged_sources, tgt_ids
from nmt.languages import is_word
from nmt.text.pieces import SPACE, characters, spelt
from nmt.translation.translator import Translator

BATCH = 32


class Alignment(NamedTuple):
    weights: Tensor  # of words (Q,P), averaged over heads
    is_cut: bool  # whether the end of either side was left out


def word_shares(pieces: Sequence[str]) -> Tensor:
    """The shares, adding up to 1, of each piece in each word (pieces, words). A lone space or a piece that spells
    nothing (see `spelt`) belongs to the word that follows."""
    rows: list[dict[int, int]] = [{} for _ in pieces]
    word, begins = -1, True
    for character, owners in characters(pieces):
        is_space = character == SPACE or character.isspace()
        word += not is_space and (begins or is_word(character))
        begins = is_space or is_word(character)
        for piece in owners if not is_space else ():
            rows[piece][word] = rows[piece].get(word, 0) + 1
    last = max(word, 0)
    shares, following = torch.zeros(len(pieces), last + 1), last
    for piece in reversed(range(len(pieces))):
        for number, count in (rows[piece] or {following: 1}).items():
            shares[piece, number] = count
        following = min(rows[piece], default=following)
    return shares / shares.sum(1, keepdim=True)


def word_weights(weights: Tensor, src: Sequence[str], tgt: Sequence[str]) -> Tensor:
    """Weights (T,S) of pieces without EOS -> of words (Q,P): the sum over a source word's pieces and the mean over a
    target word's."""
    if not src or not tgt:
        return weights.new_zeros(0, 0)
    of_tgt, of_src = (word_shares(pieces).to(weights) for pieces in (tgt, src))
    return of_tgt.T @ weights @ of_src / of_tgt.sum(0)[:, None]


def pharaoh(weights: Tensor, threshold: float | None) -> str:
    """Weights of words (Q,P) -> "0-0 1-2": each target word with the source word that it attends to most. With a
    threshold, every pair of at least that weight, as "0-0:0.93"."""
    if not weights.numel():  # blank text has no words
        return ""
    if threshold is None:
        return " ".join(f"{p}-{q}" for q, p in enumerate(weights.argmax(-1).tolist()))
    pairs = (weights >= threshold).nonzero().tolist()
    return " ".join(f"{p}-{q}:{weights[q, p]:.3f}" for q, p in sorted(pairs, key=lambda pair: (pair[1], pair[0])))


@torch.inference_mode()
def align(translator: Translator, srcs: Sequence[str], tgts: Sequence[str]) -> Iterator[Alignment]:
    """Each sentence with its translation. Raises ValueError for a model without attention."""
    if translator.model.decoder.attention.context_size == 0:
        raise ValueError("the model has no attention to align by (attention=none)")
    tags, tokenizer = len(translator.language_ids()), translator.tokenizer
    for start in range(0, len(srcs), BATCH):
        texts = srcs[start : start + BATCH]
        sources = tagged_sources(translator, texts)
        tgt, tgt_cut = tgt_ids(translator, sources, tgts[start : start + BATCH])
        tensors = (*pad([source.ids for source in sources]), pad([[BOS_ID, *ids] for ids in tgt])[0])
        _, weights = translator.model(*(tensor.to(translator.device) for tensor in tensors))
        of_batch = weights.float().mean(1).cpu()
        for of_sentence, text, source, ids, is_cut in zip(of_batch, texts, sources, tgt, tgt_cut, strict=True):
            of_pieces = of_sentence[: len(ids), tags : len(source.ids) - 1]  # neither side's EOS
            own = [text[start:end] for *_, start, end in source.text.edits]  # a term has another form in the target
            src_pieces = spelt(tokenizer.src_pieces(source.ids[tags:-1]), tokenizer.rules, own)
            tgt_pieces = spelt(tokenizer.tgt_pieces(ids), tokenizer.rules, source.text.kept)
            yield Alignment(word_weights(of_pieces, src_pieces, tgt_pieces), source.is_cut or is_cut)
