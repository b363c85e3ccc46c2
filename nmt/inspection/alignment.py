"""Attention as an alignment of words: in Pharaoh format, with or without weights.

Dims: A heads, S source and T target pieces, P source and Q target words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from nmt.data.batching import pad
from nmt.data.tokenizer import BOS_ID
from nmt.inspection.sentences import src_ids, tgt_ids
from nmt.translator import Translator

WORD_START = "▁"
BATCH = 32


def word_of(pieces: Sequence[str]) -> list[int]:
    """The number of the word, from 0, that each piece belongs to; words are what spaces separate."""
    words, number = [], -1
    for i, piece in enumerate(pieces):
        number += i == 0 or piece.startswith(WORD_START)
        words.append(number)
    return words


def word_weights(weights: Tensor, src: Sequence[str], tgt: Sequence[str]) -> Tensor:
    """Weights (T,S) of pieces without EOS -> of words (Q,P): summed over a source word's pieces, the mean over a
    target word's."""
    rows, columns = (torch.tensor(word_of(pieces), dtype=torch.long) for pieces in (tgt, src))
    if not len(rows) or not len(columns):
        return weights.new_zeros(0, 0)
    summed = weights.new_zeros(len(rows), int(columns[-1]) + 1).index_add(1, columns, weights)
    total = weights.new_zeros(int(rows[-1]) + 1, summed.shape[1]).index_add(0, rows, summed)
    return total / torch.bincount(rows)[:, None]


def pharaoh(weights: Tensor, threshold: float | None) -> str:
    """Weights of words (Q,P) -> "0-0 1-2": for each target word the source word that it attends to most; with a
    threshold every pair of at least that weight, as "0-0:0.93"."""
    if threshold is None:
        return " ".join(f"{p}-{q}" for q, p in enumerate(weights.argmax(-1).tolist()))
    pairs = (weights >= threshold).nonzero().tolist()
    return " ".join(f"{p}-{q}:{weights[q, p]:.3f}" for q, p in sorted(pairs, key=lambda pair: (pair[1], pair[0])))


@torch.inference_mode()
def align(
    translator: Translator, srcs: Sequence[str], tgts: Sequence[str], cut: list[bool] | None = None
) -> Iterator[Tensor]:
    """Weights of words (Q,P) of each sentence and its translation, over the mean of the heads. Whether the end of
    either was left out is added to `cut`.

    Raises ValueError for a model without attention.
    """
    if translator.model.decoder.attention.context_size == 0:
        raise ValueError("the model has no attention to align by (attention=none)")
    for start in range(0, len(srcs), BATCH):
        src, src_cut = src_ids(translator, srcs[start : start + BATCH])
        tgt, tgt_cut = tgt_ids(translator, tgts[start : start + BATCH])
        if cut is not None:
            cut += map(max, src_cut, tgt_cut)
        tensors = (*pad(src), pad([[BOS_ID, *ids] for ids in tgt])[0])
        _, weights = translator.model(*(tensor.to(translator.device) for tensor in tensors))
        for of_sentence, source, target in zip(weights.float().mean(1).cpu(), src, tgt, strict=True):
            of_pieces = of_sentence[: len(target), : len(source) - 1]  # neither side's EOS
            pieces = translator.tokenizer.src_pieces(source)[:-1], translator.tokenizer.tgt_pieces(target)
            yield word_weights(of_pieces, *pieces)
