"""Sentences as ids, cut where translating cuts them: what is shown is what would be translated, and is bounded."""

from __future__ import annotations

from collections.abc import Sequence

from nmt.translation.sources import MAX_CHARS, MAX_PIECES, sources_of
from nmt.translation.translator import Translator


def src_ids(translator: Translator, texts: Sequence[str]) -> tuple[list[list[int]], list[bool]]:
    """Ids with the tags of the direction and EOS, and whether the end of the text is left out of them."""
    sources = sources_of(texts, translator.tokenizer, translator.guard)
    tags = translator.language_ids()
    return [tags + source.ids for source in sources], [source.is_cut for source in sources]


def tgt_ids(translator: Translator, texts: Sequence[str]) -> tuple[list[list[int]], list[bool]]:
    """Ids without BOS and EOS, and whether the end of the text is left out of them."""
    seen, most = [translator.guard.masked(text[:MAX_CHARS]).text for text in texts], MAX_PIECES - 1
    encoded = [ids[1:-1] for ids in translator.tokenizer.encode_tgt(seen)]
    cut = [len(text) > MAX_CHARS or len(ids) > most for text, ids in zip(texts, encoded, strict=True)]
    return [ids[:most] for ids in encoded], cut
