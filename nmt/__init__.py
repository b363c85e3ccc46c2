"""Recurrent machine translation: train, translate, evaluate, inspect.

>>> import nmt
>>> translator = nmt.load("runs/demo/model")
>>> translator.translate(["Der Hund schläft."])[0].text
'The dog sleeps.'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nmt.translator import Translator

__version__ = "0.1.0"


def load(
    model_dirs: str | Path | Sequence[str | Path],
    device: str = "auto",
    compute: str = "auto",
    shortlist: bool | None = None,
) -> Translator:
    """The translator of a model directory, or of several as an ensemble.

    `compute` is the precision of its products: float32, bfloat16, int8, or auto for the fastest here. With
    `shortlist` a sentence is searched among the pieces that are frequent or likely to translate its own; None: in
    every search but sampling, which draws from all.

    Raises ValueError for a directory that is not a sound model. Nothing in it is ever executed.
    """
    from nmt.translator import Translator  # here, so that `import nmt` costs nothing

    return Translator.load(model_dirs, device, compute, shortlist)
