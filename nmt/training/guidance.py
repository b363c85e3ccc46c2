"""Guided alignment: in training attention is drawn to the source pieces that a target piece translates.

Which these are is IBM model 1's guess (data/lexicon.py), where far off the diagonal is less likely (as in Dyer et
al., 2013, "A simple, fast, and effective reparameterization of IBM model 2"). It is rough, but there before the first
update, when attention knows nothing: so it counts less and less, and nothing in the end (Chen et al., 2016,
arXiv:1607.01628; Liu et al., 2016, arXiv:1609.04186).

Dims: B sentences, S source tokens, T target tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nmt.data.batching import Batch
from nmt.data.encoded import EncodedCorpus
from nmt.data.lexicon import NOTHING, TranslationTable

TENSION = 3.0  # how fast likelihood falls with the distance from the diagonal, of which the longest is 1
OF_NOTHING = 0.3  # likelihood that a token translates none of the source's, as `TENSION` makes that of others
UNLIKELY = 1e-4  # pairs of pieces below that are as if they had never met


class Guide:
    """Of the pieces of a training text."""

    def __init__(self, corpus: EncodedCorpus, tgt_vocab_size: int) -> None:
        self.probability = TranslationTable.learned(corpus, tgt_vocab_size, UNLIKELY)

    def __call__(self, batch: Batch) -> Tensor:
        """Of each target token the share that it comes from each source token (B,T,S), up to 1 in all: the rest comes
        from none. Of the ends of sentences, and of pieces that have not met in the text, it is 0."""
        src, src_len, _, tgt, tgt_len, _ = batch
        self.probability = self.probability.to(src.device, torch.float32)
        likely = self.probability(src[:, None], tgt[..., None]) * _diagonal(src, src_len, tgt, tgt_len)
        likely = likely * _before_end(src, src_len)[:, None] * _before_end(tgt, tgt_len)[..., None]
        nothing = OF_NOTHING * self.probability(torch.full_like(tgt, NOTHING), tgt)[..., None]
        return likely / (likely.sum(-1, keepdim=True) + nothing).clamp(min=1e-9)


def _before_end(ids: Tensor, length: Tensor) -> Tensor:
    """(B,L), True for all but the end of a sentence and padding."""
    return torch.arange(ids.shape[1], device=ids.device) < (length - 1)[:, None]


def _diagonal(src: Tensor, src_len: Tensor, tgt: Tensor, tgt_len: Tensor) -> Tensor:
    """(B,T,S), 1 where a target token is as far on in its sentence as a source token is, and less elsewhere."""
    of_src, of_tgt = (
        (torch.arange(ids.shape[1], device=ids.device) + 0.5) / length.clamp(min=1)[:, None]
        for ids, length in ((src, src_len), (tgt, tgt_len))
    )
    return torch.exp(-TENSION * (of_tgt[..., None] - of_src[:, None]).abs())
