"""What is unified in a text before it becomes pieces, and what is made valid.

Four of the names are rules of SentencePiece's, which stand in a .model file and are applied with it. What NFKC
unifies is content in part (½ becomes 1⁄2, ² becomes 2, full-width punctuation ASCII's): a model of such targets can
never write it. "nfc" unifies only the ways to spell one and the same character, "identity" nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Literal, cast, get_args
from unicodedata import normalize

import sentencepiece

Outside = Literal["nfc", "identity"]  # done, or left, outside SentencePiece
Rule = Literal["nmt_nfkc", "nmt_nfkc_cf", "nfkc", "nfkc_cf"]  # of SentencePiece's; _cf folds case, too
Normalization = Literal[Outside, Rule]
RULES: tuple[str, ...] = get_args(Rule)

# A .model file is a message of protocol buffers, and a field that follows another of its name counts: the
# normaliser's name and its table.
WITHOUT_RULE = b"\x1a\x0c\x0a\x08identity\x12\x00"


def valid(text: str) -> str:
    """The text with U+FFFD in place of every half of a character, which UTF-8 cannot spell and SentencePiece does not
    take. Python has them for bytes of its arguments that are not UTF-8, and JSON can spell them."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def outside(normalization: str) -> Outside | None:
    """What is not left to a rule in a .model file."""
    return cast(Outside, normalization) if normalization in get_args(Outside) else None


def sentencepiece_input(texts: Iterable[str], normalization: str | None) -> Iterator[str]:
    """What SentencePiece is given: valid text, and what is not its own to do done."""
    sound = map(valid, texts)
    return map(partial(normalize, "NFC"), sound) if normalization == "nfc" else sound


def normalized(texts: Iterable[str], normalization: str) -> Iterator[str]:
    """The text as its pieces see it, but for spaces; with a rule of SentencePiece's, too."""
    sound = sentencepiece_input(texts, normalization)
    if normalization not in RULES:
        return sound
    normalizer = sentencepiece.SentencePieceNormalizer(
        rule_name=normalization, add_dummy_prefix=False, escape_whitespaces=False, remove_extra_whitespaces=False
    )
    return map(normalizer.normalize, sound)


def with_rule(model: bytes, rule: str) -> bytes:
    """A .model file with another rule; every piece stays."""
    joined = model + sentencepiece.SentencePieceNormalizer(rule_name=rule).serialized_model_proto()
    return bytes(sentencepiece.SentencePieceProcessor(model_proto=joined).serialized_model_proto())


def rule_of(model: bytes) -> str:
    """The name of a .model file's own rule: one of RULES, "identity", or what a stranger called his."""
    spec = sentencepiece.SentencePieceNormalizer(model_proto=model).serialized_normalizer_spec()
    if spec[:1] != b"\x0a":  # the field of the name
        return ""
    return bytes(spec[2 : 2 + spec[1]]).decode(errors="replace")
