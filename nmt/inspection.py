"""What a model does, as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure

from nmt.data.tokenizer import EOS_ID
from nmt.translator import Translator


def attention_of(translator: Translator, sentence: str) -> tuple[list[str], list[str], torch.Tensor]:
    """Translate one sentence -> its source pieces (S), target pieces with EOS (T), and weights (A,T,S).

    Raises ValueError when there is nothing to translate, or the model has no attention.
    """
    (src,) = translator.tokenizer.encode_src([sentence])
    if len(src) == 1:
        raise ValueError("the sentence is empty")
    (best,) = translator.translate([sentence])
    tgt = [translator.tokenizer.tgt.piece_to_id(piece) for piece in best.tokens]
    weights = translator.attention(src, tgt).float().cpu()
    if not weights.any():
        raise ValueError("the model has no attention to show (attention=none)")
    return translator.tokenizer.src_pieces(src), [*best.tokens, translator.tokenizer.tgt.id_to_piece(EOS_ID)], weights


def draw_attention(src: Sequence[str], tgt: Sequence[str], weights: torch.Tensor, picture: Path) -> None:
    """A heat map a head: targets downwards, sources across. The suffix of `picture` gives the format.

    Raises ValueError for a format that matplotlib does not write.
    """
    heads = len(weights)
    figure = Figure(figsize=(heads * (1.5 + 0.35 * len(src)), 1.5 + 0.35 * len(tgt)), layout="constrained")
    for head, axes in enumerate(figure.subplots(1, heads, squeeze=False)[0]):
        image = axes.imshow(weights[head], vmin=0, vmax=1, cmap="viridis")
        axes.set_xticks(range(len(src)), src, rotation=60, ha="right")
        axes.set_yticks(range(len(tgt)), tgt)
        if heads > 1:
            axes.set_title(f"head {head + 1}")
    figure.colorbar(image, ax=figure.axes, label="attention weight", shrink=0.8)
    figure.savefig(picture, dpi=120)
