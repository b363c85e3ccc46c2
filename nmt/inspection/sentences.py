"""Sentences as ids, cut where translating cuts them: what is shown is what would be translated, and is bounded."""

from __future__ import annotations

from collections.abc import Sequence

from nmt.data.tokenizer import EOS_ID
from nmt.translator import MAX_CHARS, MAX_PIECES, Translator


def src_ids(translator: Translator, texts: Sequence[str]) -> tuple[list[list[int]], list[bool]]:
    """Ids with the tags of the direction and EOS, and whether the end of the text is left out of them."""
    tags = translator.language_ids()
    encoded = translator.tokenizer.encode_src([translator.guard.masked(text[:MAX_CHARS]).text for text in texts])
    kept = [ids if len(ids) <= MAX_PIECES else [*ids[: MAX_PIECES - 1], EOS_ID] for ids in encoded]
    return [tags + ids for ids in kept], _cut(texts, encoded, MAX_PIECES)


def tgt_ids(translator: Translator, texts: Sequence[str]) -> tuple[list[list[int]], list[bool]]:
    """Ids without BOS and EOS, and whether the end of the text is left out of them."""
    seen = [translator.guard.masked(text[:MAX_CHARS]).text for text in texts]
    encoded = [ids[1:-1] for ids in translator.tokenizer.encode_tgt(seen)]
    return [ids[: MAX_PIECES - 1] for ids in encoded], _cut(texts, encoded, MAX_PIECES - 1)


def _cut(texts: Sequence[str], encoded: Sequence[list[int]], limit: int) -> list[bool]:
    return [len(text) > MAX_CHARS or len(ids) > limit for text, ids in zip(texts, encoded, strict=True)]
