"""Words of a translation that nothing in its source supports: the model's inventions.

The model's lexicon (data/lexicon.py) lists the likeliest translations of each source piece. A target piece is
supported if it is among the LIKELIEST of a piece of the source, or of those that come from no piece; a word is
supported if all its pieces are. The measure is coarse and only for comparisons: a correct word that the training text
never had for this source is unsupported too, so references have some.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

import torch

from nmt.data.lexicon import NOTHING, Lexicon
from nmt.data.tokenizer import SPECIAL_IDS, Tokenizer
from nmt.inspection.alignment import word_shares
from nmt.text.pieces import spelt

LIKELIEST = 8  # of 32: best separated references from those of other sentences, on validation text


class Support(NamedTuple):
    words: int
    unsupported: int

    @property
    def share(self) -> float | None:
        """The share of unsupported words; None if there are no words."""
        return self.unsupported / self.words if self.words else None


def support(lexicon: Lexicon, tokenizer: Tokenizer, srcs: Sequence[str], tgts: Sequence[str]) -> Support:
    """Counts over all words of `tgts`, the translations of `srcs`."""
    likely = lexicon.likely[:, :LIKELIEST].cpu()
    from_nothing = set(likely[NOTHING].tolist())
    found = Support(0, 0)
    for src, tgt in zip(tokenizer.encode_src(srcs), tokenizer.encode_tgt(tgts), strict=True):
        supported = from_nothing | set(likely[src].flatten().tolist())
        ids = [piece for piece in tgt if piece not in SPECIAL_IDS]
        if not ids:
            continue
        pieces = spelt(tokenizer.tgt_pieces(ids), tokenizer.rules)
        of_words = word_shares(pieces) > 0  # (pieces, words)
        # A piece that only marks case spells nothing, so it does not make a word unsupported.
        missing = torch.tensor([i not in supported and piece != "" for i, piece in zip(ids, pieces, strict=True)])
        unsupported = (of_words & missing[:, None]).any(0)
        found = Support(found.words + len(unsupported), found.unsupported + int(unsupported.sum()))
    return found


def noise(texts: Sequence[str], seed: int = 1) -> list[str]:
    """Random letters of `texts`, in texts and words of the same number and length. They show what a model invents
    when there is nothing to translate."""
    drawn = random.Random(seed)
    letters = sorted({letter.lower() for text in texts for letter in text if letter.isalpha()}) or ["a"]
    return [
        " ".join("".join(drawn.choice(letters) for _ in word) for word in text.split()) or drawn.choice(letters)
        for text in texts
    ]
