"""Unicode normalisation of text before it is split into pieces.

Four of the names are rules of SentencePiece, which are stored in a .model file and applied with it. NFKC also changes
content (½ becomes 1⁄2, ² becomes 2, full-width punctuation becomes ASCII): a model trained on such targets can never
write the original. "nfc" unifies only different encodings of the same character, "identity" nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Literal, cast, get_args
from unicodedata import normalize

import sentencepiece

from nmt.common.stream import valid

Outside = Literal["nfc", "identity"]  # not done by SentencePiece
Rule = Literal["nmt_nfkc", "nmt_nfkc_cf", "nfkc", "nfkc_cf"]  # done by SentencePiece; _cf folds case, too
Normalization = Literal[Outside, Rule]
RULES: tuple[str, ...] = get_args(Rule)

# A .model file is a protocol buffer, in which a later field overrides an earlier one of the same number. These bytes
# override the normaliser's name and its table.
WITHOUT_RULE = b"\x1a\x0c\x0a\x08identity\x12\x00"


def outside(normalization: str) -> Outside | None:
    """A normalization that is not a rule in a .model file; None for one that is."""
    return cast(Outside, normalization) if normalization in get_args(Outside) else None


def sentencepiece_input(texts: Iterable[str], normalization: str | None) -> Iterator[str]:
    """The input of SentencePiece: valid text, in NFC if `normalization` is "nfc"."""
    sound = map(valid, texts)
    return map(partial(normalize, "NFC"), sound) if normalization == "nfc" else sound


def normalized(texts: Iterable[str], normalization: str) -> Iterator[str]:
    """The texts as SentencePiece splits them, except for spaces; its own rules are applied, too."""
    sound = sentencepiece_input(texts, normalization)
    if normalization not in RULES:
        return sound
    normalizer = sentencepiece.SentencePieceNormalizer(
        rule_name=normalization, add_dummy_prefix=False, escape_whitespaces=False, remove_extra_whitespaces=False
    )
    return map(normalizer.normalize, sound)


def with_rule(model: bytes, rule: str) -> bytes:
    """A .model file with another rule and the same pieces."""
    joined = model + sentencepiece.SentencePieceNormalizer(rule_name=rule).serialized_model_proto()
    return bytes(sentencepiece.SentencePieceProcessor(model_proto=joined).serialized_model_proto())


def rule_of(model: bytes) -> str:
    """The name of a .model file's own rule: one of RULES, "identity", or a stranger's name for his own."""
    spec = sentencepiece.SentencePieceNormalizer(model_proto=model).serialized_normalizer_spec()
    if spec[:1] != b"\x0a":  # the field of the name
        return ""
    return bytes(spec[2 : 2 + spec[1]]).decode(errors="replace")
