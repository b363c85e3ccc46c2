"""Guided alignment: training draws attention to the source pieces that a target piece translates.

IBM model 1 (data/lexicon.py) guesses these pieces, with those far off the diagonal less likely (as in Dyer et al.,
2013, "A simple, fast, and effective reparameterization of IBM model 2"). The guess is rough, but available before the
first update, when attention has learned nothing. Its weight therefore falls during training and is zero at the end
(Chen et al., 2016, arXiv:1607.01628; Liu et al., 2016, arXiv:1609.04186).

Dims: B sentences, S source tokens, T target tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nmt.data.batching import Batch
from nmt.data.encoded import EncodedCorpus
from nmt.data.lexicon import NOTHING, TranslationTable

TENSION = 3.0  # how fast likelihood falls with the distance from the diagonal, at most 1
OF_NOTHING = 0.3  # likelihood that a token translates no source token, on the scale of `TENSION`
UNLIKELY = 1e-4  # a pair of pieces less likely than this counts as never seen


class Guide:
    """The guide for the pieces of a training text."""

    def __init__(self, corpus: EncodedCorpus, tgt_vocab_size: int) -> None:
        self.probability = TranslationTable.learned(corpus, tgt_vocab_size, UNLIKELY)

    def __call__(self, batch: Batch) -> Tensor:
        """For each target token, the probabilities that it translates each source token (B,T,S). They sum to at most
        1; the rest means no source token. They are 0 for ends of sentences and for pieces that never met in the
        text."""
        src, src_len, _, tgt, tgt_len, _ = batch
        self.probability = self.probability.to(src.device, torch.float32)
        likely = self.probability(src[:, None], tgt[..., None]) * _diagonal(src, src_len, tgt, tgt_len)
        likely = likely * _before_end(src, src_len)[:, None] * _before_end(tgt, tgt_len)[..., None]
        nothing = OF_NOTHING * self.probability(torch.full_like(tgt, NOTHING), tgt)[..., None]
        return likely / (likely.sum(-1, keepdim=True) + nothing).clamp(min=1e-9)


def _before_end(ids: Tensor, length: Tensor) -> Tensor:
    """(B,L), False for the end of a sentence and padding."""
    return torch.arange(ids.shape[1], device=ids.device) < (length - 1)[:, None]


def _diagonal(src: Tensor, src_len: Tensor, tgt: Tensor, tgt_len: Tensor) -> Tensor:
    """(B,T,S), 1 where target and source token are equally far through their sentences, and less elsewhere."""
    of_src, of_tgt = (
        (torch.arange(ids.shape[1], device=ids.device) + 0.5) / length.clamp(min=1)[:, None]
        for ids, length in ((src, src_len), (tgt, tgt_len))
    )
    return torch.exp(-TENSION * (of_tgt[..., None] - of_src[:, None]).abs())
