"""Words of a translation that nothing in its source supports: what a model has made up.

The lexicon of the model (data/lexicon.py) tells which target pieces translate a source piece, the likeliest first. A
piece of a translation is supported when it is among the LIKELIEST of some piece of the source, or of those that come
from no piece; a word when all its pieces are. The measure is coarse, and one to compare by: a correct word that the
training text never had for this source is not supported either, so references have some, too.
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

LIKELIEST = 8  # of 32: told references from those of other sentences best, on validation text


class Support(NamedTuple):
    words: int
    unsupported: int

    @property
    def share(self) -> float | None:
        """None: there are no words."""
        return self.unsupported / self.words if self.words else None


def support(lexicon: Lexicon, tokenizer: Tokenizer, srcs: Sequence[str], tgts: Sequence[str]) -> Support:
    """Of all words of `tgts`, each the translation of its source."""
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
        # A sign of case spells nothing, and makes no word another.
        missing = torch.tensor([i not in supported and piece != "" for i, piece in zip(ids, pieces, strict=True)])
        unsupported = (of_words & missing[:, None]).any(0)
        found = Support(found.words + len(unsupported), found.unsupported + int(unsupported.sum()))
    return found


def noise(texts: Sequence[str], seed: int = 1) -> list[str]:
    """As many texts of as many words of as many letters, all drawn from the letters of `texts`: what is no language,
    to see what a model makes up where there is nothing to translate."""
    drawn = random.Random(seed)
    letters = sorted({letter.lower() for text in texts for letter in text if letter.isalpha()}) or ["a"]
    return [
        " ".join("".join(drawn.choice(letters) for _ in word) for word in text.split()) or drawn.choice(letters)
        for text in texts
    ]
