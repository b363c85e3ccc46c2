"""Sentences as ids, cut where translation cuts them, so the display is bounded and shows what would be translated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nmt.text.protection import SYMBOL, SYMBOLS
from nmt.translation.sources import MAX_CHARS, MAX_PIECES, Source, sources_of
from nmt.translation.translator import Translator


def tagged_sources(translator: Translator, texts: Sequence[str]) -> list[Source]:
    """Sources with the direction's tags in front."""
    tags = translator.language_ids()
    return [
        replace(source, ids=[*tags, *source.ids])
        for source in sources_of(texts, translator.tokenizer, translator.guard)
    ]


def tgt_ids(
    translator: Translator, sources: Sequence[Source], texts: Sequence[str]
) -> tuple[list[list[int]], list[bool]]:
    """Ids without BOS and EOS, using the symbols of their sources, and whether the end of each text was left out."""
    masked = [source.text for source in sources]
    seen, most = translator.guard.masked_targets(masked, [text[:MAX_CHARS] for text in texts]), MAX_PIECES - 1
    encoded = [ids[1:-1] for ids in translator.tokenizer.encode_tgt(seen)]
    cut = [len(text) > MAX_CHARS or len(ids) > most for text, ids in zip(texts, encoded, strict=True)]
    return [ids[:most] for ids in encoded], cut


def tgt_text(translator: Translator, source: Source, ids: Sequence[int]) -> str:
    """The text of ids without BOS and EOS, with its symbols replaced by their values; symbols that the source lacks
    stay."""
    values = dict(zip(SYMBOLS, source.text.kept, strict=False))
    return SYMBOL.sub(lambda symbol: values.get(symbol[0], symbol[0]), translator.tokenizer.decode_tgt(ids))
